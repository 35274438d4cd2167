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
  const collections = new Map<string, Map<string, KubeObject>>();
  const listeners = new Set<(event: StoreEvent) => void>();
  let history: StoreEvent[] = [];
  let revision = 1;
  let oldest = 1;

  const collectionOf = (name: string): Map<string, KubeObject> => {
    const found = collections.get(name) ?? new Map<string, KubeObject>();
    collections.set(name, found);
    return found;
  };
  const compactTo = (kept: number): void => {
    const forgotten = history.slice(0, history.length - kept);
    oldest = forgotten.at(-1)?.revision ?? oldest;
    history = history.slice(forgotten.length);
  };
  const happened = (event: StoreEvent): KubeObject => {
    history.push(event);
    if (history.length > historyLimit) compactTo(historyLimit);
    for (const listener of [...listeners]) listener(event);
    return event.object;
  };
  const next = (object: KubeObject): KubeObject => withMetadata(object, { resourceVersion: String(++revision) });

  return {
    revision: () => revision,
    oldestRevision: () => oldest,
    get: (collection, namespace, name) => collectionOf(collection).get(keyOf(namespace, name)),
    list: (collection, namespace) =>
      [...collectionOf(collection)]
        .filter(([key]) => namespace === undefined || key.startsWith(`${namespace}/`))
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, object]) => object),
    put(collection, given) {
      const objects = collectionOf(collection);
      const object = next(given);
      const previous = objects.get(keyOfObject(object));
      objects.set(keyOfObject(object), object);
      return happened({ type: previous ? "MODIFIED" : "ADDED", collection, revision, object, ...(previous && { previous }) });
    },
    remove(collection, given) {
      const objects = collectionOf(collection);
      const previous = objects.get(keyOfObject(given)) ?? given;
      objects.delete(keyOfObject(given));
      return happened({ type: "DELETED", collection, revision: revision + 1, object: next(given), previous });
    },
    eventsAfter: (collection, after) =>
      after < oldest ? undefined : history.filter((event) => event.collection === collection && event.revision > after),
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    compact: () => compactTo(0),
  };
}

export function keyOfObject({ metadata }: KubeObject): string {
  return keyOf(metadata.namespace, metadata.name);
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}
