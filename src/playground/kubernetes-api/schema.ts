/** The structural schema of a CustomResourceDefinition: unknown fields, defaults. */
import { isObject, type JsonObject } from "./json.ts";
import { METADATA_FIELDS } from "./kube-object.ts";

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly format?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-validations"?: readonly CelRule[];
  readonly [keyword: string]: unknown;
}

export interface CelRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

export interface Decoded {
  readonly object: JsonObject;
  /** Paths of what the schema does not know; they are gone from `object`. */
  readonly unknownFields: readonly string[];
}

/** Takes out what the schema does not know. */
export function pruneObject(object: JsonObject, schema: Schema | undefined): Decoded {
  const unknownFields: string[] = [];
  const metadata = isObject(object.metadata) ? pruneMetadata(object.metadata, unknownFields) : object.metadata;
  if (schema === undefined) return { object: { ...object, metadata }, unknownFields };
  const own = Object.fromEntries(Object.entries(object).filter(([field]) => !TYPE_FIELDS.includes(field)));
  const pruned = prune(own, schema, "", unknownFields) as JsonObject;
  return { object: { apiVersion: object.apiVersion, kind: object.kind, metadata, ...pruned }, unknownFields };
}

const TYPE_FIELDS = ["apiVersion", "kind", "metadata"];

function pruneMetadata(metadata: JsonObject, unknownFields: string[]): JsonObject {
  const unknown = Object.keys(metadata).filter((field) => !METADATA_FIELDS.includes(field));
  unknownFields.push(...unknown.map((field) => `metadata.${field}`));
  return Object.fromEntries(Object.entries(metadata).filter(([field]) => !unknown.includes(field)));
}

function prune(value: unknown, schema: Schema, path: string, unknownFields: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, index) => prune(item, items, `${path}[${index}]`, unknownFields)) : value;
  }
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([name, field]) => {
    const fieldPath = path === "" ? name : `${path}.${name}`;
    const known = fieldSchema(schema, name);
    if (known !== undefined) return [[name, prune(field, known, fieldPath, unknownFields)]];
    unknownFields.push(fieldPath);
    return [];
  });
  return Object.fromEntries(kept);
}

const EVERYTHING: Schema = { "x-kubernetes-preserve-unknown-fields": true };

/** The schema of a field; nothing if the field is unknown. */
export function fieldSchema(schema: Schema, name: string): Schema | undefined {
  const declared = schema.properties?.[name];
  if (declared) return declared;
  if (isObject(schema.additionalProperties)) return schema.additionalProperties;
  return schema.additionalProperties === true || schema["x-kubernetes-preserve-unknown-fields"] ? EVERYTHING : undefined;
}

/** Fills in defaults; a null that is not allowed counts as absent. */
export function withDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item) => withDefaults(item, items)) : value;
  }
  if (!isObject(value)) return value;
  const given = Object.entries(value).filter(([name, field]) => field !== null || isNullable(schema, name));
  const missing = Object.entries(schema.properties ?? {}).filter(
    ([name, field]) => field.default !== undefined && !given.some(([known]) => known === name),
  );
  const all = [...given, ...missing.map(([name, field]) => [name, structuredClone(field.default)] as const)];
  return Object.fromEntries(all.map(([name, field]) => [name, withDefaults(field, fieldSchema(schema, name) ?? EVERYTHING)]));
}

function isNullable(schema: Schema, name: string): boolean {
  const field = fieldSchema(schema, name);
  return field === undefined || field.nullable === true || (field.type === undefined && field["x-kubernetes-preserve-unknown-fields"] === true);
}
