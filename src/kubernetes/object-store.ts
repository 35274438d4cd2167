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
  const shelf = createShelf();
  const listeners = new Set<ChangeListener>();
  /** Every change up to here has been told by the watch: an older object that is not on the shelf was deleted. */
  let told: string | undefined;

  function notify(change: ObjectChange): void {
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        logger.error({ error, kind: change.kind, name: change.object.metadata.name }, "a listener to cache changes threw");
      }
    }
  }

  function set(object: KubernetesObject): void {
    const previous = shelf.set(object);
    notify(previous ? { kind: "modified", object, previous } : { kind: "added", object });
  }

  function drop(object: KubernetesObject): void {
    const previous = shelf.delete(object);
    if (previous) notify({ kind: "deleted", object, previous });
  }

  function upsert(object: KubernetesObject): void {
    const kept = shelf.of(object);
    if (kept && (versionOf(kept) === versionOf(object) || isNewer(versionOf(kept), versionOf(object)))) return;
    set(object);
  }

  return {
    get: shelf.get,
    list: shelf.list,
    all: shelf.all,
    upsert(object) {
      told = versionOf(object);
      upsert(object);
    },
    remove(object) {
      told = versionOf(object);
      if (!isNewer(versionOf(shelf.of(object)), versionOf(object))) drop(object);
    },
    replace(objects, version) {
      told = version;
      const listed = new Set(objects.map(keyOf));
      shelf.all().filter((kept) => !listed.has(keyOf(kept)) && !isNewer(versionOf(kept), version)).forEach(drop);
      objects.forEach(upsert);
    },
    advance(version) {
      told = version;
    },
    put(object) {
      if (isNewer(versionOf(object), versionOf(shelf.of(object)) ?? told)) set(object);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

interface Shelf extends ObjectCache {
  all(): readonly KubernetesObject[];
  of(object: KubernetesObject): KubernetesObject | undefined;
  /** What was there before. */
  set(object: KubernetesObject): KubernetesObject | undefined;
  delete(object: KubernetesObject): KubernetesObject | undefined;
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
    set(object) {
      const { namespace = "", name } = object.metadata;
      const previous = of(object);
      const objects = namespaces.get(namespace) ?? new Map<string, KubernetesObject>();
      namespaces.set(namespace, objects.set(name, object));
      return previous;
    },
    delete(object) {
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
