/** Copies of an http route's requests: the field `mirror`, which is one, or the list `mirrors`. */
import type { JsonPatchOperation } from "../../kubernetes/client.ts";
import { isEqual } from "../../rollout/equal.ts";
import type { Mirror, Mirroring } from "../route-form.ts";
import type { HttpRoute, RouteDestination } from "./virtual-service.ts";

/** Without a percentage all requests are copied. */
const ALL = { value: 100 };
/** What says of the one mirror how much it gets, the forms of old included. */
const SHARES = ["mirrorPercentage", "mirrorPercent", "mirror_percent"];

/** `path`: JSON Pointer to the route. */
export function mirroringOf(route: HttpRoute, path: string): Mirroring<RouteDestination> {
  const present = presentIn(route);
  const single = route.mirror ? 1 : 0;
  return {
    present,
    obstacle: obstacleIn(route),
    shadowOf: ({ destination }) => ({ destination }),
    edit: (dropped, added) => [
      ...(single && dropped.includes(0) ? ["mirror", ...SHARES.filter((field) => field in route)].map((field) => removal(`${path}/${field}`)) : []),
      ...dropped.filter((at) => at >= single).reverse().map((at) => removal(`${path}/mirrors/${at - single}`)),
      ...(added ? addition(route, path, added) : []),
    ],
  };
}

function presentIn({ mirror, mirrorPercentage = ALL, mirrors = [] }: HttpRoute): readonly Mirror<RouteDestination>[] {
  return [
    ...(mirror ? [{ destination: { destination: mirror }, percent: mirrorPercentage.value }] : []),
    ...mirrors.map(({ destination, percentage = ALL }) => ({ destination: { destination }, percent: percentage.value })),
  ];
}

/** Istio takes the one mirror or the list, never both. */
function obstacleIn(route: HttpRoute): string | undefined {
  const isTaken = route.mirrors === undefined && ["mirror", ...SHARES].some((field) => route[field] !== undefined);
  return isTaken ? "has a mirror of its own, which leaves no room for another one: write it as an entry of mirrors" : undefined;
}

function removal(path: string): JsonPatchOperation {
  return { op: "remove", path };
}

function addition({ mirrors }: HttpRoute, path: string, { destination: { destination }, percent }: Mirror<RouteDestination>): readonly JsonPatchOperation[] {
  const share = { value: percent };
  if (mirrors) return [{ op: "add", path: `${path}/mirrors/-`, value: { destination, percentage: share } }];
  return [{ op: "add", path: `${path}/mirror`, value: destination }, { op: "add", path: `${path}/mirrorPercentage`, value: share }];
}

/** For our own route, whose requests go to that destination anyway. */
export function withoutMirrorsTo(route: HttpRoute, { destination }: RouteDestination): HttpRoute {
  const { mirror, mirrorPercentage, mirrors, ...rest } = route;
  const others = mirrors?.filter((each) => !isEqual(each.destination, destination));
  return {
    ...rest,
    ...(mirror && !isEqual(mirror, destination) ? { mirror, ...(mirrorPercentage ? { mirrorPercentage } : {}) } : {}),
    ...(others?.length ? { mirrors: others } : {}),
  };
}
