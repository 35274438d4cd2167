/** Checks objects against a CustomResourceDefinition's schema (by ajv), and says what is wrong as the real server does. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { isObject, isSame, valueAt, type JsonObject } from "./json.ts";
import type { Schema } from "./schema.ts";
import type { Cause } from "./status-error.ts";

const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: false, logger: false });
const validators = new WeakMap<Schema, ValidateFunction>();

/** What of the object's own fields (all but apiVersion, kind and metadata) breaks the schema, and did not break it in `old` already. */
export function schemaCauses(object: JsonObject, old: JsonObject | undefined, schema: Schema): readonly Cause[] {
  const validate = validatorOf(schema);
  validate(object);
  const listed = (validate.errors ?? []).filter(({ schemaPath }) => !/\/(?:anyOf|oneOf|not)\/\d*/.test(schemaPath));
  const fresh = listed.filter(({ instancePath }) => !isUnchanged(object, old, instancePath));
  return [...fresh.filter(isFirstOfText).map(causeOf), ...duplicates(object, schema, "")];
}

/** Whether the place, or what holds it, is as it was: a definition that grew stricter must not stop other writes. */
function isUnchanged(object: JsonObject, old: JsonObject | undefined, instancePath: string): boolean {
  const elements = elementsOf(instancePath);
  const firstIndex = elements.findIndex((element) => /^\d+$/.test(element));
  const untilList = elements.slice(0, firstIndex === -1 ? elements.length : firstIndex);
  const paths = untilList.map((_element, index) => elements.slice(0, index + 1));
  return paths.some((path) => valueAt(old, ...path) !== undefined && isSame(valueAt(object, ...path), valueAt(old, ...path)));
}

const TEXT_KEYWORDS = ["minLength", "maxLength", "pattern"];

/** Of a text the server says only the first thing that is wrong. */
function isFirstOfText(error: ErrorObject, index: number, all: readonly ErrorObject[]): boolean {
  const isSameText = (other: ErrorObject): boolean => TEXT_KEYWORDS.includes(other.keyword) && other.instancePath === error.instancePath;
  return !TEXT_KEYWORDS.includes(error.keyword) || all.findIndex(isSameText) === index;
}

const BLOCKING = ["FieldValueRequired", "FieldValueTypeInvalid", "FieldValueTooLong", "FieldValueTooMany", "FieldValueNotSupported"];

/** Values that are so wrong that rules cannot be asked about them. */
export function isBlocking({ reason }: Cause): boolean {
  return BLOCKING.includes(reason);
}

export const RULES_NOT_CHECKED: Cause = {
  reason: "FieldValueInvalid",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
  field: "<nil>",
};

function validatorOf(schema: Schema): ValidateFunction {
  const known = validators.get(schema);
  if (known) return known;
  const { metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...properties } = schema.properties ?? {};
  const validate = ajv.compile(jsonSchemaOf({ ...schema, properties }));
  validators.set(schema, validate);
  return validate;
}

const SAME_KEYWORDS = [
  "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
  "minProperties", "maxProperties", "required",
];

/** OpenAPI's dialect in that of JSON Schema. */
function jsonSchemaOf(schema: Schema): JsonObject {
  return {
    ...Object.fromEntries(SAME_KEYWORDS.filter((keyword) => schema[keyword] !== undefined).map((keyword) => [keyword, schema[keyword]])),
    ...typeOf(schema),
    ...boundsOf(schema),
    ...(schema.properties && { properties: mapValues(schema.properties, jsonSchemaOf) }),
    ...(schema.items && { items: jsonSchemaOf(schema.items) }),
    ...(isObject(schema.additionalProperties) && { additionalProperties: jsonSchemaOf(schema.additionalProperties) }),
    ...combinationsOf(schema),
  };
}

function typeOf(schema: Schema): JsonObject {
  const types = schema["x-kubernetes-int-or-string"] ? ["integer", "string"] : schema.type === undefined ? [] : [schema.type];
  if (types.length === 0) return {};
  return { type: schema.nullable ? [...types, "null"] : types };
}

/** There, `exclusiveMinimum` is a flag beside `minimum`. */
function boundsOf(schema: Schema): JsonObject {
  return {
    ...(schema.exclusiveMinimum === true && { minimum: undefined, exclusiveMinimum: schema.minimum }),
    ...(schema.exclusiveMaximum === true && { maximum: undefined, exclusiveMaximum: schema.maximum }),
  };
}

