/** What a write must be true to: its namespace, its place, and the object that it was made from. */
import { textAt, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import { firstMistyped, firstUnmergeable } from "./form-check.ts";
import { pruneObject, type Schema } from "./schema.ts";
import { apiVersionOf, collectionOf, type ServedKind } from "./served-kind.ts";
import { badRequest, forbidden, invalid, modified, notFound, StatusError } from "./status-error.ts";
import type { Store } from "./store.ts";
import type { Place } from "./place.ts";

const NAMESPACES = collectionOf({ group: "", plural: "namespaces" });
const NAMESPACE_KIND = { group: "", plural: "namespaces", kind: "Namespace" };

/** Throws 404 for a namespace that is not there, 403 for one that is going. */
export function checkNamespace(store: Store, kind: ServedKind, namespace: string | undefined, { metadata }: KubeObject): void {
  if (namespace === undefined) return;
  const given = metadata.namespace ?? namespace;
  if (given !== namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const found = store.get(NAMESPACES, undefined, namespace);
  if (!found) throw notFound(NAMESPACE_KIND, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(kind, metadata.name, `unable to create new content in namespace ${namespace} because it is being terminated`);
}

/** Throws 400 for another object, 409 for a stale one. */
export function checkIdentity({ kind, namespace, name }: Place, current: KubeObject, { metadata }: KubeObject): void {
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if ((metadata.namespace ?? namespace) !== namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const version = metadata.resourceVersion ?? "";
  if (version === "" && kind.schema !== undefined) throw versionMissing(kind, name);
  if (!/^\d*$/.test(version)) throw new StatusError(500, undefined, `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  if (version !== "" && version !== current.metadata.resourceVersion) throw modified(kind, name);
  if ((metadata.uid ?? current.metadata.uid) === current.metadata.uid) return;
  const message = `Invalid value: ${JSON.stringify(metadata.uid)}: field is immutable`;
  throw invalid(kind.group, kind.kind, name, [{ reason: "FieldValueInvalid", message, field: "metadata.uid" }]);
}

function versionMissing({ group, plural }: ServedKind, name: string): StatusError {
  const cause = { reason: "FieldValueInvalid", message: "Invalid value: 0: must be specified for an update", field: "metadata.resourceVersion" };
  return invalid(group, plural, name, [cause]);
}

/** The same of a configuration that is applied. */
export function checkConfig({ kind, name }: Place, { metadata }: KubeObject, current: KubeObject | undefined): void {
  if (metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  const version = metadata.resourceVersion ?? "";
  if (version !== "" && version !== current?.metadata.resourceVersion) throw current ? modified(kind, name) : notFound(kind, name);
}

/** Apply refuses what the schema does not know or cannot merge, however lenient the request. */
export function refuseUntyped({ kind }: Place, config: JsonObject): void {
  const problem = untypedProblem(kind.schema ?? kind.form, config);
  if (problem === undefined) return;
  const about = `failed to create typed patch object (/${textAt(config, "metadata", "name")}; ${apiVersionOf(kind)}, Kind=${kind.kind})`;
  throw new StatusError(500, undefined, `${about}: ${problem}`);
}

const EXPECTED: Readonly<Record<string, string>> = { object: "map", array: "list", integer: "numeric (int or float)", number: "numeric (int or float)", boolean: "boolean", string: "string" };

function untypedProblem(schema: Schema | undefined, config: JsonObject): string | undefined {
  const [unknown] = pruneObject(config, schema).unknownFields;
  if (unknown !== undefined) return `.${unknown}: field not declared in schema`;
  const mistyped = schema && firstMistyped(config, schema);
  if (!mistyped) return schema && firstUnmergeable(config, schema);
  const got = typeof mistyped.value === "string" && ["object", "array"].includes(mistyped.expected) ? `&{${mistyped.value}}` : typeof mistyped.value;
  return `${mistyped.path}: expected ${EXPECTED[mistyped.expected] ?? mistyped.expected}, got ${got}`;
}
