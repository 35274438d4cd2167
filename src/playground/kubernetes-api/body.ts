/** The object in the body of a request. */
import { parse } from "yaml";
import { isObject, textAt, type JsonObject } from "./json.ts";
import { fromProtobuf } from "./protobuf.ts";
import type { KubeObject } from "./kube-object.ts";
import { apiVersionOf, type ServedKind } from "./served-kind.ts";
import { badRequest, invalid, unsupportedMediaType } from "./status-error.ts";

/** The imperative `kubectl create KIND` sends built-in kinds so. */
const PROTOBUF = "application/vnd.kubernetes.protobuf";
export const OBJECT_TYPES = ["application/json", "application/yaml", PROTOBUF];

/** The object of a POST or PUT. Throws 400, 415, or 422 for another kind. */
export function objectOf(body: string, contentType: string, kind: ServedKind): KubeObject {
  const read = READERS[contentType];
  if (!read) throw unsupportedMediaType(OBJECT_TYPES);
  const given = read(body, kind);
  if (isObject(given)) return typed(given, body, kind);
  const what = Array.isArray(given) ? "array" : typeof given;
  throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into an object`);
}

const READERS: Readonly<Record<string, (body: string, kind: ServedKind) => unknown>> = {
  "application/json": jsonOf,
  "application/yaml": yamlOf,
  [PROTOBUF]: (body, kind) => fromProtobuf(Buffer.from(body, "latin1"), kind) ?? refuseProtobuf(),
};

/** Of the kinds that few create by hand nothing is known here. */
function refuseProtobuf(): never {
  throw unsupportedMediaType(OBJECT_TYPES, "; with kubectl, use `kubectl create ... --dry-run=client -o yaml | kubectl apply -f -`");
}

function jsonOf(body: string, kind: ServedKind): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${why}`);
  }
}

/** Throws 400 for what is not YAML, and for aliases to nothing, to too much, or to what they are in. */
export function yamlOf(body: string): unknown {
  try {
    const parsed: unknown = parse(body, { logLevel: "error" });
    JSON.stringify(parsed);
    return parsed;
  } catch (cause) {
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    throw badRequest(`error decoding YAML: ${why}`);
  }
}

/** A built-in kind need not say what it is. */
function typed(given: JsonObject, body: string, kind: ServedKind): KubeObject {
  const expected = apiVersionOf(kind);
  const isBuiltin = kind.schema === undefined;
  const said = textAt(given, "kind") || (isBuiltin ? kind.kind : "");
  const apiVersion = textAt(given, "apiVersion") || (isBuiltin ? expected : "");
  if (said === "") throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing in '${body}' (${body})`);
  if (apiVersion !== expected) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected})`);
  }
  if (said !== kind.kind) {
    const cause = { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(said)}: must be ${kind.kind}`, field: "kind" };
    throw invalid(kind.group, said, textAt(given, "metadata", "name"), [cause]);
  }
  checkMetadata(given, kind);
  return { ...given, apiVersion, kind: said, metadata: { ...(given.metadata as JsonObject | undefined) } } as KubeObject;
}

/** Throws 400 where names, labels or annotations are not texts. */
export function checkMetadata(object: JsonObject, kind: ServedKind): void {
  const { metadata } = object;
  const refuse = (field: string, value: unknown, expected: string): never => {
    const why = `json: cannot unmarshal ${typeof value} into Go struct field ObjectMeta.${field} of type ${expected}`;
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
  };
  if (metadata !== undefined && !isObject(metadata)) return refuse("metadata", metadata, "v1.ObjectMeta");
  for (const field of ["name", "generateName", "namespace"]) {
    if (typeof (metadata?.[field] ?? "") !== "string") return refuse(field, metadata?.[field], "string");
  }
  for (const field of ["labels", "annotations"]) {
    const map = metadata?.[field] ?? {};
    const wrong = isObject(map) ? Object.values(map).find((value) => typeof value !== "string") : map;
    if (wrong !== undefined) return refuse(field, wrong, "string");
  }
}
