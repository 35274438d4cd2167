/** Rules that take the traffic back, or end the run. */
import { lnMissing } from "../analysis/gather.ts";
import { lnThreshold } from "../analysis/pool.ts";
import { missingSaid } from "../analysis/said.ts";
import { FALSE_SHARE_ALARM } from "../analysis/settings.ts";
import { absenceSaid, apart, type Case, definedInForceMs, editableOf, failedMetric, inForceAtMs, isOurStamp, mirrorsTo, notReadyFor, seenShare, splitsOfRun, versionSeen } from "../case.ts";
import type { Decision } from "../decision.ts";
import { deploymentSeen, isClosing, waitingTemplateSaid } from "../deployment.ts";
import { isEqual } from "../equal.ts";
import { silence } from "../evidence.ts";
import { isPickedOut, loadAt, stepAfter } from "../ladder.ts";
import type { RouteFound } from "../observation.ts";
import { pickedSaid, standingSaid } from "../portion.ts";
import { restorableFor } from "../route-obstacles.ts";
import { lastWrites, unreadyGainer } from "../route-write.ts";
import type { Analysis, Metric } from "../spec.ts";
import type { Check, Refusal, Run } from "../status.ts";
import { instantOf, msOf } from "../units.ts";
import { accepted, byWhom, percent, type Rule, say, splitSaid, stay, strangerOf } from "./rule.ts";

export const deleted: Rule = (it) => {
  if (!it.rollout.metadata.deletionTimestamp) return undefined;
  if (!it.run || it.observing) return cannotTakeBack(it) ?? leftBehind(it) ?? stay("Pending", "NothingToDo", "the Rollout is being deleted; the route is left as it is");
  return end(it, it.run, { outcome: "Aborted", why: "the Rollout was deleted" });
};

export const aborted: Rule = (it) => {
  const { run, command } = it;
  if (!run || it.observing) return undefined;
  if (command?.verb === "abort" || command?.verb === "undo") {
    const ending = end(it, run, { outcome: "Aborted", why: `aborted${byWhom(command)}`, actor: command.actor, restore: command.verb === "undo" });
    const obstacle = obstacleTo(it, run);
    const answer = obstacle ? `run ${run.number} is aborted; its traffic goes to ${run.from.version} as soon as it can: ${obstacle}` : `run ${run.number} is aborted; traffic goes to ${run.from.version}`;
    return { ...ending, refuse: "Aborted", ...accepted(command, answer) };
  }
  if (it.spec.release === run.release || it.spec.release !== run.from.version) return undefined;
  if (run.deployment !== undefined) return end(it, run, { outcome: "Aborted", why: `the Deployment holds the template of ${run.from.version} again` });
  return end(it, run, { outcome: "Aborted", why: `spec.release names ${run.from.version} again`, actor: it.rollout.metadata.specManager });
};

interface Ending {
  readonly outcome: "Aborted" | "RolledBack";
  readonly why: string;
  readonly actor?: string | undefined;
  /** An undo writes the template of stable back, too. */
  readonly restore?: boolean;
}

function end(it: Case, run: Run, { outcome, why, actor, restore = false }: Ending): Decision & { kind: "end" } {
  const obstacle = obstacleTo(it, run);
  const reason = obstacle ? why : `${why}${mendedSaid(it)}`;
  const isRestored = run.deployment !== undefined && (restore || run.rollingSince !== undefined || it.spec.deployment?.onRollback === "revert");
  const waiting = isRestored ? "" : waitingTemplateSaid(it, run.from.version);
  const said = say("Degraded", outcome, obstacle ? leftSaid(run, why, obstacle) : `${takenBackSaid(run, reason)}${waiting}`);
  return { kind: "end", outcome, why: reason, ...(actor ? { actor } : {}), ...(isRestored ? { restore: true } : {}), ...said };
}

/** A run whose Deployment is in the way of its ending well. */
export function taken(it: Case, run: Run, why: string): Decision & { kind: "end" } {
  return end(it, run, { outcome: "RolledBack", why });
}

