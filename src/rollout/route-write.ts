/** The route writes that a status asks for: a run's intent, its last write, and a refused version put back to 0. */
import { apart, type Case, editableOf, isBehind, isOurStamp, isShown, lanesOf, mirrorsTo, type OnRoute, routeOf, type Split, splitOf, splitOfRun, splitsOf, splitsOfRun, stampOf, versionSeen, wantedPoints } from "./case.ts";
import { deploymentSeen, isRestorable, isWithoutCanary, leadsToCanary, quietMs, routeInForceMs, type SideNames, sideNames, sidesInForceMs } from "./deployment.ts";
import { isEqual } from "./equal.ts";
import type { DestinationSeen, RouteFound } from "./observation.ts";
import { isPickedOut } from "./ladder.ts";
import { isComparable } from "./portion.ts";
import { ROUTE_MANAGER, STAMP_MANAGER, type ValidRollout } from "./rollout.ts";
import { cannotMirror, cannotPreview, leadsToAny, movableFor, restorableFor, writableFor } from "./route-obstacles.ts";
import { cannotPin, sessionState, sessionsWanted, type SessionsWanted } from "./sessions.ts";
import type { RouteMatch } from "./spec-steps.ts";
import type { Traffic } from "./spec-traffic.ts";
import type { RolloutStatus, Run } from "./status.ts";

/** One of our destinations as it shall be; `points: null` is an only destination without weight. */
export interface DestinationWanted {
  readonly version: string;
  readonly points: number | null;
}

/** Which requests are picked out: those that one of the alternatives describes, and those for the preview's host. */
export interface Picked {
  readonly alternatives: readonly RouteMatch[];
  readonly preview?: string;
}

/** They go to this version. */
export interface MatchWanted extends Picked {
  readonly version: string;
}

/** This version gets copies of so many of the requests, in percent; at 0 none, whoever had them sent to it. */
export interface MirrorWanted {
  readonly version: string;
  readonly percent: number;
}

/** What of ours stands beside the user's route. */
export interface OwnRoutesWanted {
  /** For requests that are picked out; null takes it away. */
  readonly matched: MatchWanted | null;
  /** By which users stay with their version; absent takes them away. */
  readonly sessions?: SessionsWanted | undefined;
}

export interface RouteWrite extends OwnRoutesWanted {
  readonly target: Traffic;
  /** What the decision was made from: the write fails unless the route is still at this resourceVersion (law 3). */
  readonly seen: RouteFound;
  /** Stable and canary: of these, destinations not in `wanted` are removed, and every other destination stays as it is. */
  readonly ours: readonly string[];
  /** One that the route lacks is added as a copy of the other one of ours, directly after it. */
  readonly wanted: readonly DestinationWanted[];
  /** Of each list that moves along, where that is not the same. */
  readonly wantedAlong?: readonly (readonly DestinationWanted[])[];
  /** Our own mirror; absent: what the route mirrors is its owner's. */
  readonly mirrored?: MirrorWanted | undefined;
  /** Of a Deployment: what the destinations are called, and whether ours shall lead to its sides or, as its owner has it, to all its pods. */
  readonly sides?: SideNames & { readonly isSplit: boolean };
  /** The value for weir.dev/epoch; null takes the annotation away. */
  readonly stamp: string | null;
  /** `weir-stamp` where no weight differs. */
  readonly manager: string;
}

/** The intent of a run that goes on; undefined once the route has shown it. */
export function intended(it: OnRoute, run: Run): RouteWrite | undefined {
  const route = movableFor(it, run);
  const split = splitOfRun(it, run);
  const isOutdated = route && sessionState(it, run, route) === "outdated";
  if (!route || !split || (isShown(it, run) && !isOutdated) || route.foundAt !== undefined || cannotMirror(it, run, run.mirrored) !== undefined || cannotPreview(it, run.previewed) !== undefined) return undefined;
  const all = inEach(inEachOfRun(it, run, (each) => bothIn(run, each)));
  return { target: run.target, seen: route, ours: oursOf(run), ...all, ...ownRoutesWanted(it, run), ...mirrorWanted(run), stamp: stampOf(it, run), manager: ROUTE_MANAGER, ...sidesOf(it, true) };
}

/** What a run that goes on gives its two versions of what is theirs in one list. */
function bothIn(run: Run, split: Split): DestinationWanted[] {
  const canary = wantedPoints(run, split);
  const both = [
    { version: run.from.version, points: split.total - canary },
    { version: run.to.version, points: canary },
  ];
  return run.deployment !== undefined && canary === 0 && isComparable(run) && !split.hasCanary ? both.slice(0, 1) : both; // its side is not there yet
}

type InEach = Pick<RouteWrite, "wanted" | "wantedAlong">;

