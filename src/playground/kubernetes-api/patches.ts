/** JSON patch, merge patch and strategic merge patch. */
import jsonPatch, { type Operation } from "fast-json-patch"; // CommonJS: its functions are on the default export
import { isObject, isSame, type JsonObject } from "./json.ts";
import { badRequest, patchRefused, tooLarge } from "./status-error.ts";

export const JSON_PATCH = "application/json-patch+json";
export const MERGE_PATCH = "application/merge-patch+json";
export const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
export const APPLY_PATCH = "application/apply-patch+yaml";

/** The object as the patch would have it. Throws 400 for a patch that is none, 422 for a JSON patch that does not fit. */
export function patched(object: JsonObject, type: string, body: string): JsonObject {
  const patch = parsed(body);
  if (type === JSON_PATCH) return jsonPatched(object, patch);
  if (!isObject(patch)) throw badRequest("error decoding patch: expected an object");
  return (type === STRATEGIC_PATCH ? strategicMerge(object, patch) : mergePatch(object, patch)) as JsonObject;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw badRequest(`error decoding patch: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function jsonPatched(object: JsonObject, patch: unknown): JsonObject {
  if (patch === null) return object;
  checkOperations(patch);
  let document = structuredClone(object);
  for (const operation of patch) document = operated(document, operation);
  if (!isObject(document)) throw patchRefused();
  return document;
}

const MOST_OPERATIONS = 10_000;

/** Throws 400 for what no operations can be read from, 413 for too many. */
function checkOperations(patch: unknown): asserts patch is readonly Operation[] {
  const refuse = (value: unknown, into: string): never => {
    throw badRequest(`error decoding patch: json: cannot unmarshal ${isObject(value) ? "object" : typeof value} into Go ${into}`);
  };
  if (!Array.isArray(patch)) return refuse(patch, "value of type []handlers.jsonPatchOp");
  if (patch.length > MOST_OPERATIONS) throw tooLarge(`The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${patch.length}`);
  for (const operation of patch as readonly unknown[]) {
    if (!isObject(operation)) return refuse(operation, "value of type handlers.jsonPatchOp");
    const wrong = ["op", "path", "from"].find((field) => operation[field] !== undefined && typeof operation[field] !== "string");
    if (wrong !== undefined) return refuse(operation[wrong], `struct field jsonPatchOp.${wrong} of type string`);
  }
}

function operated(document: JsonObject, operation: Operation): JsonObject {
  try {
    if (operation.op === "test") return tested(document, operation.path, operation.value);
    return jsonPatch.applyOperation(document, lenient(document, operation), true).newDocument;
  } catch {
    throw patchRefused(); // the server does not say which operation it was
  }
}

/** A field that its object does not have is null for a test. */
function tested(document: JsonObject, path: string, value: unknown): JsonObject {
  const found = jsonPatch.getValueByPointer(document, path) as unknown;
  const isAbsent = found === undefined && isObject(parentOf(document, path));
  if (!isSame(isAbsent ? null : found, value ?? null)) throw patchRefused();
  return document;
}

/** The server lets `replace` add a field that an object does not have. */
function lenient(document: JsonObject, operation: Operation): Operation {
  if (operation.op === "add" && !("value" in operation)) return { ...(operation as Operation), value: null } as Operation; // a missing value is null
  if (operation.op !== "replace") return operation;
  return isObject(parentOf(document, operation.path)) ? { ...operation, op: "add" } : operation;
}

function parentOf(document: JsonObject, path: string): unknown {
  return jsonPatch.getValueByPointer(document, path.slice(0, path.lastIndexOf("/"))) as unknown;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const fields = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) fields.delete(name);
    else fields.set(name, mergePatch(fields.get(name), value));
  }
  return Object.fromEntries(fields);
}

// ── strategic merge: lists that have a key are merged by it, all else is a plain merge ───────────────────────────────

const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  volumes: ["name"],
  volumeMounts: ["mountPath"],
  env: ["name"],
  ports: ["containerPort", "port"],
  conditions: ["type"],
  ownerReferences: ["uid"],
};

function strategicMerge(target: unknown, patch: JsonObject): JsonObject {
  if (patch.$patch === "replace") return withoutDirectives(patch);
  const fields = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(withoutDirectives(patch))) {
    if (value === null) fields.delete(name);
    else fields.set(name, strategicField(name, fields.get(name), value));
  }
  return Object.fromEntries(fields);
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith("$")));
}

function strategicField(name: string, target: unknown, value: unknown): unknown {
  if (isObject(value)) return strategicMerge(target, value);
  if (!Array.isArray(value) || !Array.isArray(target)) return value;
  const key = MERGE_KEYS[name]?.find((candidate) => value.every((item) => isObject(item) && (candidate in item || "$patch" in item)));
  return key === undefined ? value : mergedItems(key, target, value as readonly JsonObject[]);
}

function mergedItems(key: string, target: readonly unknown[], patch: readonly JsonObject[]): readonly unknown[] {
  const change = (item: unknown): JsonObject | undefined => patch.find((each) => isObject(item) && each[key] === item[key]);
  const kept = target.filter((item) => change(item)?.$patch !== "delete").map((item) => strategicMerge(item, change(item) ?? {}));
  const isNew = (item: JsonObject): boolean => item.$patch === undefined && !target.some((old) => isObject(old) && old[key] === item[key]);
  return [...kept, ...patch.filter(isNew)];
}
