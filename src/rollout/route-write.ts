/** The route writes that a status asks for: a run's intent, its last write, and a refused version put back to 0. */
import { type Case, isOurStamp, isShown, type OnRoute, routeOf, type Split, splitOf, splitOfRun, stampOf, versionSeen, wantedPoints } from "./case.ts";
import { isEqual } from "./equal.ts";
import type { RouteFound } from "./observation.ts";
import { ROUTE_MANAGER, STAMP_MANAGER } from "./rollout.ts";
import type { Traffic } from "./spec.ts";
import type { RolloutStatus, Run } from "./status.ts";

/** One of our destinations as it shall be; `points: null` is an only destination without weight. */
export interface DestinationWanted {
  readonly version: string;
  readonly points: number | null;
}

export interface RouteWrite {
  readonly target: Traffic;
  /** What the decision was made from: the write fails unless the route is still at this resourceVersion (law 3). */
  readonly seen: RouteFound;
  /** Stable and canary: of these, destinations not in `wanted` are removed, and every other destination stays as it is. */
  readonly ours: readonly string[];
  /** One that the route lacks is added as a copy of the other one of ours, directly after it. */
  readonly wanted: readonly DestinationWanted[];
  /** The value for weir.dev/epoch; null takes the annotation away. */
  readonly stamp: string | null;
  /** `weir-stamp` where no weight differs. */
  readonly manager: string;
}

/** The intent of a run that goes on; undefined once the route has shown it. */
export function intended(it: OnRoute, run: Run): RouteWrite | undefined {
  const route = routeOf(it);
  const split = splitOfRun(it, run);
  if (!route || !split || isShown(it, run)) return undefined;
  const canary = wantedPoints(run, split);
  const wanted = [
    { version: run.from.version, points: split.total - canary },
    { version: run.to.version, points: canary },
  ];
  return { target: run.target, seen: route, ours: oursOf(run), wanted, stamp: stampOf(it, run), manager: ROUTE_MANAGER };
}

/**
 * The last write of an ended run, while it is owed: our stamp is there, or nobody has written the route since the ending
 * was decided. The winner has everything, in the shape that the route had before the run, and the stamp goes.
 */
export function lastWrite(it: OnRoute, run: Run): RouteWrite | undefined {
  const route = routeOf(it);
  const split = splitOfRun(it, run);
  if (!route || !split || !(isOurStamp(it, route) || route.resourceVersion === run.endedFrom)) return undefined;
  const wanted = atRest(run, split);
  const write = { target: run.target, seen: route, ours: oursOf(run), wanted };
  const weightsDiffer = !isEqual(wanted, present(route, run));
  if (weightsDiffer || isOurStamp(it, route)) return { ...write, stamp: null, manager: weightsDiffer ? ROUTE_MANAGER : STAMP_MANAGER };
  return isWithdrawn(it, run) ? { ...write, stamp: stampOf(it, run), manager: STAMP_MANAGER } : undefined;
}

/** An intent that the route never showed: a frozen daemon may still be about to write it, so the route must move on (law 3). */
function isWithdrawn(it: OnRoute, run: Run): boolean {
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
  const route = routeOf(it);
  if (!route || !stable || !refused) return undefined;
  const { total } = splitOf(route, stable.version, refused.version);
  const wanted = [
    { version: stable.version, points: total },
    { version: refused.version, points: 0 },
  ];
  return { target: run.target, seen: route, ours: [stable.version, refused.version], wanted, stamp: null, manager: ROUTE_MANAGER };
}

/** A version that the write would give more traffic although nobody behind it could answer. */
export function unreadyGainer(it: Case, write: RouteWrite): string | undefined {
  return write.wanted.find(({ version, points }) => {
    const before = write.seen.destinations.find((one) => one.version === version)?.points ?? 0;
    return (points ?? before) > before && versionSeen(it, version).readyPods === 0;
  })?.version;
}
