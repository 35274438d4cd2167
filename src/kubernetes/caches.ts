/** Every cache that the daemon reads from, for one namespace or all, and a client whose own writes are in them at once. */
import { RESOURCES, type KubernetesClient, type KubernetesObject, type Resource } from "./client.ts";
import { createInformerCache, type InformerCache } from "./informer-cache.ts";
import type { Logger } from "./logger.ts";
import type { ObjectCaches } from "./object-cache.ts";
import { systemTime, type Time } from "./time.ts";
import { trimAddress, trimControllerRevision, trimDeployment, trimPod, trimReplicaSet, trimServiceEntry, trimToName, trimWorkload, trimWritten, type Trim } from "./trim.ts";

export interface Caches {
  readonly rollouts: InformerCache;
  /** Assignable to `ObjectCaches`; each one also tells its changes. */
  readonly objects: { readonly [Kind in keyof ObjectCaches]: InformerCache };
  /** Of the cluster; whatever namespace the others are for. */
  readonly policyBindings: InformerCache;
  /** For everything that writes: the answer to a write is in its cache before the caller has it. */
  readonly client: KubernetesClient;
  start(): void;
  /** Settles when every cache has been filled; rejects when stopped before. */
  readonly synced: Promise<void>;
  stop(): void;
}

export interface CachesOptions {
  readonly client: KubernetesClient;
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  readonly logger: Logger;
  readonly time?: Time;
  /** In [0, 1). */
  readonly random?: () => number;
}

export function createCaches(options: CachesOptions): Caches {
  const { client, namespace, logger, time = systemTime, random = Math.random } = options;
  const common = { client, logger, time, random };
  const cacheOf = (resource: Resource, trim: Trim): InformerCache => createInformerCache({ ...common, resource, trim, ...(namespace === undefined ? {} : { namespace }) });
  const rollouts = cacheOf(RESOURCES.rollouts, trimWritten);
  const objects = {
    virtualServices: cacheOf(RESOURCES.virtualServices, trimWritten),
    destinationRules: cacheOf(RESOURCES.destinationRules, trimWritten),
    serviceEntries: cacheOf(RESOURCES.serviceEntries, trimServiceEntry),
    httpRoutes: cacheOf(RESOURCES.httpRoutes, trimWritten),
    grpcRoutes: cacheOf(RESOURCES.grpcRoutes, trimWritten),
    services: cacheOf(RESOURCES.services, trimAddress),
    pods: cacheOf(RESOURCES.pods, trimPod),
    deployments: cacheOf(RESOURCES.deployments, trimDeployment),
    replicaSets: cacheOf(RESOURCES.replicaSets, trimReplicaSet),
    statefulSets: cacheOf(RESOURCES.statefulSets, trimWorkload),
    daemonSets: cacheOf(RESOURCES.daemonSets, trimWorkload),
    controllerRevisions: cacheOf(RESOURCES.controllerRevisions, trimControllerRevision),
  };
  const policyBindings = createInformerCache({ ...common, resource: RESOURCES.mutatingAdmissionPolicyBindings, trim: trimToName });
  const all = [rollouts, policyBindings, ...Object.values(objects)];
  const synced = Promise.all(all.map((cache) => cache.synced)).then(() => undefined);
  synced.catch(() => undefined); // who does not wait for it is not told
  return {
    rollouts,
    objects,
    policyBindings,
    client: remembering(client, { rollouts, ...objects }),
    start: () => all.forEach((cache) => cache.start()),
    synced,
    stop: () => all.forEach((cache) => cache.stop()),
  };
}

/** Puts what the server answers to a write into the cache of its kind, so that the next tick sees it without waiting for the watch. */
function remembering(client: KubernetesClient, caches: Readonly<Record<string, InformerCache>>): KubernetesClient {
  const byPlural = new Map(Object.entries(caches).map(([kind, cache]) => [kind.toLowerCase(), cache]));
  const remember = async (resource: Resource, write: Promise<KubernetesObject>, dryRun = false): Promise<KubernetesObject> => {
    const written = await write;
    if (!dryRun) byPlural.get(resource.plural)?.put(written);
    return written;
  };
  return {
    ...client,
    create: (resource, namespace, object, options) => remember(resource, client.create(resource, namespace, object, options), options?.dryRun),
    patch: (resource, namespace, name, patch, options) => remember(resource, client.patch(resource, namespace, name, patch, options), options?.dryRun),
  };
}
