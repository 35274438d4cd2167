/** Several objects that one Rollout names: read as one route, and written one after the other, each by a conditional write of its own. */
import { Conflict } from "../kubernetes/errors.ts";
import { isEqual } from "../rollout/equal.ts";
import { followerIn } from "../rollout/spec-followers.ts";
import type { Backend, DestinationSeen, LaneSeen, RouteFound, RoutePart, RouteSeen } from "../rollout/observation.ts";
import { objectsNamed, targetsIn } from "../rollout/route-names.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { OwnRoutesWanted } from "../rollout/route-write.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";
import { calledBy, followerChange, followingOf, followObstacle, inOrderOfCalls, selectorOf } from "./following.ts";
import { wantedOf } from "./route-edit.ts";
import type { RouteChange, RouteWritten, TrafficRouter } from "./traffic-router.ts";

type ReadAndWrite = Pick<TrafficRouter, "read" | "write">;

interface PartSeen {
  readonly target: Traffic;
  readonly seen: RouteSeen;
}

/** `router` knows targets of one object. */
export function movingTogether(router: ReadAndWrite): ReadAndWrite {
  return {
    read: (rollout, target, versions, ...asked) => {
      const targets = targetsIn(target);
      if (targets.length <= 1) return router.read(rollout, target, versions, ...asked);
      const twice = namedTwice(rollout, target);
      if (twice !== undefined) return { kind: "unusable", message: twice };
      return seenTogether(readEach(targets, versions, (one, ...others) => router.read(rollout, one, versions, ...(followerIn(one) ? others : asked))), versions);
    },
    write: (change) => (change.seen.parts ? writeEach(router, change, change.seen.parts) : router.write(change)),
  };
}

type ReadOne = (target: Traffic, beside: OwnRoutesWanted) => RouteSeen;

/** Callers first: by the labels of their new pods those that follow are led. */
function readEach(targets: readonly Traffic[], [canary = ""]: readonly string[], read: ReadOne): readonly PartSeen[] {
  return targets.reduce<readonly PartSeen[]>((parts, target) => {
    const callers = selectorOf(routeIn(leaderOf(target, parts)?.seen)?.backends[canary]);
    const seen = read(target, { matched: calledBy(callers, canary) });
    const obstacle = followerIn(target) && seen.kind === "found" ? followObstacle(seen, callers) : undefined;
    return [...parts, { target, seen: obstacle === undefined || seen.kind !== "found" ? seen : { kind: "unusable", message: obstacle, mendable: seen } }];
  }, []);
}

function routeIn(seen: RouteSeen | undefined): RouteFound | undefined {
  return seen?.kind === "found" ? seen : seen?.mendable;
}

/** Whose pods call the service that a target means; undefined where it follows none. */
function leaderOf<T extends { readonly target: Traffic }>(target: Traffic, all: readonly T[]): T | undefined {
  const { follow } = followerIn(target) ?? {};
  return follow === undefined ? undefined : all.find((one) => serviceOf(one) === follow && !followerIn(one.target));
}

function serviceOf({ target: { istio } }: { readonly target: Traffic }): string {
  return istio?.virtualServices[0]?.name ?? "";
}

function namedTwice({ namespace }: RolloutRef, target: Traffic): string | undefined {
  const names = objectsNamed(target, namespace);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice && `spec.traffic names ${twice} twice: name each object once, with all of its routes that shall move`;
}

/** What one of them lacks, the route lacks; what is there of the others can be written nevertheless, so that traffic is taken back (law 5). */
function seenTogether(parts: readonly PartSeen[], versions: readonly string[]): RouteSeen {
  const trouble = parts.map(({ seen }) => seen).find((seen) => seen.kind !== "found");
  const there = parts.map(({ target, seen }, at): RoutePart | undefined => {
    if (seen.kind === "found") return { ...seen, target, at };
    const { kind, message, mendable } = seen;
    return mendable && { ...mendable, target, at, trouble: { kind, message } };
  });
  const route = asOne(there, versions);
  if (trouble) return route ? { ...trouble, mendable: route } : trouble;
  const flaw = unlikeIn(route!.parts!, versions);
  return flaw === undefined ? route! : { kind: "unusable", message: flaw, mendable: route! };
}

/** Undefined where none of them is there. */
function asOne(there: readonly (RoutePart | undefined)[], versions: readonly string[]): RouteFound | undefined {
  const parts = counted(there.filter((part) => part !== undefined), versions);
  const leaders = parts.filter(({ target }) => !followerIn(target));
  const [first = parts[0], ...others] = leaders;
  if (!first) return undefined;
  const { target: _target, at: _at, trouble: _trouble, following: _following, stamp: _stamp, along: _along, ...route } = first;
  const managedBy = parts.find((part) => part.managedBy !== undefined)?.managedBy;
  const strayed = parts.find(({ foundAt }) => foundAt !== undefined)?.foundAt;
  const followers = parts.filter(({ target }) => followerIn(target));
  return {
    ...route,
    kind: "found",
    name: parts.map(({ name }) => name).join(" and "),
    resourceVersion: there.map((part) => part?.resourceVersion ?? "").join(","),
    fields: [...new Set(parts.flatMap(({ fields }) => fields))],
    along: parts.flatMap((part) => (part.following ? [part.following.lane] : lanesSeen(part))).slice(1),
    parts,
    conditions: [...new Set([first, ...others].flatMap(({ conditions }) => conditions))],
    mirrors: [first, ...others].flatMap(({ mirrors }) => mirrors),
    writers: parts.flatMap(({ writers }) => writers).toSorted((one, other) => other.atMs - one.atMs),
    backends: Object.fromEntries(Object.keys(first.backends).map((version) => [version, backendOf([first, ...others], version)])),
    ...(followers.length > 0 ? { services: Object.fromEntries([first, ...followers].map((part) => [serviceOf(part), part.backends])) } : {}),
    ...(managedBy === undefined ? {} : { managedBy }),
    ...(strayed === undefined ? {} : { foundAt: strayed }),
  };
}

