/** Inflicts faults one after the other, several at a time where they do not touch the API server, and gathers what came of each. */
import { createNamedRandom } from "../../src/playground/random.ts";
import { startControlPlane } from "../support/control-plane.ts";
import { installDeployed } from "../support/deployed.ts";
import { openEmbeddedControlled } from "../support/held.ts";
import { openEmbedded, openReal } from "../support/kubernetes-apis.ts";
import type { Fault } from "./fault.ts";
import type { Mode } from "./fleet.ts";
import type { Row } from "./report.ts";
import { type Group, runUnder, type Result, type Servers } from "./runs.ts";

export interface TableOptions {
  readonly mode: Mode;
  readonly faults: readonly Fault[];
  readonly seed: number;
  /** For each fault, instead of its own number. */
  readonly deliveries?: number;
  /** Groups of runs at a time. */
  readonly lanes: number;
  /** On the embedded API, also where there could be a real control plane. */
  readonly onEmbedded?: boolean;
  readonly onResult: (fault: Fault, result: Result) => void;
}

/** Where there is no real control plane, faults that need one are left out, and the others meet the embedded API. */
export async function runTable(options: TableOptions): Promise<readonly Row[]> {
  return process.env.KUBEBUILDER_ASSETS && !options.onEmbedded ? onControlPlane(options) : onEmbedded(options);
}

/** Faults of the control plane itself have another one, so that they harm nobody else. */
async function onControlPlane(options: TableOptions): Promise<readonly Row[]> {
  const isOwn = ({ ownControlPlane = false }: Fault): boolean => ownControlPlane;
  const { mode } = options;
  const shared = withControlPlane(mode, options.faults.filter((fault) => !isOwn(fault)), (faults, { api }) => inflictAll({ ...options, faults }, { api }));
  const own = withControlPlane(mode, options.faults.filter(isOwn), (faults, servers) => inflictAll({ ...options, faults, lanes: 1 }, servers));
  const rows = (await Promise.all([shared, own])).flat();
  return options.faults.map((fault) => rows.find((row) => row.fault === fault)!);
}

async function withControlPlane({ needsControllers }: Mode, faults: readonly Fault[], inflict: (faults: readonly Fault[], servers: Servers) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  if (faults.length === 0) return [];
  const controlPlane = await startControlPlane({ controllers: needsControllers });
  try {
    await installDeployed(controlPlane);
    return await inflict(faults, { api: openReal(controlPlane.address), controlPlane });
  } finally {
    await controlPlane.close();
  }
}

async function onEmbedded(options: TableOptions): Promise<readonly Row[]> {
  const api = await (options.mode.needsControllers ? openEmbeddedControlled() : openEmbedded());
  try {
    return await inflictAll({ ...options, faults: options.faults.filter(({ ownControlPlane }) => !ownControlPlane) }, { api });
  } finally {
    await api.close();
  }
}

async function inflictAll(options: TableOptions, servers: Servers): Promise<readonly Row[]> {
  const results = new Map<Fault, Result[]>(options.faults.map((fault) => [fault, []]));
  const inflict = async (group: Group): Promise<void> => {
    const { fault, size } = group;
    const result = await runUnder(group, servers).catch((error: unknown) => notInflicted(size, error));
    results.get(fault)!.push(result);
    options.onResult(fault, result);
  };
  await inLanes(options.faults.flatMap((fault) => groupsOf(options, fault)), options.lanes, inflict);
  return options.faults.map((fault) => ({ fault, results: results.get(fault)! }));
}

/** What could not even be tried has not held. */
function notInflicted(deliveries: number, error: unknown): Result {
  const violations = [`could not be inflicted: ${error instanceof Error ? error.message : String(error)}`];
  return { deliveries, runs: 0, violations, untilNormal: [], traffic: { sent: 0, failed: 0, harmed: 0 }, routes: 0, statuses: 0, evidence: [] };
}

function groupsOf({ mode, seed, deliveries: asked }: TableOptions, fault: Fault): readonly Group[] {
  const { deliveries, atOnce } = { ...mode.sizeOf(fault), ...(asked === undefined ? {} : { deliveries: asked }) };
  const groupAt = (index: number): Group => ({ fault, mode, index, size: Math.min(atOnce, deliveries - index * atOnce), random: createNamedRandom(seed, `${fault.part} ${fault.name} ${index}`) });
  return Array.from({ length: Math.ceil(deliveries / atOnce) }, (_, index) => groupAt(index));
}

async function inLanes<Work>(all: readonly Work[], lanes: number, act: (work: Work) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const lane = async (): Promise<void> => {
    for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) await act(work);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
