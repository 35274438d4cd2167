/** What becomes of dependents when an owner goes: they go after it, before it, or stay without it. */
import { FOREGROUND, ORPHAN, type Deletes, type Propagation } from "./deletes.ts";
import { addressOf, createDependents, ownersOf, type Address, type Dependents } from "./dependents.ts";
import { withMetadata, type KubeObject, type OwnerReference } from "./kube-object.ts";
import type { Place } from "./place.ts";
import type { Registry } from "./registry.ts";
import { collectionOf, type ServedKind } from "./served-kind.ts";
import type { Store, StoreEvent } from "./store.ts";
import type { Writes } from "./writes.ts";

export interface GarbageCollector {
  stop(): void;
}

interface Parts {
  readonly store: Store;
  readonly registry: Registry;
  readonly deletes: Deletes;
  readonly writes: Writes;
}

interface Round extends Parts {
  readonly dependents: Dependents;
  /** To be looked at in the next round. */
  readonly look: (address: Address) => void;
}

/** Looks at what a write concerns a moment after it, as the real one does: no request waits for that. */
export function startGarbageCollector(parts: Parts): GarbageCollector {
  const dependents = createDependents();
  let waiting: Address[] = [];
  let turn: NodeJS.Immediate | undefined;
  const look = (address: Address): void => {
    waiting.push(address);
    turn ??= setImmediate(() => {
      const now = waiting;
      [waiting, turn] = [[], undefined];
      for (const each of now) attend(each, { ...parts, dependents, look });
    });
  };
  const forget = parts.store.onEvent((event) => {
    const concerned = concernedBy(event, dependents, parts.registry);
    dependents.note(event);
    concerned.forEach(look);
  });
  return {
    stop() {
      forget();
      clearImmediate(turn);
    },
  };
}

/** The object itself where it has owners or is going; where it is gone, those that it owned, and its owners, which may have waited for it. */
function concernedBy({ type, collection, object }: StoreEvent, dependents: Dependents, registry: Registry): readonly Address[] {
  if (type === "DELETED") return [...dependents.of(object.metadata.uid), ...ownersOf(object).flatMap((owner) => addressOfOwner(owner, object, registry) ?? [])];
  return ownersOf(object).length > 0 || object.metadata.deletionTimestamp !== undefined ? [addressOf(collection, object)] : [];
}

function attend(address: Address, round: Round): void {
  const object = objectAt(address, round.store);
  const kind = round.registry.findCollection(address.collection);
  if (!object || !kind) return;
  const isGoing = object.metadata.deletionTimestamp !== undefined;
  if (isGoing && hasFinalizer(object, ORPHAN)) release(object, kind, round);
  else if (isGoing && hasFinalizer(object, FOREGROUND)) finish(object, kind, round);
  else if (!isGoing) collect(object, kind, round);
}

/** Its dependents stay, without it. */
function release(owner: KubeObject, kind: ServedKind, round: Round): void {
  for (const address of round.dependents.of(owner.metadata.uid)) keepOwners(address, ({ uid }) => uid !== owner.metadata.uid, round);
  dropFinalizer(owner, kind, ORPHAN, round);
}

/** It goes once no dependent is left that keeps it; each of them is looked at. */
function finish(owner: KubeObject, kind: ServedKind, round: Round): void {
  const addresses = round.dependents.of(owner.metadata.uid);
  const isKept = addresses.some((address) => {
    const dependent = objectAt(address, round.store);
    return dependent && ownersOf(dependent).some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion);
  });
  for (const address of addresses) {
    const dependent = objectAt(address, round.store);
    if (dependent?.metadata.deletionTimestamp === undefined) round.look(address);
  }
  if (!isKept) dropFinalizer(owner, kind, FOREGROUND, round);
}

/** A dependent lives as long as one of its owners does. */
function collect(dependent: KubeObject, kind: ServedKind, round: Round): void {
  const states = new Map(ownersOf(dependent).map((owner) => [owner.uid, stateOf(owner, dependent, round)]));
  const isLiving = ({ uid }: OwnerReference): boolean => states.get(uid) === "living";
  const owners = ownersOf(dependent);
  if (owners.every(isLiving)) return;
  if (owners.some(isLiving)) {
    keepOwners(addressOf(collectionOf(kind), dependent), isLiving, round);
    return;
  }
  const isAwaited = [...states.values()].includes("waiting") && round.dependents.of(dependent.metadata.uid).length > 0;
  round.deletes.delete(placeOf(kind, dependent), { isDryRun: false, propagation: isAwaited ? "Foreground" : propagationOf(dependent) });
}

/** What its finalizers ask for already. */
function propagationOf(object: KubeObject): Propagation {
  if (hasFinalizer(object, ORPHAN)) return "Orphan";
  return hasFinalizer(object, FOREGROUND) ? "Foreground" : "Background";
}

/** An owner of a kind that is not served may well be there: nobody can tell. */
function stateOf(reference: OwnerReference, dependent: KubeObject, { store, registry }: Round): "living" | "waiting" | "gone" {
  const address = addressOfOwner(reference, dependent, registry);
  if (!address) return "living";
  const owner = objectAt(address, store);
  if (owner?.metadata.uid !== reference.uid) return "gone";
  return owner.metadata.deletionTimestamp !== undefined && hasFinalizer(owner, FOREGROUND) ? "waiting" : "living";
}

/** In the dependent's own namespace, or in none. */
function addressOfOwner({ apiVersion, kind, name }: OwnerReference, { metadata }: KubeObject, registry: Registry): Address | undefined {
  const served = registry.findByKind(apiVersion, kind);
  return served && { collection: collectionOf(served), namespace: served.isNamespaced ? metadata.namespace : undefined, name };
}

function keepOwners(address: Address, keeps: (owner: OwnerReference) => boolean, round: Round): void {
  const dependent = objectAt(address, round.store);
  const kind = round.registry.findCollection(address.collection);
  if (dependent && kind) written(kind, dependent, round, (object) => withMetadata(object, { ownerReferences: ownersOf(object).filter(keeps) }));
}

function dropFinalizer(owner: KubeObject, kind: ServedKind, dropped: string, round: Round): void {
  written(kind, owner, round, (object) => withMetadata(object, { finalizers: (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== dropped) }));
}

function written(kind: ServedKind, object: KubeObject, { writes }: Round, change: (object: KubeObject) => KubeObject): void {
  writes.update(placeOf(kind, object), change, { fieldManager: "garbage-collector", isDryRun: false, fieldValidation: "Ignore", isForced: false });
}

function placeOf(kind: ServedKind, { metadata }: KubeObject): Place {
  return { kind, name: metadata.name, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) };
}

function objectAt({ collection, namespace, name }: Address, store: Store): KubeObject | undefined {
  return store.get(collection, namespace, name);
}

function hasFinalizer({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}
