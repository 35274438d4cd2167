/** Objects as rows for `kubectl get`. */
import { ageOf } from "./age.ts";
import type { JsonObject } from "./json.ts";
import { valuesAt } from "./json-path.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Column, ServedKind } from "./served-kind.ts";

export const AGE: Column = {
  name: "Age",
  type: "string",
  description: "Time since the object was created.",
  priority: 0,
  cell: ({ metadata }, now) => ageOf(metadata.creationTimestamp, now),
};

export const NAME: Column = { name: "Name", type: "string", format: "name", description: "The object's name, unique within its namespace.", priority: 0, cell: ({ metadata }) => metadata.name };

export interface TableOptions {
  readonly includeObject: "Metadata" | "None" | "Object";
  /** False in a watch after the first event. */
  readonly hasDefinitions: boolean;
}

export function tableOf(kind: ServedKind, objects: readonly KubeObject[], metadata: JsonObject, now: Date, options: TableOptions): JsonObject {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: options.hasDefinitions ? definitionsOf(kind) : null,
    rows: objects.map((object) => ({ cells: cellsOf(kind, object, now), object: embedded(object, options.includeObject) })),
  };
}

function definitionsOf(kind: ServedKind): readonly JsonObject[] {
  return columnsOf(kind).map(({ name, type, format = "", description, priority }) => ({ name, type, format, description, priority }));
}

function cellsOf(kind: ServedKind, object: KubeObject, now: Date): readonly unknown[] {
  return columnsOf(kind).map(({ cell }) => cell(object, now));
}

/** The name comes first, where a kind does not put it elsewhere. */
function columnsOf({ columns }: ServedKind): readonly Column[] {
  return columns.some(({ format }) => format === NAME.format) ? columns : [NAME, ...columns];
}

function embedded(object: KubeObject, include: TableOptions["includeObject"]): unknown {
  if (include === "None") return null;
  return include === "Object" ? object : partialOf(object);
}

/** The object's metadata alone. */
export function partialOf({ metadata }: KubeObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** A column of a CustomResourceDefinition. */
export function columnOf({ name, type, jsonPath, description, priority = 0 }: PrinterColumn): Column {
  return {
    name,
    type: type as Column["type"],
    description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority,
    cell: (object, now) => cellOf(valuesAt(object, jsonPath)[0], type, now),
  };
}

function cellOf(value: unknown, type: string, now: Date): unknown {
  if (value === undefined || value === null) return null;
  if (type === "date") return ageOf(value, now);
  if (type === "string") return typeof value === "object" ? JSON.stringify(value) : String(value);
  return typeof value === (type === "boolean" ? "boolean" : "number") ? value : null;
}
