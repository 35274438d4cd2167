/** Which objects name which owner: `metadata.ownerReferences`, the other way round. */
import type { KubeObject, OwnerReference } from "./kube-object.ts";
import { keyOfObject, type StoreEvent } from "./store.ts";

/** Where an object is in the store. */
export interface Address {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

export interface Dependents {
  note(event: StoreEvent): void;
  /** Of the owner with this uid. */
  of(uid: string | undefined): readonly Address[];
}

export function createDependents(): Dependents {
  const byOwner = new Map<string, Map<string, Address>>();
  const change = (collection: string, object: KubeObject | undefined, act: (known: Map<string, Address>, key: string, address: Address) => void): void => {
    if (!object) return;
    for (const { uid } of ownersOf(object)) {
      const known = byOwner.get(uid) ?? new Map<string, Address>();
      act(known, `${collection} ${keyOfObject(object)}`, addressOf(collection, object));
      if (known.size > 0) byOwner.set(uid, known);
      else byOwner.delete(uid);
    }
  };
  return {
    note({ type, collection, object, previous }) {
      change(collection, previous, (known, key) => void known.delete(key));
      if (type !== "DELETED") change(collection, object, (known, key, address) => void known.set(key, address));
    },
    of: (uid = "") => [...(byOwner.get(uid)?.values() ?? [])],
  };
}

export function addressOf(collection: string, { metadata }: KubeObject): Address {
  return { collection, namespace: metadata.namespace, name: metadata.name };
}

export function ownersOf({ metadata }: KubeObject): readonly OwnerReference[] {
  return metadata.ownerReferences ?? [];
}
