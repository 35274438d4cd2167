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
const BAD_GRPC_STATUSES: readonly string[] = ["2", "4", "12", "13", "14", "15"];

/** Sums over everyone who reports. */
export function requestCountsOf(increases: Counters): RequestCounts {
  const all = [...increases.values()].flatMap((series) => [...series]);
  const sum = (some: readonly (readonly [Series, number])[]): number => some.reduce((total, [, increase]) => total + increase, 0);
  return { requests: sum(all), bad: sum(all.filter(([series]) => isBad(series))) };
}

/** The share of requests that failed, of whatever is counted; 0 where nothing is. */
export function failedShareOf(counters: Counters): number {
  const { requests, bad } = requestCountsOf(counters);
  return requests > 0 ? bad / requests : 0;
}

/** 5xx, 0 (no answer came), and the gRPC statuses above, whose response code is 200. */
function isBad(series: Series): boolean {
  const [, responseCode = "", protocol, grpcStatus = ""] = series.split("\n");
  return /^(?:5\d\d|0)$/.test(responseCode) || (protocol === "grpc" && BAD_GRPC_STATUSES.includes(grpcStatus));
}
