/** Answers questions about a canary from Prometheus. */
import { setMaxListeners } from "node:events";
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import { msOf } from "../../rollout/units.ts";
import type { MetricProvider } from "../metric-provider.ts";
import { abortable } from "./abortable.ts";
import { createBatcher, type Batcher } from "./batcher.ts";
import { measureQuery } from "./custom-query.ts";
import { requestCountsOf } from "./error-rate.ts";
import { readWindow, type Reading, type Telemetry } from "./istio-counters.ts";
import { histogramOf, latencyCountsOf } from "./latency.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { displayQuery, DURATIONS, NEWEST_SCRAPE, REQUESTS, seenBeforeShape, snapshotShape, tailShape, type CounterMetric, type Names } from "./shapes.ts";
import type { Counters } from "./snapshot.ts";
import { createTargets, type Target, type TargetsOptions } from "./targets.ts";

export interface PrometheusOptions extends Pick<TargetsOptions, "own" | "readSecret" | "isAllowedHost" | "onQuery"> {
  /** For one query, its body included; default 10 s. */
  readonly deadlineMs?: number;
  /** Queries that one Prometheus is asked at once; default 8. */
  readonly maxConcurrency?: number;
  /** How long a question waits for others of its kind; default 25, at most 50. 0 with `maxNames` 1: every question alone. */
  readonly collectMs?: number;
  /** Workloads in one query; default 200. */
  readonly maxNames?: number;
}

const DEFAULTS = { deadlineMs: 10_000, maxConcurrency: 8, collectMs: 25, maxNames: 200 };
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** About 50 MB. */
const MAX_REMEMBERED_NUMBERS = 500_000;

export function createPrometheusProvider(options: PrometheusOptions): MetricProvider {
  const settings = { ...DEFAULTS, ...options };
  const targets = createTargets({ ...settings, maxAnswerBytes: MAX_ANSWER_BYTES });
  const batcher = createBatcher({ ...settings, maxRemembered: MAX_REMEMBERED_NUMBERS });
  return {
    measure: async (question, signal) => {
      setMaxListeners(0, signal); // all checks of a tick listen to one signal: many, and no leak
      try {
        const target = await abortable(targets.for(question), signal);
        return await measure(question, target, batcher, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PrometheusError)) throw error;
        return { name: question.metric.name, instantMs: question.instantMs, query: queryOf(question), kind: "error", message: error.message };
      }
    },
  };
}

function measure(question: Question, target: Target, batcher: Batcher, signal: AbortSignal): Promise<Measurement> {
  const { query, latency } = question.metric;
  if (query !== undefined) return measureQuery(question, query, target, signal);
  const counter = counterOf(question);
  const names = namesOf(question);
  if (names.canary.length === 0) return Promise.resolve(measured(question, { kind: "noData" }, counter));
  const telemetry = telemetryOf(counter, names, { target, batcher, signal });
  return readWindow(question, telemetry, latency && histogramOf).then((reading) => measured(question, reading, counter));
}

function telemetryOf(counter: CounterMetric, names: Names, { target, batcher, signal }: { target: Target; batcher: Batcher; signal: AbortSignal }): Telemetry {
  return {
    at: (instantMs) => batcher.ask(target, snapshotShape(counter), names, instantMs, signal),
    lastValues: (fromMs, toMs) => batcher.ask(target, tailShape(counter, toMs - fromMs), names, toMs, signal),
    seenBefore: (instantMs) => batcher.ask(target, seenBeforeShape(counter), names, instantMs, signal),
    newestScrapeMs: (instantMs) => batcher.ask(target, NEWEST_SCRAPE, names, instantMs, signal),
  };
}

function measured(question: Question, reading: Reading, counter: CounterMetric): Measurement {
  const { metric, instantMs } = question;
  const reporter = reading.kind === "grown" ? reading.reporter : undefined;
  const asked = { name: metric.name, instantMs, query: displayQuery(counter, namesOf(question), reporter) };
  if (reading.kind !== "grown") return { ...asked, kind: reading.kind };
  const counts = countsOf(question, reading.increases);
  return counts.requests === 0 ? { ...asked, kind: "noData" } : { ...asked, kind: "counted", ...counts };
}

function countsOf({ metric: { latency } }: Question, increases: Counters) {
  return latency ? latencyCountsOf(increases, latency.max === undefined ? Infinity : msOf(latency.max), latency.percentile) : requestCountsOf(increases);
}

function counterOf({ metric }: Question): CounterMetric {
  return metric.latency ? DURATIONS : REQUESTS;
}

function namesOf({ canary, stable }: Question): Names {
  return { namespace: canary.namespace, canary: canary.workloads.toSorted(), stable: stable.workloads.toSorted() };
}

function queryOf(question: Question): string {
  return question.metric.query ?? displayQuery(counterOf(question), namesOf(question), undefined);
}
