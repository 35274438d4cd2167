/** After the last step: the new version has all the traffic, and the one before is still there to go back to. */
import { keepOldAt, lastStep } from "../ladder.ts";
import type { Case } from "../case.ts";
import type { Decision } from "../decision.ts";
import type { Run } from "../status.ts";
import { instantOf, msOf } from "../units.ts";
import { noWayBackSaid } from "../way-back.ts";
import { type Rule, say, stay } from "./rule.ts";

/** Until when the old version is kept, milliseconds since the epoch; undefined while its time has not begun. */
export function keptUntilMs({ keptSince, ladder }: Run): number | undefined {
  const keepOld = keepOldAt(ladder, lastStep(ladder));
  return keptSince === undefined ? undefined : instantOf(keptSince) + msOf(keepOld ?? "0s");
}

/** Its last step has been judged, or a person has promoted it, and the old version's time is not over: what harms still takes everything back. */
export const keeping: Rule = (it) => {
  const { run } = it;
  const untilMs = run && keptUntilMs(run);
  if (!run || untilMs === undefined || it.nowMs >= untilMs) return undefined;
  return stay("Progressing", "Holding", `${keepingSaid(it, run)}${noWayBackSaid(it, run.from.version)}`);
};

/** The ladder ends with an old version to keep, and its time has not begun. */
export function isToKeep({ keptSince, ladder }: Run): boolean {
  return keptSince === undefined && keepOldAt(ladder, lastStep(ladder)) !== undefined;
}

export function kept(it: Case, run: Run): (Decision & { readonly kind: "keep" }) | undefined {
  if (!isToKeep(run)) return undefined;
  return { kind: "keep", ...say("Progressing", "Holding", keepingSaid(it, run)) };
}

/** In the same words as long as it lasts: other ones would cost writes. */
function keepingSaid(it: Case, { ladder, from, to }: Run): string {
  const { name, namespace } = it.rollout.metadata;
  return `${to.version} has all the traffic, and ${from.version} is kept for ${keepOldAt(ladder, lastStep(ladder))}: weir abort ${name} -n ${namespace} takes everything back at once, weir promote ${name} -n ${namespace} ends the run now`;
}
