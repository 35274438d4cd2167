/** Whether an object's metadata is of the right types, and whether what stands in it may stand there. */
import { isObject, type JsonObject } from "./json.ts";
import type { KubeObject, OwnerReference } from "./kube-object.ts";
import { keyProblem, labelProblem, nameProblem } from "./names.ts";
import type { Cause } from "./status-error.ts";

const LARGEST_ANNOTATIONS = 262_144;

// ── types ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const TEXTS = ["name", "generateName", "namespace", "uid", "resourceVersion", "selfLink"];
const LISTS: Readonly<Record<string, string>> = { finalizers: "[]string", ownerReferences: "[]v1.OwnerReference", managedFields: "[]v1.ManagedFieldsEntry" };
const MAPS = ["labels", "annotations"];
const TIMES = ["creationTimestamp", "deletionTimestamp"];

/** What of it cannot even be read. */
export function metadataTypeProblem({ metadata }: JsonObject): string | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (!isObject(metadata)) return `json: cannot unmarshal ${typeName(metadata)} into Go value of type v1.ObjectMeta`;
  return Object.entries(metadata).map(([field, value]) => (value === null ? undefined : fieldTypeProblem(field, value))).find((problem) => problem !== undefined);
}

function fieldTypeProblem(field: string, value: unknown): string | undefined {
  if (TEXTS.includes(field) && typeof value !== "string") return mistyped(value, field, "string");
  if (field in LISTS && !Array.isArray(value)) return mistyped(value, field, LISTS[field] ?? "");
  if (TIMES.includes(field) && !isTime(value)) return `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`;
  return MAPS.includes(field) ? mapTypeProblem(field, value) : undefined;
}

function mapTypeProblem(field: string, value: unknown): string | undefined {
  if (!isObject(value)) return mistyped(value, field, "map[string]string");
  const wrong = Object.values(value).find((text) => typeof text !== "string");
  return wrong === undefined ? undefined : mistyped(wrong, field, "string");
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

function mistyped(value: unknown, field: string, expected: string): string {
  return `json: cannot unmarshal ${typeName(value)} into Go struct field ObjectMeta.${field} of type ${expected}`;
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

// ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export function metadataCauses(object: KubeObject, current: KubeObject | undefined): readonly Cause[] {
  return [...generateNameCauses(object), ...nameCauses(object), ...labelCauses(object), ...annotationCauses(object), ...ownerCauses(object), ...finalizerCauses(object, current)];
}

function nameCauses({ metadata }: KubeObject): readonly Cause[] {
  const { name = "" } = metadata as { readonly name?: string };
  if (name === "") return [{ reason: "FieldValueRequired", message: "Required value: name or generateName is required", field: "metadata.name" }];
  return wrong("metadata.name", name, nameProblem(name));
}

/** The beginning of a name may end as a whole one may not. */
function generateNameCauses({ metadata: { generateName = "" } }: KubeObject): readonly Cause[] {
  return generateName === "" ? [] : wrong("metadata.generateName", generateName, nameProblem(generateName.replace(/[-.]$/, "a")));
}

function labelCauses({ metadata: { labels = {} } }: KubeObject): readonly Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => [...wrong("metadata.labels", key, keyProblem(key)), ...wrong("metadata.labels", value, labelProblem(value))]);
}

function annotationCauses({ metadata: { annotations = {} } }: KubeObject): readonly Cause[] {
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  const keys = Object.keys(annotations).flatMap((key) => wrong("metadata.annotations", key, keyProblem(key.toLowerCase())));
  const message = `Too long: may not be more than ${LARGEST_ANNOTATIONS} bytes`;
  return size > LARGEST_ANNOTATIONS ? [...keys, { reason: "FieldValueTooLong", message, field: "metadata.annotations" }] : keys;
}

const OWNER_FIELDS = [["apiVersion", "version must not be empty"], ["kind", "must not be empty"], ["name", "must not be empty"], ["uid", "must not be empty"]] as const;

function ownerCauses({ metadata: { ownerReferences = [] } }: KubeObject): readonly Cause[] {
  const missing = ownerReferences.flatMap((reference: Partial<OwnerReference>) =>
    OWNER_FIELDS.flatMap(([field, rule]) => wrong(`metadata.ownerReferences.${field}`, reference[field] ?? "", reference[field] ? undefined : rule)),
  );
  const controllers = ownerReferences.filter(({ controller }) => controller === true);
  if (controllers.length < 2) return missing;
  const names = controllers.slice(0, 2).map(({ kind, name }) => `${kind}/${name}`);
  const rule = `Only one reference can have Controller set to true. Found "true" in references for ${names.join(" and ")}`;
  return [...missing, ...wrong("metadata.ownerReferences", ownerReferences, rule)];
}

function finalizerCauses({ metadata }: KubeObject, current: KubeObject | undefined): readonly Cause[] {
  const { finalizers = [] } = metadata;
  const misnamed = finalizers.flatMap((finalizer) => wrong("metadata.finalizers", finalizer, keyProblem(finalizer)));
  if (current?.metadata.deletionTimestamp === undefined) return misnamed;
  const added = finalizers.filter((finalizer) => !current.metadata.finalizers?.includes(finalizer));
  if (added.length === 0) return misnamed;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [...misnamed, { reason: "FieldValueForbidden", message, field: "metadata.finalizers" }];
}

function wrong(field: string, value: unknown, problem: string | undefined): readonly Cause[] {
  return problem === undefined ? [] : [{ reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${problem}`, field }];
}
