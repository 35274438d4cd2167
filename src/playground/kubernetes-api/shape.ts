/** How the fields of an object may be owned: one by one, by key, or only as a whole. */
import { isObject, type JsonObject } from "./json.ts";
import type { Schema } from "./schema.ts";

export type Shape =
  /** A scalar, or a list or object that is owned as a whole. */
  | { readonly kind: "leaf" }
  | { readonly kind: "map"; readonly fields: Readonly<Record<string, Shape>>; readonly rest?: Shape }
  | { readonly kind: "keyedList"; readonly keys: readonly string[]; readonly item: Shape; /** Of keys that an item may leave out. */ readonly defaults?: JsonObject }
  | { readonly kind: "set" }
  /** Nobody said: objects are owned field by field, everything else as a whole. */
  | { readonly kind: "any" };

const LEAF: Shape = { kind: "leaf" };
export const ANY: Shape = { kind: "any" };

const TEXTS: Shape = { kind: "map", fields: {}, rest: LEAF };
const METADATA: Shape = {
  kind: "map",
  fields: {
    labels: TEXTS,
    annotations: TEXTS,
    finalizers: { kind: "set" },
    ownerReferences: { kind: "keyedList", keys: ["uid"], item: LEAF },
    managedFields: LEAF,
  },
  rest: LEAF,
};

/** The shape of a whole object; without a schema everything but the metadata is `any`. */
export function shapeOfObject(schema: Schema | undefined): Shape {
  const own: Shape = schema === undefined ? { kind: "map", fields: {}, rest: ANY } : shapeOf(schema);
  const { fields, rest } = own.kind === "map" ? own : { fields: {}, rest: ANY };
  return { kind: "map", fields: { ...fields, apiVersion: LEAF, kind: LEAF, metadata: METADATA }, ...(rest && { rest }) };
}

export function shapeOf(schema: Schema): Shape {
  if (schema["x-kubernetes-int-or-string"]) return LEAF;
  if (schema.type === "array") return shapeOfList(schema);
  if (schema.type === "object") return shapeOfMap(schema);
  return schema["x-kubernetes-preserve-unknown-fields"] ? ANY : LEAF;
}

function shapeOfList(schema: Schema): Shape {
  const type = schema["x-kubernetes-list-type"];
  if (type === "set") return { kind: "set" };
  if (type !== "map") return LEAF;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const defaults = Object.fromEntries(keys.flatMap((key) => (schema.items?.properties?.[key]?.default === undefined ? [] : [[key, schema.items.properties[key].default]])));
  return { kind: "keyedList", keys, defaults, item: schema.items ? shapeOf(schema.items) : ANY };
}

function shapeOfMap(schema: Schema): Shape {
  if (schema["x-kubernetes-map-type"] === "atomic") return LEAF;
  const fields = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, shapeOf(field)]));
  const rest = shapeOfRest(schema);
  return { kind: "map", fields, ...(rest && { rest }) };
}

function shapeOfRest({ additionalProperties, ...schema }: Schema): Shape | undefined {
  if (isObject(additionalProperties)) return shapeOf(additionalProperties);
  return additionalProperties === true || schema["x-kubernetes-preserve-unknown-fields"] ? ANY : undefined;
}

export interface Child {
  readonly value: unknown;
  readonly shape: Shape;
  /** False for items of lists and keys of maps: their presence is owned by itself. */
  readonly isDeclared: boolean;
}

/** What is below a value, by path element; nothing for a leaf and for a value that does not fit the shape. */
export function childrenOf(value: unknown, shape: Shape): ReadonlyMap<string, Child> | undefined {
  switch (shape.kind) {
    case "leaf":
      return undefined;
    case "any":
      return isObject(value) ? fieldsOf(value, { fields: {}, rest: ANY }) : undefined;
    case "map":
      return isObject(value) ? fieldsOf(value, shape) : undefined;
    case "set":
      return Array.isArray(value) ? new Map(value.map((item) => [`v:${JSON.stringify(item)}`, childOf(item, LEAF)])) : undefined;
    case "keyedList":
      return Array.isArray(value) ? new Map(value.map((item) => [`k:${keyOf(item, shape)}`, childOf(item, shape.item)])) : undefined;
  }
}

function fieldsOf(value: JsonObject, { fields, rest }: { fields: Readonly<Record<string, Shape>>; rest?: Shape }): ReadonlyMap<string, Child> {
  return new Map(
    Object.entries(value).map(([name, field]) => [`f:${name}`, { value: field, shape: fields[name] ?? rest ?? ANY, isDeclared: name in fields }]),
  );
}

function childOf(value: unknown, shape: Shape): Child {
  return { value, shape, isDeclared: false };
}

function keyOf(item: unknown, { keys, defaults }: Extract<Shape, { readonly kind: "keyedList" }>): string {
  const from = { ...defaults, ...(isObject(item) ? item : {}) };
  return JSON.stringify(Object.fromEntries([...keys].sort().map((key) => [key, from[key]])));
}

/** The shape below by path element, for paths whose values are gone. */
export function shapeBelow(shape: Shape, element: string): { readonly shape: Shape; readonly isDeclared: boolean } {
  if (shape.kind === "keyedList") return { shape: shape.item, isDeclared: false };
  if (shape.kind !== "map") return { shape: ANY, isDeclared: false };
  const name = element.slice(2);
  return { shape: shape.fields[name] ?? shape.rest ?? ANY, isDeclared: name in shape.fields };
}
