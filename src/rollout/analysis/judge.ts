/** From a measurement to a verdict, and from verdicts to the rows that a step is left or taken back by. */
import type { Analysis, Metric } from "../spec.ts";
import type { Check, Verdict } from "../status.ts";
import { fractionOf, timeOf } from "../units.ts";
import type { Measurement } from "./measurement.ts";

interface Judgement {
  readonly verdict: Verdict;
  readonly value?: string;
  readonly limit?: string;
  readonly samples?: number;
  readonly message?: string;
}

type Counted = Extract<Measurement, { kind: "counted" }>;
type Valued = Extract<Measurement, { kind: "value" }>;

/** The worst first: Fail > Error > NoData > Inconclusive > Pass. */
const LATTICE: readonly Verdict[] = ["Fail", "Error", "NoData", "Inconclusive", "Pass"];

export function worstOf(verdicts: readonly Verdict[]): Verdict | undefined {
  return LATTICE.find((verdict) => verdicts.includes(verdict));
}

/** The verdict of one check at one instant; undefined where there is nothing to judge (no newer scrape). */
function judge(metric: Metric, measurement: Measurement, analysis: Pick<Analysis, "minRequests">): Judgement | undefined {
  switch (measurement.kind) {
    case "skipped":
      return undefined;
    case "base":
      return { verdict: "Inconclusive", limit: limitOf(metric), message: "counting has begun" };
    case "noData":
      return { verdict: "NoData", limit: limitOf(metric), samples: 0 };
    case "error":
      return { verdict: "Error", limit: limitOf(metric), message: measurement.message };
    case "value":
      return judgeValue(metric, measurement);
    case "counted":
      return judgeCounts(metric, measurement, analysis.minRequests);
  }
}

/** The one place that judges a built-in: bad requests against the share that its limit allows. */
function judgeCounts(metric: Metric, counted: Counted, minRequests: number): Judgement {
  const { requests, bad } = counted;
  const said = { value: countedValue(metric, counted), limit: limitOf(metric), samples: requests };
  if (requests === 0) return { ...said, verdict: "NoData" };
  if (counted.boundMs === Infinity) return { ...said, verdict: "Inconclusive", message: `the histogram has no bucket at or above ${metric.latency?.max ?? "the limit"}: lower max to one that it has` };
  if (requests < minRequests) return { ...said, verdict: "Inconclusive", message: `${requests} of the ${minRequests} requests that a verdict needs` };
  return { ...said, verdict: bad / requests > allowedBad(metric) ? "Fail" : "Pass" };
}

function judgeValue(metric: Metric, { value }: Valued): Judgement {
  const said = { value: String(value), limit: limitOf(metric) };
  if (Number.isNaN(value)) return { ...said, verdict: "NoData" };
  const outside = (metric.max !== undefined && value > metric.max) || (metric.min !== undefined && value < metric.min);
  return { ...said, verdict: outside ? "Fail" : "Pass" };
}

/** Share of requests that may be bad: the error rate's limit, or what a percentile leaves above it. */
function allowedBad(metric: Metric): number {
  if (metric.errorRate) return fractionOf(metric.errorRate.max ?? "100%");
  // 1 - 99/100 is not 0.01 in binary: compare with the nearest number that people mean.
  return Number((1 - (metric.latency?.percentile ?? 100) / 100).toFixed(6));
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
function limitOf(metric: Metric): string {
  if (metric.errorRate) return `at most ${metric.errorRate.max}`;
  if (metric.latency) return `p${metric.latency.percentile} at most ${metric.latency.max}`;
  const bounds = [metric.min === undefined ? "" : `at least ${metric.min}`, metric.max === undefined ? "" : `at most ${metric.max}`];
  return bounds.filter(Boolean).join(", ");
}

/** The check as it stands after a measurement: rows of failures, passes, and where the next window begins. */
export function nextCheck(previous: Check | undefined, metric: Metric, measurement: Measurement, analysis: Pick<Analysis, "minRequests">): Check | undefined {
  const judged = judge(metric, measurement, analysis);
  if (!judged) return previous;
  const at = timeOf(measurement.instantMs);
  const conclusive = judged.verdict === "Fail" || judged.verdict === "Pass";
  const since = conclusive || measurement.kind === "base" ? at : previous?.since;
  return {
    name: metric.name,
    ...judged,
    failuresInARow: rowAfter(previous?.failuresInARow ?? 0, judged.verdict),
    passes: (previous?.passes ?? 0) + (judged.verdict === "Pass" ? 1 : 0),
    definition: definitionOf(metric),
    query: measurement.query,
    at,
    ...(since ? { since } : {}),
  };
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
export function definitionOf(metric: Metric): string {
  const text = JSON.stringify([metric.errorRate, metric.latency, metric.query, metric.min, metric.max]);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(16);
}
