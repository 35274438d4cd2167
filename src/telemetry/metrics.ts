/** What `/metrics` tells: Prometheus metrics in a registry of their own, with bounded labels. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** How a Rollout stands, for the gauges; read at each scrape, so that a Rollout that went leaves no series behind. */
export interface RolloutSample {
  readonly namespace: string;
  readonly name: string;
  readonly phase: string;
  /** The canary's committed share. */
  readonly weightPercent: number;
}

export interface MetricsOptions {
  readonly version: string;
  readonly rollouts: () => Iterable<RolloutSample>;
  /** Memory, CPU and event loop of this process; default true. */
  readonly processMetrics?: boolean;
}

export interface Metrics {
  /** One tick of one Rollout; lag: from when it was due to when it began. */
  tick(source: string, result: string, durationMs: number, lagMs: number): void;
  decision(reason: string): void;
  /** `status`: the HTTP status; undefined when no answer came. */
  apiRequest(verb: string, resource: string, status: number | undefined): void;
  prometheusQuery(result: string, durationMs: number): void;
  notification(notifier: string, event: string, result: string): void;
  redisUp(up: boolean): void;
  /** How many ticks a resync had to put back into the queue. */
  resynced(count: number): void;
  readonly contentType: string;
  /** The exposition format. */
  text(): Promise<string>;
}

/** Rollouts with series of their own; beyond it only the counts by phase are complete. */
const MAX_ROLLOUT_SERIES = 10_000;
/** Distinct values that one label takes; what comes later is `other`. */
const MAX_LABEL_VALUES = 64;
const DURATION_BUCKETS_S = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];
const LAG_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics({ version, rollouts, processMetrics = true }: MetricsOptions): Metrics {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  new Gauge({ name: "weir_build_info", help: "The version of this daemon, as a label.", labelNames: ["version"], registers: [registry] }).set({ version }, 1);
  addRolloutGauges(registry, rollouts);
  return { ...recorders(registry), contentType: registry.contentType, text: () => registry.metrics() };
}

function addRolloutGauges(registry: Registry, rollouts: () => Iterable<RolloutSample>): void {
  const registers = [registry];
  new Gauge({
    name: "weir_rollouts", help: "Rollouts by phase.", labelNames: ["phase"], registers,
    collect() { refill(this, [...rollouts()].map(({ phase }) => ({ phase })), (gauge, labels) => gauge.inc(labels)); },
  });
  new Gauge({
    name: "weir_rollout_phase", help: "1 for the phase that the Rollout is in.", labelNames: ["namespace", "name", "phase"], registers,
    collect() { refill(this, bounded(rollouts()).map(({ namespace, name, phase }) => ({ namespace, name, phase })), (gauge, labels) => gauge.set(labels, 1)); },
  });
  new Gauge({
    name: "weir_rollout_weight_percent", help: "Share of traffic that the newest version has.", labelNames: ["namespace", "name"], registers,
    collect() {
      this.reset();
      for (const { namespace, name, weightPercent } of bounded(rollouts())) this.set({ namespace, name }, weightPercent);
    },
  });
}

function refill<L extends string>(gauge: Gauge<L>, samples: readonly Record<L, string>[], add: (gauge: Gauge<L>, labels: Record<L, string>) => void): void {
  gauge.reset();
  for (const labels of samples) add(gauge, labels);
}

function bounded(samples: Iterable<RolloutSample>): readonly RolloutSample[] {
  return [...samples].slice(0, MAX_ROLLOUT_SERIES);
}

function recorders(registry: Registry): Omit<Metrics, "contentType" | "text"> {
  const { counter, histogram } = makers(registry);
  const ticks = histogram("weir_tick_duration_seconds", "How long a tick took.", ["source", "result"], DURATION_BUCKETS_S);
  const lags = histogram("weir_tick_lag_seconds", "From when a tick was due to when it began.", ["source"], LAG_BUCKETS_S);
  const decisions = counter("weir_decisions_total", "Decisions by reason.", ["reason"]);
  const requests = counter("weir_api_requests_total", "Requests to the Kubernetes API.", ["verb", "resource", "status_class"]);
  const queries = histogram("weir_prometheus_query_duration_seconds", "Queries to Prometheus.", ["result"], DURATION_BUCKETS_S);
  const notifications = counter("weir_notifications_total", "Attempts to deliver a notification.", ["notifier", "event", "result"]);
  const redis = new Gauge({ name: "weir_redis_up", help: "1 while Redis answers.", registers: [registry] });
  const resynced = counter("weir_resynced_ticks_total", "Ticks that a resync offered to the queue.", []);
  const label = boundedLabels();
  return {
    tick(source, result, durationMs, lagMs) {
      ticks.observe({ source: label("source", source), result: label("result", result) }, durationMs / 1_000);
      lags.observe({ source: label("source", source) }, Math.max(0, lagMs) / 1_000);
    },
    decision: (reason) => decisions.inc({ reason: label("reason", reason) }),
    apiRequest: (verb, resource, status) =>
      requests.inc({ verb: label("verb", verb), resource: label("resource", resource), status_class: statusClass(status) }),
    prometheusQuery: (result, durationMs) => queries.observe({ result: label("query", result) }, durationMs / 1_000),
    notification: (notifier, event, result) =>
      notifications.inc({ notifier: label("notifier", notifier), event: label("event", event), result: label("delivery", result) }),
    redisUp: (up) => redis.set(up ? 1 : 0),
    resynced: (count) => resynced.inc(count),
  };
}

function makers(registry: Registry) {
  const registers = [registry];
  return {
    counter: (name: string, help: string, labelNames: string[]) => new Counter({ name, help, labelNames, registers }),
    histogram: (name: string, help: string, labelNames: string[], buckets: number[]) => new Histogram({ name, help, labelNames, buckets, registers }),
  };
}

function statusClass(status: number | undefined): string {
  return status === undefined ? "none" : `${Math.floor(status / 100)}xx`;
}

/** Values of one label that were seen first keep their name; a flood of others is counted as one. */
function boundedLabels(): (label: string, value: string) => string {
  const seen = new Map<string, Set<string>>();
  return (label, value) => {
    const values = seen.get(label) ?? new Set();
    seen.set(label, values);
    if (!values.has(value) && values.size >= MAX_LABEL_VALUES) return "other";
    values.add(value);
    return value;
  };
}
