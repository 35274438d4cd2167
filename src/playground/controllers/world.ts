/** What the controllers know of the cluster, and their one way to change it: what they write they know at once. */
import type { KubernetesClient, KubernetesObject, Resource } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { createInformerCache, type InformerCache, type InformerCacheOptions } from "../../kubernetes/informer-cache.ts";
import type { Write, WrittenKind } from "./plan.ts";
import { Deployment, Pod, ReplicaSet, type Workload } from "./workloads.ts";

export interface World {
  readonly caches: Readonly<Record<WrittenKind, InformerCache>>;
  deployment(key: string): Deployment | undefined;
  replicaSet(key: string): ReplicaSet | undefined;
  pod(key: string): Pod | undefined;
  replicaSetsIn(namespace: string): readonly ReplicaSet[];
  podsIn(namespace: string): readonly Pod[];
  /** Throws `Conflict` where something has changed meanwhile; what follows it is not written then. */
  write(writes: readonly Write[], fieldManager: string): Promise<void>;
}

const RESOURCE_OF: Readonly<Record<WrittenKind, Resource>> = {
  deployments: { group: "apps", version: "v1", plural: "deployments" },
  replicaSets: { group: "apps", version: "v1", plural: "replicasets" },
  pods: { group: "", version: "v1", plural: "pods" },
};

/** Caches of all namespaces, not yet started. */
export function createWorld(options: Omit<InformerCacheOptions, "resource" | "trim">): World {
  const cacheOf = (kind: WrittenKind): InformerCache => createInformerCache({ ...options, resource: RESOURCE_OF[kind], trim: withoutManagers });
  const caches = { deployments: cacheOf("deployments"), replicaSets: cacheOf("replicaSets"), pods: cacheOf("pods") };
  /** The uids of what we have deleted, until the watch says so, too. */
  const deleted = new Set<string>();
  Object.values(caches).forEach((cache) => cache.onChange(({ kind, object }) => void (kind === "deleted" && deleted.delete(object.metadata.uid ?? ""))));
  const isThere = ({ metadata }: KubernetesObject): boolean => !deleted.has(metadata.uid ?? "");
  const found = (kind: WrittenKind, key: string): KubernetesObject | undefined => {
    const [namespace = "", name = ""] = key.split("/");
    const object = caches[kind].get(namespace, name);
    return object && isThere(object) ? object : undefined;
  };
  return {
    caches,
    deployment: (key) => Deployment.optional().parse(found("deployments", key)),
    replicaSet: (key) => ReplicaSet.optional().parse(found("replicaSets", key)),
    pod: (key) => Pod.optional().parse(found("pods", key)),
    replicaSetsIn: (namespace) => caches.replicaSets.list(namespace).filter(isThere).map((object) => ReplicaSet.parse(object)),
    podsIn: (namespace) => caches.pods.list(namespace).filter(isThere).map((object) => Pod.parse(object)),
    async write(writes, fieldManager) {
      for (const write of writes) {
        const written = await sent(options.client, write, fieldManager);
        if (written) caches[write.kind].put(written);
        else if (write.verb === "delete" && isCached(caches[write.kind], write.object)) deleted.add(write.object.metadata.uid);
      }
    },
  };
}

function withoutManagers(object: KubernetesObject): KubernetesObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function isCached(cache: InformerCache, { metadata }: Workload): boolean {
  return cache.get(metadata.namespace, metadata.name)?.metadata.uid === metadata.uid;
}

/** What the server made of it; undefined where something is deleted. */
async function sent(client: KubernetesClient, write: Write, fieldManager: string): Promise<KubernetesObject | undefined> {
  const resource = RESOURCE_OF[write.kind];
  if (write.verb === "create") return client.create(resource, write.namespace, write.object, { fieldManager });
  const { namespace, name, resourceVersion } = write.object.metadata;
  if (write.verb === "delete") return deleted(client.delete(resource, namespace, name));
  if (write.verb === "change") {
    const body = { ...write.body, metadata: { ...write.body.metadata, resourceVersion } };
    return client.patch(resource, namespace, name, { type: "merge", body }, { fieldManager });
  }
  const body = [{ op: "test", path: "/metadata/resourceVersion", value: resourceVersion }, { op: "add", path: "/status", value: write.status }] as const;
  return client.patch(resource, namespace, name, { type: "json", body }, { subresource: "status", fieldManager });
}

/** Gone before is as good. */
async function deleted(request: Promise<void>): Promise<undefined> {
  await request.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  });
}
