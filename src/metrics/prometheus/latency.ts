/** `latency`: how many requests took longer than a limit, from the histogram's own buckets and count. */
import type { SideGrowth } from "../../rollout/analysis/measurement.ts";
import type { Counters, Series } from "./snapshot.ts";

export interface LatencyCounts {
  readonly requests: number;
  /** Slower than `boundMs`. */
  readonly bad: number;
  /** The limit rounded up to the next bound that every histogram has: nobody is blamed for a request that may have been in time. */
  readonly boundMs: number;
  /** Interpolated, for display; +Infinity above all bounds. Absent without requests. */
  readonly percentileMs?: number;
}

/** The buckets of one histogram start again together. */
export function histogramOf(series: Series): string {
  return series.slice(0, series.lastIndexOf("\n"));
}

/** Sums over everyone who reports. `percentile`: 0 to 100. */
export function latencyCountsOf(increases: Counters, maxMs: number, percentile: number): LatencyCounts {
  const histograms = histogramsIn(increases);
  const shared = sharedBounds(histograms);
  const boundMs = roundedUp(maxMs, shared);
  const requests = sumAt(histograms, Infinity);
  return {
    requests,
    bad: slowerThan(boundMs, histograms),
    boundMs,
    ...(requests > 0 ? { percentileMs: estimate(shared.map((bound) => [bound, sumAt(histograms, bound)]), (requests * percentile) / 100) } : {}),
  };
}

/** For each side, at the same bounds for both: one that a histogram lacks is rounded up for all, since only like may be compared with like. */
export function slownessOf(sides: readonly Counters[], { maxMs, boundsMs = [] }: { readonly maxMs?: number; readonly boundsMs?: readonly number[] }): readonly SideGrowth[] {
  const histograms = sides.map(histogramsIn);
  const shared = sharedBounds(histograms.flat());
  return histograms.map((ofSide) => ({
    requests: sumAt(ofSide, Infinity),
    bad: maxMs === undefined ? 0 : slowerThan(roundedUp(maxMs, shared), ofSide),
    ...(boundsMs.length > 0 ? { slower: boundsMs.map((boundMs) => slowerThan(roundedUp(boundMs, shared), ofSide)) } : {}),
  }));
}

/** Those that every histogram has, rising; without +Infinity. */
export function boundsIn(counters: Counters): readonly number[] {
  return sharedBounds(histogramsIn(counters)).filter(Number.isFinite);
}

type Histogram = ReadonlyMap<number, number>;

function roundedUp(ms: number, bounds: readonly number[]): number {
  return bounds.find((bound) => bound >= ms) ?? Infinity;
}

function slowerThan(boundMs: number, histograms: readonly Histogram[]): number {
  return Math.max(0, sumAt(histograms, Infinity) - sumAt(histograms, boundMs));
}

function sumAt(histograms: readonly Histogram[], boundMs: number): number {
  return histograms.reduce((total, buckets) => total + (buckets.get(boundMs) ?? 0), 0);
}

/** Rising. */
function sharedBounds(histograms: readonly Histogram[]): readonly number[] {
  return [...(histograms[0]?.keys() ?? [])].filter((boundMs) => histograms.every((buckets) => buckets.has(boundMs))).toSorted((a, b) => a - b);
}

/** By bound (+Infinity: all requests), for each histogram of each reporter. */
function histogramsIn(increases: Counters): readonly Histogram[] {
  return [...increases.values()].flatMap((series) => {
    const histograms = new Map<string, Map<number, number>>();
    for (const [one, increase] of series) {
      const le = one.slice(one.lastIndexOf("\n") + 1);
      const buckets = histograms.get(histogramOf(one)) ?? new Map<number, number>();
      histograms.set(histogramOf(one), buckets.set(le === "+Inf" ? Infinity : Number(le), increase));
    }
    return [...histograms.values()];
  });
}

/** The value below which `rank` requests are, taking them as evenly spread within a bucket. Buckets: (bound, requests up to it), rising. */
function estimate(buckets: readonly (readonly [number, number])[], rank: number): number {
  const at = buckets.findIndex(([, count]) => count >= rank);
  const [upper, upTo] = buckets[at] ?? [Infinity, 0];
  if (!Number.isFinite(upper)) return Infinity;
  const [lower, below] = buckets[at - 1] ?? [0, 0];
  return upTo === below ? upper : lower + ((upper - lower) * (rank - below)) / (upTo - below);
}
