/** Finds the routes of a VirtualService that a Rollout's `traffic` means: one of http, or several that move together. */
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { ObjectCache } from "../../kubernetes/object-cache.ts";
import { EPOCH_ANNOTATION, type RolloutRef } from "../../rollout/rollout.ts";
import { isOwn, ownName } from "../../rollout/route-names.ts";
import { problemsOf } from "../../rollout/spec-problems.ts";
import { refusalOf } from "../reference.ts";
import { test } from "../route-edit.ts";
import { flawIn, type Place, type Trouble } from "../route-form.ts";
import { indexLeadingToTwo, type Named, type RouteAsked } from "../weighted-router.ts";
import { connectionsIn, connectionsIndex, connectionsSaid, NO_MIRRORING, NOTHING_BESIDE, type ConnectionsAsked } from "./connections.ts";
import { spellingsOf } from "./host.ts";
import { mirroringOf } from "./mirroring.ts";
import { besideOf } from "./own-route.ts";
import { pinningOf } from "./session-routes.ts";
import { istioOf } from "./target.ts";
import { FORM, VirtualServiceSpec, type HttpRoute, type RouteDestination } from "./virtual-service.ts";

/** A route with destinations, and where it is. */
export interface RoutePlace extends Place<RouteDestination> {
  /** What Rollouts call it, so that two of them on one route are found; undefined for an http route without name. */
  readonly part: string | undefined;
  readonly along: readonly RoutePlace[];
}

type Cache = Pick<ObjectCache, "get">;

/** Stands for every sidecar among the gateways of a VirtualService. */
const SIDECARS = "mesh";

/** `index`: of the http route, where it is known already. */
export function findPlace(virtualServices: Cache, asked: Named, index?: number): RoutePlace | Trouble {
  const { rollout, target } = asked;
  const [ref] = istioOf(target).virtualServices;
  if (!ref) return unusable("traffic.istio.virtualServices is empty: name the VirtualService whose weights Weir shall set");
  const namespace = ref.namespace ?? rollout.namespace;
  const label = `VirtualService ${namespace}/${ref.name}`;
  const object = virtualServices.get(namespace, ref.name);
  if (!object) return { kind: "absent", message: `there is no ${label}` };
  const refusal = refusalOf(label, object, rollout);
  return refusal === undefined ? placeIn(object, asked, index) : unusable(refusal);
}

/** The place in a VirtualService that is already at hand, such as the answer to a write. */
export function placeIn(object: KubernetesObject, { rollout, target }: Named, known?: number): RoutePlace | Trouble {
  const label = labelOf(object);
  const parsed = VirtualServiceSpec.safeParse(object.spec ?? {});
  if (!parsed.success) {
    const [problem] = problemsOf(parsed.error, object.spec, "spec");
    return unusable(`${label} cannot be read: ${problem?.path}: ${problem?.message}`);
  }
  const { http: routes = [], hosts, gateways } = parsed.data;
  const spot = { object, routes, hosts, gateways, label, rollout };
  const index = known !== undefined && routes[known] ? known : undefined;
  if (index !== undefined) return placeAt({ ...spot, index });
  const [ref] = istioOf(target).virtualServices;
  const { routes: names = [] } = ref!;
  const connections = connectionsIn(ref!);
  const only = connections.length === 0 && names.length === 0 ? [placeAtOne(spot, undefined)] : [];
  const places = [...only, ...names.map((name) => placeAtOne(spot, name)), ...connections.map((asked) => placeOfConnections(object, parsed.data, asked))];
  return together(places, `${label}, routes ${[...names, ...connections.map(connectionsSaid)].join(", ")}`);
}

function placeAtOne(spot: Omit<Spot, "index">, name: string | undefined): RoutePlace | Trouble {
  const index = indexOf(spot.routes, name, spot.label);
  return typeof index === "number" ? placeAt({ ...spot, index }) : index;
}

/** The first of them is the place; the others move along. `label`: of all, where they are several. */
function together(all: readonly (RoutePlace | Trouble)[], label: string): RoutePlace | Trouble {
  const trouble = all.find((each) => each.kind !== "place");
  if (trouble) return trouble;
  const places = all as readonly RoutePlace[];
  const [first, ...along] = places;
  const twice = along.find(({ path }, index) => places.findIndex((one) => one.path === path) <= index);
  if (twice) return unusable(`traffic.istio.virtualServices means ${twice.label} twice: name each route once`);
  return along.length > 0 ? { ...first!, label, along } : first!;
}

function placeOfConnections(object: KubernetesObject, spec: VirtualServiceSpec, asked: ConnectionsAsked): RoutePlace | Trouble {
  const ofObject = labelOf(object);
  const { protocol } = asked;
  const routes = spec[protocol] ?? [];
  const index = connectionsIndex(routes, asked, ofObject);
  if (typeof index !== "number") return index;
  const { match, route: destinations = [] } = routes[index]!;
  const label = `${ofObject}, ${connectionsSaid(asked)}`;
  if (destinations.length === 0) return unusable(`${label} has no destinations to weigh`);
  return {
    kind: "place", object, part: protocol, destinations, label, along: [],
    namespace: object.metadata.namespace ?? "",
    path: `/spec/${protocol}/${index}/route`,
    field: protocol,
    beside: NOTHING_BESIDE,
    mirroring: NO_MIRRORING,
    tests: match === undefined ? [] : [test(`/spec/${protocol}/${index}/match`, match)],
    flaw: flawIn(FORM, destinations, label),
  };
}

