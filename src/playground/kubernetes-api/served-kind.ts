/** What the server knows of a kind that it serves, be it built in or defined by a CustomResourceDefinition. */
import type { KubeObject } from "./kube-object.ts";
import type { ScalePaths } from "./scale.ts";
import type { Schema } from "./schema.ts";
import type { Shape } from "./shape.ts";
import type { Cause } from "./status-error.ts";

export interface ServedKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly isNamespaced: boolean;
  /** Its status is a subresource: writes of one leave the other alone. */
  readonly hasStatus: boolean;
  readonly hasGeneration: boolean;
  /** For kinds that have replicas. */
  readonly scale?: ScalePaths;
  /** A built-in kind has none: fields that are not in its form are taken as they come. */
  readonly schema?: Schema;
  readonly form?: Schema;
  readonly shape: Shape;
  /** After the name. */
  readonly columns: readonly Column[];
  /** Fills in what the server adds by itself. */
  readonly complete?: (object: KubeObject, now: Date) => KubeObject;
  /** What else is wrong with it; `current` is the object that it replaces. */
  readonly check?: (object: KubeObject, current: KubeObject | undefined) => readonly Cause[];
  /** Fields besides metadata.name and metadata.namespace by which lists may be selected. */
  readonly selectableFields: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description: string;
  /** Above 0: with `-o wide` only. */
  readonly priority: number;
  readonly cell: (object: KubeObject, now: Date) => unknown;
}

/** All versions of a kind share one collection. */
export function collectionOf({ group, plural }: { readonly group: string; readonly plural: string }): string {
  return `${plural}.${group}`;
}

/** Namespaces are deleted one by one only. */
export function isDeletedTogether(kind: { readonly group: string; readonly plural: string }): boolean {
  return collectionOf(kind) !== "namespaces.";
}

export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The object in the version that was asked for. */
export function inVersion(kind: ServedKind, object: KubeObject): KubeObject {
  return object.apiVersion === apiVersionOf(kind) ? object : { ...object, apiVersion: apiVersionOf(kind) };
}
