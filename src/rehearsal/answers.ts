/** What a metric provider would answer about made traffic. */
import type { Growth, History, Measurement, Question, SideGrowth } from "../rollout/analysis/measurement.ts";
import { msOf } from "../rollout/units.ts";
import { difference, type Counters, type Traffic } from "./traffic.ts";

export interface Past {
  /** What stable did in the ten minutes before the rollout. */
  readonly stable: Counters;
}

interface Made {
  readonly traffic: Traffic;
  readonly boundsMs: readonly number[];
  readonly past: Past;
}

export function answerTo(question: Question, made: Made): Measurement {
  const { metric, instantMs } = question;
  const asked = { name: metric.name, instantMs, query: metric.query ?? "" };
  if (metric.query !== undefined) return { ...asked, kind: "value", ...passingValue(question) };
  const known = { ...asked, ...grown(question, made), ...(question.wantsHistory ? { history: historyOf(question, made) } : {}) };
  if (question.sinceMs === undefined) return { ...known, kind: "base" };
  const { requests, bad } = sideOf(question, made, difference(made.traffic.at(instantMs).canary, made.traffic.at(question.sinceMs).canary));
  if (requests === 0) return { ...known, kind: "noData" };
  const boundMs = limitBoundOf(question, made.boundsMs);
  return { ...known, kind: "counted", requests, bad, ...(boundMs === undefined ? {} : { boundMs }) };
}

/** Nobody knows what a query of one's own would say: it is taken to pass. */
function passingValue({ metric: { min, max } }: Question): { readonly value: number; readonly stableValue: number } {
  const value = min ?? max ?? 0;
  return { value, stableValue: Math.abs(value) };
}

function grown(question: Question, made: Made): { readonly growth?: Growth } {
  const { evidenceSinceMs, instantMs, inForceAtMs } = question;
  if (evidenceSinceMs === undefined || evidenceSinceMs >= instantMs) return {};
  const [before, after] = [made.traffic.at(evidenceSinceMs), made.traffic.at(instantMs)];
  const side = (name: "canary" | "stable"): SideGrowth => sideOf(question, made, difference(after[name], before[name]));
  return { growth: { sinceMs: evidenceSinceMs, reporter: "source", inStep: evidenceSinceMs >= inForceAtMs, canary: side("canary"), stable: side("stable") } };
}

/** Bad requests of the made traffic come one by one: they cluster no more than by chance. */
function historyOf(question: Question, { past, boundsMs }: Made): History {
  const { requests, errors, slower } = past.stable;
  if (!question.metric.latency) return { requests, bad: errors, dispersion: 1 };
  return { requests, bad: badOf(question, past.stable, boundsMs), dispersion: 1, slower: boundsMs.map((boundMs, at) => ({ boundMs, slower: slower[at]!, dispersion: 1 })) };
}

function sideOf(question: Question, { boundsMs }: Made, counters: Counters): SideGrowth {
  const { requests, slower } = counters;
  const asked = question.boundsMs?.map((boundMs) => slower[boundsMs.indexOf(boundMs)] ?? 0);
  return { requests, bad: badOf(question, counters, boundsMs), ...(asked ? { slower: asked } : {}) };
}

function badOf(question: Question, { errors, slower }: Counters, boundsMs: readonly number[]): number {
  if (!question.metric.latency) return errors;
  const boundMs = limitBoundOf(question, boundsMs);
  return boundMs === undefined ? 0 : (slower[boundsMs.indexOf(boundMs)] ?? 0);
}

/** The histogram's bound that the limit is rounded up to. */
function limitBoundOf({ metric: { latency } }: Question, boundsMs: readonly number[]): number | undefined {
  const max = latency?.max;
  return max === undefined ? undefined : (boundsMs.find((boundMs) => boundMs >= msOf(max)) ?? Infinity);
}
