/** Objects of one kind by namespace and name, fed by a watch and by the answers to our own writes, never going back. */
import type { KubernetesObject } from "./client.ts";
import type { Logger } from "./logger.ts";
import type { ObjectCache } from "./object-cache.ts";
import { isNewer } from "./resource-version.ts";

export interface ObjectChange {
  readonly kind: "added" | "modified" | "deleted";
  readonly object: KubernetesObject;
  /** The object before; absent where it was added. */
  readonly previous?: KubernetesObject;
}

export type ChangeListener = (change: ObjectChange) => void;

export interface ObjectStore extends ObjectCache {
  all(): readonly KubernetesObject[];
  /** A whole list and its resourceVersion; objects that our own writes know to be newer stay. */
  replace(objects: readonly KubernetesObject[], version: string | undefined): void;
  /** A watch event. */
  upsert(object: KubernetesObject): void;
  remove(object: KubernetesObject): void;
  /** A bookmark: everything up to this resourceVersion has been told. */
  advance(version: string | undefined): void;
  /** The answer to a write of our own; ignored unless it is newer than what the watch has told. */
  put(object: KubernetesObject): void;
  /** Called after each change, in order; a listener that throws is logged. The function returned ends it. */
  onChange(listener: ChangeListener): () => void;
}

export function createObjectStore(logger: Logger): ObjectStore {
  const { get, list, all, of, set, drop, onChange } = createAnnouncedShelf(logger);
  /** Every change up to here has been told by the watch: an older object that is not on the shelf was deleted. */
  let told: string | undefined;

  function upsert(object: KubernetesObject): void {
    const kept = versionOf(of(object));
    if (kept === undefined || (kept !== versionOf(object) && !isNewer(kept, versionOf(object)))) set(object);
  }

  return {
    get,
    list,
    all,
    onChange,
    upsert(object) {
      told = versionOf(object);
      upsert(object);
    },
    remove(object) {
      told = versionOf(object);
      if (!isNewer(versionOf(of(object)), versionOf(object))) drop(object);
    },
    replace(objects, version) {
      told = version;
      const listed = new Set(objects.map(keyOf));
      all().filter((kept) => !listed.has(keyOf(kept)) && !isNewer(versionOf(kept), version)).forEach(drop);
      objects.forEach(upsert);
    },
    advance: (version) => void (told = version),
    put(object) {
      if (isNewer(versionOf(object), versionOf(of(object)) ?? told)) set(object);
    },
  };
}

/** A shelf that tells listeners what is put on it and taken off. */
function createAnnouncedShelf(logger: Logger) {
  const { put, take, ...reads } = createShelf();
  const { notify, onChange } = createListeners(logger);
  return {
    ...reads,
    onChange,
    set(object: KubernetesObject): void {
      const previous = put(object);
      notify(previous ? { kind: "modified", object, previous } : { kind: "added", object });
    },
    drop(object: KubernetesObject): void {
      const previous = take(object);
      if (previous) notify({ kind: "deleted", object, previous });
    },
  };
}

function createListeners(logger: Logger): Pick<ObjectStore, "onChange"> & { readonly notify: ChangeListener } {
  const listeners = new Set<ChangeListener>();
  return {
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify(change) {
      for (const listener of listeners) {
        try {
          listener(change);
        } catch (error) {
          logger.error({ error, kind: change.kind, name: change.object.metadata.name }, "a listener to cache changes threw");
        }
      }
    },
  };
}

interface Shelf extends ObjectCache {
  all(): readonly KubernetesObject[];
  of(object: KubernetesObject): KubernetesObject | undefined;
  /** What was there before. */
  put(object: KubernetesObject): KubernetesObject | undefined;
  take(object: KubernetesObject): KubernetesObject | undefined;
}

function createShelf(): Shelf {
  const namespaces = new Map<string, Map<string, KubernetesObject>>();
  const get = (namespace: string, name: string): KubernetesObject | undefined => namespaces.get(namespace)?.get(name);
  const of = ({ metadata }: KubernetesObject): KubernetesObject | undefined => get(metadata.namespace ?? "", metadata.name);
  return {
    get,
    of,
    list: (namespace) => [...(namespaces.get(namespace)?.values() ?? [])],
    all: () => [...namespaces.values()].flatMap((objects) => [...objects.values()]),
    put(object) {
      const { namespace = "", name } = object.metadata;
      const previous = of(object);
      const objects = namespaces.get(namespace) ?? new Map<string, KubernetesObject>();
      namespaces.set(namespace, objects.set(name, object));
      return previous;
    },
    take(object) {
      const { namespace = "", name } = object.metadata;
      const previous = of(object);
      const objects = namespaces.get(namespace);
      objects?.delete(name);
      if (objects?.size === 0) namespaces.delete(namespace);
      return previous;
    },
  };
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function versionOf(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata.resourceVersion;
}
