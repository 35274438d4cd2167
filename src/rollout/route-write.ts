/** The route writes that a status asks for: a run's intent, its last write, and a refused version put back to 0. */
import { type Case, editableOf, isOurStamp, isShown, type OnRoute, routeOf, type Split, splitOf, splitOfRun, stampOf, versionSeen, wantedPoints } from "./case.ts";
import { isEqual } from "./equal.ts";
import type { RouteFound } from "./observation.ts";
import { ROUTE_MANAGER, STAMP_MANAGER } from "./rollout.ts";
import { conditionsOf } from "./route-match.ts";
import type { RouteMatch } from "./spec-steps.ts";
import type { Traffic } from "./spec-traffic.ts";
import type { RolloutStatus, Run } from "./status.ts";

/** One of our destinations as it shall be; `points: null` is an only destination without weight. */
export interface DestinationWanted {
  readonly version: string;
  readonly points: number | null;
}

/** Requests that one of the alternatives describes go to this version. */
export interface MatchWanted {
  readonly version: string;
  readonly alternatives: readonly RouteMatch[];
}

export interface RouteWrite {
  readonly target: Traffic;
  /** What the decision was made from: the write fails unless the route is still at this resourceVersion (law 3). */
  readonly seen: RouteFound;
  /** Stable and canary: of these, destinations not in `wanted` are removed, and every other destination stays as it is. */
  readonly ours: readonly string[];
  /** One that the route lacks is added as a copy of the other one of ours, directly after it. */
  readonly wanted: readonly DestinationWanted[];
  /** Our own route beside it; null takes it away. */
  readonly matched: MatchWanted | null;
  /** The value for weir.dev/epoch; null takes the annotation away. */
  readonly stamp: string | null;
  /** `weir-stamp` where no weight differs. */
  readonly manager: string;
}

/** The intent of a run that goes on; undefined once the route has shown it. */
export function intended(it: OnRoute, run: Run): RouteWrite | undefined {
  const route = writableFor(it, oursOf(run));
  const split = splitOfRun(it, run);
  if (!route || !split || isShown(it, run) || route.foundAt !== undefined) return undefined;
  const canary = wantedPoints(run, split);
  const wanted = [
    { version: run.from.version, points: split.total - canary },
    { version: run.to.version, points: canary },
  ];
  return { target: run.target, seen: route, ours: oursOf(run), wanted, matched: matchWanted(run), stamp: stampOf(it, run), manager: ROUTE_MANAGER };
}

/** What a run that goes on wants picked out for its canary. */
export function matchWanted({ to, matched }: Run): MatchWanted | null {
  return matched ? { version: to.version, alternatives: matched } : null;
}

/**
 * The last write of an ended run, while it is owed: our stamp is there, or nobody has written the route since the ending
 * was decided. The winner has everything, in the shape that the route had before the run, and the stamp goes.
 */
export function lastWrite(it: OnRoute, run: Run): RouteWrite | undefined {
  const seen = editableOf(it);
  const split = splitOfRun(it, run);
  if (!seen || !split || !(isOurStamp(it, seen) || seen.resourceVersion === run.endedFrom)) return undefined;
  const last = lastChange(it, run, seen, split);
  return last && { target: run.target, seen, ours: oursOf(run), matched: null, stamp: null, ...last };
}

type LastChange = Pick<RouteWrite, "wanted" | "manager"> & Partial<Pick<RouteWrite, "stamp">>;

function lastChange(it: OnRoute, run: Run, seen: RouteFound, split: Split): LastChange | undefined {
  const isStamped = isOurStamp(it, seen);
  const manager = seen.matched ? ROUTE_MANAGER : STAMP_MANAGER;
  if (!writableFor(it, oursOf(run))) return isForsaken(it, seen) ? { wanted: [], manager } : undefined;
  if (isLeftBelow(it, run, split)) return isStamped ? { wanted: present(seen, run), manager } : undefined;
  const wanted = atRest(run, split, seen);
  if (isOwed(it, run, wanted)) return { wanted, manager: ROUTE_MANAGER };
  if (isStamped) return { wanted, manager: STAMP_MANAGER };
  return isWithdrawn(it, run) ? { wanted, stamp: stampOf(it, run), manager: STAMP_MANAGER } : undefined;
}

/** Less than the route gave when success was decided is what a hand has left since: its owner's edit (law 12). */
function isLeftBelow(it: OnRoute, run: Run, { canary, total }: Split): boolean {
  return run.outcome === "Succeeded" && routeOf(it) !== undefined && canary < Math.min(run.decidedAt ?? 0, total);
}

