/** The built-ins, errorRate and latency: what the verdict and the evidence of one instant rest on. */
import type { Growth, History, Measurement, Question, SideGrowth } from "../../rollout/analysis/measurement.ts";
import { msOf } from "../../rollout/units.ts";
import { DIALECTS } from "./dialects/registry.ts";
import type { CounterMetric, Names } from "./dialect.ts";
import { requestCountsOf } from "./error-rate.ts";
import { readGrowth, type GrowthReading } from "./growth.ts";
import { readWindow, type Reading } from "./istio-counters.ts";
import { latencyCountsOf, slownessOf } from "./latency.ts";
import { historyIn } from "./past.ts";
import { displayQuery } from "./shapes.ts";
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

export function counterOf({ metric, source }: Pick<Question, "metric" | "source">): CounterMetric {
  const { requests, durations } = DIALECTS[source];
  return metric.latency ? durations : requests;
}

export function namesOf({ source, canary, stable }: Pick<Question, "source" | "canary" | "stable">): Names {
  return DIALECTS[source].namesOf(canary, stable);
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

function countsOf({ metric: { latency }, source }: Question, increases: Counters) {
  if (!latency) return requestCountsOf(increases, DIALECTS[source].requests.isBad);
  return latencyCountsOf(increases, latency.max === undefined ? Infinity : msOf(latency.max), latency.percentile);
}

async function growthSince({ evidenceSinceMs, instantMs, inForceAtMs }: Question, telemetry: Telemetry): Promise<(GrowthReading & { sinceMs: number }) | undefined> {
  if (evidenceSinceMs === undefined || evidenceSinceMs >= instantMs) return undefined;
  return { ...(await readGrowth({ sinceMs: evidenceSinceMs, instantMs, inForceAtMs }, telemetry)), sinceMs: evidenceSinceMs };
}

function grown(question: Question, reading: (GrowthReading & { sinceMs: number }) | undefined): Pick<Measurement, "growth" | "growthAwaited"> {
  if (reading?.kind === "awaited") return { growthAwaited: true };
  if (reading?.kind !== "grown") return {};
  const { sinceMs, reporter, inStep, increases } = reading;
  const names = namesOf(question);
  const [canary, stable] = sidesOf(question, [names.canary, names.stable].map((workloads) => ofWorkloads(increases, workloads)));
  return { growth: { sinceMs, reporter, inStep, canary: canary!, stable: stable! } };
}

async function historyBefore(question: Question, telemetry: Telemetry): Promise<History | undefined> {
  const { evidenceSinceMs: untilMs, wantsHistory } = question;
  if (untilMs === undefined || !wantsHistory || namesOf(question).stable.length === 0) return undefined;
  const [points, { scrapes }] = await Promise.all([telemetry.past(untilMs), telemetry.at(untilMs)]);
  return historyIn(points, {
    kind: question.metric.latency ? "latency" : "errors",
    untilMs,
    reporter: reporterKindOf(scrapes) ?? "destination",
    groupOf: counterOf(question).groupOf,
    count: (increases, boundsMs) => sidesOf({ ...question, boundsMs }, [increases])[0]!,
  });
}

function sidesOf({ metric: { latency }, source, boundsMs }: Pick<Question, "metric" | "source" | "boundsMs">, sides: readonly Counters[]): readonly SideGrowth[] {
  if (!latency) return sides.map((increases) => requestCountsOf(increases, DIALECTS[source].requests.isBad));
  return slownessOf(sides, { ...(latency.max === undefined ? {} : { maxMs: msOf(latency.max) }), ...(boundsMs ? { boundsMs } : {}) });
}
