/** What to do in the world, found by comparing the committed status with what is seen: a lost write repeats itself. */
import { owedTo, targetOf, withFolded } from "./announcements.ts";
import { type Case, isOurStamp, splitOfRun } from "./case.ts";
import type { Decision } from "./decision.ts";
import { isEqual } from "./equal.ts";
import { eventsOf, type KubernetesEvent } from "./kubernetes-events.ts";
import { type Notice, noticeOf } from "./notice.ts";
import type { Observation } from "./observation.ts";
import { caseOf } from "./read-case.ts";
import { recordOwed } from "./record.ts";
import { FINALIZER, type Rollout, type ValidRollout } from "./rollout.ts";
import type { RunRecord } from "./rollout-run.ts";
import { intended, lastWrite, refusedToZero, type RouteWrite, unreadyGainer } from "./route-write.ts";
import type { Notification } from "./spec.ts";
import type { RolloutStatus } from "./status.ts";

export type Effect =
  | ({ readonly kind: "writeRoute" } & RouteWrite)
  | { readonly kind: "keepRecord"; readonly record: RunRecord }
  | { readonly kind: "setFinalizer"; readonly present: boolean }
  | { readonly kind: "replaceCommand"; readonly expected: string; readonly value: string | null }
  | { readonly kind: "notify"; readonly target: string; readonly notification: Notification; readonly notice: Notice }
  | ({ readonly kind: "event" } & KubernetesEvent);

/** In the order in which they are done: the finalizer before the route is touched, its record after the traffic has moved, people told last. */
export function effectsOf(rollout: ValidRollout, status: RolloutStatus, seen: Observation, decision: Decision): Effect[] {
  const it = caseOf(rollout, seen);
  const owed = routeOwed(it, status, decision);
  const writes = owed && !isWithheld(it, status, owed) ? [{ kind: "writeRoute" as const, ...owed }] : [];
  const letGo = !isGoing(it, status) && (owed ? writes.length > 0 && owed.stamp === null : !isLeftBehind(it, status));
  const record = recordOwed(it, status, decision, letGo);
  return [
    ...(isGoing(it, status) ? finalizer(it, true) : []),
    ...writes,
    ...(record ? [{ kind: "keepRecord" as const, record }] : []),
    ...(letGo ? finalizer(it, false) : []),
    ...commandEffects(it, status),
    ...eventsOf(it, status, decision).map((event) => ({ kind: "event" as const, ...event })),
    ...notices(it, status),
  ];
}

function isGoing(it: Case, { run }: RolloutStatus): boolean {
  return run !== undefined && run.outcome === undefined && !it.observing;
}

/** A route that cannot be written may bear our stamp still: the last write waits for it, and a deleted Rollout only as long as the canary has traffic. */
function isLeftBehind(it: Case, { run }: RolloutStatus): boolean {
  const { route } = it.seen;
  if (!run || route.kind === "found") return false;
  const { mendable } = route;
  if (it.rollout.metadata.deletionTimestamp === undefined) return mendable ? isOurStamp(it, mendable) : route.kind === "unusable";
  return mendable !== undefined && isOurStamp(it, mendable) && splitOfRun(it, run)!.canary > 0;
}

/** Held while Weir's weights are on the route; never added to what is being deleted. */
function finalizer({ rollout: { metadata } }: Case, present: boolean): Effect[] {
  if (metadata.finalizers.includes(FINALIZER) === present) return [];
  return present && metadata.deletionTimestamp ? [] : [{ kind: "setFinalizer", present }];
}

/** The route write that status asks for and the route does not show. */
function routeOwed(it: Case, status: RolloutStatus, decision: Decision): RouteWrite | undefined {
  const { run } = status;
  if (!run || it.observing) return undefined;
  if (!run.outcome) return intended(it, run);
  return decision.kind === "repair" ? refusedToZero(it, status, run) : lastWrite(it, run);
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

/** What a run owes people that ended before a crash is told as the next one takes its place. */
function notices(it: Case, status: RolloutStatus): Effect[] {
  const isReplaced = it.ended !== undefined && it.ended.number !== status.run?.number;
  const told = [...(isReplaced ? [withFolded(it, it.status)] : []), status];
  return it.spec.notifications.flatMap((notification, index) => {
    const target = targetOf(notification, index);
    return told.flatMap((one) => owedTo(notification, target, one).map((announcement) => ({ kind: "notify" as const, target, notification, notice: noticeOf(it, one, announcement) })));
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
