/** Whether a step has the evidence that it needs, and what to do about silence (law 6). */
import { type Case, inForceAtMs } from "./case.ts";
import { worstOf } from "./analysis/judge.ts";
import { holdAt } from "./ladder.ts";
import type { Metric, OnSilence } from "./spec.ts";
import type { Reason, Run, Verdict } from "./status.ts";
import { msOf } from "./units.ts";

export interface Lacking {
  readonly reason: Extract<Reason, "Holding" | "NoData" | "Inconclusive" | "ProviderError">;
  readonly policy: OnSilence;
  /** A check that was never judged counts as Inconclusive. */
  readonly verdict: Verdict;
  readonly message: string;
}

/** When the step's time is over, milliseconds since the epoch; undefined while its weight is not in force. */
export function holdEndsMs(it: Pick<Case, "rollout" | "seen" | "spec">, run: Run): number | undefined {
  const inForce = inForceAtMs(it, run);
  return inForce === undefined ? undefined : inForce + msOf(holdAt(run.ladder, run.step) ?? "0s");
}

/** What the step lacks although its time is over; undefined while it has time, or lacks nothing. */
export function silence(it: Case, run: Run): Lacking | undefined {
  const endsMs = holdEndsMs(it, run);
  if (run.epoch === 0 || run.pausedBy || endsMs === undefined || it.nowMs < endsMs) return undefined;
  return lackingEvidence(it, run);
}

/** The check that keeps the step from being left: by the strictest policy, then by the worst verdict. */
export function lackingEvidence(it: Pick<Case, "spec">, run: Run): Lacking | undefined {
  if (run.direct) return undefined;
  const lacking = it.spec.analysis.metrics.flatMap((metric) => lackOf(it, run, metric) ?? []);
  const order: readonly OnSilence[] = ["rollback", "pause", "hold"];
  const strictest = order.find((policy) => lacking.some((one) => one.policy === policy));
  const worst = worstOf(lacking.flatMap(({ policy, verdict }) => (policy === strictest ? verdict : [])));
  return lacking.find(({ policy, verdict }) => policy === strictest && verdict === worst);
}

function lackOf({ spec: { analysis } }: Pick<Case, "spec">, run: Run, metric: Metric): Lacking | undefined {
  if (metric.onFail === "ignore") return undefined;
  const check = run.checks.find(({ name }) => name === metric.name);
  const said = (what: string): string => `${metric.name}: ${what}${check?.message ? ` (${check.message})` : ""}`;
  switch (check?.verdict) {
    case undefined:
      return { reason: "Holding", policy: "hold", verdict: "Inconclusive", message: said("not judged yet") };
    case "Fail":
      return { reason: "Holding", policy: "hold", verdict: check.verdict, message: said(`${check.value ?? "a value"} fails ${check.limit ?? "its limit"}, ${check.failuresInARow} of ${metric.failures} times in a row`) };
    case "Error":
      return { reason: "ProviderError", policy: analysis.onProviderError, verdict: check.verdict, message: said("the query failed") };
    case "NoData":
      return { reason: "NoData", policy: analysis.onNoData, verdict: check.verdict, message: said(`no request has reached ${run.to.version}`) };
    case "Inconclusive":
      return { reason: "Inconclusive", policy: analysis.onInconclusive, verdict: check.verdict, message: `${metric.name}: ${check.message ?? "too few requests to tell"}` };
    case "Pass":
      return check.passes >= analysis.minVerdicts ? undefined : { reason: "Holding", policy: "hold", verdict: check.verdict, message: said(`${check.passes} of ${analysis.minVerdicts} passes`) };
  }
}
