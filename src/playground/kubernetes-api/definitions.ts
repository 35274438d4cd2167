/** CustomResourceDefinitions: what makes one valid, and the kinds that it has the server serve. */
import { hasRules, ruleErrors } from "./cel-rules.ts";
import { isObject, objectAt, textAt, valueAt, type JsonObject } from "./json.ts";
import { timestampOf, type KubeObject } from "./kube-object.ts";
import type { ScalePaths } from "./scale.ts";
import type { Schema } from "./schema.ts";
import type { ServedKind } from "./served-kind.ts";
import { shapeOfObject } from "./shape.ts";
import type { Cause } from "./status-error.ts";
import { AGE, columnOf, type PrinterColumn } from "./table.ts";

/** Names and conditions, at once: nothing is left to accept later. */
export function completeDefinition(object: KubeObject, now: Date): KubeObject {
  const spec = objectAt(object, "spec");
  const given = objectAt(spec, "names");
  const kind = textAt(given, "kind");
  const names = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...given };
  const known = valueAt(object, "status", "conditions");
  const conditions = Array.isArray(known) ? known : [
    accepted("NamesAccepted", "NoConflicts", "no conflicts found", now),
    accepted("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
  ];
  const stored = versionsOf(object).filter(({ storage }) => storage === true).map(({ name }) => name);
  return {
    ...object,
    spec: { conversion: { strategy: "None" }, ...spec, names },
    status: { acceptedNames: names, conditions, storedVersions: stored },
  };
}

function accepted(type: string, reason: string, message: string, now: Date): JsonObject {
  return { type, status: "True", lastTransitionTime: timestampOf(now), reason, message };
}

export function definitionCauses(object: KubeObject): readonly Cause[] {
  const group = textAt(object, "spec", "group");
  const plural = textAt(object, "spec", "names", "plural");
  const stored = versionsOf(object).filter(({ storage }) => storage === true);
  const requiredTexts = [["scope"], ["names", "plural"], ["names", "kind"]].filter((path) => textAt(object, "spec", ...path) === "");
  return [
    ...(object.metadata.name === `${plural}.${group}` ? [] : [wrong("metadata.name", object.metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...requiredTexts.map((path) => ({ reason: "FieldValueRequired", message: "Required value", field: ["spec", ...path].join(".") })),
    ...(stored.length === 1 ? [] : [wrong("spec.versions", null, "must have exactly one version marked as storage version")]),
    ...versionsOf(object).flatMap(schemaErrors),
  ];
}

function wrong(field: string, value: unknown, message: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${message}`, field };
}

function schemaErrors(version: JsonObject, index: number): readonly Cause[] {
  const field = `spec.versions[${index}].schema.openAPIV3Schema`;
  const schema = schemaOf(version);
  if (schema === undefined) return [{ reason: "FieldValueRequired", message: "Required value: schemas are required", field }];
  return [...patternErrors(schema, field), ...(hasRules(schema) ? ruleErrors(schema, field) : [])];
}

function patternErrors(schema: Schema, field: string): readonly Cause[] {
  const { pattern } = schema;
  const own = typeof pattern === "string" && !isPattern(pattern) ? [wrong(`${field}.pattern`, pattern, "must be a valid regular expression")] : [];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => patternErrors(each, `${field}.properties[${name}]`));
  const rest = isObject(schema.additionalProperties) ? patternErrors(schema.additionalProperties, `${field}.additionalProperties`) : [];
  return [...own, ...below, ...rest, ...(schema.items ? patternErrors(schema.items, `${field}.items`) : [])];
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** The kinds of a definition, one for each version that is served; the preferred one comes first. */
export function kindsOf(definition: KubeObject): readonly ServedKind[] {
  const served = versionsOf(definition).filter((version) => version.served === true);
  return served.map((version) => kindOf(definition, version)).sort((one, other) => precedence(other.version) - precedence(one.version));
}

/** v2 before v1 before v1beta1 before v1alpha1. */
function precedence(version: string): number {
  const [, major = "0", stage, minor = "0"] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  const rank = stage === undefined ? 2 : stage === "beta" ? 1 : 0;
  return rank * 1e6 + Number(major) * 1e3 + Number(minor);
}

function kindOf(definition: KubeObject, version: JsonObject): ServedKind {
  const names = objectAt(definition, "spec", "names");
  const schema = schemaOf(version) ?? {};
  const hasStatus = isObject(valueAt(version, "subresources", "status"));
  const scale = scaleOf(version);
  return {
    group: textAt(definition, "spec", "group"),
    version: textAt(version, "name"),
    kind: textAt(names, "kind"),
    listKind: textAt(names, "listKind"),
    plural: textAt(names, "plural"),
    singular: textAt(names, "singular"),
    shortNames: textsOf(names.shortNames),
    categories: textsOf(names.categories),
    isNamespaced: textAt(definition, "spec", "scope") === "Namespaced",
    hasStatus,
    hasGeneration: true,
    ...(scale && { scale }),
    schema,
    shape: shapeOfObject(schema),
    columns: columnsOf(version),
    selectableFields: [],
  };
}

function scaleOf(version: JsonObject): ScalePaths | undefined {
  const paths = valueAt(version, "subresources", "scale");
  const at = (field: string): readonly string[] => textAt(paths, field).split(".").slice(1);
  return isObject(paths) ? { wanted: at("specReplicasPath"), present: at("statusReplicasPath"), selector: at("labelSelectorPath") } : undefined;
}

function columnsOf({ additionalPrinterColumns }: JsonObject): ServedKind["columns"] {
  if (!Array.isArray(additionalPrinterColumns) || additionalPrinterColumns.length === 0) return [AGE];
  return (additionalPrinterColumns as readonly PrinterColumn[]).map(columnOf);
}

function schemaOf(version: JsonObject): Schema | undefined {
  const schema = valueAt(version, "schema", "openAPIV3Schema");
  return isObject(schema) ? schema : undefined;
}

function versionsOf(definition: KubeObject): readonly JsonObject[] {
  const versions = valueAt(definition, "spec", "versions");
  return Array.isArray(versions) ? versions.filter(isObject) : [];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
