/** Who wrote what and when, from metadata.managedFields (whole seconds of the API server's clock). */
import { z } from "zod";
import type { ManagedFieldsEntry, ObjectMetadata } from "../kubernetes/client.ts";
import type { RouteWriter } from "../rollout/observation.ts";
import { instantOf } from "../rollout/units.ts";

const FieldsV1 = z.looseObject({ "f:spec": z.record(z.string(), z.unknown()).optional() });

/** Owners of one of these fields of `spec` (`http`), or of all of `spec`, newest first. */
export function writersOf(metadata: ObjectMetadata, fields: readonly string[]): readonly RouteWriter[] {
  return entriesOf(metadata)
    .filter((entry) => fields.some((field) => owns(specFieldsOf(entry), field)))
    .map((entry) => ({ manager: entry.manager ?? "unknown", atMs: atMsOf(entry) }))
    .sort((one, other) => other.atMs - one.atMs);
}

export function timesOfSpecWrites(metadata: ObjectMetadata): readonly number[] {
  return entriesOf(metadata)
    .filter((entry) => specFieldsOf(entry) !== undefined)
    .map(atMsOf);
}

/**
 * When `manager` last wrote. Where it owns nothing (its write only took something away, and the API server then notes
 * no time), the newest write of anybody.
 */
export function lastWriteMs(metadata: ObjectMetadata, manager: string): number {
  const entries = entriesOf(metadata);
  const its = entries.filter((entry) => entry.manager === manager);
  const times = (its.length > 0 ? its : entries).map(atMsOf);
  return Math.max(createdAtMs(metadata), ...times);
}

export function createdAtMs({ creationTimestamp }: ObjectMetadata): number {
  return instantOf(creationTimestamp ?? "1970-01-01T00:00:00Z");
}

function entriesOf(metadata: ObjectMetadata): readonly ManagedFieldsEntry[] {
  return (metadata.managedFields ?? []).filter((entry) => entry.time !== undefined);
}

function atMsOf(entry: ManagedFieldsEntry): number {
  return instantOf(entry.time!);
}

function specFieldsOf(entry: ManagedFieldsEntry): Readonly<Record<string, unknown>> | undefined {
  return FieldsV1.safeParse(entry.fieldsV1).data?.["f:spec"];
}

/** A list without keys, such as `spec.http`, is owned as a whole; an empty `f:spec` is all of it. */
function owns(fields: Readonly<Record<string, unknown>> | undefined, field: string): boolean {
  return fields !== undefined && (`f:${field}` in fields || Object.keys(fields).length === 0);
}
