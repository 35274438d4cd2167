/** What to do in the world, found by comparing the committed status with what is seen: a lost write repeats itself. */
import { owedTo, targetOf, withFolded } from "./announcements.ts";
import { apart, type Case, editableOf, isOurStamp, type OfRun, type OnRoute, type RouteLook, splitsOfRun } from "./case.ts";
import type { Decision } from "./decision.ts";
import { isTornDown } from "./deployment.ts";
import { isEqual } from "./equal.ts";
import { eventsOf, type KubernetesEvent } from "./kubernetes-events.ts";
import { type Notice, noticeOf } from "./notice.ts";
import type { Observation } from "./observation.ts";
import { caseOf } from "./read-case.ts";
import { recordOwed } from "./record.ts";
import { FINALIZER, HOLD_FINALIZER, type Rollout, type ValidRollout } from "./rollout.ts";
import type { RunRecord } from "./rollout-run.ts";
import { intended, lastWrites, refusedToZero, type RouteWrite, unreadyGainer } from "./route-write.ts";
import type { Notification } from "./spec.ts";
import { targetsIn } from "./route-names.ts";
import type { RolloutStatus, Run } from "./status.ts";
import { isHolding, type Upkeep, upkeepOf } from "./upkeep.ts";

export type Effect =
  | ({ readonly kind: "writeRoute" } & RouteWrite)
  | { readonly kind: "keepRecord"; readonly record: RunRecord }
  | { readonly kind: "setFinalizer"; readonly name: string; readonly present: boolean }
  | Upkeep
  | { readonly kind: "replaceCommand"; readonly expected: string; readonly value: string | null }
  | { readonly kind: "notify"; readonly target: string; readonly notification: Notification; readonly notice: Notice }
  | ({ readonly kind: "event" } & KubernetesEvent);

/** In the order in which they are done: the finalizer before the route is touched, its record after the traffic has moved, people told last. */
export function effectsOf(rollout: ValidRollout, status: RolloutStatus, seen: Observation, decision: Decision): Effect[] {
  const it = caseOf(rollout, seen);
  const owed = routesOwed(it, status, decision);
  const writes = owed.filter((write) => !isWithheld(it, status, write)).map((write) => ({ kind: "writeRoute" as const, ...write }));
  const letGo = !isGoing(it, status) && isLetGo(it, status, { owed, writes });
  const record = recordOwed(it, status, decision, letGo);
  return [
    ...(isGoing(it, status) ? finalizer(it, FINALIZER, true) : []),
    ...holdFinalizer(it, status),
    ...writes,
    ...upkeepOf(it, status).filter((each) => !isSuspended(it, status, each)),
    ...(record ? [{ kind: "keepRecord" as const, record }] : []),
    ...(letGo ? unseenSides(it, status) : []),
    ...(letGo ? finalizer(it, FINALIZER, false) : []),
    ...commandEffects(it, status),
    ...eventsOf(it, status, decision).map((event) => ({ kind: "event" as const, ...event })),
    ...owedByLast(rollout, status, seen),
    ...notices(it, status),
  ];
}

function isGoing(it: Case, { run }: RolloutStatus): boolean {
  return run !== undefined && run.outcome === undefined && !it.observing;
}

/** Nothing of ours is left where it does harm: a Deployment's run has more to take away than its weights. */
function isLetGo(it: Case, { run }: RolloutStatus, { owed, writes }: { readonly owed: readonly RouteWrite[]; readonly writes: readonly RouteWrite[] }): boolean {
  if (!run) return true;
  if (run.deployment !== undefined) return owed.length === 0 && !it.run && isTornDown(it);
  const isOfRoute = ({ it: { seen } }: OfRun<RouteLook>) => (write: RouteWrite): boolean => write.seen === editableOf({ seen });
  return !lacksOne(it, run) && apart(it, run).every((each) => {
    const write = owed.find(isOfRoute(each));
    return write ? write.stamp === null && writes.some(isOfRoute(each)) : !isLeftBehind({ ...it, ...each.it }, run);
  });
}

/** Nobody looks after what a Rollout leaves that is gone: our rule is taken away once more, where another daemon's is not to be seen yet. */
function unseenSides(it: Case, { run }: RolloutStatus): Effect[] {
  const { sides, sidesObstacle } = it.seen;
  const mayBeThere = it.rollout.metadata.deletionTimestamp !== undefined && it.rollout.metadata.finalizers.includes(FINALIZER) && run?.deployment !== undefined;
  return mayBeThere && !sides && sidesObstacle === undefined ? [{ kind: "writeSides", wanted: null }] : [];
}

