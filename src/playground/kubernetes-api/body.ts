/** The object in the body of a request. */
import { parse } from "yaml";
import { firstMistyped, type Mistyped } from "./form-check.ts";
import { isObject, textAt, type JsonObject } from "./json.ts";
import { metadataTypeProblem } from "./metadata-checks.ts";
import { fromProtobuf } from "./protobuf.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Schema } from "./schema.ts";
import { apiVersionOf } from "./served-kind.ts";
import { badRequest, invalid, unsupportedMediaType, type StatusError } from "./status-error.ts";

/** The imperative `kubectl create KIND` sends built-in kinds so. */
const PROTOBUF = "application/vnd.kubernetes.protobuf";
export const OBJECT_TYPES = ["application/json", "application/yaml", PROTOBUF];

/** What a body must hold; a built-in kind need not say what it is. */
export interface BodyKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly isBuiltin: boolean;
  readonly form?: Schema;
}

/** The object of a POST or PUT. Throws 400, 415, or 422 for another kind. */
export function objectOf(body: string, contentType: string, kind: BodyKind): KubeObject {
  const read = READERS[contentType];
  if (!read) throw unsupportedMediaType(OBJECT_TYPES);
  const given = read(body, kind);
  if (isObject(given)) return typed(given, body, kind);
  const what = Array.isArray(given) ? "array" : typeof given;
  throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into an object`);
}

const READERS: Readonly<Record<string, (body: string, kind: BodyKind) => unknown>> = {
  "application/json": jsonOf,
  "application/yaml": yamlOf,
  [PROTOBUF]: (body, kind) => fromProtobuf(Buffer.from(body, "latin1"), kind) ?? refuseProtobuf(),
};

/** Of the kinds that few create by hand nothing is known here. */
function refuseProtobuf(): never {
  throw unsupportedMediaType(OBJECT_TYPES, "; with kubectl, use `kubectl create ... --dry-run=client -o yaml | kubectl apply -f -`");
}

function jsonOf(body: string, kind: BodyKind): unknown {
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
function typed(given: JsonObject, body: string, kind: BodyKind): KubeObject {
  const expected = apiVersionOf(kind);
  const { isBuiltin } = kind;
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
  checkForm(given, kind);
  return { ...given, apiVersion, kind: said, metadata: { ...(given.metadata as JsonObject | undefined) } } as KubeObject;
}

/** Throws 400 for metadata that cannot be read. */
function checkMetadata(object: JsonObject, kind: BodyKind): void {
  const problem = metadataTypeProblem(object);
  if (problem !== undefined) throw unreadable(kind, problem);
}

/** Throws 400 where a built-in kind has a value of another type than its form. */
function checkForm(object: JsonObject, kind: BodyKind): void {
  const found = kind.form && firstMistyped(object, kind.form);
  if (found) throw unreadable(kind, mistypedField(kind, found));
}

export function mistypedField({ kind }: Pick<BodyKind, "kind">, { path, value, expected }: Mistyped): string {
  return `json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go struct field ${kind}${path} of type ${expected}`;
}

function unreadable({ kind, version }: BodyKind, why: string): StatusError {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}
