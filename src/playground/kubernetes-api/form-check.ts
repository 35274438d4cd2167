/** The first value whose type is not that of its form: what a typed decoder stops at. */
import { isObject, type JsonObject } from "./json.ts";
import { fieldSchema, type Schema } from "./schema.ts";

export interface Mistyped {
  /** `.spec.metrics` */
  readonly path: string;
  readonly value: unknown;
  readonly expected: string;
}

export function firstMistyped(value: unknown, schema: Schema, path = ""): Mistyped | undefined {
  if (value === null || value === undefined) return undefined;
  if (!isOfType(value, schema)) return { path, value, expected: schema.type ?? "" };
  return firstOf(childrenOf(value, schema, path), ([each, known, at]) => firstMistyped(each, known, at));
}

function isOfType(value: unknown, schema: Schema): boolean {
  if (schema["x-kubernetes-int-or-string"] || schema.type === undefined) return true;
  if (schema.type === "array") return Array.isArray(value);
  if (schema.type === "object") return isObject(value);
  if (schema.type === "integer" || schema.type === "number") return typeof value === "number";
  return typeof value === schema.type;
}

function childrenOf(value: unknown, schema: Schema, path: string): readonly (readonly [value: unknown, schema: Schema, path: string])[] {
  if (Array.isArray(value)) return schema.items ? value.map((item) => [item, schema.items!, path] as const) : [];
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const known = fieldSchema(schema, name);
    return known ? [[field, known, `${path}.${name}`] as const] : [];
  });
}

/** What makes the first list with keys unfit to be merged: an item without a key, or two of the same. */
export function firstUnmergeable(value: unknown, schema: Schema, path = ""): string | undefined {
  const keys = schema["x-kubernetes-list-map-keys"];
  const own = keys && Array.isArray(value) ? unmergeableItems(value.filter(isObject), keys, path) : undefined;
  return own ?? firstOf(childrenOf(value, schema, path), ([each, known, at]) => firstUnmergeable(each, known, at));
}

function unmergeableItems(items: readonly JsonObject[], keys: readonly string[], path: string): string | undefined {
  const keyless = items.findIndex((item) => keys.every((key) => item[key] === undefined));
  if (keyless !== -1) {
    const list = keys.map((key) => JSON.stringify(key)).join(" ");
    return `${path}: element ${keyless}: associative list with keys has an element that omits all key fields [${list}] (and doesn't have default values for any key fields)`;
  }
  const said = items.map((item) => keys.map((key) => `${key}=${JSON.stringify(item[key])}`).join(","));
  const twice = said.find((each, index) => said.indexOf(each) < index);
  return twice === undefined ? undefined : `${path}: duplicate entries for key [${twice}]`;
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
