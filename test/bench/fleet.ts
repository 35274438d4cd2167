/** From a failing answer to the route write, where one Rollout runs and where a hundred do, with two hundred at rest beside them. `npm run bench:fleet -- [--real] [--running 100] [--resting 200] [--rounds 9] [--seed 1]` */
import { parseArgs } from "node:util";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { medianOf } from "../chaos/measured.ts";
import { openEmbeddedApi, openRealApi, type FleetApi } from "../soak/fleet-api.ts";
import { openFleet, type Fleet, type FleetApp } from "../soak/fleet.ts";
import { CANARY, STABLE } from "../support/deliveries.ts";

interface Options {
  readonly running: number;
  readonly resting: number;
  readonly rounds: number;
  readonly seed: number;
  readonly real: boolean;
}

/** What Prometheus was asked, and when its answer had been handed over. */
interface Answered {
  readonly query: string;
  readonly atMs: number;
}

interface Phase {
  /** From the answer to the write, one for each round. */
  readonly tookMs: readonly number[];
  readonly queriesPerInterval: number;
}

const BAD = 0.5;
const INTERVAL_MS = 5_000;
/** Whoever runs goes on running: a step takes longer than the bench. */
const SPEC: Partial<RolloutSpecInput> = {
  strategy: { propagation: "1s", progressDeadline: "10m", rollbackWindow: 0, steps: [{ weight: 10, hold: "2h" }, { weight: 100, hold: "1m" }] },
  analysis: { interval: `${INTERVAL_MS / 1_000}s`, settle: "1s", warmup: "1s", minRequests: 4, metrics: [{ name: "errors", errorRate: { max: "10%" } }] },
};

async function main(options: Options): Promise<void> {
  const api = await (options.real ? openRealApi() : openEmbeddedApi());
  try {
    await measure(options, api);
  } finally {
    await api.close();
  }
}

async function measure({ running, resting, rounds, seed }: Options, api: FleetApi): Promise<void> {
  const answers: Answered[] = [];
  const onQuery = ({ body, path }: { body: string; path: string }, atMs: number): void => void answers.push({ query: decodeURIComponent(`${path} ${body}`.replaceAll("+", " ")), atMs });
  const fleet = await openFleet({ api, rollouts: running + resting, seed, ladder: [10, 100], spec: SPEC, requestsPerSecond: 20, scrapeIntervalMs: 1_000, onQuery });
  try {
    await fleet.startDaemon("daemon");
    await Promise.all(fleet.apps.map((app) => fleet.chronicles.get(app)!.reached(({ status }) => status?.phase === "Healthy")));
    console.log(`${fleet.apps.length} Rollouts are at rest; judged every ${INTERVAL_MS / 1_000} s once they run; ${rounds} failing versions a row`);
    const [failing, ...others] = fleet.apps.slice(0, running) as [FleetApp, ...FleetApp[]];
    const alone = await phaseOf(fleet, failing, rounds, answers);
    report("1 runs", alone);
    await Promise.all(others.map((app) => begin(fleet, app)));
    const amongMany = await phaseOf(fleet, failing, rounds, answers);
    report(`${running} run`, amongMany);
    fleet.check();
    console.log(`From the failing answer to the route write: ${(medianOf(amongMany.tookMs) / medianOf(alone.tookMs)).toFixed(2)} times as long where ${running} run as where 1 runs (medians), ${resting} at rest beside them`);
  } finally {
    await fleet.close();
  }
}

async function phaseOf(fleet: Fleet, app: FleetApp, rounds: number, answers: Answered[]): Promise<Phase> {
  answers.length = 0;
  const beganMs = performance.now();
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) tookMs.push(await takenBack(fleet, app, answers));
  return { tookMs, queriesPerInterval: (answers.length * INTERVAL_MS) / (performance.now() - beganMs) };
}

/** One bad version, from its first traffic to its last; milliseconds between the answer that convicted it and the write. */
async function takenBack(fleet: Fleet, app: FleetApp, answers: readonly Answered[]): Promise<number> {
  const chronicle = fleet.chronicles.get(app)!;
  fleet.telemetry.turn(app, CANARY, BAD);
  await begin(fleet, app);
  await chronicle.reached(({ shares }) => shares[CANARY] === 0);
  const writtenMs = performance.now();
  const asked = new RegExp(`\\b${app.name}-${CANARY}\\b`);
  const convicted = answers.findLast(({ query, atMs }) => atMs <= writtenMs && asked.test(query));
  if (!convicted) throw new Error(`expected Prometheus to be asked about ${app.name} before it was taken back, and it was not`);
  await chronicle.reached(({ status }) => status?.run?.outcome === "RolledBack" && status.phase === "Degraded");
  fleet.telemetry.turn(app, CANARY, 0);
  await release(fleet, app, STABLE);
  await chronicle.reached(({ status }) => status?.phase === "Healthy");
  return writtenMs - convicted.atMs;
}

/** Settles when the canary has its first traffic. */
async function begin(fleet: Fleet, app: FleetApp): Promise<void> {
  await release(fleet, app, CANARY);
  await fleet.chronicles.get(app)!.reached(({ shares }) => (shares[CANARY] ?? 0) > 0);
}

function release(fleet: Fleet, { namespace, name }: FleetApp, version: string): Promise<unknown> {
  return fleet.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${name}?fieldManager=kubectl`, { spec: { release: version } });
}

function report(who: string, { tookMs, queriesPerInterval }: Phase): void {
  const [least, median, most] = [Math.min(...tookMs), medianOf(tookMs), Math.max(...tookMs)];
  console.log(`${who.padStart(8)}: ${median.toFixed(0)} ms (${least.toFixed(0)} to ${most.toFixed(0)}) from the failing answer to the route write; ${queriesPerInterval.toFixed(1)} queries an interval`);
}

function optionsFrom(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ args: [...args], options: { running: text, resting: text, rounds: text, seed: text, real: { type: "boolean" } } });
  const number = (name: "running" | "resting" | "rounds" | "seed", otherwise: number, least: number): number => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}`);
    return value;
  };
  return { running: number("running", 100, 1), resting: number("resting", 200, 0), rounds: number("rounds", 9, 1), seed: number("seed", 1, 0), real: values.real === true };
}

try {
  await main(optionsFrom(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
