/** Traffic by the weights of a user's own HTTPRoute or GRPCRoute: versions are Services that one rule refers to. */
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { Backend } from "../../rollout/observation.ts";
import { peerOf } from "../route-owner.ts";
import { missing, serviceBackend } from "../service-backend.ts";
import type { TrafficRouter } from "../traffic-router.ts";
import { createWeightedRouter, type RouteAsked, type Surroundings, type WeightedRouter, type WeightedRouterOptions } from "../weighted-router.ts";
import { FORM, isService, type BackendRef } from "./route-object.ts";
import { findPlace, findStray, placeIn, type RulePlace } from "./route-place.ts";
import { kindIn, KINDS, type GatewayRouteKind } from "./target.ts";

export interface GatewayRouterOptions extends WeightedRouterOptions {
  readonly caches: Pick<ObjectCaches, "httpRoutes" | "grpcRoutes" | "services">;
}

export function createGatewayRouter(options: GatewayRouterOptions): TrafficRouter {
  const routers = { httpRoutes: createKindRouter("httpRoutes", options), grpcRoutes: createKindRouter("grpcRoutes", options) };
  return {
    read: (rollout, target, ...asked) => routers[kindIn(target)].read(rollout, target, ...asked),
    write: (change) => routers[kindIn(change.target)].write(change),
    sides: () => ({ obstacle: NO_SIDES }),
    writeSides: () => Promise.reject(new Error(NO_SIDES)),
  };
}

/** Said where a spec from before its rule names both. */
const NO_SIDES = "a route of the Gateway API cannot tell the pods of one Service apart: deliver the Deployment by traffic.istio";

function createKindRouter(kind: GatewayRouteKind, options: GatewayRouterOptions): WeightedRouter {
  const routes = options.caches[kind];
  return createWeightedRouter<BackendRef, RulePlace>(
    {
      resource: KINDS[kind].resource,
      kinds: `${KINDS[kind].kind}s`,
      form: FORM,
      placeIn: (object, asked, index) => placeIn(kind, object, asked, index),
      findPlace: (asked, index) => findPlace(kind, routes, asked, index),
      findStray: (asked) => findStray(kind, routes, asked),
      surroundings: (asked, place) => surroundings(kind, options.caches, asked, place),
    },
    options,
  );
}

function surroundings(kind: GatewayRouteKind, { services }: GatewayRouterOptions["caches"], { versions }: RouteAsked, place: RulePlace): Surroundings<BackendRef> {
  const namespace = namespaceOfServices(place);
  const isCandidate = (reference: BackendRef): boolean => isService(reference) && namespaceOf(reference, place) === namespace;
  const isKnown = versions.some((version) => services.get(namespace, version) !== undefined || place.destinations.some(({ name }) => name === version));
  return {
    kind: "surroundings",
    ...(isKnown ? { isCandidate } : {}),
    candidates: `a Service in namespace ${namespace}`,
    leadsTo: (reference) => said(reference, place),
    namesakeOf: (reference) => said(reference, place),
    backendOf: (version) => backendOf(services, namespace, version),
    peerOf: (writers) => peerOf(place.object, writers),
    names: [{ kind, namespace: place.namespace, name: place.object.metadata.name, part: place.part }],
  };
}

/** Versions live beside the route, unless all the Services that the rule refers to are elsewhere. */
function namespaceOfServices(place: RulePlace): string {
  const namespaces = place.destinations.filter(isService).map((each) => namespaceOf(each, place));
  return namespaces.includes(place.namespace) ? place.namespace : (namespaces[0] ?? place.namespace);
}

function namespaceOf({ namespace }: BackendRef, place: RulePlace): string {
  return namespace ?? place.namespace;
}

function said(reference: BackendRef, place: RulePlace): string {
  return `${reference.kind ?? "Service"} ${namespaceOf(reference, place)}/${reference.name}`;
}

function backendOf(services: ObjectCaches["services"], namespace: string, version: string): Backend {
  const service = services.get(namespace, version);
  return service ? serviceBackend(service) : missing(`no Service ${version} in namespace ${namespace}`);
}