/** A list that leads to none of ours by now stays as it is. */
function inEachOfRun(it: OnRoute, run: Run, wantedIn: (split: Split, lane: readonly DestinationSeen[]) => readonly DestinationWanted[]): readonly (readonly DestinationWanted[])[] {
  const route = editableOf(it);
  const lanes = route ? lanesOf(route) : [];
  return splitsOfRun(it, run).map((split, at) => (leadsToAny(lanes[at]!, oursOf(run)) ? wantedIn(split, lanes[at]!) : []));
}

/** Nearly always the same in each list that moves. */
function inEach([wanted = [], ...wantedAlong]: readonly (readonly DestinationWanted[])[]): InEach {
  return wantedAlong.every((each) => isEqual(each, wanted)) ? { wanted } : { wanted, wantedAlong };
}

/** What a run wants mirrored, or taken away again, where it ever had a mirror. */
function mirrorWanted({ to, mirrored }: Run): Pick<RouteWrite, "mirrored"> {
  return mirrored === undefined ? {} : { mirrored: { version: to.version, percent: mirrored } };
}

function sidesOf(it: OnRoute, isSplit: boolean): Pick<RouteWrite, "sides"> {
  const names = sideNames(it.rollout, deploymentSeen(it));
  return names ? { sides: { ...names, isSplit } } : {};
}

/** What a run that goes on wants beside the user's route, as that is. */
function ownRoutesWanted(it: OnRoute, run: Run): OwnRoutesWanted {
  const { sessions, ...wanted } = besideWanted(it.rollout, run);
  return sessions && cannotPin(it, run) === undefined ? { ...wanted, sessions } : wanted;
}

/** The same, wherever the route lets it. */
export function besideWanted(rollout: Pick<ValidRollout, "metadata">, run: Run): OwnRoutesWanted {
  const sessions = sessionsWanted(rollout, run);
  return { matched: matchWanted(run), ...(sessions ? { sessions } : {}) };
}

/** What it wants picked out for its canary. */
function matchWanted(run: Run): MatchWanted | null {
  const { to, matched = [], previewed } = run;
  return isPickedOut(run) ? { version: to.version, alternatives: matched, ...(previewed === undefined ? {} : { preview: previewed }) } : null;
}

/** The last writes of an ended run: of each object that it moved one. */
export function lastWrites(it: OnRoute, run: Run): readonly RouteWrite[] {
  return apart(it, run).flatMap((each) => lastWrite(each.it, each.run) ?? []);
}

/**
 * The last write of an ended run to one object, while it is owed: our stamp is there, or nobody has written the route since the ending
 * was decided. The winner has everything, in the shape that the route had before the run, and the stamp goes.
 */
function lastWrite(it: OnRoute, run: Run): RouteWrite | undefined {
  if (run.deployment !== undefined) return lastWriteOfSides(it, run);
  const seen = editableOf(it);
  const split = splitOfRun(it, run);
  if (!seen || !split || !(isOurStamp(it, seen) || seen.resourceVersion === run.endedFrom)) return undefined;
  const last = lastChange(it, run, seen, split);
  return last && { target: run.target, seen, ours: oursOf(run), matched: null, ...mirrorWanted(run), stamp: null, ...last };
}

type LastChange = Pick<RouteWrite, "wanted" | "wantedAlong" | "manager"> & Partial<Pick<RouteWrite, "stamp">>;

function lastChange(it: OnRoute, run: Run, seen: RouteFound, split: Split): LastChange | undefined {
  const isStamped = isOurStamp(it, seen);
  const manager = seen.matched || seen.sessions || isMirroredStill(seen, run) ? ROUTE_MANAGER : STAMP_MANAGER;
  if (!restorableFor(it, oursOf(run))) return isForsaken(it, seen) ? { wanted: [], manager } : undefined;
  if (isLeftBelow(it, run, split)) return isStamped ? { wanted: present(leastLane(seen, run), run), manager } : undefined;
  const rest = restWanted(it, run);
  if (isOwed(it, run, rest)) return { ...rest, manager: ROUTE_MANAGER };
  if (isStamped) return { ...rest, manager: STAMP_MANAGER };
  return isWithdrawn(it, run) ? { ...rest, stamp: stampOf(it, run), manager: STAMP_MANAGER } : undefined;
}

/**
 * Of a Deployment it is two: everything to the pods of the winner alone, and, once nothing of the canary is left, to all pods again, as its owner
 * has it. The stamp goes with the second.
 */
