/** Answers questions about a canary from Prometheus. */
import { setMaxListeners } from "node:events";
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import type { MetricProvider } from "../metric-provider.ts";
import { abortable } from "./abortable.ts";
import { createBatcher } from "./batcher.ts";
import { counterOf, measureBuiltIn, namesOf, queryOf } from "./built-in.ts";
import { measureQuery } from "./custom-query.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { createRecordedTelemetry, type RecordOptions } from "./recorded.ts";
import { createTargets, type Target, type TargetsOptions } from "./targets.ts";
import { createTelemetry, type Telemetry, toldByPods } from "./telemetry.ts";

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
  const batcher = createBatcher({ ...DEFAULTS, ...options, maxRemembered: MAX_REMEMBERED_NUMBERS });
  return createProvider(options, async (question, target, signal) => {
    const counter = counterOf(question);
    const telemetry = createTelemetry(counter, namesOf(question), { target, batcher, signal });
    const doPodsReport = counter.forms.some(({ teller }) => teller !== undefined);
    return question.ofShadows && doPodsReport ? toldByPods(telemetry) : telemetry;
  });
}

/** Answers about instants that have gone by, as it would have answered then: built-ins from raw samples that are fetched once, before the first answer. */
export function createRecordedProvider(options: PrometheusOptions, span: Pick<RecordOptions, "fromMs" | "toMs" | "onProgress">): MetricProvider {
  const records = new Map<string, Promise<Telemetry>>();
  return createProvider(options, (question, target, signal) => {
    const [counter, names] = [counterOf(question), namesOf(question)];
    const key = JSON.stringify([target.key, counter.id, names]);
    const record = records.get(key) ?? createRecordedTelemetry({ ...span, counter, names, query: target.query, signal });
    records.set(key, record);
    record.catch(() => records.delete(key)); // the next question tries again
    return record;
  });
}

type TelemetryOf = (question: Question, target: Target, signal: AbortSignal) => Promise<Telemetry>;

function createProvider(options: PrometheusOptions, telemetryOf: TelemetryOf): MetricProvider {
  const targets = createTargets({ ...DEFAULTS, ...options, maxAnswerBytes: MAX_ANSWER_BYTES });
  return {
    measure: async (question, signal) => {
      setMaxListeners(0, signal); // all checks of a tick listen to one signal: many, and no leak
      try {
        const target = await abortable(targets.for(question), signal);
        return await measure(question, target, telemetryOf, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PrometheusError)) throw error;
        const { metric, instantMs } = question;
        return { name: metric.name, instantMs, query: metric.query ?? queryOf(question), kind: "error", message: error.message };
      }
    },
  };
}

async function measure(question: Question, target: Target, telemetryOf: TelemetryOf, signal: AbortSignal): Promise<Measurement> {
  const { query } = question.metric;
  return query === undefined ? measureBuiltIn(question, await telemetryOf(question, target, signal)) : measureQuery(question, query, target, signal);
}