function combinationsOf(schema: Schema): JsonObject {
  const lists = ["allOf", "anyOf", "oneOf"].flatMap((keyword) => {
    const branches = schema[keyword];
    return Array.isArray(branches) ? [[keyword, (branches as Schema[]).map(jsonSchemaOf)] as const] : [];
  });
  return { ...Object.fromEntries(lists), ...(isObject(schema.not) && { not: jsonSchemaOf(schema.not) }) };
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

// ── sentences ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Params = Readonly<Record<string, unknown>>;
type Sentence = (field: string, value: unknown, params: Params) => readonly [reason: string, message: string];

const SENTENCES: Readonly<Record<string, Sentence>> = {
  required: () => ["FieldValueRequired", "Required value"],
  type: (field, value, { type }) => [
    "FieldValueTypeInvalid",
    `Invalid value: "${typeName(value)}": ${field} in body must be of type ${[type].flat().join(",")}: "${typeName(value)}"`,
  ],
  enum: (_field, value, { allowedValues }) => [
    "FieldValueNotSupported",
    `Unsupported value: ${shown(value)}: supported values: ${(allowedValues as unknown[]).map(shown).join(", ")}`,
  ],
  pattern: (field, value, { pattern }) => outOfBounds(field, value, `match '${String(pattern)}'`),
  minimum: (field, value, { limit }) => outOfBounds(field, value, `be greater than or equal to ${String(limit)}`),
  maximum: (field, value, { limit }) => outOfBounds(field, value, `be less than or equal to ${String(limit)}`),
  exclusiveMinimum: (field, value, { limit }) => outOfBounds(field, value, `be greater than ${String(limit)}`),
  exclusiveMaximum: (field, value, { limit }) => outOfBounds(field, value, `be less than ${String(limit)}`),
  minLength: (field, value, { limit }) => outOfBounds(field, value, `be at least ${String(limit)} chars long`),
  maxLength: (_field, _value, { limit }) => ["FieldValueTooLong", `Too long: may not be more than ${String(limit)} bytes`],
  minItems: (field, value, { limit }) => outOfBounds(field, (value as unknown[]).length, `have at least ${String(limit)} items`),
  maxItems: (_field, value, { limit }) => [
    "FieldValueTooMany",
    `Too many: ${(value as unknown[]).length}: must have at most ${String(limit)} items`,
  ],
  minProperties: (field, value, { limit }) => outOfBounds(field, countOf(value), `have at least ${String(limit)} properties`),
  maxProperties: (_field, value, { limit }) => ["FieldValueTooMany", `Too many: ${countOf(value)}: must have at most ${String(limit)} items`],
};

function causeOf(error: ErrorObject): Cause {
  const params = error.params as Params;
  const at = pathOf(error.instancePath);
  const field = error.keyword === "required" ? [at, String(params.missingProperty)].filter(Boolean).join(".") : at;
  const sentence = SENTENCES[error.keyword];
  const [reason, message] = sentence?.(field, error.data, params) ?? ["FieldValueInvalid", `Invalid value: ${shown(error.data)}: ${error.message ?? ""}`];
  return { reason, message, field: field === "" ? "<nil>" : field };
}

function outOfBounds(field: string, value: unknown, should: string): readonly [string, string] {
  return ["FieldValueInvalid", `Invalid value: ${shown(value)}: ${field} in body should ${should}`];
}

/** `/spec/metrics/0/max` as `spec.metrics[0].max`. */
function pathOf(instancePath: string): string {
  return elementsOf(instancePath).reduce((path, element) => (/^\d+$/.test(element) ? `${path}[${element}]` : path === "" ? element : `${path}.${element}`), "");
}

function elementsOf(instancePath: string): readonly string[] {
  return instancePath.split("/").slice(1).map((element) => element.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}

function countOf(value: unknown): number {
  return isObject(value) ? Object.keys(value).length : 0;
}

// ── lists whose items must differ ────────────────────────────────────────────────────────────────────────────────────

function duplicates(value: unknown, schema: Schema, path: string): readonly Cause[] {
  if (Array.isArray(value)) return duplicateItems(value, schema, path);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    return isObject(known) ? duplicates(field, known, path === "" ? name : `${path}.${name}`) : [];
  });
}

function duplicateItems(items: readonly unknown[], schema: Schema, path: string): readonly Cause[] {
  const keys = items.map((item) => JSON.stringify(itemKey(item, schema)));
  const twice = keys.flatMap((key, index) => (key !== undefined && keys.indexOf(key) < index ? [duplicateOf(key, `${path}[${index}]`)] : []));
  const inner = schema.items;
  return inner ? [...twice, ...items.flatMap((item, index) => duplicates(item, inner, `${path}[${index}]`))] : twice;
}

function itemKey(item: unknown, schema: Schema): unknown {
  if (schema["x-kubernetes-list-type"] === "set") return item;
  const keys = schema["x-kubernetes-list-map-keys"];
  return keys && isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : undefined;
}

function duplicateOf(key: string, field: string): Cause {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${key}`, field };
}
