/** A soak: hundreds of Rollouts in endless good and bad runs, with faults, while memory, handles and laws are watched. */
import { setMaxListeners } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { DaemonProcess } from "../../src/playground/daemon-process.ts";
import { createNamedRandom } from "../../src/playground/random.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { PastRun, VersionRevision } from "../../src/rollout/status.ts";
import { CANARY, STABLE } from "../support/deliveries.ts";
import type { Counts } from "./chronicle.ts";
import { createDaemons, type Daemons } from "./daemons.ts";
import { runFaults } from "./faults.ts";
import type { FleetApi } from "./fleet-api.ts";
import { openFleet, type Fleet, type FleetApp } from "./fleet.ts";
import { createSeries, gauge, type Series } from "./gauges.ts";
import { live } from "./life.ts";

export interface SoakOptions {
  readonly api: FleetApi;
  readonly minutes: number;
  readonly rollouts: number;
  readonly seed: number;
  /** How often each Rollout is judged; default 5. */
  readonly intervalSeconds?: number;
  /** Between two faults; default 5 s. */
  readonly faultGapMs?: number;
  /** The longest rest between two deliveries of one application; default 45 s. */
  readonly restMs?: number;
  readonly onProgress?: (line: string) => void;
}

export interface SoakReport {
  readonly options: SoakOptions;
  /** What the daemon that nobody ended held, from when its caches and records were full. */
  readonly series: Series;
  readonly chapters: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly counts: Counts;
  /** The longest time in which the soak itself, which is people, mesh and recorder, did nothing. */
  readonly behindMs: number;
  /** One sentence each. */
  readonly violations: readonly string[];
}

const LADDER = [10, 50, 100];
const DEFAULTS = { intervalSeconds: 5, faultGapMs: 5_000, restMs: 45_000 };
/** Of the time: until then caches of answers still fill up. */
const WARM_UP = 0.5;
const PAST_RUNS = 10;
const SAMPLES = 60;
const SHORTEST_SAMPLING_MS = 3_000;
/** How long what has begun may take to end once nothing goes wrong any more. */
const SETTLE_LIMIT_MS = 300_000;

export async function runSoak(given: SoakOptions): Promise<SoakReport> {
  const options = { ...DEFAULTS, ...given };
  const { api, rollouts, seed } = options;
  const fleet = await openFleet({ api, rollouts, seed, ladder: LADDER, spec: specOf(options.intervalSeconds), requestsPerSecond: 20, scrapeIntervalMs: 1_000 });
  const delay = monitorEventLoopDelay();
  try {
    const tally = createTally();
    const daemons = await createDaemons(fleet, tally.breach);
    delay.enable();
    await soak(options, fleet, daemons, tally);
    await daemons.close();
    return { ...report(given, fleet, tally), behindMs: delay.max / 1e6 };
  } finally {
    delay.disable();
    await fleet.close();
  }
}

async function soak({ minutes, seed, faultGapMs, restMs, onProgress = () => undefined }: SoakOptions & typeof DEFAULTS, fleet: Fleet, daemons: Daemons, tally: Tally): Promise<void> {
  await Promise.all([...fleet.chronicles.values()].map((chronicle) => chronicle.reached(({ status }) => status?.phase === "Healthy")));
  for (const app of fleet.apps) await giveHistory(fleet, app);
  onProgress(`${fleet.apps.length} Rollouts are at rest on ${STABLE}; the soak begins`);
  const ending = new AbortController();
  setMaxListeners(0, ending.signal); // everybody who rests listens to it
  const pause = (ms: number): Promise<void> => wait(ms, undefined, { signal: ending.signal });
  const lives = fleet.apps.map((app) => {
    const random = createNamedRandom(seed, app.name);
    const rest = (fromMs: number, toMs: number): Promise<void> => pause(fromMs + random() * (toMs - fromMs));
    return live({ app, random, rest, restMs, chronicle: fleet.chronicles.get(app)!, telemetry: fleet.telemetry, request: fleet.request, onBreach: tally.breach, onChapter: tally.chapter });
  });
  const faults = runFaults({ fleet, pause, gapMs: faultGapMs, random: createNamedRandom(seed, "faults"), daemon: daemons.restless, onFault: tally.fault });
  await sampling({ minutes, fleet, daemon: daemons.steady, gaugeFile: daemons.gaugeFile, tally, onProgress });
  ending.abort();
  await faults;
  onProgress("no more faults; what has begun may end");
  await settled(fleet, Promise.all(lives), tally);
}

