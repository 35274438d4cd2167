/** Deliveries under a fault: begun together, disturbed at a random instant, awaited to their ends, and judged by what an independent watch saw of them. */
import { setTimeout as wait } from "node:timers/promises";
import { createCleanUp, type CleanUp } from "../../src/playground/clean-up.ts";
import type { DaemonOptions, DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { Load } from "../../src/playground/arrivals.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { Random } from "../../src/playground/random.ts";
import type { Outcome } from "../../src/rollout/status.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { CANARY } from "../support/deliveries.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import type { Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import type { Fault, Stage, Trouble } from "./fault.ts";
import type { Delivery } from "./delivery.ts";
import type { Fleet, Mode } from "./fleet.ts";
import { brokenLaws, type Recorded } from "./laws.ts";
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
const LIMIT_MS = 300_000;

export interface Group {
  readonly fault: Fault;
  readonly mode: Mode;
  /** Which one of the fault's groups. */
  readonly index: number;
  readonly size: number;
  readonly random: Random;
}

export async function runUnder(group: Group, servers: Servers): Promise<Result> {
  const cleanUp = createCleanUp();
  try {
    const fleet = await group.mode.open(servers.api, group.size);
    cleanUp.add(fleet.scene.close);
    return await underTrouble({ ...group, fleet, scene: fleet.scene, deliveries: fleet.deliveries, cleanUp, servers });
  } finally {
    await cleanUp.run();
  }
}

interface Batch extends Group {
  readonly fleet: Fleet;
  readonly deliveries: readonly Delivery[];
  readonly scene: Scene;
  readonly servers: Servers;
  readonly cleanUp: CleanUp;
}

async function underTrouble(batch: Batch): Promise<Result> {
  const { fault, mode, fleet, deliveries, scene, random, cleanUp } = batch;
  const daemons: DaemonProcess[] = [];
  const blows: Span[] = [];
  const { stage, begin } = stageOf(batch, daemons, blows);
  const trouble = await fault.prepare(stage);
  if (trouble.close) cleanUp.add(trouble.close);
  await begin(trouble);
  await fleet.rest(trouble.delivery ?? {});
  const loads = startLoads(batch);
  const delivered = deliveries.map((delivery) => deliver(batch, delivery, trouble));
  for (const one of delivered) one.catch(() => undefined); // told where its end is awaited
  if (!trouble.isEarly) await until(() => deliveries.some(({ app }) => scene.status(app)?.run), LIMIT_MS);
  if (!trouble.isEarly) await wait(random() * mode.faultWithinMs);
  const startMs = Date.now();
  await trouble.inflict();
  const endMs = Date.now();
  const lateness = await Promise.all(deliveries.map((delivery, index) => ending(batch, delivery, delivered[index]!)));
  const found = [...lateness.flat(), ...((await trouble.findings?.()) ?? [])];
  await Promise.all(loads.map(({ load }) => load.close()));
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  if (blows.length === 0) blows.push({ fromMs: startMs, toMs: endMs });
  return judged(batch, trouble, { found, loads, daemons, blows, sinceMs: fault.normalFrom === "its start" ? startMs : endMs });
}

function stageOf({ servers, scene, deliveries, index, random }: Batch, daemons: DaemonProcess[], blows: Span[]): { readonly stage: Stage; readonly begin: (trouble: Trouble) => Promise<void> } {
  let options: Trouble["daemon"] = {};
  const start = (own: Partial<DaemonOptions>): Promise<DaemonProcess> => scene.startDaemon({ ...options, ...own });
  const startDaemon = async (own: Partial<DaemonOptions> = {}): Promise<DaemonProcess> => {
    const daemon = await start(own);
    daemons.push(daemon);
    return daemon;
  };
  const isOver = (): boolean => deliveries.every(({ app }) => scene.status(app)?.run?.outcome !== undefined);
  const stage: Stage = {
    api: servers.api, controlPlane: servers.controlPlane, scene, random, startDaemon, isOver, group: index,
    deliveries: () => deliveries,
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

function startLoads({ scene, deliveries }: Batch): readonly AppLoad[] {
  const perSecond = Math.min(MOST_REQUESTS_PER_SECOND, REQUESTS_PER_SECOND / deliveries.length);
  return deliveries.map((delivery) => {
    if (delivery.isBad) scene.samples.turn(delivery.app.name, CANARY, { errorRate: 0.5 });
    return { delivery, load: scene.startLoad(delivery.app, perSecond) };
  });
}

/** Begins the run, and aborts it where a person is to do so, as soon as the API server takes it. */
async function deliver({ mode, fleet, scene, random }: Batch, delivery: Delivery, trouble: Trouble): Promise<void> {
  const { app, abortsAt } = delivery;
  const [beginMs, abortMs] = [random() * (trouble.spreadMs ?? mode.spreadMs), random() * mode.abortWithinMs];
  await wait(beginMs);
  await until(() => fleet.begin(delivery, trouble.delivery ?? {}).catch(() => false), LIMIT_MS);
  if (abortsAt === undefined) return;
  await until(() => (abortsAt === "roll" ? isPastLadder(scene, app) : scene.status(app)?.run), LIMIT_MS);
  if (abortsAt === "random") await wait(abortMs);
  await until(() => scene.command(app, { verb: "abort", reason: "a person has seen enough" }).then(() => true, () => false), LIMIT_MS);
}

/** The Deployment itself rolls, or there is nothing any more to wait for. */
function isPastLadder(scene: Scene, app: SampleApp): boolean {
  const { rollingSince, outcome } = scene.status(app)?.run ?? {};
  return rollingSince !== undefined || outcome !== undefined;
}

/** Settles when the run has ended and left everything as it should; sentences where it does not. */
async function ending({ fleet, scene }: Batch, delivery: Delivery, delivered: Promise<void>): Promise<readonly string[]> {
  let owed: readonly string[] = [];
  try {
    await delivered;
    await until(async () => (owed = await fleet.owed(delivery)).length === 0, LIMIT_MS);
    return [];
  } catch {
    const { phase, reason, message } = scene.status(delivery.app) ?? {};
    return [...owed, `${delivery.app.name}: expected the run to end within ${LIMIT_MS / 1_000}s, got ${phase}/${reason}: ${message}`];
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
  const { scene, fleet, deliveries } = batch;
  const all = deliveries.map((delivery) => ({ delivery, recorded: recordedOf(batch, delivery), judged: fleet.judge(delivery) }));
  const broken = all.map(({ delivery, recorded, judged }) => [...judged.broken, ...brokenLaws(recorded, { holds: trouble.clockLies !== true }), ...wrongEnd(scene, delivery, trouble.expected?.(delivery.app))]);
  const violations = [...found, ...broken.flat(), ...loads.flatMap(harmed)];
  const isSuspect = (index: number): boolean => broken[index]!.length > 0 || violations.some((sentence) => sentence.startsWith(`${deliveries[index]!.app.name}: `));
  const transcripts = all.flatMap(({ recorded, judged }, index) => (isSuspect(index) ? [transcriptOf(recorded), judged.transcript] : []));
  const said = daemons.map((daemon) => `${daemon.hasEnded() ? "a daemon that ended" : "a daemon"} said at last:\n${daemon.lastLines()}`);
  return {
    deliveries: deliveries.length,
    runs: deliveries.filter(({ app }) => isMet(fleet.lives, app.name, blows)).length,
    violations,
    untilNormal: deliveries.flatMap(({ app }) => intervalsUntilNormal(fleet.lives, app.name, sinceMs) ?? []),
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

function wrongEnd(scene: Scene, { app, expected, orElse }: Delivery, byTrouble: Outcome | undefined): readonly string[] {
  const { runs, run, reason } = scene.status(app) ?? {};
  const allowed = byTrouble === undefined ? [expected, orElse] : [byTrouble];
  return runs === 1 && run?.outcome !== undefined && allowed.includes(run.outcome) ? [] : [`${app.name}: expected one run, ${byTrouble ?? expected}, got ${runs} and ${run?.outcome} (${reason}: ${run?.reason})`];
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