function lastWriteOfSides(it: OnRoute, run: Run): RouteWrite | undefined {
  const seen = editableOf(it);
  const names = sideNames(it.rollout, deploymentSeen(it));
  if (!seen || !names) return undefined;
  const others = seen.destinations.filter(({ version }) => version !== names.stable && version !== names.canary && version !== names.plain);
  const total = 100 - others.reduce((sum, { points }) => sum + points, 0);
  const winner = names.stable;
  const all = { version: winner, points: run.shape.unweighted && others.length === 0 ? null : total };
  const write = { target: run.target, seen, ours: [winner, names.canary], wanted: [all], matched: null, mirrored: { version: names.canary, percent: 0 }, manager: ROUTE_MANAGER };
  if (!seen.isSplit) return plainWrite(it, run, { ...write, manager: STAMP_MANAGER, sides: { ...names, isSplit: false } });
  if (it.rollout.status?.run?.outcome === undefined && run.outcome === "Succeeded") return undefined; // in the tick that ends it versions still bear the names of the run
  const alone = { ...write, wanted: [{ ...all, points: total }], stamp: stampOf(it, run), sides: { ...names, isSplit: true } };
  if (leadsToCanary(seen, names.canary)) return isTold(it, winner) ? alone : undefined;
  if (!isShown(it, run)) return { ...alone, manager: STAMP_MANAGER }; // what it last wanted may have been written by now, or be yet to come: whoever has not seen it fails here
  return ownersAgain(it, run, { ...write, stamp: null, sides: { ...names, isSplit: false } });
}

function ownersAgain(it: OnRoute, run: Run, write: RouteWrite): RouteWrite | undefined {
  return isRefusedGone(it, run) ? write : undefined;
}

/** Whoever put the owner's route back has taken our part of it away; only a stamp may be left, or a write of a frozen daemon yet to come. */
function plainWrite(it: OnRoute, run: Run, write: Omit<RouteWrite, "stamp">): RouteWrite | undefined {
  if (isOurStamp(it, write.seen)) return { ...write, stamp: null };
  return write.seen.resourceVersion === run.endedFrom && isWithdrawn(it, run) ? { ...write, stamp: stampOf(it, run) } : undefined;
}

/** After success, or where somebody took our rule away, the side of stable is pointed at its pods first. */
function isTold(it: OnRoute, stable: string): boolean {
  const { sides, versions = {}, nowMs = 0 } = it.seen;
  const hash = versions[stable]?.podTemplateHash;
  if (hash === undefined) return true; // nobody could answer for it anyway
  return sides?.stable === hash && nowMs >= sidesInForceMs({ seen: { sides }, spec: it.rollout.spec });
}

/** Its Deployment had begun to roll and gets the template before again: to all pods would be to the refused ones, too, and to some that are about to go. */
function isComingBack(it: OnRoute, { outcome }: Run): boolean {
  const deployment = deploymentSeen(it);
  const { restoring, stable } = it.rollout.status ?? {};
  if (!deployment || outcome === "Succeeded") return false;
  if (restoring) return deployment.rolledPods > 0 && isRestorable(restoring, deployment);
  return deployment.template.version === stable?.version && deployment.otherPods > 0 && !deployment.isPaused;
}

/** No pod is left that is only there for the run, and none that its last ticks made is yet to be seen. */
function isRefusedGone(it: OnRoute, run: Run): boolean {
  const { deployment } = it.seen;
  const { spec } = it.rollout;
  return deployment !== undefined && isWithoutCanary(deployment) && !isComingBack(it, run) && (it.seen.nowMs ?? 0) >= Math.max(routeInForceMs({ seen: it.seen, spec }), quietMs(run, spec));
}

/** Less than the route gave when success was decided is what a hand has left since: its owner's edit (law 12). */
function isLeftBelow(it: OnRoute, run: Run, { canary, total }: Split): boolean {
  return run.outcome === "Succeeded" && routeOf(it) !== undefined && canary < Math.min(run.decidedAt ?? 0, total);
}

/** Weights that differ, or requests that are still picked out, copied, or kept with a version; a route that somebody mangled is mended only where it is ours to leave, or leads to the canary. */
function isOwed(it: OnRoute, run: Run, { wanted, wantedAlong = [] }: InEach): boolean {
  const route = editableOf(it)!;
  if (route.matched || route.sessions || isMirroredStill(route, run)) return true;
  if (routeOf(it)) return lanesOf(route).some((lane, at) => !isEqual(wantedAlong[at - 1] ?? wanted, present(lane, run)));
  return isOurStamp(it, route) || isWithdrawn(it, run) || splitsOfRun(it, run).some(({ canary }) => canary > 0);
}

/** Our mirror is there although the run is over. */
function isMirroredStill(route: RouteFound, run: Run): boolean {
  return run.mirrored !== undefined && mirrorsTo(route, run.to.version).length > 0;
}

