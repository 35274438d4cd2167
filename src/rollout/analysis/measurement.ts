/** What a metric provider is asked, and what it answers: counts and values, no verdict. */
import type { Metric, PrometheusSource } from "../spec.ts";
import type { RolloutRef } from "../rollout.ts";

/** Which pods' telemetry belongs to a side. */
export interface Scope {
  /** Where its pods are. */
  readonly namespace: string;
  readonly version: string;
  readonly workloads: readonly string[];
  readonly pods: readonly string[];
}

/** One check at one instant. */
export interface Question {
  readonly rollout: RolloutRef & { readonly uid: string };
  readonly metric: Metric;
  /** The Rollout's own Prometheus; absent: the daemon's. */
  readonly source?: PrometheusSource;
  readonly canary: Scope;
  readonly stable: Scope;
  /** T, on the grid; every query is evaluated at it. */
  readonly instantMs: number;
  /** When the weight came into force: no request before it may count. */
  readonly inForceAtMs: number;
  /** The instant whose counters the window begins with; absent: no base yet in this step, take one. */
  readonly sinceMs?: number;
  /** The instant of this check's last look in this step: no newer scrape since then means `skipped`. */
  readonly lastInstantMs?: number;
  /** `$(window)` of custom queries. */
  readonly windowMs: number;
  readonly minRequests: number;
}

interface Asked {
  readonly name: string;
  readonly instantMs: number;
  /** Resolved, as it can be pasted into Prometheus. */
  readonly query: string;
}

export type Measurement =
  /** A built-in: whole requests between two scrapes, and how many of them were bad (errors, or slower than `boundMs`). */
  | (Asked & {
      readonly kind: "counted";
      readonly requests: number;
      readonly bad: number;
      /** Latency only: the histogram bound that `max` was rounded up to (+Infinity: above all), and the percentile's estimate. */
      readonly boundMs?: number;
      readonly percentileMs?: number;
    })
  /** A custom query's number; +Infinity and -Infinity are values, NaN is noData. */
  | (Asked & { readonly kind: "value"; readonly value: number })
  /** The counters were noted at this instant as the beginning of the window: nothing to judge yet. */
  | (Asked & { readonly kind: "base" })
  /** No scrape since the last look: this instant is passed over. */
  | (Asked & { readonly kind: "skipped" })
  | (Asked & { readonly kind: "noData" })
  /** The query failed; one sentence without secrets or user-given URL. */
  | (Asked & { readonly kind: "error"; readonly message: string });