/** Of several objects one cannot be read. */
function lacksOne({ rollout, seen: { route } }: Case, { target }: Run): boolean {
  const { parts } = (route.kind === "found" ? route : route.mendable) ?? {};
  return parts !== undefined && route.kind === "unusable" && rollout.metadata.deletionTimestamp === undefined && parts.length < targetsIn(target).length;
}

/** A route that cannot be written may bear our stamp still: the last write waits for it, and a deleted Rollout only as long as the canary has traffic. */
function isLeftBehind(it: OnRoute, run: Run): boolean {
  const { route } = it.seen;
  if (route.kind === "found") return false;
  const { mendable } = route;
  if (it.rollout.metadata.deletionTimestamp === undefined) return mendable ? isOurStamp(it, mendable) : route.kind === "unusable";
  return mendable !== undefined && isOurStamp(it, mendable) && splitsOfRun(it, run).some(({ canary }) => canary > 0);
}

/** Held while Weir's weights are on the route; never added to what is being deleted. */
function finalizer({ rollout: { metadata } }: Case, name: string, present: boolean): Effect[] {
  if (metadata.finalizers.includes(name) === present) return [];
  return present && metadata.deletionTimestamp ? [] : [{ kind: "setFinalizer", name, present }];
}

/** Put there before a Deployment is held, and taken away once it is seen to be let go of. */
function holdFinalizer(it: Case, status: RolloutStatus): Effect[] {
  return finalizer(it, HOLD_FINALIZER, isHolding(it, status));
}

/** Hands off: only what waits is held, a canary that the route does not keep apart goes, and what is aborted is cleared away. */
function isSuspended(it: Case, { run }: RolloutStatus, upkeep: Upkeep): boolean {
  const isSafe = upkeep.kind === "changeDeployment" && (upkeep.change.kind === "hold" || upkeep.change.kind === "removeCanary");
  return it.spec.suspend && run?.outcome !== "Aborted" && !isSafe;
}

/** The route writes that status asks for and the route does not show; of an ended run one for each object, else nearly always one. */
function routesOwed(it: Case, status: RolloutStatus, decision: Decision): readonly RouteWrite[] {
  const { run } = status;
  if (!run || it.observing) return [];
  if (!run.outcome) return [intended(it, run) ?? []].flat();
  return decision.kind === "repair" ? refusedToZero(it, status, run) : lastWrites(it, run);
}

/** Nobody may get traffic whom nobody could answer for, and a suspended Rollout writes for abort alone. */
function isWithheld(it: Case, { run }: RolloutStatus, write: RouteWrite): boolean {
  return (it.spec.suspend && run?.outcome !== "Aborted") || unreadyGainer(it, write) !== undefined;
}

/** A command is taken away once it is answered, and not before. */
function commandEffects({ inbox }: Case, { lastCommand }: RolloutStatus): Effect[] {
  if (inbox.kind === "empty" || (inbox.kind === "accepted" && lastCommand?.id !== inbox.command.id)) return [];
  return [{ kind: "replaceCommand", expected: inbox.text, value: inbox.kind === "bare" ? inbox.stamped : null }];
}

/** What a run owes people that ended before a crash, as the next one takes its place: once that is committed nothing remembers it. */
export function owedByLast(rollout: ValidRollout, status: RolloutStatus, seen: Observation): Effect[] {
  const it = caseOf(rollout, seen);
  const isReplaced = it.ended !== undefined && it.ended.number !== status.run?.number;
  return isReplaced ? notices(it, withFolded(it, it.status)) : [];
}

function notices(it: Case, status: RolloutStatus): Effect[] {
  return it.spec.notifications.flatMap((notification, index) => {
    const target = targetOf(notification, index);
    return owedTo(notification, target, status).map((announcement) => ({ kind: "notify" as const, target, notification, notice: noticeOf(it, status, announcement) }));
  });
}

/** True where the tick must commit: something was learnt, or something is to be done (a stale writer is refused there, law 2). */
export function isWorthCommitting(rollout: Rollout, status: RolloutStatus, effects: readonly Effect[]): boolean {
  return effects.length > 0 || !isEqual(withoutTimers(rollout.status), withoutTimers(status));
}

/** When to look next, and since when and in which route a weight is in force, ride along with the next write. */
function withoutTimers(status: RolloutStatus | undefined): unknown {
  return status?.run ? { ...status, run: { ...status.run, nextLookAt: undefined, inForceAt: undefined, shownAt: undefined } } : status;
}
