/** What to do in the world, found by comparing the committed status with what is seen: a lost write repeats itself. */
import { owedTo, targetOf } from "./announcements.ts";
import { type Case, isOurStamp, isShown, owesLastWrite, routeOf, type Split, splitOf, splitOfRun, stampOf, versionSeen, wantedPoints } from "./case.ts";
import type { Decision } from "./decision.ts";
import { isEqual } from "./equal.ts";
import { eventsOf, type KubernetesEvent } from "./kubernetes-events.ts";
import { type Notice, noticeOf } from "./notice.ts";
import type { Observation, RouteFound } from "./observation.ts";
import { caseOf } from "./read-case.ts";
import { FINALIZER, ROUTE_MANAGER, STAMP_MANAGER, type ValidRollout } from "./rollout.ts";
import type { Notification, Traffic } from "./spec.ts";
import type { RolloutStatus, Run } from "./status.ts";

/** One of our destinations as it shall be; `points: null` is an only destination without weight. */
export interface DestinationWanted {
  readonly version: string;
  readonly points: number | null;
}

export interface RouteWrite {
  readonly kind: "writeRoute";
  readonly target: Traffic;
  readonly seen: RouteFound;
  /** Stable and canary: of these, destinations that are not wanted go; every other destination stays as it is. */
  readonly ours: readonly string[];
  readonly wanted: readonly DestinationWanted[];
  readonly stamp: string | null;
  readonly manager: string;
}

export type Effect =
  | RouteWrite
  | { readonly kind: "setFinalizer"; readonly present: boolean }
  | { readonly kind: "replaceCommand"; readonly expected: string; readonly value: string | null }
  | { readonly kind: "notify"; readonly target: string; readonly notification: Notification; readonly notice: Notice }
  | ({ readonly kind: "event" } & KubernetesEvent);

/** In the order in which they are done: the finalizer before the route is touched, people told after the traffic has moved. */
export function effectsOf(rollout: ValidRollout, status: RolloutStatus, seen: Observation, decision: Decision): Effect[] {
  const it = caseOf(rollout, seen);
  const owed = routeOwed(it, status, decision);
  const writes = owed && !isWithheld(it, status, owed) ? [owed] : [];
  const letGo = !isGoing(it, status) && (owed === undefined || writes.length > 0);
  return [
    ...(isGoing(it, status) ? finalizer(it, true) : []),
    ...writes,
    ...(letGo ? finalizer(it, false) : []),
    ...commandEffects(it, status),
    ...eventsOf(it, status, decision).map((event) => ({ kind: "event" as const, ...event })),
    ...notices(it, status),
  ];
}

function isGoing(it: Case, { run }: RolloutStatus): boolean {
  return run !== undefined && run.outcome === undefined && !it.observing;
}

/** Held while Weir's weights are on the route; never added to what is being deleted. */
function finalizer({ rollout: { metadata } }: Case, present: boolean): Effect[] {
  if (metadata.finalizers.includes(FINALIZER) === present) return [];
  return present && metadata.deletionTimestamp ? [] : [{ kind: "setFinalizer", present }];
}

/** The route write that status asks for and the route does not show. */
function routeOwed(it: Case, status: RolloutStatus, decision: Decision): RouteWrite | undefined {
  const route = routeOf(it);
  const { run } = status;
  if (!route || !run || it.observing) return undefined;
  if (!run.outcome) return isShown(it, run) ? undefined : intended(it, route, run);
  if (decision.kind === "repair") return refusedToZero(it, status, route, run);
  return owesLastWrite(it, run) ? lastWrite(it, route, run) : undefined;
}

function intended(it: Case, route: RouteFound, run: Run): RouteWrite {
  const split = splitOfRun(it, run)!;
  const canary = wantedPoints(run, split);
  const wanted = [
    { version: run.from.version, points: split.total - canary },
    { version: run.to.version, points: canary },
  ];
  return { kind: "writeRoute", target: run.target, seen: route, ours: oursOf(run), wanted, stamp: stampOf(it, run), manager: ROUTE_MANAGER };
}

function oursOf(run: Run): string[] {
  return [run.from.version, run.to.version];
}

