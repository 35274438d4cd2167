/** Whether a step has the evidence that it needs, and what to do about silence (law 6). */
import { type Case, inForceAtMs } from "./case.ts";
import { requestsToSafety } from "./analysis/forecast.ts";
import { worstOf } from "./analysis/judge.ts";
import { isCompared } from "./analysis/tests.ts";
import { evidenceOf, safety, type Standing, standings } from "./analysis/weigh.ts";
import { holdAt, isGiven, weightsIn } from "./ladder.ts";
import { isComparable } from "./portion.ts";
import type { Metric, OnSilence, RolloutSpec } from "./spec.ts";
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
  if (inForce === undefined) return undefined;
  const holdMs = msOf(holdAt(run.ladder, run.step) ?? "0s");
  return inForce + (unsafe(it, run) === undefined ? holdMs : Math.max(holdMs, msOf(it.spec.strategy.maxHold)));
}

/** With `pace: evidence`: the next weight, as a fraction, which the canary has to be shown to be safe at. Requests that were picked out or copied show nothing about the others. */
export function nextShareToShow({ ladder, step, weight, direct, ...given }: Run, { strategy }: Pick<RolloutSpec, "strategy">): number | undefined {
  if (strategy.pace !== "evidence" || direct || !isComparable(given)) return undefined;
  const [next = 0] = weightsIn(ladder.slice(step + 1));
  return next > weight ? next / 100 : undefined;
}

/** Looks within a step that evidence for the next one takes at least. */
const LEAST_LOOKS = 2;

/** Which metric does not show yet that the next weight is safe; undefined where all do, or nothing has to be shown. */
function unsafe({ spec }: Pick<Case, "spec">, run: Run): Metric | undefined {
  const nextShare = nextShareToShow(run, spec);
  if (nextShare === undefined) return undefined;
  const standing = standings(run, spec.analysis);
  return spec.analysis.metrics.find((metric) => {
    const stands = standing.get(metric.name);
    return metric.onFail !== "ignore" && stands !== undefined && isCompared(metric) && !isSafe(metric, run, stands, nextShare);
  });
}

function isSafe(metric: Metric, run: Run, { lnE, isMuted }: Standing, nextShare: number): boolean {
  const evidence = evidenceOf(run, metric);
  const shown = safety(metric, evidence, nextShare);
  return shown !== undefined && shown.lnE >= shown.lnThreshold && (evidence?.inStep ?? 0) >= LEAST_LOOKS && lnE <= 0 && !isMuted;
}

/** What the step lacks although its time is over; undefined while it has time, or lacks nothing. */
export function silence(it: Case, run: Run): Lacking | undefined {
  const endsMs = holdEndsMs(it, run);
  if (run.epoch === 0 || run.pausedBy || endsMs === undefined || it.nowMs < endsMs) return undefined;
  return lackingEvidence(it, run);
}

/** The check that keeps the step from being left, where there is anything to judge: by the strictest policy, then by the worst verdict. */
export function lackingEvidence(it: Pick<Case, "spec">, run: Run): Lacking | undefined {
  if (run.direct || run.keptSince !== undefined || !isGiven(run)) return undefined; // what is kept is kept because the last step was passed
  const lacking = [...it.spec.analysis.metrics.flatMap((metric) => lackOf(it, run, metric) ?? []), ...lackOfProof(it, run)];
  const order: readonly OnSilence[] = ["rollback", "pause", "hold"];
  const strictest = order.find((policy) => lacking.some((one) => one.policy === policy));
  const worst = worstOf(lacking.flatMap(({ policy, verdict }) => (policy === strictest ? verdict : [])));
  return lacking.find(({ policy, verdict }) => policy === strictest && verdict === worst);
}

/** Reached `maxHold` without: then it is for the policy to say. */
function lackOfProof(it: Pick<Case, "spec">, run: Run): Lacking[] {
  const metric = unsafe(it, run);
  if (!metric) return [];
  const next = `${Math.round(nextShareToShow(run, it.spec)! * 100)}%`;
  // The forecast in it is dear: it is made when somebody says it.
  const message = (): string => `${metric.name}: not shown to be safe at ${next} yet${moreSaid(metric, run, it.spec)}`;
  return [{ reason: "Inconclusive", policy: it.spec.analysis.onInconclusive, verdict: "Inconclusive", get message() { return message(); } }];
}

function moreSaid(metric: Metric, run: Run, { analysis, strategy }: RolloutSpec): string {
  const more = requestsToSafety(metric, run, analysis, nextShareToShow(run, { strategy })!);
  return more === undefined ? "" : `, about ${more.toLocaleString("en-US")} requests more as things stand`;
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
      return { reason: "Inconclusive", policy: check.heldBy ? "hold" : analysis.onInconclusive, verdict: check.verdict, message: `${metric.name}: ${check.message ?? "too few requests to tell"}` };
    case "Pass":
      return check.passes >= analysis.minVerdicts ? undefined : { reason: "Holding", policy: "hold", verdict: check.verdict, message: said(`${check.passes} of ${analysis.minVerdicts} passes`) };
  }
}
