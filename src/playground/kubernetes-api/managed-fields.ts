/** Who wrote which field, and when: the bookkeeping of `metadata.managedFields`, and server-side apply on top of it. */
import { describePaths, difference, fieldSetFrom, fieldsV1Of, intersection, union, type FieldSet } from "./field-set.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { ManagedFieldsEntry } from "./kube-object.ts";
import { compareFields, fieldSetOf, mergeFields, withDeclaredParents, withoutFields, type Comparison } from "./object-fields.ts";
import type { Shape } from "./shape.ts";
import { StatusError, type Cause } from "./status-error.ts";

export interface Writer {
  readonly manager: string;
  readonly operation: "Update" | "Apply";
  readonly apiVersion: string;
  readonly subresource?: string;
  /** Now, RFC 3339. */
  readonly time: string;
}

interface Entry extends Writer {
  readonly set: FieldSet;
}
type Entries = ReadonlyMap<string, Entry>;

const NOBODY_OWNS: FieldSet = new Set([
  "f:apiVersion",
  "f:kind",
  "f:metadata",
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"].map(
    (field) => `f:metadata\0f:${field}`,
  ),
]);

/** The entries after somebody wrote `after` over `before`: fields that changed are theirs, and their time is now only if any did. */
export function entriesAfterUpdate(
  before: JsonObject | undefined,
  after: JsonObject,
  entries: readonly ManagedFieldsEntry[],
  shape: Shape,
  writer: Writer,
): readonly ManagedFieldsEntry[] {
  const comparison = compareFields(before ?? {}, after, shape);
  const others = withoutTaken(decodeEntries(entries), comparison);
  const taken = difference(union(comparison.added, comparison.modified), NOBODY_OWNS);
  if (taken.size === 0) return encodeEntries(others);
  const previous = others.get(identityOf(writer));
  return encodeEntries(new Map([...others, [identityOf(writer), { ...writer, set: union(taken, previous?.set ?? new Set()) }]]));
}

export interface Applied {
  readonly object: JsonObject;
  readonly managedFields: readonly ManagedFieldsEntry[];
}

/** Merges a configuration into the live object; what this manager applied before and no longer names goes, unless somebody else owns it. */
export function applyConfiguration(
  live: JsonObject | undefined,
  config: JsonObject,
  entries: readonly ManagedFieldsEntry[],
  shape: Shape,
  writer: Writer & { readonly isForced: boolean },
): Applied {
  const { isForced, ...own } = writer;
  const before = decodeEntries(entries);
  const last = before.get(identityOf(own));
  const named = fieldSetOf(config, shape);
  const set = difference(named, NOBODY_OWNS);
  const others: Entries = new Map([...before].filter(([identity]) => identity !== identityOf(own)));
  const owned = union(named, ...[...others.values()].map((entry) => entry.set));
  const object = pruned(mergeFields(live ?? {}, config, shape), owned, last?.set ?? new Set(), shape) as JsonObject;
  const comparison = compareFields(live ?? {}, object, shape);
  if (!isForced) refuseConflicts(others, comparison);
  const isUnchanged = last !== undefined && isSameSet(last.set, set) && isNothing(comparison);
  const applied: Entry = { ...own, set, time: isUnchanged ? last.time : own.time };
  return { object, managedFields: encodeEntries(new Map([...withoutTaken(others, comparison), [identityOf(own), applied]])) };
}

/** Without what was applied last time and nobody owns now. */
function pruned(merged: unknown, owned: FieldSet, last: FieldSet, shape: Shape): unknown {
  return withoutFields(merged, difference(withDeclaredParents(last, shape), withDeclaredParents(owned, shape)), shape);
}

function withoutTaken(entries: Entries, { added, modified, removed }: Comparison): Entries {
  const gone = union(added, modified, removed);
  const left = [...entries].map(([identity, entry]) => [identity, { ...entry, set: difference(entry.set, gone) }] as const);
  return new Map(left.filter(([, { set }]) => set.size > 0));
}

function isNothing({ added, modified, removed }: Comparison): boolean {
  return added.size + modified.size + removed.size === 0;
}

function isSameSet(one: FieldSet, other: FieldSet): boolean {
  return one.size === other.size && difference(one, other).size === 0;
}

// ── conflicts ────────────────────────────────────────────────────────────────────────────────────────────────────────

function refuseConflicts(others: Entries, { added, modified }: Comparison): void {
  const changed = union(added, modified);
  const conflicts = [...others]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, entry]) => ({ manager: managerOf(entry), paths: describePaths(intersection(entry.set, changed)) }))
    .filter(({ paths }) => paths.length > 0);
  if (conflicts.length > 0) throw applyConflict(conflicts);
}

interface FieldConflict {
  readonly manager: string;
  readonly paths: readonly string[];
}

function applyConflict(conflicts: readonly FieldConflict[]): StatusError {
  const causes: readonly Cause[] = conflicts.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${manager}`, field })),
  );
  const [first] = causes;
  const message =
    causes.length === 1 && first
      ? `Apply failed with 1 conflict: ${first.message}: ${first.field}`
      : `Apply failed with ${causes.length} conflicts: ${conflicts.map(describeConflict).join("\n")}`;
  return new StatusError(409, "Conflict", message, { causes });
}

function describeConflict({ manager, paths }: FieldConflict): string {
  return `conflicts with ${manager}:\n${paths.map((path) => `- ${path}`).join("\n")}`;
}

function managerOf({ manager, operation, apiVersion, subresource }: Entry): string {
  const name = JSON.stringify(manager) + (subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

// ── wire form ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** An applier stays the same over versions of the kind. */
function identityOf({ manager, operation, apiVersion, subresource }: Writer): string {
  return JSON.stringify([manager, operation, subresource ?? "", operation === "Apply" ? "" : apiVersion]);
}

function decodeEntries(entries: readonly ManagedFieldsEntry[]): Entries {
  const decoded = entries.filter((entry) => isObject(entry.fieldsV1)).map(decodeEntry);
  return new Map(decoded.map((entry) => [identityOf(entry), entry]));
}

function decodeEntry(entry: ManagedFieldsEntry): Entry {
  return {
    manager: entry.manager ?? "",
    operation: entry.operation === "Apply" ? "Apply" : "Update",
    apiVersion: entry.apiVersion ?? "",
    ...(entry.subresource !== undefined && { subresource: entry.subresource }),
    time: entry.time ?? "",
    set: fieldSetFrom(entry.fieldsV1 ?? {}),
  };
}

function encodeEntries(entries: Entries): readonly ManagedFieldsEntry[] {
  return [...entries.values()]
    .filter(({ set }) => set.size > 0)
    .sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1))
    .map(({ set, subresource, ...entry }) => ({
      manager: entry.manager,
      operation: entry.operation,
      apiVersion: entry.apiVersion,
      time: entry.time,
      fieldsType: "FieldsV1",
      fieldsV1: fieldsV1Of(set),
      ...(subresource !== undefined && { subresource }),
    }));
}

function sortKey({ operation, time, manager, apiVersion, subresource }: Entry): string {
  return [operation, time, manager, apiVersion, subresource ?? ""].join("\0");
}
