/** The store for those who live in the same process: they write pods and ReplicaSets, status included, and see every change. */
import { isSame } from "./json.ts";
import { timestampOf, withMetadata, type KubeObject } from "./kube-object.ts";
import { entriesAfterUpdate } from "./managed-fields.ts";
import type { Registry } from "./registry.ts";
import { apiVersionOf, collectionOf, inVersion, type ServedKind } from "./served-kind.ts";
import type { Store, StoreEvent } from "./store.ts";
import { randomUUID } from "node:crypto";

/** Any object; the metadata needs no more than a name. */
export interface GivenObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface KindName {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Nothing is validated, no request is counted. Throws for a kind that is not served. */
export interface Objects {
  get(kind: KindName, namespace: string | undefined, name: string): KubeObject | undefined;
  /** All namespaces if none is given. */
  list(kind: KindName, namespace?: string): readonly KubeObject[];
  /** Creates the object or replaces all of it but what the server keeps (uid, creation, managedFields); no event if nothing changes. */
  put(object: GivenObject): KubeObject;
  /** At once, finalizers or not. */
  remove(kind: KindName, namespace: string | undefined, name: string): void;
  /** Called within each write of that kind. Returns how to stop it. */
  onChange(kind: KindName, listener: (type: StoreEvent["type"], object: KubeObject) => void): () => void;
}

const MANAGER = "playground";

export function createObjects(store: Store, registry: Registry, now: () => Date): Objects {
  const served = ({ apiVersion, kind }: KindName): ServedKind => {
    const found = registry.findByKind(apiVersion, kind);
    if (!found) throw new Error(`expected a kind that is served, got ${kind} in ${apiVersion}`);
    return found;
  };
  return {
    get(name, namespace, object) {
      const kind = served(name);
      const found = store.get(collectionOf(kind), namespace, object);
      return found && inVersion(kind, found);
    },
    list(name, namespace) {
      const kind = served(name);
      return store.list(collectionOf(kind), namespace).map((object) => inVersion(kind, object));
    },
    put(object) {
      const kind = served(object);
      const current = store.get(collectionOf(kind), object.metadata.namespace, object.metadata.name);
      const next = replaced(kind, object, current, now());
      return current && isSame(current, next) ? current : store.put(collectionOf(kind), next);
    },
    remove(name, namespace, object) {
      const kind = served(name);
      const current = store.get(collectionOf(kind), namespace, object);
      if (current) store.remove(collectionOf(kind), current);
    },
    onChange(name, listener) {
      const kind = served(name);
      return store.onEvent((event) => {
        if (event.collection === collectionOf(kind)) listener(event.type, inVersion(kind, event.object));
      });
    },
  };
}

function replaced(kind: ServedKind, given: KubeObject, current: KubeObject | undefined, now: Date): KubeObject {
  const kept = current?.metadata ?? { uid: randomUUID(), creationTimestamp: timestampOf(now) };
  const { uid, creationTimestamp, resourceVersion } = kept as KubeObject["metadata"];
  const stamped = withMetadata(given, { ...(uid && { uid }), ...(creationTimestamp && { creationTimestamp }), ...(resourceVersion && { resourceVersion }) });
  const object = kind.complete?.(stamped, now) ?? stamped;
  const writer = { manager: MANAGER, operation: "Update", apiVersion: apiVersionOf(kind), time: timestampOf(now) } as const;
  const managedFields = entriesAfterUpdate(current, object, current?.metadata.managedFields ?? [], kind.shape, writer);
  return withMetadata(object, { managedFields, ...(kind.hasGeneration && { generation: generationOf(object, current) }) });
}

function generationOf(object: KubeObject, current: KubeObject | undefined): number {
  const generation = current?.metadata.generation ?? 0;
  return current && isSame(object.spec, current.spec) ? generation : generation + 1;
}
