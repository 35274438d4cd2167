/** Rows about requests that are wrong: each is refused with a Status of one sentence, and with the same code and reason by both servers. */
import { expect } from "vitest";
import { created, type Behaviour } from "./behaviour.ts";
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, type Subject } from "./subject.ts";
import { widget } from "./widgets.ts";

type Request = readonly [method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>];
/** `W` and `N` begin paths: the widgets, and the built-in kinds of the namespace. What the message must contain comes last. */
type Refusal = readonly [what: string, request: Request, status: number, reason: string | undefined, message: string];

const bare = (metadata: unknown): object => ({ ...widget("m"), metadata });
const web = (spec: object): object => ({ metadata: { name: "w" }, spec });
const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "a" }] } };
const selector = { matchLabels: { a: "b" } };
const nested = (depth: number): string => `{"apiVersion":"contract.weir.dev/v1","kind":"Widget","metadata":{"name":"m"},"spec":{"release":"v1","free":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}}`;

const BODIES: readonly Refusal[] = [
  ["an object that is nested without end", ["POST", "W", nested(20_000)], 400, "BadRequest", "exceeded max depth"],
  ["a body of more than three megabytes", ["POST", "W", "x".repeat(3_200_000)], 413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"],
  ["no body", ["POST", "W", ""], 400, "BadRequest", ""],
  ["a text for the metadata", ["POST", "W", bare("x")], 400, "BadRequest", 'Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal string into Go value of type v1.ObjectMeta'],
  ["a number for a name", ["POST", "W", bare({ name: 5 })], 400, "BadRequest", "json: cannot unmarshal number into Go struct field ObjectMeta.name of type string"],
  ["a text for the finalizers", ["POST", "W", bare({ name: "m", finalizers: "x" })], 400, "BadRequest", "cannot unmarshal string into Go struct field ObjectMeta.finalizers of type []string"],
  ["a time that is none", ["POST", "W", bare({ name: "m", creationTimestamp: "x" })], 400, "BadRequest", 'parsing time "x"'],
  ["a resourceVersion for a new object", ["POST", "W", bare({ name: "m", resourceVersion: "5" })], 500, undefined, "resourceVersion should not be set on objects to be created"],
  ["a name that is none", ["POST", "W", bare({ name: "M_X" })], 422, "Invalid", 'metadata.name: Invalid value: "M_X": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'],
  ["a name that is too long", ["POST", "W", bare({ name: "x".repeat(254) })], 422, "Invalid", "must be no more than 253 characters"],
  ["a generated name that cannot be", ["POST", "W", bare({ name: "m", generateName: "Bad_" })], 422, "Invalid", 'metadata.generateName: Invalid value: "Bad_": a lowercase RFC 1123 subdomain'],
  ["a finalizer that is no name", ["POST", "W", bare({ name: "m", finalizers: ["bad space/x"] })], 422, "Invalid", 'metadata.finalizers: Invalid value: "bad space/x": prefix part a lowercase RFC 1123 subdomain'],
  ["an owner without a name", ["POST", "W", bare({ name: "m", ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "", uid: "u" }] })], 422, "Invalid", 'metadata.ownerReferences.name: Invalid value: "": must not be empty'],
  ["two controllers", ["POST", "W", bare({ name: "m", ownerReferences: ["x", "y"].map((name) => ({ apiVersion: "v1", kind: "Pod", name, uid: name, controller: true })) })], 422, "Invalid", "Only one reference can have Controller set to true."],
  ["a label key with a space", ["POST", "W", bare({ name: "m", labels: { "bad key": "x" } })], 422, "Invalid", 'metadata.labels: Invalid value: "bad key": name part must consist of alphanumeric characters'],
  ["a label value with a space", ["POST", "W", bare({ name: "m", labels: { a: "bad value" } })], 422, "Invalid", 'metadata.labels: Invalid value: "bad value": a valid label must be an empty string or consist of alphanumeric characters'],
  ["annotations of more than a quarter of a megabyte", ["POST", "W", bare({ name: "m", annotations: { a: "x".repeat(300_000) } })], 422, "Invalid", "metadata.annotations: Too long: may not be more than 262144 bytes"],
  ["another kind of answer for a field", ["POST", "W", { ...widget("m"), spec: [] }], 422, "Invalid", 'spec: Invalid value: "array": spec in body must be of type object: "array"'],
];

