/** A Rollout's route as it is now, read with GETs instead of informer caches. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject, type Resource } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { ObjectCache } from "../kubernetes/object-cache.ts";
import { namedVersions, routeSeen, unnamedOf } from "../rollout/named.ts";
import type { RouteSeen } from "../rollout/observation.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import type { Traffic } from "../rollout/spec.ts";
import type { TrafficRouter } from "../traffic/traffic-router.ts";
import { createTrafficRouter } from "../traffic/registry.ts";
import { canonicalHost, hostNameOf } from "../traffic/istio/host.ts";

export interface RouteLook {
  readonly route: RouteSeen;
  /** Writes are conditional on what was seen here. */
  readonly router: TrafficRouter;
  /** The VirtualServices that were read. */
  readonly virtualServices: readonly KubernetesObject[];
}

/** `withBackends`: also the DestinationRules and Services that say where each version's pods are; left out where they may not be read. */
export async function lookAtRoute(client: KubernetesClient, rollout: ValidRollout, { withBackends = false } = {}): Promise<RouteLook> {
  const refs = targetsOf(rollout).flatMap(({ istio }) => istio.virtualServices).map(({ namespace = rollout.metadata.namespace, name }) => ({ namespace, name }));
  const virtualServices = (await Promise.all(distinct(refs).map((ref) => found(client, ref)))).filter((object) => object !== undefined);
  const namespaces = withBackends ? backendNamespaces(rollout, virtualServices) : [];
  const listed = (resource: Resource): Promise<readonly KubernetesObject[]> => Promise.all(namespaces.map((namespace) => readable(client, resource, namespace))).then((all) => all.flat());
  const [destinationRules, services] = await Promise.all([listed(RESOURCES.destinationRules), listed(RESOURCES.services)]);
  const router = createTrafficRouter({ client, caches: { virtualServices: cacheOf(virtualServices), destinationRules: cacheOf(destinationRules), services: cacheOf(services) } });
  return { router, virtualServices, route: readRoute(rollout, router) };
}

/** What the run goes on with, and what the spec names. */
function targetsOf({ spec, status }: ValidRollout): readonly Traffic[] {
  return [spec.traffic, ...(status?.run ? [status.run.target] : [])];
}

/** Of every version that is named, and of those that the route leads to besides. */
function readRoute(rollout: ValidRollout, router: TrafficRouter): RouteSeen {
  const read = (others: readonly string[]): RouteSeen => routeSeen(rollout, (target, named) => router.read(rollout.metadata, target, [...named, ...others]));
  const route = read([]);
  const others = route.kind === "found" ? unnamedOf(route, namedVersions(rollout)) : [];
  return others.length === 0 ? route : read(others);
}

interface Ref {
  readonly namespace: string;
  readonly name: string;
}

function distinct(refs: readonly Ref[]): readonly Ref[] {
  return refs.filter((ref, index) => refs.findIndex(({ namespace, name }) => namespace === ref.namespace && name === ref.name) === index);
}

async function found(client: KubernetesClient, { namespace, name }: Ref): Promise<KubernetesObject | undefined> {
  try {
    return await client.get(RESOURCES.virtualServices, namespace, name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

async function readable(client: KubernetesClient, resource: Resource, namespace: string): Promise<readonly KubernetesObject[]> {
  try {
    return (await client.list(resource, namespace)).items;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return [];
    throw error;
  }
}

const Hosts = z.object({ http: z.array(z.object({ route: z.array(z.object({ destination: z.object({ host: z.string() }) })).default([]) })).default([]) });

function backendNamespaces(rollout: ValidRollout, virtualServices: readonly KubernetesObject[]): readonly string[] {
  const ofRules = targetsOf(rollout).flatMap(({ istio }) => istio.destinationRule?.namespace ?? []);
  const ofHosts = virtualServices.flatMap(({ metadata: { namespace = "" }, spec }) => {
    const hosts = Hosts.safeParse(spec).data?.http.flatMap(({ route }) => route.map(({ destination }) => destination.host)) ?? [];
    return [namespace, ...hosts.flatMap((host) => hostNameOf(canonicalHost(host, namespace), namespace).namespace ?? [])];
  });
  return [...new Set([rollout.metadata.namespace, ...ofRules, ...ofHosts])];
}

function cacheOf(objects: readonly KubernetesObject[]): ObjectCache {
  return {
    get: (namespace, name) => objects.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    list: (namespace) => objects.filter(({ metadata }) => metadata.namespace === namespace),
  };
}
