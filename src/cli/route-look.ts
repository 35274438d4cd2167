/** A Rollout's route as it is now, read with GETs instead of informer caches. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject, type Resource } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { ObjectCache } from "../kubernetes/object-cache.ts";
import { type SideNames, sideNames } from "../rollout/deployment.ts";
import { namedVersions, routeSeen, unnamedOf } from "../rollout/named.ts";
import type { DeploymentSeen, RouteSeen } from "../rollout/observation.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import { routesNamed, type RouteKind, type RouteName } from "../rollout/route-names.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";
import type { TrafficRouter } from "../traffic/traffic-router.ts";
import { createTrafficRouter } from "../traffic/registry.ts";
import { canonicalHost, hostNameOf } from "../traffic/istio/host.ts";

export interface RouteLook {
  readonly route: RouteSeen;
  /** Writes are conditional on what was seen here. */
  readonly router: TrafficRouter;
  /** The objects that were read: VirtualServices, or routes of the Gateway API. */
  readonly routes: readonly RouteObject[];
}

export interface RouteObject {
  readonly kind: RouteKind;
  readonly object: KubernetesObject;
}

export interface RouteLookOptions {
  /** Also the DestinationRules, Services and ServiceEntries that say where each version's pods are; left out where they may not be read. */
  readonly withBackends?: boolean;
  /** As it was looked at, if anybody has. */
  readonly deployment?: DeploymentSeen | undefined;
}

/** Of a Deployment the two sides are told apart by rule and Service, so that both must be readable. */
export async function lookAtRoute(client: KubernetesClient, rollout: ValidRollout, { withBackends = false, deployment }: RouteLookOptions = {}): Promise<RouteLook> {
  const sides = sideNames(rollout, deployment);
  const names = targetsOf(rollout).flatMap((target) => routesNamed(target, rollout.metadata.namespace));
  const routes = (await Promise.all(distinct(names).map((name) => found(client, name)))).flatMap((one) => one ?? []);
  const namespaces = withBackends || sides ? backendNamespaces(rollout, routes) : [];
  const listed = (resource: Resource): Promise<readonly KubernetesObject[]> => Promise.all(namespaces.map((namespace) => listedIn(client, resource, namespace, sides !== undefined))).then((all) => all.flat());
  const entries = withBackends && routes.some(({ kind }) => kind === "virtualServices") ? allVisible(client, RESOURCES.serviceEntries, rollout.metadata.namespace) : [];
  const [destinationRules, services, serviceEntries] = await Promise.all([listed(RESOURCES.destinationRules), listed(RESOURCES.services), entries]);
  const ofKind = (kind: RouteKind): ObjectCache => cacheOf(routes.flatMap((route) => (route.kind === kind ? route.object : [])));
  const caches = { virtualServices: ofKind("virtualServices"), httpRoutes: ofKind("httpRoutes"), grpcRoutes: ofKind("grpcRoutes"), destinationRules: cacheOf(destinationRules), services: cacheOf(services), serviceEntries: cacheOf(serviceEntries) };
  const router = createTrafficRouter({ client, caches });
  return { router, routes, route: readRoute(rollout, router, sides) };
}

/** What the run goes on with, and what the spec names. */
function targetsOf({ spec, status }: ValidRollout): readonly Traffic[] {
  return [spec.traffic, ...(status?.run ? [status.run.target] : [])];
}

/** Of every version that is named, and of those that the route leads to besides. */
function readRoute(rollout: ValidRollout, router: TrafficRouter, sides: SideNames | undefined): RouteSeen {
  const read = (others: readonly string[]): RouteSeen => routeSeen(rollout, (target, named, beside) => router.read(rollout.metadata, target, [...named, ...others], beside, sides));
  const route = read([]);
  const others = route.kind === "found" ? unnamedOf(route, namedVersions(rollout)) : [];
  return others.length === 0 ? route : read(others);
}

function distinct(names: readonly RouteName[]): readonly RouteName[] {
  const isSame = (one: RouteName, other: RouteName): boolean => one.kind === other.kind && one.namespace === other.namespace && one.name === other.name;
  return names.filter((name, index) => names.findIndex((other) => isSame(name, other)) === index);
}

async function found(client: KubernetesClient, { kind, namespace, name }: RouteName): Promise<RouteObject | undefined> {
  try {
    return { kind, object: await client.get(RESOURCES[kind], namespace, name) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

async function listedIn(client: KubernetesClient, resource: Resource, namespace: string, isNeeded: boolean): Promise<readonly KubernetesObject[]> {
  try {
    return (await client.list(resource, namespace)).items;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || (error.status === 403 && !isNeeded))) return [];
    throw error;
  }
}

/** Every one that may be seen; those of one namespace where not all may be listed. */
export async function allVisible(client: KubernetesClient, resource: Resource, namespace: string): Promise<readonly KubernetesObject[]> {
  const listed = async (where?: string): Promise<readonly KubernetesObject[] | undefined> => {
    try {
      return (await client.list(resource, where)).items;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return undefined;
      throw error;
    }
  };
  return (await listed()) ?? (await listed(namespace)) ?? [];
}

const Routes = z.array(z.object({ route: z.array(z.object({ destination: z.object({ host: z.string() }) })).default([]) })).default([]);
const Hosts = z.object({ http: Routes, tls: Routes, tcp: Routes });
const Backends = z.object({ rules: z.array(z.object({ backendRefs: z.array(z.object({ namespace: z.string().optional() })).default([]) })).default([]) });

function backendNamespaces(rollout: ValidRollout, routes: readonly RouteObject[]): readonly string[] {
  const ofRules = targetsOf(rollout).flatMap(({ istio }) => istio?.destinationRule?.namespace ?? []);
  return [...new Set([rollout.metadata.namespace, ...ofRules, ...routes.flatMap(namespacesIn)])];
}

function namespacesIn({ kind, object: { metadata: { namespace = "" }, spec } }: RouteObject): readonly string[] {
  if (kind !== "virtualServices") return [namespace, ...(Backends.safeParse(spec).data?.rules ?? []).flatMap(({ backendRefs }) => backendRefs.flatMap((one) => one.namespace ?? []))];
  const { http = [], tls = [], tcp = [] } = Hosts.safeParse(spec).data ?? {};
  const hosts = [...http, ...tls, ...tcp].flatMap(({ route }) => route.map(({ destination }) => destination.host));
  return [namespace, ...hosts.flatMap((host) => hostNameOf(canonicalHost(host, namespace), namespace).namespace ?? [])];
}

/** What was read, as a cache that adapters can look into. */
export function cacheOf(objects: readonly KubernetesObject[]): ObjectCache {
  return {
    get: (namespace, name) => objects.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    list: (namespace) => objects.filter(({ metadata }) => metadata.namespace === namespace),
    all: () => objects,
  };
}