/** The winner has everything, in the shape that the route had before the run; our stamp goes. */
function lastWrite(it: Case, route: RouteFound, run: Run): RouteWrite | undefined {
  const wanted = atRest(run, splitOfRun(it, run)!);
  const write = { kind: "writeRoute", target: run.target, seen: route, ours: oursOf(run), wanted } as const;
  const weightsDiffer = !isEqual(wanted, present(route, run));
  if (weightsDiffer || isOurStamp(it, route)) return { ...write, stamp: null, manager: weightsDiffer ? ROUTE_MANAGER : STAMP_MANAGER };
  return isWithdrawn(it, run) ? { ...write, stamp: stampOf(it, run), manager: STAMP_MANAGER } : undefined;
}

/** An intent that the route never showed: a frozen daemon may still be about to write it, so the route must move on (law 3). */
function isWithdrawn(it: Case, run: Run): boolean {
  return run.epoch > 0 && run.inForceAt === undefined && !isShown(it, run);
}

function atRest(run: Run, { total }: Split): DestinationWanted[] {
  const succeeded = run.outcome === "Succeeded";
  const [winner, loser] = succeeded ? [run.to.version, run.from.version] : [run.from.version, run.to.version];
  const won = { version: winner, points: run.shape.unweighted ? null : total };
  if (run.shape.added) return [won];
  const both = [won, { version: loser, points: 0 }];
  return succeeded ? both.reverse() : both;
}

/** Ours as the route has them, in the order stable, canary. */
function present(route: RouteFound, run: Run): DestinationWanted[] {
  return oursOf(run).flatMap((version) => {
    const seen = route.destinations.find((one) => one.version === version);
    return seen ? [{ version, points: seen.weighted ? seen.points : null }] : [];
  });
}

function refusedToZero(it: Case, { stable, refused }: RolloutStatus, route: RouteFound, run: Run): RouteWrite | undefined {
  if (!stable || !refused) return undefined;
  const { total } = splitOf(route, stable.version, refused.version);
  const wanted = [
    { version: stable.version, points: total },
    { version: refused.version, points: 0 },
  ];
  return { kind: "writeRoute", target: run.target, seen: route, ours: [stable.version, refused.version], wanted, stamp: null, manager: ROUTE_MANAGER };
}

/** Nobody may get traffic whom nobody could answer for, and a suspended Rollout writes for abort alone. */
function isWithheld(it: Case, { run }: RolloutStatus, write: RouteWrite): boolean {
  if (it.spec.suspend && run?.outcome !== "Aborted") return true;
  return write.wanted.some(({ version, points }) => {
    const before = write.seen.destinations.find((one) => one.version === version)?.points ?? 0;
    return (points ?? before) > before && versionSeen(it, version).readyPods === 0;
  });
}

/** A command is taken away once it is answered, and not before. */
function commandEffects({ inbox }: Case, { lastCommand }: RolloutStatus): Effect[] {
  if (inbox.kind === "empty" || (inbox.kind === "accepted" && lastCommand?.id !== inbox.command.id)) return [];
  return [{ kind: "replaceCommand", expected: inbox.text, value: inbox.kind === "bare" ? inbox.stamped : null }];
}

function notices(it: Case, status: RolloutStatus): Effect[] {
  return it.spec.notifications.flatMap((notification, index) => {
    const target = targetOf(notification, index);
    return owedTo(notification, target, status).map((announcement) => ({ kind: "notify" as const, target, notification, notice: noticeOf(it, status, announcement) }));
  });
}

/** True where the tick must commit: something was learnt, or something is to be done (a stale writer is refused there, law 2). */
export function isWorthCommitting(rollout: ValidRollout, status: RolloutStatus, effects: readonly Effect[]): boolean {
  return effects.length > 0 || !isEqual(withoutTimers(rollout.status), withoutTimers(status));
}

/** When to look next, and since when a weight is in force, ride along with the next write. */
function withoutTimers(status: RolloutStatus | undefined): unknown {
  return status?.run ? { ...status, run: { ...status.run, nextLookAt: undefined, inForceAt: undefined } } : status;
}