/** As after a long life, so that nothing fills up during the soak that has a limit: as many past runs as a status holds. */
async function giveHistory({ request }: Fleet, { namespace, name }: FleetApp): Promise<void> {
  const [stable, canary] = [STABLE, CANARY].map((version) => ({ version, revision: "r1-of-long-ago" })) as [VersionRevision, VersionRevision];
  const at = "2026-01-01T00:00:00.000Z";
  const past = (number: number): PastRun => ({ number, from: stable, to: canary, outcome: "RolledBack", weight: 50, startedAt: at, endedAt: at, actor: "admin", reason: "errors: canary 12 of 240 requests failed (5.0 %), stable 3 of 2,110 (0.14 %)" });
  const history = Array.from({ length: PAST_RUNS }, (_, index) => past(PAST_RUNS - index));
  await request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${name}/status`, { status: { runs: PAST_RUNS, history } });
}

/** No way back is direct, so that each delivery takes the ladder. */
function specOf(intervalSeconds: number): Partial<RolloutSpecInput> {
  const hold = `${1 + 2 * intervalSeconds}s`;
  return {
    strategy: { propagation: "1s", progressDeadline: "5m", rollbackWindow: 0, steps: LADDER.map((weight) => ({ weight, hold })) },
    analysis: { interval: `${intervalSeconds}s`, settle: "1s", minVerdicts: 1, minRequests: 4, metrics: [{ name: "errors", errorRate: { max: "10%" } }] },
  };
}

interface Sampling extends Pick<Daemons, "gaugeFile"> {
  readonly minutes: number;
  readonly fleet: Fleet;
  readonly daemon: DaemonProcess;
  readonly tally: Tally;
  readonly onProgress: (line: string) => void;
}

async function sampling({ minutes, fleet, daemon, gaugeFile, tally, onProgress }: Sampling): Promise<void> {
  const [startMs, lengthMs] = [performance.now(), minutes * 60_000];
  const everyMs = Math.max(SHORTEST_SAMPLING_MS, lengthMs / SAMPLES);
  for (let atMs = 0; atMs < lengthMs; atMs = performance.now() - startMs) {
    await wait(Math.min(everyMs, lengthMs - atMs));
    const gauged = await gauge(daemon, gaugeFile, fleet.redis);
    const nowMs = performance.now() - startMs;
    if (gauged && nowMs >= lengthMs * WARM_UP) tally.series.add(nowMs, gauged);
    if (daemon.hasEnded()) return tally.breach(`the daemon that nobody ended has ended: ${await daemon.ended}:\n${daemon.lastLines()}`);
    onProgress(`${(nowMs / 60_000).toFixed(1)} min: ${totalOf(tally.chapters)} deliveries, ${totalOf(tally.faults)} faults, ${violationsOf(fleet, tally).length} violations${gauged ? `, heap ${mebibytes(gauged.heapUsed)} MiB` : ""}`);
  }
}

/** Whatever still waits after that is stuck. */
async function settled(fleet: Fleet, lives: Promise<unknown>, tally: Tally): Promise<void> {
  const limit = new AbortController();
  const late = wait(SETTLE_LIMIT_MS, "late", { signal: limit.signal }).catch(() => "in time");
  const outcome = await Promise.race([lives.then(() => "in time"), late]);
  limit.abort();
  if (outcome === "in time") return;
  for (const [{ namespace, name }, chronicle] of fleet.chronicles) {
    if (chronicle.waitingSinceMs() !== undefined) tally.breach(`${namespace}/${name} is stuck: ${JSON.stringify(chronicle.now())}`);
  }
}

interface Tally {
  readonly series: Series;
  readonly chapters: Map<string, number>;
  readonly faults: Map<string, number>;
  readonly breaches: Set<string>;
  breach(sentence: string): void;
  chapter(name: string): void;
  fault(name: string): void;
}

function createTally(): Tally {
  const [chapters, faults, breaches] = [new Map<string, number>(), new Map<string, number>(), new Set<string>()];
  const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    series: createSeries(), chapters, faults, breaches,
    breach: (sentence) => void breaches.add(sentence),
    chapter: (name) => count(chapters, name),
    fault: (name) => count(faults, name),
  };
}

function report(options: SoakOptions, fleet: Fleet, tally: Tally): Omit<SoakReport, "behindMs"> {
  fleet.check();
  const counts = [...fleet.chronicles.values()].map((chronicle) => chronicle.counts());
  return { options, ...tally, counts: added(counts), violations: violationsOf(fleet, tally) };
}

function violationsOf(fleet: Fleet, { breaches }: Tally): readonly string[] {
  return [...breaches, ...[...fleet.chronicles.values()].flatMap((chronicle) => chronicle.violations())];
}

function added(all: readonly Counts[]): Counts {
  const ended: Record<string, number> = {};
  for (const counts of all) for (const [outcome, count] of Object.entries(counts.ended)) ended[outcome] = (ended[outcome] ?? 0) + count;
  return { statuses: all.reduce((sum, { statuses }) => sum + statuses, 0), routes: all.reduce((sum, { routes }) => sum + routes, 0), ended };
}

function totalOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
