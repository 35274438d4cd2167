/** `query`: a user's own PromQL, which must come to one number. */
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import { substituteVariables, type QueryValues, type SubstitutedQuery } from "../../rollout/analysis/query-variables.ts";
import type { Answer } from "./answer.ts";
import type { Target } from "./targets.ts";

/** A query's answer about one side. */
type Answered = { kind: "value"; value: number } | { kind: "noData" } | { kind: "error"; message: string };

/** With `ratio` the query is asked about stable as well, at the same instant. Throws a PrometheusError when a query fails. */
export async function measureQuery(question: Question, written: string, target: Target, signal: AbortSignal): Promise<Measurement> {
  const values = valuesOf(question);
  const ask = (about: QueryValues): Promise<Answered & { query: string }> => answered(substituteVariables(written, about), written, (query) => target.query(query, question.instantMs, signal));
  const [ofCanary, ofStable] = await Promise.all([ask(values), question.metric.ratio === undefined ? undefined : ask(aboutStable(values))]);
  return { name: question.metric.name, instantMs: question.instantMs, ...compared(ofCanary, ofStable) };
}

/** The same query with stable in the canary's place. */
function aboutStable(values: QueryValues): QueryValues {
  return { ...values, "canary.workload": values["stable.workload"], "canary.version": values["stable.version"], "canary.pods": values["stable.pods"] };
}

async function answered(resolved: SubstitutedQuery, written: string, ask: (query: string) => Promise<Answer>): Promise<Answered & { query: string }> {
  if (resolved.kind === "invalid") return { kind: "error", query: written, message: resolved.message };
  const { query } = resolved;
  return { query, ...(resolved.kind === "empty" ? { kind: "noData" } : valueIn(await ask(query))) };
}

type Compared = (Answered | { kind: "value"; value: number; stableValue: number }) & { query: string };

/** No data about stable leaves the canary's value to its own limits. */
function compared(ofCanary: Answered & { query: string }, ofStable: Answered | undefined): Compared {
  if (ofCanary.kind !== "value" || !ofStable || ofStable.kind === "noData") return ofCanary;
  if (ofStable.kind === "error") return { kind: "error", query: ofCanary.query, message: `about stable: ${ofStable.message}` };
  return { ...ofCanary, stableValue: ofStable.value };
}

function valueIn({ type, samples }: Answer): Answered {
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