/** Why the traffic cannot be taken back; undefined where it can, or where the canary has none. */
function obstacleTo(it: Case, run: Run): string | undefined {
  const stable = versionSeen(it, run.from.version);
  const isNeeded = stable.readyPods === 0 && splitsOfRun(it, run).some(({ canary }) => canary > 0);
  return routeObstacle(it, run) ?? (isNeeded ? `${run.from.version} has ${absenceSaid(stable)}` : undefined);
}

/** Why nothing can be written that would take it back. */
function routeObstacle(it: Case, run: Run): string | undefined {
  const { route } = it.seen;
  if (route.kind === "found" || (run.weight === 0 && run.epoch === 0)) return undefined;
  const isRestorable = apart(it, run).every((each) => restorableFor(each.it, [run.from.version, run.to.version]));
  return isRestorable ? undefined : route.message;
}

/** The traffic that an ended run could not take back is not forgotten: it goes as soon as the route can be written. */
function leftSaid({ number, to, from }: Run, why: string, obstacle: string): string {
  return `run ${number} of ${to.version} is over (${why}), and its traffic could not be taken back to ${from.version} yet: ${obstacle}`;
}

/** What is said while a run's traffic waits for its route to be put right. */
export function leftBehind(it: Case): Decision | undefined {
  const { ended } = it;
  const obstacle = ended && ended.outcome !== "Succeeded" && isLeft(it, ended) ? routeObstacle(it, ended) : undefined;
  return ended && obstacle ? stay("Degraded", refusalOf(it, ended), leftSaid(ended, ended.reason ?? "no reason was given", obstacle)) : undefined;
}

/** The run ended on a route that could not be read, or our stamp is still on it, or on one of its objects. */
function isLeft(it: Case, ended: Run): boolean {
  return apart(it, ended).some((each) => {
    const route = editableOf(each.it);
    return route ? isOurStamp(it, route) || route.resourceVersion === each.run.endedFrom : ended.endedFrom === undefined;
  });
}

/** A route that somebody mangled is written as a whole again, and that is told. */
function mendedSaid(it: Case): string {
  const route = editableOf(it);
  if (!route || it.seen.route.kind === "found") return "";
  if (route.foundAt !== undefined) return `; its route was found again as ${route.name}, although ${it.seen.route.message}`;
  return `; ${strangerOf(it)} had left ${route.name} at ${splitSaid(route)}, and its weights are mended`;
}

/** The same in the tick that ends the run and in every later one, so that rest is rest. */
export function takenBackSaid({ number, to, from }: Run, why: string): string {
  return `run ${number} of ${to.version} was taken back to ${from.version}: ${why}`;
}

/** The last write of an ended run is owed; where nobody behind stable could answer, that is said and nothing moves. */
export const cannotTakeBack: Rule = (it) => {
  const { ended } = it;
  const owed = ended ? lastWrites(it, ended) : [];
  if (!ended || owed.length === 0) return ended && isClosing(it, ended) ? endedSaid(it, ended) : undefined;
  const [gainer] = owed.flatMap((write) => unreadyGainer(it, write) ?? []);
  if (!gainer) return endedSaid(it, ended);
  const { readyPods, wantedPods } = versionSeen(it, gainer);
  const why = `${gainer} has ${readyPods > 0 ? `${readyPods} of ${wantedPods} ready pods, which are being replaced` : absenceSaid(versionSeen(it, gainer))}`;
  return stay("Degraded", "StableUnready", `traffic cannot go to ${gainer} because ${why}; it goes as soon as there is one, or now with weir abort --force (run ${ended.number}: ${ended.reason ?? "ended"})`);
};

/** Whoever has status alone says what it says. */
type EndedCase = Pick<Case, "status"> & Partial<Pick<Case, "rollout" | "seen">>;

