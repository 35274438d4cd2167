/** All objects, a revision that every write raises, and a bounded history of what happened. */
import type { KubeObject } from "./kube-object.ts";
import { withMetadata } from "./kube-object.ts";

export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly collection: string;
  readonly revision: number;
  /** As written; for DELETED as it was last, with the revision of its end. */
  readonly object: KubeObject;
  readonly previous?: KubeObject;
}

/** Objects are filed under a collection (one for all versions of a kind), and are never changed in place. */
export interface Store {
  revision(): number;
  get(collection: string, namespace: string | undefined, name: string): KubeObject | undefined;
  /** By namespace and name; all namespaces if none is given. */
  list(collection: string, namespace?: string): readonly KubeObject[];
  /** Files the object under its metadata and gives it the next revision. */
  put(collection: string, object: KubeObject): KubeObject;
  remove(collection: string, object: KubeObject): KubeObject;
  /** The same at a revision from before; nothing if the history does not go back so far. */
  listAt(revision: number, collection: string, namespace?: string): readonly KubeObject[] | undefined;
  /** What happened after that revision; nothing if the history does not go back so far. */
  eventsAfter(collection: string, revision: number): readonly StoreEvent[] | undefined;
  /** Called within each write. Returns how to stop it. */
  onEvent(listener: (event: StoreEvent) => void): () => void;
  /** Forgets the history. */
  compact(): void;
  /** The lowest revision from which a watch may go on. */
  oldestRevision(): number;
}

export function createStore(historyLimit: number): Store {
  const collectionOf = createCollections();
  const listeners = new Set<(event: StoreEvent) => void>();
  const history = createHistory(historyLimit);
  let revision = 1;

  const next = (object: KubeObject): KubeObject => withMetadata(object, { resourceVersion: String(++revision) });
  const happened = (event: StoreEvent): KubeObject => {
    history.add(event);
    for (const listener of [...listeners]) listener(event);
    return event.object;
  };

  return {
    revision: () => revision,
    get: (collection, namespace, name) => collectionOf(collection).get(keyOf(namespace, name)),
    list: (collection, namespace) => sorted(collectionOf(collection), namespace),
    listAt: (at, collection, namespace) => {
      const since = history.eventsAfter(collection, at);
      return since && sorted(undone(collectionOf(collection), since), namespace);
    },
    put(collection, given) {
      const objects = collectionOf(collection);
      const previous = objects.get(keyOfObject(given));
      const object = next(given);
      objects.set(keyOfObject(object), object);
      return happened({ type: previous ? "MODIFIED" : "ADDED", collection, revision, object, ...(previous && { previous }) });
    },
    remove(collection, given) {
      const previous = collectionOf(collection).get(keyOfObject(given)) ?? given;
      collectionOf(collection).delete(keyOfObject(given));
      return happened({ type: "DELETED", collection, object: next(given), revision, previous });
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    eventsAfter: history.eventsAfter,
    compact: history.compact,
    oldestRevision: history.oldestRevision,
  };
}

function undone(objects: ReadonlyMap<string, KubeObject>, events: readonly StoreEvent[]): ReadonlyMap<string, KubeObject> {
  if (events.length === 0) return objects;
  const then = new Map(objects);
  for (const { object, previous } of events.toReversed()) {
    if (previous) then.set(keyOfObject(object), previous);
    else then.delete(keyOfObject(object));
  }
  return then;
}

function createCollections(): (name: string) => Map<string, KubeObject> {
  const collections = new Map<string, Map<string, KubeObject>>();
  return (name) => {
    const found = collections.get(name) ?? new Map<string, KubeObject>();
    collections.set(name, found);
    return found;
  };
}

function sorted(objects: ReadonlyMap<string, KubeObject>, namespace: string | undefined): readonly KubeObject[] {
  return [...objects]
    .filter(([key]) => namespace === undefined || key.startsWith(`${namespace}/`))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, object]) => object);
}

interface History extends Pick<Store, "eventsAfter" | "compact" | "oldestRevision"> {
  add(event: StoreEvent): void;
}

function createHistory(limit: number): History {
  let events: StoreEvent[] = [];
  let oldest = 1;
  const keep = (count: number): void => {
    const forgotten = events.slice(0, Math.max(0, events.length - count));
    oldest = forgotten.at(-1)?.revision ?? oldest;
    events = events.slice(forgotten.length);
  };
  return {
    add(event) {
      events.push(event);
      if (events.length > limit) keep(limit);
    },
    eventsAfter: (collection, revision) =>
      revision < oldest ? undefined : events.filter((event) => event.collection === collection && event.revision > revision),
    compact: () => keep(0),
    oldestRevision: () => oldest,
  };
}

export function keyOfObject({ metadata }: KubeObject): string {
  return keyOf(metadata.namespace, metadata.name);
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}
