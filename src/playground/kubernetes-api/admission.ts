/** What of a given object is stored: what the schema knows, with defaults, and only what may be written through this door. */
import { without, type JsonObject } from "./json.ts";
import { withMetadata, type KubeObject } from "./kube-object.ts";
import { pruneObject, withDefaults } from "./schema.ts";
import type { ServedKind } from "./served-kind.ts";
import { badRequest, type StatusError } from "./status-error.ts";
import type { WriteOptions } from "./write-options.ts";
import type { Place } from "./place.ts";

type Door = Pick<Place, "kind" | "subresource">;

export interface Admitted {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Throws 400 for unknown fields where the request is strict. */
export function admitted(place: Door, given: KubeObject, current: KubeObject | undefined, options: WriteOptions): Admitted {
  const { kind } = place;
  const { object, unknownFields } = pruneObject(given, kind.schema);
  if (unknownFields.length > 0 && options.fieldValidation === "Strict") throw strictError(kind, unknownFields);
  const warnings = options.fieldValidation === "Warn" ? unknownFields.map((field) => `unknown field "${field}"`) : [];
  const written = withoutForeignPart(place, withMetadata(object as KubeObject, {}), current);
  return { object: (kind.schema ? withDefaults(written, kind.schema) : written) as KubeObject, warnings };
}

function strictError({ kind, version }: ServedKind, unknownFields: readonly string[]): StatusError {
  const fields = unknownFields.map((field) => `unknown field "${field}"`).join(", ");
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${fields}`);
}

function withoutForeignPart({ kind, subresource }: Door, object: KubeObject, current: KubeObject | undefined): KubeObject {
  if (!kind.hasStatus) return object;
  if (subresource !== "status") return { ...without(object, "status"), ...statusOf(current) } as KubeObject;
  return { ...without(current ?? object, "status"), ...statusOf(object) } as KubeObject;
}

function statusOf(object: KubeObject | undefined): JsonObject {
  return object?.status === undefined ? {} : { status: object.status };
}

/** What of a configuration may be applied through this door. */
export function ownPart({ kind, subresource }: Door, config: KubeObject): JsonObject {
  if (subresource === "status") return { apiVersion: config.apiVersion, kind: config.kind, metadata: { name: config.metadata.name }, ...statusOf(config) };
  return kind.hasStatus ? without(config, "status") : config;
}