/** Whole, with our stamp, and it leads to neither of ours any more: only the stamp is left to take away. */
function isForsaken(it: OnRoute, route: RouteFound): boolean {
  return routeOf(it) !== undefined && isOurStamp(it, route);
}

/** An intent that the route never showed: a frozen daemon may still be about to write it, so the route must move on (law 3); or one that it has shown already, and not to us: whoever has not seen it fails here. */
function isWithdrawn(it: OnRoute, run: Run): boolean {
  return run.epoch > 0 && (isBehind(it, run) || (run.inForceAt === undefined && !isShown(it, run)));
}

function restWanted(it: OnRoute, run: Run): InEach {
  return inEach(inEachOfRun(it, run, (split, lane) => atRest(run, split, lane)));
}

function atRest(run: Run, { total }: Split, destinations: readonly DestinationSeen[]): DestinationWanted[] {
  const succeeded = run.outcome === "Succeeded";
  const [winner, loser] = succeeded ? [run.to.version, run.from.version] : [run.from.version, run.to.version];
  const isAlone = run.shape.unweighted && destinations.filter(({ version }) => version !== loser).length <= 1;
  const won = { version: winner, points: isAlone ? null : total };
  if (run.shape.added || !destinations.some(({ version }) => version === loser)) return [won];
  const both = [won, { version: loser, points: 0 }];
  return succeeded ? both.reverse() : both;
}

/** Of the routes that move together the one that gives the canary least. */
function leastLane(route: RouteFound, run: Run): readonly DestinationSeen[] {
  const { canary } = splitOf(route, run.from.version, run.to.version);
  return lanesOf(route)[splitsOf(route, run.from.version, run.to.version).findIndex((split) => split.canary === canary)]!;
}

function oursOf(run: Run): string[] {
  return [run.from.version, run.to.version];
}

/** Ours as a route has them, in the order stable, canary. */
function present(lane: readonly DestinationSeen[], run: Run): DestinationWanted[] {
  return oursOf(run).flatMap((version) => {
    const seen = lane.find((one) => one.version === version);
    return seen ? [{ version, points: seen.weighted ? seen.points : null }] : [];
  });
}

/** At rest: a refused version gets nothing (law 12), in any object that gives it something. */
export function refusedToZero(it: OnRoute, status: RolloutStatus, run: Run): readonly RouteWrite[] {
  return apart(it, run).flatMap((each) => refusedToZeroIn(each.it, status, each.run) ?? []);
}

function refusedToZeroIn(it: OnRoute, { stable, refused }: RolloutStatus, run: Run): RouteWrite | undefined {
  const route = stable && refused && writableFor(it, [stable.version, refused.version]);
  if (!route || !stable || !refused) return undefined;
  const { total, hasCanary } = splitOf(route, stable.version, refused.version);
  if (!hasCanary) return undefined;
  const wanted = [
    { version: stable.version, points: total },
    { version: refused.version, points: 0 },
  ];
  return { target: run.target, seen: route, ours: [stable.version, refused.version], wanted, matched: null, stamp: null, manager: ROUTE_MANAGER };
}

/** A version that the write would give more traffic although nobody behind it could answer; where the Deployment is gone and its Rollout goes as well, nobody ever will. */
export function unreadyGainer(it: Case, write: RouteWrite): string | undefined {
  if (it.rollout.metadata.deletionTimestamp !== undefined && it.seen.deployment?.kind === "absent") return undefined;
  const { matched, mirrored, seen } = write;
  const isUnready = (version: string): boolean => versionSeen(it, version).readyPods === 0;
  if (matched && seen.matched?.version !== matched.version && isUnready(matched.version)) return matched.version;
  if (mirrored && mirrored.percent > 0 && mirrorsTo(seen, mirrored.version).length === 0 && isUnready(mirrored.version)) return mirrored.version;
  return write.wanted.find(({ version, points }) => {
    const before = Math.min(...lanesOf(write.seen).map((lane) => lane.find((one) => one.version === version)?.points ?? 0));
    return (points ?? before) > before && (isUnready(version) || isBeingReplaced(it, version));
  })?.version;
}

/** Taken back while the Deployment rolled: its pods before carry the traffic again once their template is back, and half of them are ready. */
function isBeingReplaced(it: Case, version: string): boolean {
  const run = it.run ?? it.ended;
  const deployment = deploymentSeen(it);
  if (run?.rollingSince === undefined || version !== run.from.version || !deployment) return false;
  const { template, remembered } = deployment;
  if (template.version === run.to.version) return remembered.includes(version); // to be written back yet
  const { readyPods, wantedPods } = versionSeen(it, version);
  return template.version === version && (readyPods < Math.ceil(wantedPods / 2) || it.nowMs < quietMs(run, it.spec)); // those that it still had when it ended may be gone
}
