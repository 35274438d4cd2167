/** Kubernetes objects in memory, with resourceVersions, managedFields of spec and annotations, and JSON Patch; time comes from outside. */
import fastJsonPatch from "fast-json-patch";
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject, type ManagedFieldsEntry } from "../../src/kubernetes/client.ts";
import { ApiError, Conflict } from "../../src/kubernetes/errors.ts";
import type { ObjectCache, ObjectCaches } from "../../src/kubernetes/object-cache.ts";

export type CachedKind = keyof ObjectCaches;

export interface MemoryCluster {
  readonly caches: ObjectCaches;
  readonly client: Pick<KubernetesClient, "patch">;
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
    client: {
      async patch(resource, namespace = "", name, patch, { fieldManager = "unknown" } = {}) {
        if (patch.type !== "json") throw new Error(`expected a JSON patch, got one of type ${patch.type}`);
        patches.push({ body: patch.body, manager: fieldManager });
        const kind = KINDS.find((each) => each.toLowerCase() === resource.plural)!;
        return edit(kind, namespace, name, fieldManager, (object) => patched(object, patch.body));
      },
    },
  };
}

type Stores = ReadonlyMap<CachedKind, Map<string, KubernetesObject>>;

function cachesOver(stores: Stores): ObjectCaches {
  const cache = (kind: CachedKind): ObjectCache => ({
    get: (namespace, name) => stores.get(kind)!.get(keyOf(namespace, name)),
    list: (namespace) => [...stores.get(kind)!.values()].filter(({ metadata }) => metadata.namespace === namespace),
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

interface Mark {
  readonly version: number;
  readonly time: string;
}

/** As the server stores it: an empty annotations map is left out, and whoever changed a field owns it from now on. */
function stamped(before: KubernetesObject | undefined, after: KubernetesObject, manager: string, { version, time }: Mark): KubernetesObject {
  const { annotations, managedFields, ...metadata } = after.metadata;
  const kept = annotations && Object.keys(annotations).length > 0 ? { annotations } : {};
  return {
    ...after,
    metadata: {
      creationTimestamp: time,
      uid: `uid-${version}`,
      ...metadata,
      ...(before && { creationTimestamp: before.metadata.creationTimestamp, uid: before.metadata.uid }),
      ...kept,
      resourceVersion: `${version}`,
      managedFields: ownersAfter(before, after, manager, time),
    },
  };
}

function ownersAfter(before: KubernetesObject | undefined, after: KubernetesObject, manager: string, time: string): readonly ManagedFieldsEntry[] {
  const [old, now] = [before ? fieldsOf(before) : new Map<string, unknown>(), fieldsOf(after)];
  const taken = [...now.keys()].filter((field) => !old.has(field) || !isSame(old.get(field), now.get(field)));
  const lost = new Set([...taken, ...[...old.keys()].filter((field) => !now.has(field))]);
  const kept = (before?.metadata.managedFields ?? []).map((entry) => entryOf(entry.manager!, entry.time!, ownedBy(entry).filter((field) => !lost.has(field))));
  const mine = kept.find((entry) => entry.manager === manager);
  // Who only takes something away owns nothing new, and the server then notes no time.
  const entry = entryOf(manager, taken.length > 0 ? time : (mine?.time ?? time), [...(mine ? ownedBy(mine) : []), ...taken]);
  return [...kept.filter((each) => each !== mine), entry].filter((each) => ownedBy(each).length > 0);
}

/** `spec.<name>` and `annotations.<key>`: the places whose owners anybody asks for. */
function fieldsOf({ spec, metadata }: KubernetesObject): ReadonlyMap<string, unknown> {
  return new Map([
    ...Object.entries(spec ?? {}).map(([name, value]) => [`spec ${name}`, value] as const),
    ...Object.entries(metadata.annotations ?? {}).map(([key, value]) => [`annotations ${key}`, value] as const),
  ]);
}

function entryOf(manager: string, time: string, owned: readonly string[]): ManagedFieldsEntry {
  const under = (root: string) => Object.fromEntries(owned.filter((each) => each.startsWith(`${root} `)).map((each) => [`f:${each.slice(root.length + 1)}`, {}]));
  const spec = under("spec");
  const annotations = under("annotations");
  return {
    manager,
    operation: "Update",
    time,
    fieldsV1: {
      ...(Object.keys(spec).length > 0 && { "f:spec": spec }),
      ...(Object.keys(annotations).length > 0 && { "f:metadata": { "f:annotations": annotations } }),
    },
  };
}

function ownedBy({ fieldsV1 }: ManagedFieldsEntry): readonly string[] {
  const fields = (fieldsV1 ?? {}) as { "f:spec"?: object; "f:metadata"?: { "f:annotations"?: object } };
  const spec = Object.keys(fields["f:spec"] ?? {}).map((key) => `spec ${key.slice(2)}`);
  return [...spec, ...Object.keys(fields["f:metadata"]?.["f:annotations"] ?? {}).map((key) => `annotations ${key.slice(2)}`)];
}

function wholeSecond(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (one !== undefined && other !== undefined && fastJsonPatch.compare({ value: one }, { value: other }).length === 0);
}
