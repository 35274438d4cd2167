/** Whether stable could carry all the traffic again, which is asked before the new version gets more of it. */
import { absenceSaid, type Case, versionSeen } from "./case.ts";
import type { Decision } from "./decision.ts";
import { isWeightStep } from "./ladder.ts";
import type { AutoscalerSeen, VersionSeen } from "./observation.ts";
import type { Rollout } from "./rollout.ts";

/** A younger pod may not be in an autoscaler's average yet: it leaves pods out for 30 s after they became ready, and looks every 15 s (defaults of kube-controller-manager). */
const AVERAGED_AFTER_MS = 45_000;
/** An autoscaler leaves alone what is within a tenth of its target (default of kube-controller-manager). */
const TOLERANCE = 0.1;
/** Of pods: what is left beyond is rounding. */
const PLACES = 6;

/** Whether an autoscaler is to be looked for: a Deployment's canary would get more, by no more than what is known already. */
export function asksAutoscaler({ status }: Pick<Rollout, "status">, decision: Decision): boolean {
  const { run } = status ?? {};
  if (decision.kind !== "enter" || run?.deployment === undefined) return false;
  const next = run.ladder[decision.step];
  return isWeightStep(next) && (next.weight ?? 0) > run.weight;
}

/** The end of a sentence about why not; undefined where it could. */
export function wayBackObstacle(it: Pick<Case, "seen" | "nowMs">, from: string): string | undefined {
  const lacking = lackingPods(it, versionSeen(it, from));
  return lacking === undefined ? undefined : `${from} has ${lacking}, so it could not take its traffic back`;
}

/** For the end of whatever is said of a run that stays where it is; empty while anybody of stable could answer. */
export function noWayBackSaid(it: Pick<Case, "seen">, from: string): string {
  const stable = versionSeen(it, from);
  return stable.readyPods > 0 ? "" : `; ${from} has ${absenceSaid(stable)}, so it could not take its traffic back`;
}

function lackingPods({ seen: { autoscaler }, nowMs }: Pick<Case, "seen" | "nowMs">, stable: VersionSeen): string | undefined {
  const { readyPods, wantedPods } = stable;
  if (readyPods === 0) return absenceSaid(stable);
  if (readyPods < Math.ceil(wantedPods / 2)) return `${readyPods} of ${wantedPods} ready pods`;
  if (autoscaler === undefined) return undefined;
  if (typeof autoscaler === "string") return `pods whose load is not known (${autoscaler})`;
  const needed = podsNeeded(autoscaler, nowMs);
  return needed > readyPods * (1 + TOLERANCE) ? `${readyPods} ready pods where all the traffic needs ${Math.ceil(needed)} by ${autoscaler.label}` : undefined;
}

/** Pods that would be just enough for all the traffic, as far as its autoscaler would ever make so many. */
function podsNeeded({ perPod, ofAll, maxPods, readySinceMs }: AutoscalerSeen, nowMs: number): number {
  const averaged = readySinceMs.filter((sinceMs) => nowMs - sinceMs >= AVERAGED_AFTER_MS).length;
  return Number(Math.min(maxPods, Math.max(perPod * averaged, ofAll)).toFixed(PLACES));
}
