/** What a metric provider is asked, and what it answers: counts and values, no verdict. */
import type { Metric, PrometheusSource, TelemetrySource } from "../spec.ts";
import type { RolloutRef } from "../rollout.ts";

/** Which pods' telemetry belongs to a side. */
export interface Scope {
  /** Where its pods are. */
  readonly namespace: string;
  readonly version: string;
  readonly workloads: readonly string[];
  readonly pods: readonly string[];
  /** What Envoy calls the cluster of the version; absent where nobody has said it. */
  readonly cluster?: string;
}

/** One check at one instant. */
export interface Question {
  readonly rollout: RolloutRef & { readonly uid: string };
  readonly metric: Metric;
  /** The Rollout's own Prometheus; absent: the daemon's. */
  readonly prometheus?: PrometheusSource;
  /** Built-ins: whose counters are read there. */
  readonly source: TelemetrySource;
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
  /** The canary gets nothing but copies of requests, of which no caller knows: its own pods alone report them. */
  readonly ofShadows?: boolean;
  /** Built-ins: the instant up to which the run's evidence is counted; what both sides did since then is asked for. */
  readonly evidenceSinceMs?: number;
  /** Latency: the histogram's bounds at which both sides are compared, in milliseconds; absent: not chosen yet. */
  readonly boundsMs?: readonly number[];
  /** True while nothing is known of stable's past: it is asked for, too, up to `evidenceSinceMs`. */
  readonly wantsHistory?: boolean;
}

/** What one side did between two instants: whole requests, from differences of raw counters. */
export interface SideGrowth {
  readonly requests: number;
  /** Failed, or slower than the bound that the limit was rounded up to (0 where there is no limit). */
  readonly bad: number;
  /** Latency: how many were slower than each of the question's bounds, in their order. */
  readonly slower?: readonly number[];
}

/** What both sides did in (sinceMs, instantMs]. */
export interface Growth {
  readonly sinceMs: number;
  /** Who counted: the callers' proxies, or those of the pods themselves (which count each retry). */
  readonly reporter: "source" | "destination";
  /** True where no request of another weight is in it: all who report had been scraped after the weight came into force when it began. */
  readonly inStep: boolean;
  readonly canary: SideGrowth;
  readonly stable: SideGrowth;
}

/** What stable did in the ten minutes before an instant. */
export interface History {
  readonly requests: number;
  /** As in SideGrowth. */
  readonly bad: number;
  /** How much more than by chance the bad ones cluster in pods (φ, at least 1); absent where stable's pods cannot be told apart, or there is one. */
  readonly dispersion?: number;
  /** Latency: for every bound of the histogram, rising. */
  readonly slower?: readonly { readonly boundMs: number; readonly slower: number; readonly dispersion?: number }[];
}

interface Asked {
  readonly name: string;
  readonly instantMs: number;
  /** Resolved, as it can be pasted into Prometheus. */
  readonly query: string;
  /**
   * Built-ins: absent where nothing new was scraped, or where nothing is known of `evidenceSinceMs` (Prometheus has lost it, say): a gap.
   * Either way evidence is counted up to this instant now, unless `growthAwaited`.
   */
  readonly growth?: Growth;
  /** True where what happened is not whole yet (not every pod has been scraped again, or two Prometheus contradict each other): evidence stays where it is. */
  readonly growthAwaited?: true;
  /** Built-ins: where it was asked for and something is known. */
  readonly history?: History;
}

export type Measurement =
  /** A built-in: whole requests between two scrapes, and how many of them were bad (errors, or slower than `boundMs`). */
  | (Asked & {
      readonly kind: "counted";
      readonly requests: number;
      readonly bad: number;
      /** Latency only: the histogram bound that `max` was rounded up to (+Infinity: above all; absent without a limit), and the percentile's estimate. */
      readonly boundMs?: number;
      readonly percentileMs?: number;
    })
  /** A custom query's number; +Infinity and -Infinity are values, NaN is noData. */
  | (Asked & { readonly kind: "value"; readonly value: number; /** The same query about stable, where `ratio` asks for it. */ readonly stableValue?: number })
  /** The counters were noted at this instant as the beginning of the window: nothing to judge yet. */
  | (Asked & { readonly kind: "base" })
  /** No scrape since the last look: this instant is passed over. */
  | (Asked & { readonly kind: "skipped" })
  | (Asked & { readonly kind: "noData" })
  /** The query failed; one sentence without secrets or user-given URL. */
  | (Asked & { readonly kind: "error"; readonly message: string });
