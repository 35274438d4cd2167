/** Creating and changing objects: the one way by which requests reach the store. */
import { randomInt, randomUUID } from "node:crypto";
import { isSame, textAt, without, type JsonObject } from "./json.ts";
import { timestampOf, withMetadata, type KubeObject, type ManagedFieldsEntry, type Metadata } from "./kube-object.ts";
import { applyConfiguration, entriesAfterUpdate, type Writer } from "./managed-fields.ts";
import { pruneObject, withDefaults } from "./schema.ts";
import { apiVersionOf, collectionOf, inVersion, type ServedKind } from "./served-kind.ts";
import { alreadyExists, badRequest, forbidden, invalid, modified, notFound, StatusError } from "./status-error.ts";
import type { Store } from "./store.ts";
import { validate } from "./validation.ts";
import type { WriteOptions } from "./write-options.ts";

export interface Place {
  readonly kind: ServedKind;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
  readonly subresource?: "status";
}

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

export function createWrites(store: Store, now: () => Date): Writes {
  const commit = (kind: ServedKind, object: KubeObject, { isDryRun }: WriteOptions): KubeObject =>
    isDryRun ? object : store.put(collectionOf(kind), object);

  const create = (place: Omit<Place, "name">, given: Proposal, options: WriteOptions): Written => {
    const { kind, namespace } = place;
    checkNamespace(store, kind, namespace, given.object);
    if (given.object.metadata.resourceVersion) throw new StatusError(500, undefined, "resourceVersion should not be set on objects to be created");
    const { object, warnings } = admitted({ ...place, name: "" }, withFreshMetadata(given.object, namespace, now()), undefined, options);
    const complete = kind.complete?.(object, now()) ?? object;
    const written = kind.hasStatus ? without(complete, "status") : complete;
    const managedFields = given.managedFields ?? entriesAfterUpdate(undefined, written, [], kind.shape, writerOf(place, "Update", options, now()));
    const fresh = withMetadata(complete, { managedFields, ...(kind.hasGeneration && { generation: 1 }) });
    validate(kind, fresh, undefined);
    const { name } = fresh.metadata;
    if (store.get(collectionOf(kind), namespace, name)) throw alreadyExists(kind, name);
    return { object: commit(kind, fresh, options), warnings, isNew: true };
  };

  const replace = (place: Place, current: KubeObject, given: Proposal, options: WriteOptions): Written => {
    const { kind } = place;
    checkIdentity(place, current, given.object);
    const { object, warnings } = admitted(place, given.object, current, options);
    const complete = kind.complete?.(object, now()) ?? object;
    const managedFields = given.managedFields ?? updatedEntries(place, current, complete, given.object, writerOf(place, "Update", options, now()));
    const next = withKeptMetadata(kind, complete, current, managedFields);
    validate(kind, next, current);
    if (isSame(next, current)) return { object: current, warnings, isNew: false };
    const isGone = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
    if (isGone && !options.isDryRun) return { object: store.remove(collectionOf(kind), next), warnings, isNew: false };
    return { object: commit(kind, next, options), warnings, isNew: false };
  };

  const currentOf = ({ kind, namespace, name }: Place): KubeObject | undefined => {
    const found = store.get(collectionOf(kind), namespace, name);
    return found && inVersion(kind, found);
  };

  return {
    create: (place, object, options) => create(place, { object: withoutManagers(object) }, options),
    update(place, change, options) {
      const current = currentOf(place);
      if (!current) throw notFound(place.kind, place.name);
      return replace(place, current, { object: change(current) }, options);
    },
    apply(place, config, options) {
      const current = currentOf(place);
      if (!current && place.subresource) throw notFound(place.kind, place.name);
      const writer = { ...writerOf(place, "Apply", options, now()), isForced: options.isForced };
      checkConfig(place, config, current);
      const own = ownPart(place, config);
      refuseUnknownFields(place, own);
      const applied = applyConfiguration(current && without(current, ""), own, current?.metadata.managedFields ?? [], place.kind.shape, writer);
      const proposal = { object: applied.object as KubeObject, managedFields: applied.managedFields };
      return current ? replace(place, current, proposal, options) : create(place, proposal, options);
    },
  };
}

