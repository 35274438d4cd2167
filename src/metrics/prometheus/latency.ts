/** `latency`: how many requests took longer than a limit, from the histogram's own buckets and count. */
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
  const sumAt = (boundMs: number): number => histograms.reduce((total, buckets) => total + (buckets.get(boundMs) ?? 0), 0);
  const shared = [...(histograms[0]?.keys() ?? [])].filter((boundMs) => histograms.every((buckets) => buckets.has(boundMs))).toSorted((a, b) => a - b);
  const boundMs = shared.find((bound) => bound >= maxMs) ?? Infinity;
  const requests = sumAt(Infinity);
  return {
    requests,
    bad: Math.max(0, requests - sumAt(boundMs)),
    boundMs,
    ...(requests > 0 ? { percentileMs: estimate(shared.map((bound) => [bound, sumAt(bound)]), (requests * percentile) / 100) } : {}),
  };
}

/** By bound (+Infinity: all requests), for each histogram of each reporter. */
function histogramsIn(increases: Counters): readonly ReadonlyMap<number, number>[] {
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