/** Weights that differ, or requests that are still picked out; a route that somebody mangled is mended only where it is ours to leave, or leads to the canary. */
function isOwed(it: OnRoute, run: Run, wanted: readonly DestinationWanted[]): boolean {
  const route = editableOf(it)!;
  if (route.matched) return true;
  if (routeOf(it)) return !isEqual(wanted, present(route, run));
  return isOurStamp(it, route) || isWithdrawn(it, run) || splitOfRun(it, run)!.canary > 0;
}

/** Whole, with our stamp, and it leads to neither of ours any more: only the stamp is left to take away. */
function isForsaken(it: OnRoute, route: RouteFound): boolean {
  return routeOf(it) !== undefined && isOurStamp(it, route);
}

/** The route, where a write of ours can leave it whole: it leads to one of ours, and what the others have is a part of 100. */
export function writableFor(it: Pick<OnRoute, "seen">, ours: readonly string[]): RouteFound | undefined {
  const route = editableOf(it);
  const others = (route?.destinations ?? []).filter(({ version }) => !ours.includes(version));
  const isRoom = others.every(({ points }) => Number.isInteger(points) && points >= 0) && others.reduce((sum, { points }) => sum + points, 0) <= 100;
  const isThere = (version: string): boolean => route!.destinations.some((one) => one.version === version);
  const leadsToOurs = route && (route.foundAt === undefined ? ours.some(isThere) : ours.every(isThere));
  return leadsToOurs && isRoom ? route : undefined;
}

/** An intent that the route never showed: a frozen daemon may still be about to write it, so the route must move on (law 3). */
function isWithdrawn(it: OnRoute, run: Run): boolean {
  return run.epoch > 0 && run.inForceAt === undefined && !isShown(it, run);
}

function atRest(run: Run, { total }: Split, { destinations }: RouteFound): DestinationWanted[] {
  const succeeded = run.outcome === "Succeeded";
  const [winner, loser] = succeeded ? [run.to.version, run.from.version] : [run.from.version, run.to.version];
  const isAlone = run.shape.unweighted && destinations.filter(({ version }) => version !== loser).length <= 1;
  const won = { version: winner, points: isAlone ? null : total };
  if (run.shape.added || !destinations.some(({ version }) => version === loser)) return [won];
  const both = [won, { version: loser, points: 0 }];
  return succeeded ? both.reverse() : both;
}

function oursOf(run: Run): string[] {
  return [run.from.version, run.to.version];
}

/** Ours as the route has them, in the order stable, canary. */
function present(route: RouteFound, run: Run): DestinationWanted[] {
  return oursOf(run).flatMap((version) => {
    const seen = route.destinations.find((one) => one.version === version);
    return seen ? [{ version, points: seen.weighted ? seen.points : null }] : [];
  });
}

/** At rest: a refused version gets nothing (law 12). */
export function refusedToZero(it: OnRoute, { stable, refused }: RolloutStatus, run: Run): RouteWrite | undefined {
  const route = stable && refused && writableFor(it, [stable.version, refused.version]);
  if (!route || !stable || !refused) return undefined;
  const { total } = splitOf(route, stable.version, refused.version);
  const wanted = [
    { version: stable.version, points: total },
    { version: refused.version, points: 0 },
  ];
  return { target: run.target, seen: route, ours: [stable.version, refused.version], wanted, matched: null, stamp: null, manager: ROUTE_MANAGER };
}

/** Why no weight of the two can be written at present; undefined where it can. */
export function noRoomFor(it: Pick<OnRoute, "seen">, { from, to }: Pick<Run, "from" | "to">): string | undefined {
  const { route } = it.seen;
  if (route.kind !== "found") return route.message;
  if (!writableFor(it, [from.version, to.version])) return `${route.name} leads to neither ${from.version} nor ${to.version}: put one of them back`;
  return splitOf(route, from.version, to.version).total > 0 ? undefined : `${route.name} gives everything to others, so ${from.version} and ${to.version} have nothing to share`;
}

/** Why requests cannot be picked out by these alternatives: a route cannot ask about one thing in two ways; undefined where it need not. */
export function askedTwice(it: Pick<OnRoute, "seen">, alternatives: readonly RouteMatch[]): string | undefined {
  const route = routeOf(it);
  const asked = route && alternatives.flatMap(conditionsOf).find((condition) => route.conditions.includes(condition));
  return asked && `${route.name} asks for ${asked} itself, so no match can ask for it once more: pick the requests out by something else`;
}

/** A version that the write would give more traffic although nobody behind it could answer. */
export function unreadyGainer(it: Case, write: RouteWrite): string | undefined {
  const { matched, seen } = write;
  if (matched && seen.matched?.version !== matched.version && versionSeen(it, matched.version).readyPods === 0) return matched.version;
  return write.wanted.find(({ version, points }) => {
    const before = write.seen.destinations.find((one) => one.version === version)?.points ?? 0;
    return (points ?? before) > before && versionSeen(it, version).readyPods === 0;
  })?.version;
}
