/** The built-ins, errorRate and latency: what the verdict and the evidence of one instant rest on. */
import type { Growth, History, Measurement, Question, SideGrowth } from "../../rollout/analysis/measurement.ts";
import { msOf } from "../../rollout/units.ts";
import { requestCountsOf } from "./error-rate.ts";
import { readGrowth, type GrowthReading } from "./growth.ts";
import { readWindow, type Reading } from "./istio-counters.ts";
import { latencyCountsOf, slownessOf } from "./latency.ts";
import { historyIn } from "./past.ts";
import { displayQuery, DURATIONS, REQUESTS, type CounterMetric, type Names } from "./shapes.ts";
import { ofWorkloads, reporterKindOf, type Counters } from "./snapshot.ts";
import { canaryTelemetry, type Telemetry } from "./telemetry.ts";

/** `telemetry`: of the question's counter and names. Throws a PrometheusError when a query fails. */
export async function measureBuiltIn(question: Question, telemetry: Telemetry): Promise<Measurement> {
  const names = namesOf(question);
  if (names.canary.length === 0) return measured(question, { kind: "noData" });
  const [reading, growth, history] = await Promise.all([
    readWindow(question, canaryTelemetry(telemetry, names.canary), counterOf(question).groupOf),
    growthSince(question, telemetry),
    historyBefore(question, telemetry),
  ]);
  const measurement = measured(question, reading);
  return reading.kind === "skipped" ? measurement : { ...measurement, ...grown(question, growth), ...(history ? { history } : {}) };
}

export function counterOf({ metric }: Pick<Question, "metric">): CounterMetric {
  return metric.latency ? DURATIONS : REQUESTS;
}

export function namesOf({ canary, stable }: Pick<Question, "canary" | "stable">): Names {
  return { namespace: canary.namespace, canary: canary.workloads.toSorted(), stable: stable.workloads.toSorted() };
}

export function queryOf(question: Question, reporter?: Growth["reporter"]): string {
  return displayQuery(counterOf(question), namesOf(question), reporter);
}

function measured(question: Question, reading: Reading): Measurement {
  const { metric, instantMs } = question;
  const asked = { name: metric.name, instantMs, query: queryOf(question, reading.kind === "grown" ? reading.reporter : undefined) };
  if (reading.kind !== "grown") return { ...asked, kind: reading.kind };
  const counts = countsOf(question, reading.increases);
  return counts.requests === 0 ? { ...asked, kind: "noData" } : { ...asked, kind: "counted", ...counts };
}

function countsOf({ metric: { latency } }: Question, increases: Counters) {
  return latency ? latencyCountsOf(increases, latency.max === undefined ? Infinity : msOf(latency.max), latency.percentile) : requestCountsOf(increases);
}

async function growthSince({ evidenceSinceMs, instantMs, inForceAtMs }: Question, telemetry: Telemetry): Promise<(GrowthReading & { sinceMs: number }) | undefined> {
  if (evidenceSinceMs === undefined || evidenceSinceMs >= instantMs) return undefined;
  return { ...(await readGrowth({ sinceMs: evidenceSinceMs, instantMs, inForceAtMs }, telemetry)), sinceMs: evidenceSinceMs };
}

function grown(question: Question, reading: (GrowthReading & { sinceMs: number }) | undefined): Pick<Measurement, "growth" | "growthAwaited"> {
  if (reading?.kind === "awaited") return { growthAwaited: true };
  if (reading?.kind !== "grown") return {};
  const { sinceMs, reporter, inStep, increases } = reading;
  const [canary, stable] = sidesOf(question, [question.canary, question.stable].map(({ workloads }) => ofWorkloads(increases, workloads)));
  return { growth: { sinceMs, reporter, inStep, canary: canary!, stable: stable! } };
}

async function historyBefore(question: Question, telemetry: Telemetry): Promise<History | undefined> {
  const { evidenceSinceMs: untilMs, wantsHistory, stable } = question;
  if (untilMs === undefined || !wantsHistory || stable.workloads.length === 0) return undefined;
  const [points, { scrapes }] = await Promise.all([telemetry.past(untilMs), telemetry.at(untilMs)]);
  return historyIn(points, {
    kind: question.metric.latency ? "latency" : "errors",
    untilMs,
    reporter: reporterKindOf(scrapes) ?? "destination",
    groupOf: counterOf(question).groupOf,
    count: (increases, boundsMs) => sidesOf({ metric: question.metric, boundsMs }, [increases])[0]!,
  });
}

function sidesOf({ metric: { latency }, boundsMs }: Pick<Question, "metric" | "boundsMs">, sides: readonly Counters[]): readonly SideGrowth[] {
  if (!latency) return sides.map(requestCountsOf);
  return slownessOf(sides, { ...(latency.max === undefined ? {} : { maxMs: msOf(latency.max) }), ...(boundsMs ? { boundsMs } : {}) });
}
