/** From a measurement to a verdict, and from verdicts to the rows that a step is left or taken back by. */
import type { Analysis, Metric } from "../spec.ts";
import type { Check, Evidence, HeldBy, Verdict } from "../status.ts";
import { timeOf } from "../units.ts";
import type { Measurement } from "./measurement.ts";
import { mutedSaid, proofSaid, suspicionSaid } from "./said.ts";
import { isCompared, kindOf, limitOf } from "./tests.ts";
import type { Standing } from "./weigh.ts";

interface Judgement {
  readonly verdict: Verdict;
  readonly heldBy?: HeldBy;
  readonly value?: string;
  readonly limit?: string;
  readonly samples?: number;
  readonly message?: string;
}

/** What a verdict rests on besides the measurement. */
export interface Grounds {
  readonly analysis: Pick<Analysis, "minRequests" | "warmup" | "source" | "envoyCluster">;
  /** Built-ins: what the run has learnt, this look included, and what it amounts to; absent before the first look. */
  readonly evidence?: Evidence;
  readonly standing?: Standing;
  readonly isWarmingUp: boolean;
  /** False where requests were picked out or copied, which are compared with nothing. */
  readonly isComparable: boolean;
}

type Counted = Extract<Measurement, { kind: "counted" }>;
type Valued = Extract<Measurement, { kind: "value" }>;

/** The worst first: Fail > Error > NoData > Inconclusive > Pass. */
const LATTICE: readonly Verdict[] = ["Fail", "Error", "NoData", "Inconclusive", "Pass"];

export function worstOf(verdicts: readonly Verdict[]): Verdict | undefined {
  return LATTICE.find((verdict) => verdicts.includes(verdict));
}

/** The verdict of one check at one instant; undefined where there is nothing to judge (no newer scrape). */
function judge(metric: Metric, measurement: Measurement, grounds: Grounds): Judgement | undefined {
  const judged = judgeAlone(metric, measurement, grounds.analysis.minRequests);
  return judged && kindOf(metric) !== undefined && judged.verdict !== "Error" ? judgeByEvidence(metric, judged, grounds) : judged;
}

/** By what this look alone says. */
function judgeAlone(metric: Metric, measurement: Measurement, minRequests: number): Judgement | undefined {
  switch (measurement.kind) {
    case "skipped":
      return undefined;
    case "base":
      return { verdict: "Inconclusive", limit: limitSaid(metric), message: "counting has begun" };
    case "noData":
      return { verdict: "NoData", limit: limitSaid(metric), samples: 0 };
    case "error":
      return { verdict: "Error", limit: limitSaid(metric), message: measurement.message };
    case "value":
      return judgeValue(metric, measurement);
    case "counted":
      return judgeCounts(metric, measurement, minRequests);
  }
}

/** Proof is a Fail however few requests this look had; a pass is kept open by what speaks against it. */
function judgeByEvidence(metric: Metric, judged: Judgement, { analysis, evidence, standing, isWarmingUp }: Grounds): Judgement {
  if (!evidence || !standing) return judged;
  const { heldBy: _, message: __, ...said } = judged;
  if (standing.isProven) return { ...said, verdict: "Fail", message: proofSaid(metric, evidence, standing) };
  if (judged.verdict !== "Pass" && judged.heldBy === undefined) return judged;
  if (standing.isSuspect) return { ...said, verdict: "Inconclusive", heldBy: "Suspect", message: suspicionSaid(metric, evidence, standing) };
  if (standing.isMuted) return { ...said, verdict: "Inconclusive", heldBy: "StableBroken", message: mutedSaid(metric, evidence) };
  if (isWarmingUp) return { ...said, verdict: "Inconclusive", heldBy: "WarmUp", message: `its newest pod became ready less than ${analysis.warmup} ago` };
  return judged;
}

/** Whether there were enough requests for a verdict, and none too many bad ones among them; that it fails is for the whole run to show. */
function judgeCounts(metric: Metric, counted: Counted, minRequests: number): Judgement {
  const { requests, bad } = counted;
  const said = { value: countedValue(metric, counted), limit: limitSaid(metric), samples: requests };
  if (requests === 0) return { ...said, verdict: "NoData" };
  if (counted.boundMs === Infinity) return { ...said, verdict: "Inconclusive", message: `the histogram has no bucket at or above ${metric.latency?.max ?? "the limit"}: lower max to one that it has` };
  if (requests < minRequests) return { ...said, verdict: "Inconclusive", message: `${requests} of the ${minRequests} requests that a verdict needs` };
  if (bad / requests > (limitOf(metric) ?? 1)) return { ...said, verdict: "Inconclusive", heldBy: "Suspect", message: `${bad} of ${requests} requests are more than the limit allows, and not enough yet to prove anything` };
  return { ...said, verdict: "Pass" };
}

