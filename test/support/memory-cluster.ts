/** Kubernetes objects in memory, with resourceVersions, managedFields of spec and annotations, and JSON Patch; time comes from outside. */
import fastJsonPatch from "fast-json-patch";
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject, type ManagedFieldsEntry } from "../../src/kubernetes/client.ts";
import { ApiError, Conflict } from "../../src/kubernetes/errors.ts";
import type { ObjectCaches } from "../../src/kubernetes/object-cache.ts";

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
  readonly patches: readonly { readonly body: readonly JsonPatchOperation[]; readonly manager: string | undefined }[];
}

export interface MemoryClusterOptions {
  /** The API server's clock, in milliseconds; managedFields get whole seconds of it. */
  readonly nowMs: () => number;
}

export function createMemoryCluster({ nowMs }: MemoryClusterOptions): MemoryCluster {
  const kinds = Object.keys(RESOURCES).filter((kind) => kind !== "rollouts") as CachedKind[];
  const stores = new Map(kinds.map((kind) => [kind, new Map<string, KubernetesObject>()]));
  const patches: MemoryCluster["patches"][number][] = [];
  let version = 0;

  const get = (kind: CachedKind, namespace: string, name: string): KubernetesObject | undefined => stores.get(kind)!.get(`${namespace}/${name}`);
  const existing = (kind: CachedKind, namespace: string, name: string): KubernetesObject => {
    const object = get(kind, namespace, name);
    if (!object) throw new ApiError(`${kind} ${namespace}/${name} not found`, 404, "NotFound");
    return object;
  };
  const store = (kind: CachedKind, before: KubernetesObject | undefined, after: KubernetesObject, manager: string): KubernetesObject => {
    if (before && isSame(before, after)) return before;
    version += 1;
    const stored = stamped(before, after, manager, { version, time: wholeSecond(nowMs()) });
    stores.get(kind)!.set(`${stored.metadata.namespace}/${stored.metadata.name}`, stored);
    return stored;
  };
  const edit: MemoryCluster["edit"] = (kind, namespace, name, manager, change) => {
    const before = existing(kind, namespace, name);
    return store(kind, before, change(structuredClone(before)), manager);
  };
  const kindOf = (plural: string): CachedKind => kinds.find((kind) => kind.toLowerCase() === plural)!;

  return {
    patches,
    edit,
    put: (kind, object, manager = "kubectl") => store(kind, get(kind, object.metadata.namespace ?? "", object.metadata.name), structuredClone(object), manager),
    remove: (kind, namespace, name) => void stores.get(kind)!.delete(`${namespace}/${name}`),
    caches: Object.fromEntries(kinds.map((kind) => [kind, {
      get: (namespace: string, name: string) => get(kind, namespace, name),
      list: (namespace: string) => [...stores.get(kind)!.values()].filter(({ metadata }) => metadata.namespace === namespace),
    }])) as unknown as ObjectCaches,
    client: {
      async patch(resource, namespace, name, patch, options) {
        if (patch.type !== "json") throw new Error(`expected a JSON patch, got one of type ${patch.type}`);
        patches.push({ body: patch.body, manager: options?.fieldManager });
        return edit(kindOf(resource.plural), namespace ?? "", name, options?.fieldManager ?? "unknown", (object) => patched(object, patch.body));
      },
    },
  };
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
  const fields = new Map([...fieldsOf(after)].filter(([field, value]) => !before || !isSame(fieldsOf(before).get(field), value)));
  const gone = before ? [...fieldsOf(before).keys()].filter((field) => !fieldsOf(after).has(field)) : [];
  const lost = new Set([...fields.keys(), ...gone]);
  const entries = (before?.metadata.managedFields ?? [])
    .map((entry) => ({ entry, owned: ownedBy(entry) }))
    .map(({ entry, owned }) => (entry.manager === manager ? entryOf(manager, fields.size > 0 ? time : entry.time!, [...owned.filter((field) => !gone.includes(field)), ...fields.keys()]) : entryOf(entry.manager!, entry.time!, owned.filter((field) => !lost.has(field)))));
  const known = entries.some((entry) => entry.manager === manager) ? entries : [...entries, entryOf(manager, time, [...fields.keys()])];
  return known.filter((entry) => ownedBy(entry).length > 0);
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
