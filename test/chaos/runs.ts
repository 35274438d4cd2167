/** Deliveries under a fault: begun together, disturbed at a random instant, awaited to their ends, and judged by what an independent watch saw of them. */
import { setTimeout as wait } from "node:timers/promises";
import { createCleanUp, type CleanUp } from "../../src/playground/clean-up.ts";
import type { DaemonOptions, DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { Load } from "../../src/playground/load.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { Random } from "../../src/playground/random.ts";
import type { Outcome } from "../../src/rollout/status.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { CANARY } from "../support/deliveries.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import type { Fault, Stage, Trouble } from "./fault.ts";
import { aFleet, neighbour, type Delivery } from "./fleet.ts";
import { brokenLaws, runOf, type Recorded } from "./laws.ts";
import { intervalsUntilNormal, isMet, type Span } from "./measured.ts";
import { transcriptOf } from "./transcript.ts";

export interface Servers {
  readonly api: TestApi;
  readonly controlPlane?: ControlPlane;
}

export interface Result {
  readonly deliveries: number;
  /** Of these, those whose run the fault met. */
  readonly runs: number;
  /** One sentence for each thing that did not hold. */
  readonly violations: readonly string[];
  /** Intervals until each run that the fault met was normal. */
  readonly untilNormal: readonly number[];
  readonly traffic: Traffic;
  /** Versions of VirtualServices and of Rollouts that were judged. */
  readonly routes: number;
  readonly statuses: number;
  /** Where there are violations: what those runs went through, and what the daemons said last. */
  readonly evidence: readonly string[];
}

/** Requests through the mesh. */
export interface Traffic {
  readonly sent: number;
  /** Failed, and the bad version had answered them. */
  readonly failed: number;
  /** Failed, and nobody but Weir can be why. */
  readonly harmed: number;
}

/** To all applications of a group: mesh and users are one process, which must not be what requests wait for. */
const REQUESTS_PER_SECOND = 100;
const MOST_REQUESTS_PER_SECOND = 10;
/** Everything begins within this time, so that the fault meets each run elsewhere. */
const USUAL_SPREAD_MS = 4_000;
/** The fault comes within this time after the first run has begun. */
const FAULT_WITHIN_MS = 8_000;
const ABORT_WITHIN_MS = 6_000;
const LIMIT_MS = 300_000;

export async function runUnder(fault: Fault, { api, controlPlane }: Servers, size: number, random: Random): Promise<Result> {
  const cleanUp = createCleanUp();
  try {
    const fleet = aFleet(size);
    const scene = await openScene(api, [...fleet.map(({ app }) => app), neighbour]);
    cleanUp.add(scene.close);
    return await underTrouble({ fault, fleet, scene, random, cleanUp, servers: { api, ...(controlPlane ? { controlPlane } : {}) } });
  } finally {
    await cleanUp.run();
  }
}

interface Batch {
  readonly fault: Fault;
  readonly fleet: readonly Delivery[];
  readonly scene: Scene;
  readonly servers: Servers;
  readonly random: Random;
  readonly cleanUp: CleanUp;
}

async function underTrouble(batch: Batch): Promise<Result> {
  const { fault, fleet, scene, random, cleanUp } = batch;
  const daemons: DaemonProcess[] = [];
  const blows: Span[] = [];
  const { stage, begin } = stageOf(batch, daemons, blows);
  const trouble = await fault.prepare(stage);
  if (trouble.close) cleanUp.add(trouble.close);
  await begin(trouble);
  const loads = startLoads(batch);
  const delivered = fleet.map((delivery) => deliver(batch, delivery, trouble));
  await until(() => fleet.some(({ app }) => scene.status(app)?.run), LIMIT_MS);
  await wait(random() * FAULT_WITHIN_MS);
  const startMs = Date.now();
  await trouble.inflict();
  const endMs = Date.now();
  const lateness = await Promise.all(fleet.map((delivery, index) => ending(batch, delivery, delivered[index]!)));
  const found = [...lateness.flat(), ...((await trouble.findings?.()) ?? [])];
  await Promise.all(loads.map(({ load }) => load.close()));
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  if (blows.length === 0) blows.push({ fromMs: startMs, toMs: endMs });
  return judged(batch, trouble, { found, loads, daemons, blows, sinceMs: fault.normalFrom === "its start" ? startMs : endMs });
}

function stageOf({ servers, scene, fleet, random }: Batch, daemons: DaemonProcess[], blows: Span[]): { readonly stage: Stage; readonly begin: (trouble: Trouble) => Promise<void> } {
  let options: Trouble["daemon"] = {};
  const start = (own: Partial<DaemonOptions>): Promise<DaemonProcess> => scene.startDaemon({ ...options, ...own });
  const startDaemon = async (own: Partial<DaemonOptions> = {}): Promise<DaemonProcess> => {
    const daemon = await start(own);
    daemons.push(daemon);
    return daemon;
  };
  const isOver = (): boolean => fleet.every(({ app }) => scene.status(app)?.run?.outcome !== undefined);
  const stage: Stage = {
    api: servers.api, controlPlane: servers.controlPlane, scene, random, startDaemon, isOver,
    deliveries: () => fleet,
    daemons: () => daemons.filter((daemon) => !daemon.hasEnded()),
    strike: () => void blows.push({ fromMs: Date.now(), toMs: Date.now() }),
  };
  return {
    stage,
    begin: async (trouble) => {
      options = trouble.daemon ?? {};
      daemons.push(...(await Promise.all((trouble.daemons ?? [{}, {}]).map(start)))); // in the order of the list, whoever is ready first
    },
  };
}

interface AppLoad {
  readonly delivery: Delivery;
  readonly load: Load;
}

function startLoads({ scene, fleet }: Batch): readonly AppLoad[] {
  const perSecond = Math.min(MOST_REQUESTS_PER_SECOND, REQUESTS_PER_SECOND / fleet.length);
  return fleet.map((delivery) => {
    if (delivery.isBad) scene.samples.turn(delivery.app.name, CANARY, { errorRate: 0.5 });
    return { delivery, load: scene.startLoad(delivery.app, perSecond) };
  });
}

/** Creates the Rollout, and aborts its run where a person is to do so, as soon as the API server takes it. */
async function deliver({ scene, random }: Batch, { app, change, expected }: Delivery, trouble: Trouble): Promise<void> {
  const [beginMs, abortMs] = [random() * (trouble.spreadMs ?? USUAL_SPREAD_MS), random() * ABORT_WITHIN_MS];
  await wait(beginMs);
  await until(() => isDone(scene.deliver(app, { ...change, ...trouble.delivery })), LIMIT_MS);
  if (expected !== "Aborted") return;
  await until(() => scene.status(app)?.run, LIMIT_MS);
  await wait(abortMs);
  await until(() => isDone(scene.command(app, { verb: "abort", reason: "a person has seen enough" })), LIMIT_MS);
}

function isDone(asked: Promise<void>): Promise<boolean> {
  return asked.then(
    () => true,
    (error: unknown) => String(error).includes("AlreadyExists"), // the answer to the first attempt was lost
  );
}

/** Settles when the run has ended and left its route; a sentence where it does not. */
async function ending({ scene }: Batch, { app }: Delivery, delivered: Promise<void>): Promise<readonly string[]> {
  const isEnded = (): boolean => {
    const rollout = scene.rollouts.of(app.name).at(-1);
    return rollout !== undefined && runOf(rollout)?.outcome !== undefined && rollout.metadata["finalizers"] === undefined && scene.route(app).stamp() === undefined;
  };
  try {
    await delivered;
    await until(isEnded, LIMIT_MS);
    return [];
  } catch {
    const { phase, reason, message } = scene.status(app) ?? {};
    return [`${app.name}: expected the run to end within ${LIMIT_MS / 1_000}s, got ${phase}/${reason}: ${message}`];
  }
}

interface Seen {
  readonly found: readonly string[];
  readonly loads: readonly AppLoad[];
  readonly daemons: readonly DaemonProcess[];
  /** When the fault struck. */
  readonly blows: readonly Span[];
  /** What is normal is awaited from here. */
  readonly sinceMs: number;
}

function judged(batch: Batch, trouble: Trouble, { found, loads, daemons, blows, sinceMs }: Seen): Result {
  const { scene, fleet } = batch;
  const all = fleet.map((delivery) => ({ delivery, recorded: recordedOf(batch, delivery) }));
  const broken = all.map(({ delivery, recorded }) => [...brokenLaws(recorded, { holds: trouble.clockLies !== true }), ...wrongEnd(scene, delivery.app, trouble.expected?.(delivery.app) ?? delivery.expected)]);
  const violations = [...found, ...broken.flat(), ...loads.flatMap(harmed)];
  const transcripts = all.flatMap(({ recorded }, index) => (broken[index]!.length > 0 ? [transcriptOf(recorded)] : []));
  const said = daemons.map((daemon) => `${daemon.hasEnded() ? "a daemon that ended" : "a daemon"} said at last:\n${daemon.lastLines()}`);
  return {
    deliveries: fleet.length,
    runs: fleet.filter(({ app }) => isMet(scene.rollouts, app.name, blows)).length,
    violations,
    untilNormal: fleet.flatMap(({ app }) => intervalsUntilNormal(scene.rollouts, app.name, sinceMs) ?? []),
    traffic: trafficOf(loads),
    routes: sizeOf(all.map(({ recorded }) => recorded.routes)),
    statuses: sizeOf(all.map(({ recorded }) => recorded.rollouts)),
    evidence: violations.length > 0 ? [...transcripts, ...said] : [],
  };
}

function sizeOf(lists: readonly (readonly unknown[])[]): number {
  return lists.reduce((total, { length }) => total + length, 0);
}

function recordedOf({ scene }: Batch, { app, change }: Delivery): Recorded {
  return { name: app.name, rollouts: scene.rollouts.of(app.name), routes: scene.routes.of(app.name), recorder: scene.route(app), propagation: change.strategy?.propagation ?? "0s" };
}

function wrongEnd(scene: Scene, app: SampleApp, expected: Outcome): readonly string[] {
  const { runs, run, reason } = scene.status(app) ?? {};
  return runs === 1 && run?.outcome === expected ? [] : [`${app.name}: expected one run, ${expected}, got ${runs} and ${run?.outcome} (${reason}: ${run?.reason})`];
}

function trafficOf(loads: readonly AppLoad[]): Traffic {
  const sum = (of: (one: AppLoad) => number): number => loads.reduce((total, one) => total + of(one), 0);
  const counted = (answers: readonly Answers[]): number => answers.reduce((total, [, count]) => total + count, 0);
  return {
    sent: sum(({ load }) => load.counts().sent),
    failed: sum((one) => counted(failures(one).byBad)),
    harmed: sum((one) => counted(failures(one).others) + one.load.counts().dropped),
  };
}

type Answers = readonly [answer: string, count: number];

/** Failed requests that the bad version answered, and those that it did not. */
function failures({ delivery: { isBad }, load }: AppLoad): { readonly byBad: readonly Answers[]; readonly others: readonly Answers[] } {
  const failed = Object.entries(load.counts().answers).filter(([answer]) => !/ [234]\d\d$/.test(answer));
  const isByBad = ([answer]: Answers): boolean => isBad && answer.startsWith(`${CANARY} `);
  return { byBad: failed.filter(isByBad), others: failed.filter((one) => !isByBad(one)) };
}

function harmed(one: AppLoad): readonly string[] {
  const { delivery: { app }, load } = one;
  const { dropped } = load.counts();
  return [...failures(one).others.map(([answer, count]) => `${app.name}: ${count} requests were answered ${answer}`), ...(dropped > 0 ? [`${app.name}: ${dropped} requests could not be sent`] : [])];
}