function labelOf({ metadata }: KubernetesObject): string {
  return `VirtualService ${metadata.namespace}/${metadata.name}`;
}

/**
 * Where a route went that bears another name now, or has got company: the only one that leads to two of the versions. Only in
 * a VirtualService with our stamp, which a run has written.
 */
export function findStray(virtualServices: Cache, { rollout, target, versions }: RouteAsked): number | undefined {
  const [ref] = istioOf(target).virtualServices;
  if (ref && ((ref.routes?.length ?? 0) > 1 || connectionsIn(ref).length > 0)) return undefined; // of several nobody can tell which one went where, and connections' have no names to lose
  const object = ref && virtualServices.get(ref.namespace ?? rollout.namespace, ref.name);
  if (object?.metadata.annotations?.[EPOCH_ANNOTATION] === undefined) return undefined;
  const routes = VirtualServiceSpec.safeParse(object.spec).data?.http ?? [];
  return indexLeadingToTwo(FORM, routes.map((route) => (isOwn(route) ? [] : (route.route ?? []))), versions);
}

interface Spot {
  readonly object: KubernetesObject;
  readonly routes: readonly HttpRoute[];
  /** Of the VirtualService; one that is delegated to has none, and those of whoever delegates are not known here. */
  readonly hosts: readonly string[] | undefined;
  readonly gateways: readonly string[] | undefined;
  readonly index: number;
  /** Of the object, for sentences. */
  readonly label: string;
  readonly rollout: RolloutRef;
}

function placeAt({ object, routes, hosts, gateways, index, label: ofObject, rollout }: Spot): RoutePlace | Trouble {
  const route = routes[index]!;
  const routeName = nameOf(route);
  const label = routeName === undefined ? ofObject : `${ofObject}, route ${routeName}`;
  const destinations = route.route ?? [];
  if (destinations.length === 0) return unusable(`${label} has no destinations to weigh${insteadOf(route, object)}`);
  const namespace = object.metadata.namespace ?? "";
  return {
    kind: "place", object, part: routeName, destinations, label, along: [],
    namespace,
    path: `/spec/http/${index}/route`,
    field: "http",
    beside: besideOf(routes, index, ownName(rollout)),
    mirroring: mirroringOf(route, `/spec/http/${index}`),
    pinning: pinningOf(routes, index, rollout),
    ...(gateways === undefined || gateways.includes(SIDECARS) ? {} : { callerObstacle: `is for ${gateways.join(", ")} alone, which know no labels of callers: add ${SIDECARS} to its gateways` }),
    hosts: { names: hosts?.length ? hosts.flatMap((host) => spellingsOf(host, namespace)) : ["*"], of: ofObject },
    tests: routeName === undefined ? [] : [test(`/spec/http/${index}/name`, routeName)],
    flaw: flawIn(FORM, destinations, label),
  };
}

function indexOf(routes: readonly HttpRoute[], wanted: string | undefined, label: string): number | Trouble {
  if (routes.length === 0) return { kind: "absent", message: `${label} has no http routes` };
  const indexes = [...routes.keys()].filter((index) => !isOwn(routes[index]!));
  return wanted === undefined ? onlyIndex(routes, indexes, label) : namedIndex(routes, indexes, wanted, label);
}

function namedIndex(routes: readonly HttpRoute[], indexes: readonly number[], wanted: string, label: string): number | Trouble {
  const found = indexes.filter((index) => nameOf(routes[index]!) === wanted);
  if (found.length > 1) return unusable(`${label} has ${found.length} http routes named ${wanted}: give each its own name`);
  return found[0] ?? { kind: "absent", message: `${label} has no http route named ${wanted}; it has ${namesOf(routes)}` };
}

function onlyIndex(routes: readonly HttpRoute[], indexes: readonly number[], label: string): number | Trouble {
  const found = indexes.length === 1 ? indexes : indexes.filter((index) => nameOf(routes[index]!) === undefined);
  if (found.length === 1) return found[0]!;
  return unusable(`${label} has ${indexes.length} http routes (${namesOf(routes)}): say under traffic.istio.virtualServices, in routes, which one to weigh`);
}

function namesOf(routes: readonly HttpRoute[]): string {
  return routes.filter((route) => !isOwn(route)).map((route) => nameOf(route) ?? "one without name").join(", ");
}

function nameOf(route: HttpRoute): string | undefined {
  return route.name === "" ? undefined : route.name;
}

function insteadOf({ delegate }: HttpRoute, { metadata }: KubernetesObject): string {
  if (!delegate) return "";
  return `: it delegates to VirtualService ${delegate.namespace ?? metadata.namespace}/${delegate.name}; name that one instead`;
}

function unusable(message: string): Trouble {
  return { kind: "unusable", message };
}