/** While a run moves them, those that follow count as their callers' route does. */
function counted(parts: readonly RoutePart[], versions: readonly string[]): readonly RoutePart[] {
  if (!isMoving(parts)) return parts;
  return parts.map((part) => {
    const leader = leaderOf(part.target, parts);
    return leader ? { ...part, following: followingOf(part, leader, versions) } : part;
  });
}

function isMoving(parts: readonly RouteFound[]): boolean {
  return parts.some(({ stamp }) => stamp !== undefined);
}

function lanesSeen({ name, destinations, along = [] }: RouteFound): readonly LaneSeen[] {
  return [{ name, destinations }, ...along];
}

/** Where the pods of a version are: every object must lead to the same ones, and the last one that came to do so says since when. */
function backendOf(parts: readonly RoutePart[], version: string): Backend {
  const all = parts.map(({ name, backends }) => ({ name, backend: backends[version]! }));
  const found = all.flatMap(({ name, backend }) => (backend.kind === "found" ? [{ name, backend }] : []));
  const missing = all.find(({ backend }) => backend.kind === "missing");
  const [first, ...others] = found;
  if (missing || !first) return missing!.backend;
  const whose = ({ namespace, selector }: typeof first.backend): object => ({ namespace, selector });
  const other = others.find(({ backend }) => !isEqual(whose(backend), whose(first.backend)));
  if (other) return { kind: "missing", message: `${version} is other pods by ${other.name} than by ${first.name}, and one verdict cannot be about both: give each a Rollout of its own` };
  return { ...first.backend, definedAtMs: Math.max(...found.map(({ backend }) => backend.definedAtMs)) };
}

/** One set of weights must fit them all. While a run moves them, the two versions' own shares are compared by whoever decides. */
function unlikeIn(parts: readonly RoutePart[], versions: readonly string[]): string | undefined {
  const moving = isMoving(parts);
  const splitOf = (destinations: readonly DestinationSeen[]): string =>
    destinations
      .filter(({ version }) => !moving || !versions.includes(version))
      .map(({ version, points, weighted }) => `${version} ${weighted ? points : "without weight"}`)
      .join(", ");
  const [first, ...others] = parts.flatMap(lanesSeen);
  const other = others.find(({ destinations }) => splitOf(destinations) !== splitOf(first!.destinations));
  return other && `expected routes that move together to share alike, got ${splitOf(first!.destinations)} in ${first!.name} and ${splitOf(other.destinations)} in ${other.name}: make them alike, or give one of them a Rollout of its own`;
}

/**
 * In the Rollout's order. Where the new version gets more, the server is asked about each of them beforehand, so that what it would refuse in one is
 * written in none. Where it does not, one that is refused keeps none of the others from being written: traffic is taken back from as many as can be (law 5).
 * After a conflict the decision has lost its ground, and nothing more is written.
 */
async function writeEach(router: ReadAndWrite, change: RouteChange, parts: readonly RoutePart[]): Promise<RouteWritten> {
  const changes = changesOf(change, parts);
  const isRaise = changes.some(givesMore);
  const ordered = inOrderOfCalls(changes, isRaise);
  const written = new Map<RouteFound, RouteWritten>();
  const failures: unknown[] = [];
  const attempt = async (one: RouteChange): Promise<void> => {
    try {
      written.set(one.seen, await router.write(one));
    } catch (error) {
      const failure = aboutOne(error, one.seen.name);
      if (isRaise || error instanceof Conflict) throw failure;
      failures.push(failure);
    }
  };
  if (isRaise) for (const one of ordered) await attempt({ ...one, isTrial: true });
  for (const one of ordered) await attempt(one);
  if (failures.length > 0) throw failures[0];
  const all = parts.map((part) => written.get(part)!);
  return { resourceVersion: all.map(({ resourceVersion }) => resourceVersion).join(","), atMs: Math.max(...all.map(({ atMs }) => atMs)) };
}

interface PartChange extends RouteChange {
  readonly seen: RoutePart;
}

/** Each object's own, with what is wanted of its lists alone. */
function changesOf(change: RouteChange, parts: readonly RoutePart[]): readonly PartChange[] {
  const [, canary = ""] = change.ours;
  let before = 0;
  return parts.map((seen) => {
    const lanes = lanesSeen(seen).map((_, at) => wantedOf(change, before + at));
    before += lanes.length;
    const [wanted = [], ...wantedAlong] = lanes;
    const own = { ...change, target: seen.target, seen, wanted, wantedAlong };
    return followerIn(seen.target) ? { ...own, ...followerChange(own, selectorOf(leaderOf(seen.target, parts)?.backends[canary])) } : own;
  });
}

/** To the canary, which is the second of ours: a larger share, or requests that are picked out. */
function givesMore(change: RouteChange): boolean {
  const [, canary] = change.ours;
  const pointsOf = (all: readonly { readonly version: string; readonly points: number | null }[]): number => all.find(({ version }) => version === canary)?.points ?? 0;
  const isPickedOutAnew = change.matched !== null && !change.seen.matched;
  return isPickedOutAnew || lanesSeen(change.seen).some(({ destinations }, lane) => pointsOf(wantedOf(change, lane)) > pointsOf(destinations));
}

/** The same error, which says about which of them it is. */
function aboutOne(error: unknown, name: string): unknown {
  return error instanceof Error && !error.message.includes(name) ? Object.assign(error, { message: `${name}: ${error.message}` }) : error;
}