interface Proposal {
  readonly object: KubeObject;
  /** Absent: found by comparing. */
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

function writerOf(place: Omit<Place, "name">, operation: Writer["operation"], { fieldManager }: WriteOptions, now: Date): Writer {
  const subresource = place.subresource === undefined ? {} : { subresource: place.subresource };
  return { manager: fieldManager, operation, apiVersion: apiVersionOf(place.kind), time: timestampOf(now), ...subresource };
}

function withoutManagers(object: KubeObject): KubeObject {
  return { ...object, metadata: without(object.metadata, "managedFields") as Metadata };
}

// ── what is allowed ──────────────────────────────────────────────────────────────────────────────────────────────────

const NAMESPACES = collectionOf({ group: "", plural: "namespaces" });
const NAMESPACE_KIND = { group: "", plural: "namespaces", kind: "Namespace" };

function checkNamespace(store: Store, kind: ServedKind, namespace: string | undefined, { metadata }: KubeObject): void {
  if (namespace === undefined) return;
  const given = metadata.namespace ?? namespace;
  if (given !== namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const found = store.get(NAMESPACES, undefined, namespace);
  if (!found) throw notFound(NAMESPACE_KIND, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(kind, metadata.name, `unable to create new content in namespace ${namespace} because it is being terminated`);
}

function checkIdentity({ kind, namespace, name }: Place, current: KubeObject, { metadata }: KubeObject): void {
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if ((metadata.namespace ?? namespace) !== namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const version = metadata.resourceVersion ?? "";
  if (version === "" && kind.schema !== undefined) throw versionMissing(kind, name);
  if (version !== "" && version !== current.metadata.resourceVersion) throw modified(kind, name);
  if ((metadata.uid ?? current.metadata.uid) === current.metadata.uid) return;
  const message = `Invalid value: ${JSON.stringify(metadata.uid)}: field is immutable`;
  throw invalid(kind.group, kind.kind, name, [{ reason: "FieldValueInvalid", message, field: "metadata.uid" }]);
}

function versionMissing({ group, plural }: ServedKind, name: string): StatusError {
  const cause = { reason: "FieldValueInvalid", message: "Invalid value: 0: must be specified for an update", field: "metadata.resourceVersion" };
  return invalid(group, plural, name, [cause]);
}

function checkConfig({ kind, name }: Place, { metadata }: KubeObject, current: KubeObject | undefined): void {
  if (metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const version = metadata.resourceVersion ?? "";
  if (version !== "" && version !== current?.metadata.resourceVersion) throw current ? modified(kind, name) : notFound(kind, name);
}

function refuseUnknownFields({ kind }: Place, config: JsonObject): void {
  const [first] = pruneObject(config, kind.schema).unknownFields;
  if (first === undefined) return;
  const about = `failed to create typed patch object (/${textAt(config, "metadata", "name")}; ${apiVersionOf(kind)}, Kind=${kind.kind})`;
  throw new StatusError(500, undefined, `${about}: .${first}: field not declared in schema`);
}

// ── what is made of what is given ────────────────────────────────────────────────────────────────────────────────────

interface Admitted {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Pruned, with defaults, and only what may be written through this door: the object or its status. */
function admitted(place: Place, given: KubeObject, current: KubeObject | undefined, options: WriteOptions): Admitted {
  const { kind } = place;
  const { object, unknownFields } = pruneObject(given, kind.schema);
  if (unknownFields.length > 0 && options.fieldValidation === "Strict") throw strictError(kind, unknownFields);
  const warnings = options.fieldValidation === "Warn" ? unknownFields.map((field) => `unknown field "${field}"`) : [];
  const written = withoutForeignPart(place, object as KubeObject, current);
  return { object: (kind.schema ? withDefaults(written, kind.schema) : written) as KubeObject, warnings };
}

function strictError({ kind, version }: ServedKind, unknownFields: readonly string[]): StatusError {
  const fields = unknownFields.map((field) => `unknown field "${field}"`).join(", ");
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${fields}`);
}

function withoutForeignPart({ kind, subresource }: Place, object: KubeObject, current: KubeObject | undefined): KubeObject {
  if (!kind.hasStatus) return object;
  if (!subresource) return { ...without(object, "status"), ...statusOf(current) } as KubeObject;
  return { ...without(current ?? object, "status"), ...statusOf(object) } as KubeObject;
}

function statusOf(object: KubeObject | undefined): JsonObject {
  return object?.status === undefined ? {} : { status: object.status };
}

/** The same of a configuration that is applied. */
function ownPart({ kind, subresource }: Place, config: KubeObject): JsonObject {
  if (subresource) return { apiVersion: config.apiVersion, kind: config.kind, metadata: { name: config.metadata.name }, ...statusOf(config) };
  return kind.hasStatus ? without(config, "status") : config;
}

const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

function withFreshMetadata(object: KubeObject, namespace: string | undefined, now: Date): KubeObject {
  const { name = "", generateName = "" } = object.metadata;
  const suffix = Array.from({ length: 5 }, () => NAME_LETTERS[randomInt(NAME_LETTERS.length)]).join("");
  const metadata = without(object.metadata, "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink") as Metadata;
  const fresh = withMetadata(
    { ...object, metadata },
    { uid: randomUUID(), creationTimestamp: timestampOf(now), ...(namespace !== undefined && { namespace }) },
  );
  const given = name === "" && generateName !== "" ? generateName + suffix : name;
  return { ...fresh, metadata: { ...fresh.metadata, name: given } };
}

function withKeptMetadata(kind: ServedKind, object: KubeObject, current: KubeObject, managedFields: readonly ManagedFieldsEntry[]): KubeObject {
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation = 0, namespace, resourceVersion } = current.metadata;
  const isChanged = kind.hasGeneration && !isSame(specOf(kind, object), specOf(kind, current));
  return withMetadata(object, {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    namespace,
    resourceVersion,
    managedFields,
    ...(kind.hasGeneration && { generation: isChanged ? generation + 1 : generation }),
  } as Partial<Metadata>);
}

/** What counts as a new generation when it changes. */
function specOf({ hasStatus }: ServedKind, object: KubeObject): JsonObject {
  return without(object, "apiVersion", "kind", "metadata", ...(hasStatus ? ["status"] : []));
}

/** A writer may replace the entries by hand, all of them by `[{}]`; through the status they stay. */
function updatedEntries(place: Place, current: KubeObject, object: KubeObject, given: KubeObject, writer: Writer): readonly ManagedFieldsEntry[] {
  const known = current.metadata.managedFields ?? [];
  const stated = place.subresource ? known : (given.metadata.managedFields ?? []);
  const isReset = stated.length === 1 && Object.keys(stated[0] ?? {}).length === 0;
  const entries = isReset || stated.length > 0 ? stated : known;
  return entriesAfterUpdate(current, object, entries, place.kind.shape, writer);
}
