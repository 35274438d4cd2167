/** Traffic by the weights of a user's own HTTPRoute or GRPCRoute: versions are Services that one rule refers to. */
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { Backend } from "../../rollout/observation.ts";
import type { Trouble } from "../route-form.ts";
import { peerOf } from "../route-owner.ts";
import { missing, serviceBackend } from "../service-backend.ts";
import type { TrafficRouter } from "../traffic-router.ts";
import { createWeightedRouter, type RouteAsked, type Surroundings, type WeightedRouter, type WeightedRouterOptions } from "../weighted-router.ts";
import { serviceOf, sideBackend, sidesFound, writeSides } from "./own-services.ts";
import { FORM, isService, type BackendRef } from "./route-object.ts";
import { findPlace, findStray, placeIn, type RulePlace } from "./route-place.ts";
import { sidedForm, type GatewaySidedForm, type Whose } from "./sided-form.ts";
import { kindIn, KINDS, type GatewayRouteKind } from "./target.ts";

export interface GatewayRouterOptions extends WeightedRouterOptions {
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete">;
  readonly caches: Pick<ObjectCaches, "httpRoutes" | "grpcRoutes" | "services">;
}

export function createGatewayRouter(options: GatewayRouterOptions): TrafficRouter {
  const routers = { httpRoutes: createKindRouter("httpRoutes", options), grpcRoutes: createKindRouter("grpcRoutes", options) };
  return {
    read: (rollout, target, ...asked) => routers[kindIn(target)].read(rollout, target, ...asked),
    write: (change) => routers[kindIn(change.target)].write(change),
    sides: (rollout) => sidesFound(options.caches.services, rollout),
    writeSides: (rollout, target, write) => {
      const kind = kindIn(target);
      return writeSides({ client: options.client, services: options.caches.services, rollout, place: findPlace(kind, options.caches[kind], { rollout, target }) }, write);
    },
  };
}

function createKindRouter(kind: GatewayRouteKind, options: GatewayRouterOptions): WeightedRouter {
  const routes = options.caches[kind];
  return createWeightedRouter<BackendRef, RulePlace>(
    {
      resource: KINDS[kind].resource,
      kinds: `${KINDS[kind].kind}s`,
      form: FORM,
      sided: (place, names, isSplit, { rollout }) => sidedFormFor(options.caches.services, place, { rollout, names }, isSplit),
      placeIn: (object, asked, index) => placeIn(kind, object, asked, index),
      findPlace: (asked, index) => findPlace(kind, routes, asked, index),
      findStray: (asked) => findStray(kind, routes, asked),
      surroundings: (asked, place) => surroundings(kind, options.caches, asked, place),
    },
    options,
  );
}

/** Undefined where nobody can tell which Service is the Deployment's. */
function sidedFormFor(services: ObjectCaches["services"], place: RulePlace, { rollout, names }: Omit<Whose, "service">, isSplit: boolean): GatewaySidedForm | undefined {
  const service = serviceOf(services, place, rollout, names);
  return service.kind === "service" ? sidedForm(place, { rollout, names, service: service.object.metadata.name }, isSplit) : undefined;
}

function surroundings(kind: GatewayRouteKind, { services }: GatewayRouterOptions["caches"], { rollout, versions, names }: RouteAsked, place: RulePlace): Surroundings<BackendRef> | Trouble {
  if (names) return sidedSurroundings({ kind, services, rollout, names }, place);
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

interface Sided extends Omit<Whose, "service"> {
  readonly kind: GatewayRouteKind;
  readonly services: ObjectCaches["services"];
}

/** Every version is pods of one Service: that of the Deployment. */
function sidedSurroundings({ kind, services, rollout, names }: Sided, place: RulePlace): Surroundings<BackendRef> | Trouble {
  const service = serviceOf(services, place, rollout, names);
  if (service.kind !== "service") return service;
  const { name } = service.object.metadata;
  const form = sidedForm(place, { rollout, names, service: name });
  return {
    kind: "surroundings",
    isCandidate: (each) => form.isOurs(each),
    candidates: `the Service ${name}, or one of its sides`,
    leadsTo: (reference) => said(reference, place),
    namesakeOf: (reference) => said(reference, place),
    backendOf: (version) => sideBackend(services, rollout, { names, service: service.object }, version),
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