/** What is said of a run that has ended, while its traces are still on the route. */
export function endedSaid(it: EndedCase, ended: Run): Decision {
  const { number, to, outcome } = ended;
  const why = ended.reason ?? "no reason was given";
  if (outcome === "Succeeded") return stay("Healthy", "Succeeded", `${to.version} has all the traffic since run ${number}`);
  if (outcome === "Superseded") return stay("Progressing", "Stepping", `run ${number} of ${to.version} was superseded: ${why}`);
  return stay("Degraded", refusalOf(it, ended), `${takenBackSaid(ended, why)}${waitingTemplateSaid(it, ended.from.version)}`);
}

function refusalOf({ status: { refused } }: Pick<Case, "status">, { to, outcome }: Run): Refusal {
  if (refused?.version === to.version) return refused.because;
  return outcome === "Aborted" ? "Aborted" : "RolledBack";
}

export const harmful: Rule = (it) => {
  const { run } = it;
  if (!run || it.observing) return undefined;
  const why = harmOf(it, run);
  return why === undefined ? undefined : { ...end(it, run, { outcome: "RolledBack", why }), refuse: "RolledBack" };
};

/** Why the canary hurts; undefined while it does not. */
function harmOf(it: Case, run: Run): string | undefined {
  const split = splitsOfRun(it, run).find((one) => one.canary > 0);
  const canary = versionSeen(it, run.to.version);
  const route = editableOf(it);
  const given = [...(split ? [`${percent(seenShare(split))} of the traffic`] : []), ...(route ? beyondShareSeen(route, run) : [])];
  if (given.length > 0 && canary.readyPods === 0 && !mayBeReady(it, run)) return `${run.to.version} has ${given.join(", ")} and ${absenceSaid(canary)}`;
  return failure(it, run) ?? silenceSaysRollback(it, run);
}

function beyondShareSeen(route: RouteFound, run: Run): string[] {
  const isMirrored = run.mirrored !== undefined && mirrorsTo(route, run.to.version).length > 0;
  return [...(route.matched ? pickedOutSaid(run) : []), ...(route.sessions?.versions.includes(run.to.version) ? ["the users that stay with it"] : []), ...(isMirrored ? ["shadows of requests"] : [])];
}

/** Our own route may still be there although the run does not want it any more. */
function pickedOutSaid(run: Run): string[] {
  return isPickedOut(run) ? pickedSaid(run) : ["the matched requests"];
}

/** Of a Deployment's canary, whose pods have just come: the step that was taken on the strength of them is not in force yet, or one cache is behind another. */
function mayBeReady(it: Case, run: Run): boolean {
  if (run.deployment === undefined) return false;
  const inForce = inForceAtMs(it, run);
  return inForce === undefined || it.nowMs < inForce || isReadyElsewhere(it, run);
}

/** What defines the version is there, and only not in force yet: of that its pods are not to blame, however late it came. */
function isDefinedAnew(it: Case, { to: { version } }: Run): boolean {
  return versionSeen(it, version).backend.kind === "found" && it.nowMs < definedInForceMs(it, version);
}

/** The pods' cache shows fewer of them ready than another one does. */
function isReadyElsewhere(it: Case, run: Run): boolean {
  return (deploymentSeen(it)?.readyCanaryPods ?? 0) > versionSeen(it, run.to.version).readyPods;
}

export function failure(it: Pick<Case, "spec">, run: Run): string | undefined {
  const failed = failedMetric(it, run, "rollback");
  return failed ? failureSaid(failed, run) : missingTraffic(it, run, "rollback");
}

/** A built-in's message tells the evidence; a query's the value and its limit. */
export function failureSaid({ metric, check }: { metric: Metric; check: Check }, run: Run): string {
  if (check.message) return `${metric.name}: ${check.message}`;
  return `${metric.name} was ${check.value ?? "unknown"}, ${check.limit ?? "outside its limit"} was expected, ${check.failuresInARow} times in a row ${standingSaid(run)}`;
}

