/** `query`: a user's own PromQL, which must come to one number. */
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import { substituteVariables, type QueryValues } from "../../rollout/analysis/query-variables.ts";
import type { Answer } from "./answer.ts";
import type { Target } from "./targets.ts";

/** Throws a PrometheusError when the query fails. */
export async function measureQuery(question: Question, written: string, target: Target, signal: AbortSignal): Promise<Measurement> {
  const asked = { name: question.metric.name, instantMs: question.instantMs };
  const resolved = substituteVariables(written, valuesOf(question));
  if (resolved.kind === "invalid") return { ...asked, kind: "error", query: written, message: resolved.message };
  const { query } = resolved;
  if (resolved.kind === "empty") return { ...asked, kind: "noData", query };
  return { ...asked, query, ...valueIn(await target.query(query, question.instantMs, signal)) };
}

function valueIn({ type, samples }: Answer): { kind: "value"; value: number } | { kind: "noData" } | { kind: "error"; message: string } {
  if (type === "matrix" || type === "string") return { kind: "error", message: `expected one number, got a ${type}: ask for an instant vector or a scalar` };
  if (samples.length > 1) return { kind: "error", message: `expected one value, got ${samples.length}: aggregate with sum()` };
  const [only] = samples;
  return only && !Number.isNaN(only.value) ? { kind: "value", value: only.value } : { kind: "noData" };
}

/** A window of nothing is no PromQL duration: the shortest one finds no data either. */
function valuesOf({ rollout, canary, stable, windowMs }: Question): QueryValues {
  return {
    namespace: [rollout.namespace],
    name: [rollout.name],
    "canary.workload": canary.workloads,
    "canary.version": [canary.version],
    "canary.pods": canary.pods,
    "stable.workload": stable.workloads,
    "stable.version": [stable.version],
    "stable.pods": stable.pods,
    window: [windowMs > 0 && windowMs % 1_000 === 0 ? `${windowMs / 1_000}s` : `${Math.max(1, Math.round(windowMs))}ms`],
  };
}
