/** What adapters see of an informer cache. */
import type { KubernetesObject } from "./client.ts";

export interface ObjectCache {
  get(namespace: string, name: string): KubernetesObject | undefined;
  list(namespace: string): readonly KubernetesObject[];
  /** Of every namespace. */
  all(): readonly KubernetesObject[];
}

/** One cache for each kind that adapters read; objects may be trimmed, metadata (managedFields of routes included) is kept. */
export interface ObjectCaches {
  readonly virtualServices: ObjectCache;
  readonly destinationRules: ObjectCache;
  readonly serviceEntries: ObjectCache;
  readonly httpRoutes: ObjectCache;
  readonly grpcRoutes: ObjectCache;
  readonly services: ObjectCache;
  readonly pods: ObjectCache;
  readonly deployments: ObjectCache;
  readonly replicaSets: ObjectCache;
  readonly statefulSets: ObjectCache;
  readonly daemonSets: ObjectCache;
  readonly controllerRevisions: ObjectCache;
}