function judgeValue(metric: Metric, { value, stableValue }: Valued): Judgement {
  const said = { value: String(value), limit: limitSaid(metric, stableValue) };
  if (Number.isNaN(value)) return { ...said, verdict: "NoData" };
  const outside = (metric.max !== undefined && value > metric.max) || (metric.min !== undefined && value < metric.min);
  if (outside) return { ...said, verdict: "Fail" };
  return { ...said, ...judgeRatio(metric, value, stableValue) };
}

/** Where stable has no value there is nothing to compare with, and the other limits decide alone. */
function judgeRatio({ ratio, min, max }: Metric, value: number, stableValue: number | undefined): Pick<Judgement, "verdict" | "message"> {
  if (ratio === undefined) return { verdict: "Pass" };
  if (stableValue !== undefined && !Number.isNaN(stableValue)) return { verdict: value > ratio * stableValue ? "Fail" : "Pass" };
  return min === undefined && max === undefined ? { verdict: "Inconclusive", message: "the query has no value for stable, so there is nothing to compare with" } : { verdict: "Pass" };
}

function countedValue(metric: Metric, { requests, bad, percentileMs }: Counted): string | undefined {
  if (requests === 0) return undefined;
  if (metric.errorRate) return percent(bad / requests);
  return percentileMs === undefined ? undefined : latency(percentileMs);
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))}%`;
}

function latency(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms)}ms` : "above every bucket";
}

/** A metric's limit as people wrote it. */
function limitSaid(metric: Metric, stableValue?: number): string {
  const { errorRate, latency } = metric;
  if (!errorRate && !latency) return querySaid(metric, stableValue);
  const percentile = latency ? `p${latency.percentile} ` : "";
  const max = (errorRate ?? latency)?.max;
  return [max === undefined ? "" : `${percentile}at most ${max}`, isCompared(metric) ? "no worse than stable" : ""].filter(Boolean).join(", ");
}

function querySaid({ min, max, ratio }: Metric, stableValue: number | undefined): string {
  const times = ratio === undefined ? "" : `at most ${ratio} times stable's${stableValue === undefined ? "" : ` ${stableValue}`}`;
  return [min === undefined ? "" : `at least ${min}`, max === undefined ? "" : `at most ${max}`, times].filter(Boolean).join(", ");
}

/** The check as it stands after a measurement: rows of failures, passes, and where the next window begins. */
export function nextCheck(previous: Check | undefined, metric: Metric, measurement: Measurement, grounds: Grounds): Check | undefined {
  const judged = judge(grounds.isComparable ? metric : uncompared(metric), measurement, grounds);
  if (!judged) return previous;
  const at = timeOf(measurement.instantMs);
  const conclusive = judged.verdict === "Fail" || judged.verdict === "Pass";
  const since = conclusive || measurement.kind === "base" ? at : previous?.since;
  return {
    name: metric.name,
    ...judged,
    failuresInARow: rowAfter(previous?.failuresInARow ?? 0, judged.verdict),
    passes: passesAfter(previous, judged.verdict, grounds.analysis.minRequests),
    ...(kindOf(metric) === undefined ? {} : { minRequests: grounds.analysis.minRequests }),
    definition: definitionOf(metric, grounds.analysis),
    query: measurement.query,
    at,
    ...(since ? { since } : {}),
  };
}

function uncompared({ errorRate, latency, ...metric }: Metric): Metric {
  return { ...metric, ...(errorRate ? { errorRate: { ...errorRate, compare: "none" } } : {}), ...(latency ? { latency: { ...latency, compare: "none" } } : {}) };
}

/** Passes that rested on fewer requests than are asked for now are none. */
function passesAfter(previous: Check | undefined, verdict: Verdict, minRequests: number): number {
  const counted = (previous?.minRequests ?? minRequests) < minRequests ? 0 : (previous?.passes ?? 0);
  return counted + (verdict === "Pass" ? 1 : 0);
}

/** Silence neither lengthens nor breaks a row of failures. */
function rowAfter(row: number, verdict: Verdict): number {
  if (verdict === "Fail") return row + 1;
  return verdict === "Pass" ? 0 : row;
}

/** True once a metric has failed as often in a row as its definition asks for. */
export function hasFailed(metric: Metric, check: Check | undefined): boolean {
  return check?.verdict === "Fail" && check.failuresInARow >= metric.failures;
}

/** Fingerprint of what a metric measures and against what (FNV-1a, 32 bit); `failures` and `onFail` may change without losing evidence. */
export function definitionOf(metric: Metric, { source, envoyCluster }: Pick<Analysis, "source" | "envoyCluster">): string {
  const readFrom = metric.query !== undefined || source === "istio" ? [] : [source, envoyCluster];
  const text = JSON.stringify([metric.errorRate, metric.latency, metric.query, metric.min, metric.max, metric.ratio, ...readFrom]);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(16);
}