const PATCHES: readonly Refusal[] = [
  ["a merge patch that is a list", ["PATCH", "W/a", "[]", MERGE_PATCH], 400, "BadRequest", ""],
  ["a merge patch of the kind", ["PATCH", "W/a", { kind: "Other" }, MERGE_PATCH], 422, "Invalid", 'Other.contract.weir.dev "a" is invalid: kind: Invalid value: "Other": must be Widget'],
  ["a merge patch of the version", ["PATCH", "W/a", { apiVersion: "v2" }, MERGE_PATCH], 422, "Invalid", 'Widget "a" is invalid: apiVersion: Invalid value: "v2": must be contract.weir.dev/v1'],
  ["a merge patch with a text for the metadata", ["PATCH", "W/a", { metadata: "x" }, MERGE_PATCH], 422, "Invalid", ' "" is invalid: patch: Invalid value: '],
  ["a resourceVersion that is no number", ["PATCH", "W/a", { metadata: { resourceVersion: "abc" } }, MERGE_PATCH], 500, undefined, 'strconv.ParseUint: parsing "abc": invalid syntax'],
  ["a JSON patch that is an object", ["PATCH", "W/a", "{}", JSON_PATCH], 400, "BadRequest", "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"],
  ["a JSON patch of numbers", ["PATCH", "W/a", "[1]", JSON_PATCH], 400, "BadRequest", "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"],
  ["a JSON patch whose path is a number", ["PATCH", "W/a", [{ op: "add", path: 5 }], JSON_PATCH], 400, "BadRequest", "Go struct field jsonPatchOp.path of type string"],
  ["a JSON patch with an operation that there is not", ["PATCH", "W/a", [{ op: "nope", path: "/spec" }], JSON_PATCH], 422, "Invalid", ""],
  ["a JSON patch that takes everything away", ["PATCH", "W/a", [{ op: "remove", path: "" }], JSON_PATCH], 422, "Invalid", ""],
  ["a JSON patch that makes another thing of the labels", ["PATCH", "W/a", [{ op: "add", path: "/metadata/labels", value: "x" }], JSON_PATCH], 422, "Invalid", "json: cannot unmarshal string"],
  ["a JSON patch of ten thousand and one operations", ["PATCH", "W/a", Array.from({ length: 10_001 }, () => ({ op: "test", path: "/spec/size", value: 1 })), JSON_PATCH], 413, "RequestEntityTooLarge", "The allowed maximum operations in a JSON patch is 10000, got 10001"],
  ["force beside a merge patch", ["PATCH", "W/a?force=true", {}, MERGE_PATCH], 422, "Invalid", "force: Forbidden: may not be specified for non-apply patch"],
  ["a manager with a long name", ["PATCH", `W/a?fieldManager=${"x".repeat(129)}`, {}, MERGE_PATCH], 422, "Invalid", "fieldManager: Too long: may not be more than 128 bytes"],
  ["a validation that there is not", ["PATCH", "W/a?fieldValidation=x", {}, MERGE_PATCH], 422, "Invalid", 'fieldValidation: Unsupported value: "x"'],
  ["an applied configuration that is no YAML", ["PATCH", "W/b?fieldManager=m", "[", APPLY_PATCH], 400, "BadRequest", "error decoding YAML"],
  ["an applied configuration of another name", ["PATCH", "W/b?fieldManager=m", widget("c"), APPLY_PATCH], 400, "BadRequest", "the name of the object (c) does not match the name on the URL (b)"],
  ["an applied text for an object", ["PATCH", "W/b?fieldManager=m", { ...widget("b"), spec: "x" }, APPLY_PATCH], 500, undefined, "failed to create typed patch object (/b; contract.weir.dev/v1, Kind=Widget): .spec: expected map, got &{x}"],
  ["an applied text for a number", ["PATCH", "W/b?fieldManager=m", widget("b", { size: "x" }), APPLY_PATCH], 500, undefined, ".spec.size: expected numeric (int or float), got string"],
  ["an applied item without its key", ["PATCH", "W/b?fieldManager=m", widget("b", { metrics: [{ max: 1 }] }), APPLY_PATCH], 500, undefined, '.spec.metrics: element 0: associative list with keys has an element that omits all key fields ["name"]'],
  ["two applied items of one key", ["PATCH", "W/b?fieldManager=m", widget("b", { metrics: [{ name: "x" }, { name: "x" }] }), APPLY_PATCH], 500, undefined, '.spec.metrics: duplicate entries for key [name="x"]'],
  ["a patch without a name", ["PATCH", "W", {}, MERGE_PATCH], 400, "BadRequest", "name must be provided"],
];

const DELETIONS: readonly Refusal[] = [
  ["a deletion with options that are a list", ["DELETE", "W/a", "[]"], 400, "BadRequest", "json: cannot unmarshal array into Go value"],
  ["a propagation that there is not", ["DELETE", "W/a", { propagationPolicy: "Nope" }], 422, "Invalid", 'propagationPolicy: Unsupported value: "Nope": supported values: "Foreground", "Background", "Orphan", "nil"'],
  ["a dry run of another word", ["DELETE", "W/a", { dryRun: ["Nope"] }], 422, "Invalid", 'dryRun: Unsupported value: ["Nope"]: supported values: "All"'],
  ["a grace period that is no number", ["DELETE", "W/a", { gracePeriodSeconds: "x" }], 400, "BadRequest", "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"],
  ["a deletion of another revision", ["DELETE", "W/a", { preconditions: { resourceVersion: "1" } }], 409, "Conflict", 'Operation cannot be fulfilled on Widget.contract.weir.dev "a": the ResourceVersion in the precondition (1) does not match'],
  ["a deletion of another object of the name", ["DELETE", "W/a", { preconditions: { uid: "x" } }], 409, "Conflict", "the UID in the precondition (x) does not match the UID in record ("],
];

