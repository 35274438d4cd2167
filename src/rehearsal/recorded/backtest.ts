/** What Weir would have decided on past data: the daemon's own rules at each instant of the past, with the same queries as live. */
import type { MetricProvider } from "../../metrics/metric-provider.ts";
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import { namesPods } from "../../rollout/analysis/query-variables.ts";
import { isOfFollower } from "../../rollout/spec-followers.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import type { Check } from "../../rollout/status.ts";
import { timeOf } from "../../rollout/units.ts";
import { endingOf, newStage, played, questionsAt, type Cast, type Ending, type Scene, type Stage } from "../stage.ts";

export interface BacktestOptions {
  readonly fromMs: number;
  readonly toMs: number;
  readonly namespace: string;
  /** The workloads' names as telemetry has them (Istio's `destination_workload`), or those of Envoy's clusters. */
  readonly canary: string;
  readonly stable: string;
}

/** One look at the past. */
export interface Instant {
  readonly atMs: number;
  readonly would: Would;
  /** The share that Weir would have given the canary from then on, in percent. */
  readonly weight: number;
  /** The daemon's own sentence. */
  readonly why: string;
  readonly checks: readonly Pick<Check, "name" | "verdict" | "value" | "limit" | "samples" | "message">[];
}

export type Would = "begin" | "advance" | "hold" | "rollBack" | "pause" | "finish";

export interface Backtest {
  /** `undecided`: the data ended first. */
  readonly ending: Ending | "undecided";
  readonly endedAtMs: number;
  readonly instants: readonly Instant[];
  /** What Weir counted of both sides until then. */
  readonly counted: readonly { readonly name: string; readonly canary: Side; readonly stable: Side }[];
  /** Metrics that name pods in their query: the names of then are not known any more, so they have no data. */
  readonly withoutPods: readonly string[];
}

interface Side {
  readonly requests: number;
  readonly bad: number;
}

/** Told after each look: how far it has come, milliseconds since the epoch. */
type OnLook = (atMs: number) => void;

/** Its pods cannot be asked any more, so each version counts as ready. */
const READY_PODS = 3;

/** Throws a sentence where Prometheus does not answer: the past did not have this error. */
export async function backtest(rollout: ValidRollout, options: BacktestOptions, metrics: MetricProvider, { signal, onLook }: { signal: AbortSignal; onLook: OnLook }): Promise<Backtest> {
  const { fromMs, toMs, namespace, canary, stable } = options;
  const cast: Cast = { namespace, canary: { workloads: [canary] }, stable: { workloads: [stable] }, pods: READY_PODS };
  const instants: Instant[] = [];
  const endedAt = (endedAtMs: number): Omit<Backtest, "ending"> => ({ endedAtMs, instants, counted: countedOf(stage), withoutPods: withoutPods(rollout) });
  let stage = newStage(onRecordedShares(rollout), cast, fromMs);
  for (let nowMs = fromMs; nowMs <= toMs; ) {
    signal.throwIfAborted();
    const scene = played(stage, nowMs, await answersAt(stage, nowMs, options, metrics, signal));
    if (instants.at(-1)?.atMs !== nowMs) instants.push(instantOf(scene, nowMs)); // the second look at a time only sees the first one's write
    onLook(nowMs);
    stage = scene.stage;
    const ending = endingOf(scene.status.run);
    if (ending) return { ending, ...endedAt(nowMs) };
    nowMs = scene.moved ? nowMs : (scene.nextMs ?? Infinity);
  }
  return { ending: "undecided", ...endedAt(toMs) };
}

function withoutPods({ spec }: ValidRollout): readonly string[] {
  return spec.analysis.metrics.filter(({ query }) => query !== undefined && namesPods(query)).map(({ name }) => name);
}

/** The ladder's weights were not those of the past, so that the canary got another share is no fault of its own; and whose workloads a follower's were nobody has said. */
function onRecordedShares({ spec, ...rollout }: ValidRollout): ValidRollout {
  const { prometheus: _, ...analysis } = spec.analysis;
  const metrics = analysis.metrics.filter((metric) => !isOfFollower(metric, spec.traffic));
  return { ...rollout, spec: { ...spec, analysis: { ...analysis, metrics, onMissingTraffic: "ignore" } } };
}

async function answersAt(stage: Stage, nowMs: number, options: BacktestOptions, metrics: MetricProvider, signal: AbortSignal): Promise<readonly Measurement[]> {
  const answers = await Promise.all(questionsAt(stage, nowMs).map((question) => metrics.measure(withClusters(question, options), signal)));
  const failed = answers.find((answer) => answer.kind === "error");
  if (failed) throw new Error(`${failed.name} at ${timeOf(failed.instantMs)}, asked where --prometheus says: ${failed.message}`);
  return answers;
}

/** The names of Envoy's clusters are given as they were: no version of then needs to fit the template of now. */
function withClusters(question: Question, { canary, stable }: BacktestOptions): Question {
  if (question.source !== "envoy") return question;
  return { ...question, canary: { ...question.canary, cluster: canary }, stable: { ...question.stable, cluster: stable } };
}

function instantOf({ decision, status }: Scene, atMs: number): Instant {
  const { run } = status;
  const checks = (run?.checks ?? []).map(({ name, verdict, value, limit, samples, message }) => ({
    name, verdict,
    ...(value === undefined ? {} : { value }), ...(limit === undefined ? {} : { limit }), ...(samples === undefined ? {} : { samples }), ...(message === undefined ? {} : { message }),
  }));
  return { atMs, would: wouldOf({ decision, status }), weight: run?.weight ?? 0, why: decision.message, checks };
}

const WOULD_END: Readonly<Record<Ending, Would>> = { stopped: "rollBack", asked: "pause", delivered: "finish" };

function wouldOf({ decision, status }: Pick<Scene, "decision" | "status">): Would {
  const ending = endingOf(status.run);
  if (ending) return WOULD_END[ending];
  if (decision.kind === "begin") return "begin";
  return decision.kind === "enter" ? "advance" : "hold";
}

function countedOf({ rollout: { status } }: Stage): Backtest["counted"] {
  return (status?.run?.evidence ?? []).map(({ name, canary, stable }) => ({ name, canary: sideOf(canary), stable: sideOf(stable) }));
}

function sideOf({ requests, bad }: { readonly requests: number; readonly bad: readonly number[] }): Side {
  return { requests, bad: bad[0] ?? 0 };
}
