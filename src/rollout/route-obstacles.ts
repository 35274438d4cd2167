/** What is in the way of what a run wants of its route. */
import { editableOf, lanesOf, mirrorsTo, type RouteLook, routeOf, splitOf, splitsOfRun, wantedPoints } from "./case.ts";
import type { DestinationSeen, RouteFound } from "./observation.ts";
import { conditionsOf } from "./route-match.ts";
import type { RouteMatch } from "./spec-steps.ts";
import type { Run } from "./status.ts";

/** The route, where a write of ours with one set of weights can leave it whole: it leads to one of ours, and what the others have is a part of 100, the same in each list that moves along. */
export function writableFor(it: RouteLook, ours: readonly string[]): RouteFound | undefined {
  const route = restorableFor(it, ours);
  const lanes = route ? lanesOf(route) : [];
  const taken = lanes.map((lane) => takenByOthers(lane, ours));
  return lanes.every((lane) => leadsToAny(lane, ours)) && taken.every((points) => points === taken[0]) ? route : undefined;
}

/** The same, where each list has weights of its own, and one that leads to none of ours by now stays as it is: what is given back must not wait until all of them share alike (law 5). */
export function restorableFor(it: RouteLook, ours: readonly string[]): RouteFound | undefined {
  const route = editableOf(it);
  if (!route) return undefined;
  const lanes = lanesOf(route);
  const isRoom = lanes.every((lane) => takenByOthers(lane, ours) !== undefined);
  const isFoundAgain = route.foundAt === undefined || lanes.every((lane) => ours.every((version) => leadsToAny(lane, [version])));
  return isRoom && isFoundAgain && lanes.some((lane) => leadsToAny(lane, ours)) ? route : undefined;
}

/** Whether a list leads to one of these, with whatever weight. */
export function leadsToAny(lane: readonly DestinationSeen[], versions: readonly string[]): boolean {
  return lane.some(({ version }) => versions.includes(version));
}

/** The route, where a run can move its versions: where the new one gets no more by it anywhere, no list waits until the others share alike with it (law 5). */
export function movableFor(it: RouteLook, run: Run): RouteFound | undefined {
  const ours = [run.from.version, run.to.version];
  const isNoRaise = splitsOfRun(it, run).every((split) => wantedPoints(run, split) <= split.canary);
  if (isNoRaise) return restorableFor(it, ours);
  const route = writableFor(it, ours);
  const isUnlike = route !== undefined && lanesOf(route).length > 1 && it.seen.route.kind !== "found"; // perhaps a hand's doing, before anything of ours was written
  return isUnlike ? undefined : route;
}

/** Undefined where that is no part of 100. */
function takenByOthers(lane: readonly DestinationSeen[], ours: readonly string[]): number | undefined {
  const others = lane.filter(({ version }) => !ours.includes(version));
  const points = others.reduce((sum, each) => sum + each.points, 0);
  return others.every((each) => Number.isInteger(each.points) && each.points >= 0) && points <= 100 ? points : undefined;
}

/** Why no weight of the two can be written at present; undefined where it can. */
export function noRoomFor(it: RouteLook, { from, to }: Pick<Run, "from" | "to">): string | undefined {
  const { route } = it.seen;
  if (route.kind !== "found") return route.message;
  if (!writableFor(it, [from.version, to.version])) return `${route.name} leads to neither ${from.version} nor ${to.version}: put one of them back`;
  return splitOf(route, from.version, to.version).total > 0 ? undefined : `${route.name} gives everything to others, so ${from.version} and ${to.version} have nothing to share`;
}

/** Why requests cannot be picked out by these alternatives: a route cannot ask about one thing in two ways; undefined where it need not. */
export function askedTwice(it: RouteLook, alternatives: readonly RouteMatch[]): string | undefined {
  const route = routeOf(it);
  const asked = route && alternatives.flatMap(conditionsOf).find((condition) => route.conditions.includes(condition));
  return asked && `${route.name} asks for ${asked} itself, so no match can ask for it once more: pick the requests out by something else`;
}

/** Why no request for a host can be picked out; undefined where it can, or need not. */
export function cannotPreview(it: RouteLook, host: string | undefined): string | undefined {
  const route = routeOf(it);
  if (!route || host === undefined) return undefined;
  if (!route.hosts) return `${route.name} cannot pick out requests by their host, as the preview at ${host} needs: take the preview out of the steps`;
  const isFor = (pattern: string): boolean => pattern === host || (pattern.startsWith("*") && host.endsWith(pattern.slice(1)));
  return route.hosts.names.some(isFor) ? undefined : `no request for ${host} comes to ${route.name}, so it cannot be previewed there: add - ${host} to spec.hosts of ${route.hosts.of}`;
}

/** Why no copy of a request can be sent to a run's new version; undefined where none is wanted, or it has them already. */
export function cannotMirror(it: RouteLook, { to, mirrored: before = 0 }: { readonly to: Run["to"] } & Partial<Pick<Run, "mirrored">>, percent = 0): string | undefined {
  const route = routeOf(it);
  if (!route || percent === 0) return undefined;
  const isThere = mirrorsTo(route, to.version).length > 0;
  if (isThere) return before > 0 ? undefined : `${route.name} mirrors requests to ${to.version} itself: take that out of it, or the mirror out of the steps`;
  return route.mirrorObstacle && `${route.name} ${route.mirrorObstacle}`;
}
