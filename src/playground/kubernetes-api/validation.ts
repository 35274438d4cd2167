/** Whether an object may be stored: its name, its schema, its rules, and what else its kind asks for. */
import { hasRules, ruleCauses } from "./cel-rules.ts";
import { without, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import { metadataCauses } from "./metadata-checks.ts";
import type { Schema } from "./schema.ts";
import { isBlocking, RULES_NOT_CHECKED, schemaCauses } from "./schema-validation.ts";
import type { ServedKind } from "./served-kind.ts";
import { invalid, type Cause } from "./status-error.ts";

/** Throws 422 with all causes. `current` is the object that it replaces. */
export function validate(kind: ServedKind, object: KubeObject, current: KubeObject | undefined): void {
  const causes = [
    ...metadataCauses(object, current),
    ...(kind.schema ? fieldCauses(kind.schema, object, current, metadataCauses(object, current).some(isBlocking)) : []),
    ...(kind.check?.(object, current) ?? []),
  ];
  if (causes.length > 0) throw invalid(kind.group, kind.kind, object.metadata.name, causes);
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
