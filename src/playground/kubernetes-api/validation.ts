/** Whether an object may be stored: its name, its schema, its rules, and what else its kind asks for. */
import { hasRules, ruleCauses } from "./cel-rules.ts";
import { without, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Schema } from "./schema.ts";
import { isBlocking, RULES_NOT_CHECKED, schemaCauses } from "./schema-validation.ts";
import type { ServedKind } from "./served-kind.ts";
import { invalid, type Cause } from "./status-error.ts";

/** Throws 422 with all causes. `current` is the object that it replaces. */
export function validate(kind: ServedKind, object: KubeObject, current: KubeObject | undefined): void {
  const causes = [
    ...metadataCauses(object, current),
    ...(kind.schema ? fieldCauses(kind.schema, object, current, nameCauses(object).some(isBlocking)) : []),
    ...(kind.check?.(object) ?? []),
  ];
  if (causes.length > 0) throw invalid(kind.group, kind.kind, object.metadata.name, causes);
}

function metadataCauses(object: KubeObject, current: KubeObject | undefined): readonly Cause[] {
  return [...nameCauses(object), ...finalizerCauses(object, current)];
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

function nameCauses({ metadata }: KubeObject): readonly Cause[] {
  const { name = "" } = metadata as { readonly name?: string };
  if (name === "") return [{ reason: "FieldValueRequired", message: "Required value: name or generateName is required", field: "metadata.name" }];
  if (SUBDOMAIN.test(name) && name.length <= 253) return [];
  return [{ reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(name)}: ${NAME_RULE}`, field: "metadata.name" }];
}

function finalizerCauses({ metadata }: KubeObject, current: KubeObject | undefined): readonly Cause[] {
  if (current?.metadata.deletionTimestamp === undefined) return [];
  const added = (metadata.finalizers ?? []).filter((finalizer) => !current.metadata.finalizers?.includes(finalizer));
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [{ reason: "FieldValueForbidden", message, field: "metadata.finalizers" }];
}

function fieldCauses(schema: Schema, object: KubeObject, current: KubeObject | undefined, isBlocked: boolean): readonly Cause[] {
  const causes = schemaCauses(ownFields(object), current && ownFields(current), schema);
  if (!hasRules(schema)) return causes;
  if (isBlocked || causes.some(isBlocking)) return [...causes, RULES_NOT_CHECKED];
  return [...causes, ...ruleCauses(ruledFields(object), current && ruledFields(current), schema)];
}

function ownFields(object: KubeObject): JsonObject {
  return without(object, "apiVersion", "kind", "metadata");
}

/** Of the metadata, rules may see the name only. */
function ruledFields(object: KubeObject): JsonObject {
  const { name, generateName } = object.metadata;
  return { ...object, metadata: { name, ...(generateName !== undefined && { generateName }) } };
}
