/** Kubernetes objects in memory, with resourceVersions, managedFields of spec and annotations, and JSON Patch; time comes from outside. */
import fastJsonPatch from "fast-json-patch";
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject, type Resource } from "../../src/kubernetes/client.ts";
import { ApiError, Conflict } from "../../src/kubernetes/errors.ts";
import type { ObjectCache, ObjectCaches } from "../../src/kubernetes/object-cache.ts";
import { stamped, wholeSecond } from "./ownership.ts";

export type CachedKind = keyof ObjectCaches;

export interface MemoryCluster {
  readonly caches: ObjectCaches;
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete" | "list">;
  /** Creates or replaces as a person with kubectl would; returns the object as stored. */
  put(kind: CachedKind, object: KubernetesObject, manager?: string): KubernetesObject;
  /** A write by somebody else. */
  edit(kind: CachedKind, namespace: string, name: string, manager: string, change: (object: KubernetesObject) => KubernetesObject): KubernetesObject;
  remove(kind: CachedKind, namespace: string, name: string): void;
  /** Requests that were sent, in order. */
  readonly patches: readonly { readonly body: readonly JsonPatchOperation[]; readonly manager: string }[];
}

export interface MemoryClusterOptions {
  /** The API server's clock, in milliseconds; managedFields get whole seconds of it. */
  readonly nowMs: () => number;
}

const KINDS = Object.keys(RESOURCES).filter((kind) => kind !== "rollouts") as CachedKind[];

export function createMemoryCluster({ nowMs }: MemoryClusterOptions): MemoryCluster {
  const stores: Stores = new Map(KINDS.map((kind) => [kind, new Map()]));
  const patches: MemoryCluster["patches"][number][] = [];
  let version = 0;
  const store = (kind: CachedKind, before: KubernetesObject | undefined, after: KubernetesObject, manager: string): KubernetesObject => {
    if (before && isSame(before, after)) return before;
    version += 1;
    const stored = stamped(before, after, manager, { version, time: wholeSecond(nowMs()) });
    stores.get(kind)!.set(keyOf(stored.metadata.namespace, stored.metadata.name), stored);
    return stored;
  };
  const edit: MemoryCluster["edit"] = (kind, namespace, name, manager, change) => {
    const before = stores.get(kind)!.get(keyOf(namespace, name));
    if (!before) throw new ApiError(`${kind} ${namespace}/${name} not found`, 404, "NotFound");
    return store(kind, before, change(structuredClone(before)), manager);
  };
  return {
    patches,
    edit,
    caches: cachesOver(stores),
    put: (kind, object, manager = "kubectl") => store(kind, stores.get(kind)!.get(keyOf(object.metadata.namespace, object.metadata.name)), structuredClone(object), manager),
    remove: (kind, namespace, name) => void stores.get(kind)!.delete(keyOf(namespace, name)),
    client: clientOver(stores, { edit, store, patches }),
  };
}

interface Writes extends Pick<MemoryCluster, "edit"> {
  readonly store: (kind: CachedKind, before: KubernetesObject | undefined, after: KubernetesObject, manager: string) => KubernetesObject;
  readonly patches: MemoryCluster["patches"][number][];
}

function clientOver(stores: Stores, { edit, store, patches }: Writes): MemoryCluster["client"] {
  return {
    async create(resource, namespace = "", object, { fieldManager = "unknown" } = {}) {
      const kind = kindOf(resource);
      const given = object as KubernetesObject;
      if (stores.get(kind)!.has(keyOf(namespace, given.metadata.name))) throw new Conflict(`${resource.plural} ${namespace}/${given.metadata.name} is there already`);
      return store(kind, undefined, structuredClone(given), fieldManager);
    },
    list: async (resource) => ({ metadata: { resourceVersion: "0" }, items: [...stores.get(kindOf(resource))!.values()] }),
    async delete(resource, namespace, name, options = {}) {
      const { propagation: _, ...meant } = options; // what is owned is taken away by whoever plays the controllers
      const present = stores.get(kindOf(resource))!.get(keyOf(namespace, name));
      const isMeant = Object.entries(meant).every(([key, value]) => present?.metadata[key as "uid"] === value);
      if (present && !isMeant) throw new Conflict(`${resource.plural} ${namespace}/${name} is not the one that is meant`);
      if (!stores.get(kindOf(resource))!.delete(keyOf(namespace, name))) throw new ApiError(`${resource.plural} ${namespace}/${name} not found`, 404, "NotFound");
    },
    async patch(resource, namespace = "", name, patch, { fieldManager = "unknown", dryRun = false } = {}) {
      const kind = kindOf(resource);
      if (patch.type === "merge") return edit(kind, namespace, name, fieldManager, (object) => merged(object, patch.body as KubernetesObject));
      if (patch.type !== "json") throw new Error(`expected a JSON or merge patch, got one of type ${patch.type}`);
      if (dryRun) return patched(structuredClone(stores.get(kind)!.get(keyOf(namespace, name))!), patch.body);
      patches.push({ body: patch.body, manager: fieldManager });
      return edit(kind, namespace, name, fieldManager, (object) => patched(object, patch.body));
    },
  };
}

function kindOf({ plural }: Resource): CachedKind {
  return KINDS.find((each) => each.toLowerCase() === plural)!;
}

/** Refused where it names a resourceVersion that is not the present one. */
function merged(object: KubernetesObject, body: KubernetesObject): KubernetesObject {
  const { resourceVersion } = body.metadata;
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) throw new Conflict(`${object.metadata.name} has changed since`);
  return mergedValue(object, body) as KubernetesObject;
}

/** RFC 7386. */
function mergedValue(before: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base = typeof before === "object" && before !== null && !Array.isArray(before) ? (before as Record<string, unknown>) : {};
  const changed = Object.entries(patch).flatMap(([key, value]) => (value === null ? [] : [[key, mergedValue(base[key], value)]]));
  const kept = Object.entries(base).filter(([key]) => !(key in patch));
  return Object.fromEntries([...kept, ...changed]) as unknown;
}

type Stores = ReadonlyMap<CachedKind, Map<string, KubernetesObject>>;

function cachesOver(stores: Stores): ObjectCaches {
  const cache = (kind: CachedKind): ObjectCache => ({
    get: (namespace, name) => stores.get(kind)!.get(keyOf(namespace, name)),
    list: (namespace) => [...stores.get(kind)!.values()].filter(({ metadata }) => metadata.namespace === namespace),
    all: () => [...stores.get(kind)!.values()],
  });
  return Object.fromEntries(KINDS.map((kind) => [kind, cache(kind)])) as unknown as ObjectCaches;
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace}/${name}`;
}

function patched(object: KubernetesObject, operations: readonly JsonPatchOperation[]): KubernetesObject {
  try {
    return fastJsonPatch.applyPatch(object, structuredClone(operations) as fastJsonPatch.Operation[], true, false).newDocument;
  } catch (error) {
    if (error instanceof fastJsonPatch.JsonPatchError && error.name === "TEST_OPERATION_FAILED") throw new Conflict(`${object.metadata.name}: a test of the patch failed`);
    throw error;
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (one !== undefined && other !== undefined && fastJsonPatch.compare({ value: one }, { value: other }).length === 0);
}
