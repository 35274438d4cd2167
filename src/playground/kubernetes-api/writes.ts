/** Creating and changing objects: the one way by which requests reach the store. */
import { admitted, ownPart } from "./admission.ts";
import { isSame, without } from "./json.ts";
import { timestampOf, withMetadata, type KubeObject, type ManagedFieldsEntry, type Metadata } from "./kube-object.ts";
import { applyConfiguration, entriesAfterUpdate, type Writer } from "./managed-fields.ts";
import type { Place } from "./place.ts";
import { apiVersionOf, collectionOf, inVersion, type ServedKind } from "./served-kind.ts";
import { updatedEntries, withFreshMetadata, withKeptMetadata } from "./stamps.ts";
import { alreadyExists, notFound, StatusError } from "./status-error.ts";
import type { Store } from "./store.ts";
import { validate } from "./validation.ts";
import { checkConfig, checkIdentity, checkNamespace, refuseUntyped } from "./write-checks.ts";
import type { WriteOptions } from "./write-options.ts";

export interface Written {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
  readonly isNew: boolean;
}

export interface Writes {
  create(place: Omit<Place, "name" | "subresource">, object: KubeObject, options: WriteOptions): Written;
  /** `change` makes the new object from the present one. */
  update(place: Place, change: (current: KubeObject) => KubeObject, options: WriteOptions): Written;
  /** Server-side apply: merges the configuration, or creates the object. */
  apply(place: Place, config: KubeObject, options: WriteOptions): Written;
}

/** Where objects of a kind are created. */
type Room = Omit<Place, "name">;

export function createWrites(store: Store, now: () => Date): Writes {
  const present = ({ kind, namespace, name }: Place): KubeObject | undefined => {
    const found = store.get(collectionOf(kind), namespace, name);
    return found && inVersion(kind, found);
  };
  return {
    create: (place, object, options) => createObject(store, now(), place, { object: withoutManagers(object) }, options),
    update(place, change, options) {
      const current = present(place);
      if (!current) throw notFound(place.kind, place.name);
      return replaceObject(store, now(), place, current, { object: change(current) }, options);
    },
    apply(place, config, options) {
      const current = present(place);
      if (!current && place.subresource) throw notFound(place.kind, place.name);
      checkConfig(place, config, current);
      const proposal = appliedTo(current, place, config, options, now());
      return current ? replaceObject(store, now(), place, current, proposal, options) : createObject(store, now(), place, proposal, options);
    },
  };
}

interface Proposal {
  readonly object: KubeObject;
  /** Absent: found by comparing. */
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

function appliedTo(current: KubeObject | undefined, place: Place, config: KubeObject, options: WriteOptions, now: Date): Proposal {
  const own = ownPart(place, config);
  refuseUntyped(place, own);
  const writer = { ...writerOf(place, "Apply", options, now), isForced: options.isForced };
  const { object, managedFields } = applyConfiguration(current, own, current?.metadata.managedFields ?? [], place.kind.shape, writer);
  return { object: object as KubeObject, managedFields };
}

function createObject(store: Store, now: Date, place: Room, given: Proposal, options: WriteOptions): Written {
  const { kind, namespace } = place;
  checkNamespace(store, kind, namespace, given.object);
  if (Number(given.object.metadata.resourceVersion) > 0) throw new StatusError(500, undefined, "resourceVersion should not be set on objects to be created");
  const { object, warnings } = admitted(place, withFreshMetadata(given.object, namespace, now), undefined, options);
  const complete = kind.complete?.(object, now) ?? object;
  const written = kind.hasStatus ? without(complete, "status") : complete;
  const managedFields = given.managedFields ?? entriesAfterUpdate(undefined, written, [], kind.shape, writerOf(place, "Update", options, now));
  const fresh = withMetadata(complete, { managedFields, ...(kind.hasGeneration && { generation: 1 }) });
  validate(kind, fresh, undefined);
  if (store.get(collectionOf(kind), namespace, fresh.metadata.name)) throw alreadyExists(kind, fresh.metadata.name);
  return { object: filed(store, kind, fresh, options), warnings, isNew: true };
}

function replaceObject(store: Store, now: Date, place: Place, current: KubeObject, given: Proposal, options: WriteOptions): Written {
  const { kind } = place;
  checkIdentity(place, current, given.object);
  const { object, warnings } = admitted(place, given.object, current, options);
  const complete = kind.complete?.(object, now) ?? object;
  const managedFields = given.managedFields ?? updatedEntries(place, current, complete, given.object, writerOf(place, "Update", options, now));
  const next = withKeptMetadata(kind, complete, current, managedFields);
  validate(kind, next, current);
  return { object: isSame(next, current) ? current : filed(store, kind, next, options), warnings, isNew: false };
}

/** An object that waits to be deleted goes with its last finalizer. */
function filed(store: Store, kind: ServedKind, object: KubeObject, { isDryRun }: WriteOptions): KubeObject {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  if (isDryRun) return object;
  if (deletionTimestamp !== undefined && finalizers.length === 0) return store.remove(collectionOf(kind), object);
  return store.put(collectionOf(kind), object);
}

function writerOf(place: Room, operation: Writer["operation"], { fieldManager }: WriteOptions, now: Date): Writer {
  const subresource = place.subresource === undefined ? {} : { subresource: place.subresource };
  return { manager: fieldManager, operation, apiVersion: apiVersionOf(place.kind), time: timestampOf(now), ...subresource };
}

function withoutManagers(object: KubeObject): KubeObject {
  return { ...object, metadata: without(object.metadata, "managedFields") as Metadata };
}