const LOOKS: readonly Refusal[] = [
  ["a match that there is not", ["GET", "W?resourceVersion=5&resourceVersionMatch=Nope"], 422, "Invalid", 'resourceVersionMatch: Unsupported value: "Nope": supported values: "Exact", "NotOlderThan", ""'],
  ["exactly any revision", ["GET", "W?resourceVersion=0&resourceVersionMatch=Exact"], 422, "Invalid", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
  ["a time limit that is no number", ["GET", "W?timeoutSeconds=x"], 400, "BadRequest", 'strconv.ParseInt: parsing "x": invalid syntax'],
  ["a label key of three parts", ["GET", "W?labelSelector=bad/key/x"], 400, "BadRequest", "unable to parse requirement: <nil>: Invalid value: \"bad/key/x\": a valid label key must consist of"],
  ["a label value that is too long", ["GET", `W?labelSelector=a%3D${"x".repeat(64)}`], 400, "BadRequest", "must be no more than 63 bytes"],
  ["a part of an object that there is not", ["GET", "W/a/nope"], 404, "NotFound", 'widgets.contract.weir.dev "a" not found'],
  ["a review that is looked for", ["GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"], 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"],
  ["a review that cannot be read", ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "x"], 400, "BadRequest", "couldn't get version/kind; json parse error: "],
  ["a version that is posted", ["POST", "/version", {}], 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"],
];

const BUILTINS: readonly Refusal[] = [
  ["a number in a ConfigMap", ["POST", "N/configmaps", { metadata: { name: "x" }, data: { a: 1 } }], 400, "BadRequest", 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data'],
  ["a key with a space in a ConfigMap", ["POST", "N/configmaps", { metadata: { name: "x" }, data: { "bad key": "x" } }], 422, "Invalid", 'data[bad key]: Invalid value: "bad key": a valid config key must consist of alphanumeric characters'],
  ["a pod without containers", ["POST", "N/pods", { metadata: { name: "x" } }], 422, "Invalid", "spec.containers: Required value"],
  ["a container without name and image", ["POST", "N/pods", { metadata: { name: "x" }, spec: { containers: [{}] } }], 422, "Invalid", "[spec.containers[0].name: Required value, spec.containers[0].image: Required value]"],
  ["a text for the containers", ["POST", "N/pods", { metadata: { name: "x" }, spec: { containers: "x" } }], 400, "BadRequest", "cannot be handled as a Pod: json: cannot unmarshal string into Go struct field"],
  ["a Service without ports", ["POST", "N/services", { metadata: { name: "x" } }], 422, "Invalid", "spec.ports: Required value"],
  ["a type of Service that there is not", ["POST", "N/services", { metadata: { name: "x" }, spec: { type: "Nope", ports: [{ port: 80 }] } }], 422, "Invalid", 'spec.type: Unsupported value: "Nope": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
  ["an Event about nothing", ["POST", "N/events", { metadata: { name: "e" }, involvedObject: "x" }], 400, "BadRequest", "json: cannot unmarshal string into Go struct field Event.involvedObject"],
  ["a Deployment without anything", ["POST", "D", { metadata: { name: "x" } }], 422, "Invalid", "[spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]"],
  ["a Deployment of less than nothing", ["POST", "D", web({ replicas: -1, selector, template })], 422, "Invalid", "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
  ["a Deployment that selects others' pods", ["POST", "D", web({ selector: { matchLabels: { a: "c" } }, template })], 422, "Invalid", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`"],
  ["a text for replicas", ["POST", "D", web({ replicas: "x" })], 400, "BadRequest", "Go struct field Deployment"],
  ["a namespace that is not there", ["DELETE", "/api/v1/namespaces/nope-nope"], 404, "NotFound", 'namespaces "nope-nope" not found'],
  ["a definition that is a text", ["POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { metadata: { name: "x.y.dev" }, spec: "x" }], 400, "BadRequest", "json: cannot unmarshal string into Go struct field CustomResourceDefinition.spec"],
];

function placed({ widgets, namespace }: Subject, path: string): string {
  if (path.startsWith("W")) return widgets + path.slice(1);
  if (path.startsWith("N")) return `/api/v1/namespaces/${namespace}${path.slice(1)}`;
  return path.startsWith("D") ? `/apis/apps/v1/namespaces/${namespace}/deployments${path.slice(1)}` : path;
}

export const refusals: readonly Behaviour[] = [...BODIES, ...PATCHES, ...DELETIONS, ...LOOKS, ...BUILTINS].map(([what, [method, path, body, headers], status, reason, message]): Behaviour => ({
  name: `Refused in one sentence, with ${status}: ${what}`,
  async check(subject) {
    if (path.startsWith("W/a")) await created(subject, widget("a"));
    const answer = await subject.ask(method, placed(subject, path), body, headers);
    expect([answer.status, answer.body.kind, answer.body.reason]).toEqual([status, "Status", reason]);
    expect(answer.body.message).toContain(message);
    expect(answer.body.message).not.toMatch(/\n|\bat .*\.ts:/);
  },
}));
