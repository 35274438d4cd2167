/** `errorRate`: which requests failed. */
import type { Counters, Series } from "./snapshot.ts";

export interface RequestCounts {
  readonly requests: number;
  readonly bad: number;
}

/**
 * gRPC's statuses for which the server is to blame: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
 * The others are the caller's (NOT_FOUND, say) or wanted (RESOURCE_EXHAUSTED, as 429 is for HTTP).
 */
export const BAD_GRPC_STATUSES: readonly string[] = ["2", "4", "12", "13", "14", "15"];

export type IsBad = (series: Series) => boolean;

/** Sums over everyone who reports. */
export function requestCountsOf(increases: Counters, isBad: IsBad): RequestCounts {
  const all = [...increases.values()].flatMap((series) => [...series]);
  const sum = (some: readonly (readonly [Series, number])[]): number => some.reduce((total, [, increase]) => total + increase, 0);
  return { requests: sum(all), bad: sum(all.filter(([series]) => isBad(series))) };
}

/** The share of requests that failed, of whatever is counted; 0 where nothing is. */
export function failedShareOf(counters: Counters, isBad: IsBad): number {
  const { requests, bad } = requestCountsOf(counters, isBad);
  return requests > 0 ? bad / requests : 0;
}
