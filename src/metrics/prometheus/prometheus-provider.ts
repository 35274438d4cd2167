/** Answers questions about a canary from Prometheus. */
import { setMaxListeners } from "node:events";
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import type { MetricProvider } from "../metric-provider.ts";
import { abortable } from "./abortable.ts";
import { createBatcher, type Batcher } from "./batcher.ts";
import { counterOf, measureBuiltIn, namesOf, queryOf } from "./built-in.ts";
import { measureQuery } from "./custom-query.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { createTargets, type Target, type TargetsOptions } from "./targets.ts";
import { createTelemetry } from "./telemetry.ts";

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
        const { metric, instantMs } = question;
        return { name: metric.name, instantMs, query: metric.query ?? queryOf(question), kind: "error", message: error.message };
      }
    },
  };
}

function measure(question: Question, target: Target, batcher: Batcher, signal: AbortSignal): Promise<Measurement> {
  const { query } = question.metric;
  if (query !== undefined) return measureQuery(question, query, target, signal);
  return measureBuiltIn(question, createTelemetry(counterOf(question), namesOf(question), { target, batcher, signal }));
}
