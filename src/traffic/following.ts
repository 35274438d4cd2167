/** A service whose new version is called by the new version of another one: what a run's weights, which move at its callers, mean for its own route. */
import { followerIn } from "../rollout/spec-followers.ts";
import type { Backend, DestinationSeen, Following, RouteFound, RoutePart } from "../rollout/observation.ts";
import type { MatchWanted } from "../rollout/route-write.ts";
import type { RouteChange } from "./traffic-router.ts";

type Selector = Readonly<Record<string, string>>;

/** Our own route there: the new version's pods reach the new version, all others go by the weights. Null where nobody knows the callers. */
export function calledBy(callers: Selector | undefined, canary: string): MatchWanted | null {
  return callers === undefined ? null : { version: canary, alternatives: [{ sourceLabels: { ...callers } }] };
}

/** By which labels a proxy knows the pods of a version. */
export function selectorOf(backend: Backend | undefined): Selector | undefined {
  return backend?.kind === "found" && Object.keys(backend.selector).length > 0 ? backend.selector : undefined;
}

/** Why no route can be put there for these callers; undefined where one can. */
export function followObstacle({ name, conditions, callerObstacle }: RouteFound, callers: Selector | undefined): string | undefined {
  if (callerObstacle !== undefined) return `${name} ${callerObstacle}`;
  const asked = Object.keys(callers ?? {}).find((label) => conditions.includes(`source label ${label.toLowerCase()}`));
  return asked && `${name} asks for source label ${asked} itself, by which the callers' new pods are told: name another of its routes, or take that out`;
}

/** What is wanted at the callers, for the follower: its weights move when all of them are new ones, and till then our own route leads there. */
export function followerChange(change: RouteChange, callers: Selector | undefined): Pick<RouteChange, "wanted" | "matched" | "sessions" | "mirrored"> {
  const [, canary = ""] = change.ours;
  const total = change.wanted.reduce((sum, { points }) => sum + (points ?? 0), 0);
  const points = change.wanted.find(({ version }) => version === canary)?.points ?? 0;
  const isAll = points > 0 && points === total;
  const isCalled = points > 0 || change.matched !== null || (change.mirrored?.percent ?? 0) > 0;
  return {
    wanted: change.wanted.map(({ version }) => ({ version, points: (version === canary) === isAll ? total : 0 })),
    matched: isCalled ? calledBy(callers, canary) : null,
    sessions: undefined,
    mirrored: undefined,
  };
}

/** How a follower's route counts for the run: as its callers' while it is as they need it, so that what a hand does to it is seen as if it had been done to theirs. */
export function followingOf(follower: RouteFound, leader: RouteFound, versions: readonly string[]): Following {
  const [canary = ""] = versions;
  const { matched } = follower;
  const given = pointsOf(leader.destinations, canary);
  const isAll = given > 0 && given === leader.destinations.filter(({ version }) => versions.includes(version)).reduce((sum, { points }) => sum + points, 0);
  const own = pointsOf(follower.destinations, canary);
  const isOthers = matched !== undefined && !matched.isIntact && selectorOf(leader.backends[canary]) !== undefined; // else nobody knows whom it should take
  const points = isOthers ? ALL : matched ? Math.min(ALL, isAll ? given : given + own) : own;
  return { lane: { name: follower.name, destinations: withCanary(leader.destinations, { canary, points }, versions) }, atMost: matched ? ALL : own };
}

const ALL = 100;

function pointsOf(destinations: readonly DestinationSeen[], version: string): number {
  return destinations.find((one) => one.version === version)?.points ?? 0;
}

/** What the new version has more or less is stable's. */
function withCanary(destinations: readonly DestinationSeen[], { canary, points }: { readonly canary: string; readonly points: number }, versions: readonly string[]): readonly DestinationSeen[] {
  const others = destinations.filter(({ version }) => version !== canary && versions.includes(version)).toSorted((one, other) => other.points - one.points);
  const [stable] = others;
  const more = points - pointsOf(destinations, canary);
  if (more === 0) return destinations;
  const isThere = destinations.some(({ version }) => version === canary);
  const all = isThere || !stable ? destinations : [...destinations, { ...stable, version: canary, points: 0 }];
  return all.map((each) => (each.version === canary ? { ...each, points } : each === stable ? { ...each, points: Math.max(0, each.points - more), weighted: true } : each));
}

/** Callers' routes move last where the new version gets more, and first where it gets less: nobody new is there without whom they call. */
export function inOrderOfCalls<T extends { readonly seen: Pick<RoutePart, "target"> }>(changes: readonly T[], isRaise: boolean): readonly T[] {
  const isFollower = ({ seen: { target } }: T): boolean => followerIn(target) !== undefined;
  return isRaise ? [...changes.filter(isFollower), ...changes.filter((change) => !isFollower(change))] : changes;
}