/** Proof that the canary does not get its share, where that asks for `action`. */
export function missingTraffic({ spec: { analysis } }: Pick<Case, "spec">, run: Run, action: Analysis["onMissingTraffic"]): string | undefined {
  if (analysis.onMissingTraffic !== action || !run.share || lnMissing(run.share) < lnThreshold(FALSE_SHARE_ALARM)) return undefined;
  return missingSaid(run.share, run.weight);
}

function silenceSaysRollback(it: Case, run: Run): string | undefined {
  const silent = silence(it, run);
  if (!silent) return undefined;
  if (silent.policy === "rollback") return `${silent.message}, and the policy for ${silent.reason} is rollback`;
  const { after, then } = it.spec.analysis.holdLimit;
  const overdue = run.heldSince !== undefined && it.nowMs >= instantOf(run.heldSince) + msOf(after);
  return overdue && then === "rollback" && silent.policy === "hold" ? `${silent.message} for ${after}` : undefined;
}

export const superseded: Rule = (it) => {
  const { run } = it;
  if (!run || it.observing) return undefined;
  const why = successor(it, run);
  if (why !== undefined && isRolledEnough(it, run)) return { kind: "end", outcome: "Succeeded", why: `${why}, and at least half of its pods were of ${run.to.version} by then`, ...say("Healthy", "Succeeded", `${run.to.version} has all the traffic since run ${run.number}`) };
  if (why !== undefined && isDelivered(it, run)) return { kind: "end", outcome: "Succeeded", why: `${run.from.version} was kept until ${why}`, ...say("Healthy", "Succeeded", `${run.to.version} has all the traffic since run ${run.number}`) };
  return why === undefined ? undefined : { kind: "end", outcome: "Superseded", why, ...say("Progressing", "Stepping", `run ${run.number} of ${run.to.version} is superseded: ${why}`) };
};

/** It has passed every step, and only waited for the old version's time: another release goes on from it. A Deployment's is not rolled yet, and its template is gone. */
function isDelivered({ spec }: Case, { keptSince, deployment, target, release }: Run): boolean {
  return keptSince !== undefined && deployment === undefined && isEqual(spec.traffic, target) && spec.release !== release;
}

/** It has passed every step, and has taken the place of at least half of the Deployment's pods: another template goes on from it, for the pods before it could not take all the traffic back, and no more of them will come. */
function isRolledEnough(it: Case, { rollingSince, from, to, target, deployment: name }: Run): boolean {
  const deployment = deploymentSeen(it);
  if (rollingSince === undefined || !deployment || !isEqual(it.spec.traffic, target) || it.spec.deployment?.name !== name) return false;
  return ![from.version, to.version].includes(deployment.template.version) && (deployment.readyPodsOf[to.version] ?? 0) >= Math.max(1, Math.ceil(deployment.replicas / 2));
}

function successor(it: Case, run: Run): string | undefined {
  const { release } = it.spec;
  if (!isEqual(it.spec.traffic, run.target)) return "spec.traffic was edited";
  if (it.spec.deployment?.name !== run.deployment) return "spec.deployment was edited";
  if (release !== run.release && release !== run.to.version) return run.deployment === undefined ? `spec.release names ${release}` : `the Deployment holds the template of ${release} now`;
  const now = versionSeen(it, run.to.version).revision;
  const changed = now !== "" && run.to.revision !== "" && now !== run.to.revision;
  return changed ? `what runs behind ${run.to.version} changed from ${run.to.revision} to ${now}` : undefined;
}

export const stalled: Rule = (it) => {
  const { run } = it;
  if (!run?.waitingSince || it.observing) return undefined;
  const lacking = notReadyFor(it, run.to.version, loadAt(run.ladder, stepAfter(run)));
  const { progressDeadline } = it.spec.strategy;
  if (!lacking || it.nowMs < instantOf(run.waitingSince) + msOf(progressDeadline) || isDefinedAnew(it, run) || isReadyElsewhere(it, run)) return undefined;
  const why = `${lacking}, after ${progressDeadline}`;
  return { ...end(it, run, { outcome: "RolledBack", why }), reason: "NeverReady", refuse: "NeverReady" };
};
