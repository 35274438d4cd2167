/** What is done for a request about resources: one table of methods and places. */
import { isFlag, type Answer, type ApiCall } from "./api-call.ts";
import { mistypedField, objectOf, yamlOf, type BodyKind } from "./body.ts";
import { deleteOptionsOf, type Deletes } from "./deletes.ts";
import { PAGE_NOT_FOUND } from "./discovery.ts";
import { firstMistyped } from "./form-check.ts";
import type { JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import { metadataTypeProblem } from "./metadata-checks.ts";
import type { Pages } from "./pages.ts";
import type { Place } from "./place.ts";
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, patched, STRATEGIC_PATCH } from "./patches.ts";
import type { Registry } from "./registry.ts";
import { renderingFor, renderList, renderObject } from "./rendering.ts";
import type { ResourcePath } from "./resource-path.ts";
import { answerReview, REVIEWS } from "./reviews.ts";
import { SCALE_KIND, scaleOf, withScale, type ScalePaths } from "./scale.ts";
import { collectionOf, isDeletedTogether, type ServedKind } from "./served-kind.ts";
import { proxied, type ServiceAddress } from "./service-proxy.ts";
import { badRequest, invalid, notFound, StatusError, unsupportedMediaType } from "./status-error.ts";
import type { Store } from "./store.ts";
import { writeOptionsOf } from "./write-options.ts";
import type { Watches } from "./watches.ts";
import type { Writes, Written } from "./writes.ts";

export interface Parts {
  readonly store: Store;
  readonly registry: Registry;
  readonly pages: Pages;
  readonly watches: Watches;
  readonly writes: Writes;
  readonly deletes: Deletes;
  readonly serviceAddress: ServiceAddress;
  readonly now: () => Date;
}

interface Request {
  readonly call: ApiCall;
  readonly kind: ServedKind;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: Place["subresource"];
}
type Verb = (request: Request, parts: Parts) => Answer;

const VERBS: Readonly<Record<string, Verb>> = {
  "GET collection": listOrWatch,
  "POST collection": create,
  "DELETE collection": deleteCollection,
  "GET object": get,
  "PUT object": put,
  "PATCH object": patch,
  "DELETE object": remove,
  "GET status": get,
  "PUT status": put,
  "PATCH status": patch,
  "GET scale": getScale,
  "PUT scale": putScale,
  "PATCH scale": patchScale,
};

export function answerResource(call: ApiCall, target: ResourcePath, parts: Parts): Answer {
  const { group, version, plural } = target;
  const review = REVIEWS.find((each) => each.group === group && each.version === version && each.plural === plural);
  if (review) return answerReview(review, call);
  const kind = parts.registry.find(group, version, plural);
  if (!kind) return PAGE_NOT_FOUND;
  return plural === "services" && target.subresource === "proxy" ? proxied(call, target, parts.serviceAddress) : answerKind(call, kind, target, parts);
}

/** Throws 405 for what cannot be done there. */
function answerKind(call: ApiCall, kind: ServedKind, target: ResourcePath, parts: Parts): Answer {
  const { namespace, name = "" } = target;
  const subresource = subresourceOf(kind, target);
  if (subresource === "none") return nothingBelow(kind, name);
  const isOutside = kind.isNamespaced && namespace === undefined; // where all namespaces can be looked at, and no more
  if (isOutside && (name !== "" || call.method !== "GET")) return PAGE_NOT_FOUND;
  const place = subresource ?? (name === "" ? "collection" : "object");
  const verb = VERBS[`${call.method} ${place}`] ?? refusedVerb(kind, call.method, place);
  if (verb === deleteCollection && !isDeletedTogether(kind)) refusedVerb(kind, call.method, place);
  return verb({ call, kind, namespace, name, subresource }, parts);
}

function refusedVerb({ schema }: ServedKind, method: string, place: string): never {
  if (schema && place === "collection" && ["PUT", "PATCH"].includes(method)) throw badRequest("name must be provided");
  throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

/** Of a defined kind the real server looks for the object first. */
function nothingBelow(kind: ServedKind, name: string): Answer {
  if (kind.schema === undefined) return PAGE_NOT_FOUND;
  throw notFound(kind, name);
}

function subresourceOf(kind: ServedKind, { subresource }: ResourcePath): Place["subresource"] | "none" {
  if (subresource === undefined) return undefined;
  if (subresource === "status" && kind.hasStatus) return subresource;
  return subresource === "scale" && kind.scale ? subresource : "none";
}

function placeOf({ kind, namespace, name, subresource }: Request): Place {
  return { kind, name, ...(namespace !== undefined && { namespace }), ...(subresource !== undefined && { subresource }) };
}

function listOrWatch({ call, kind, namespace }: Request, { pages, watches, now }: Parts): Answer {
  if (isFlag(call.query, "watch")) return watches.watch(kind, namespace, call);
  const rendering = renderingFor(call);
  const body = renderList(kind, pages.page(kind, namespace, call.query), rendering, now());
  return { status: 200, body, contentType: rendering.contentType };
}

function get({ call, kind, namespace, name }: Request, { store, now }: Parts): Answer {
  const rendering = renderingFor(call);
  const found = store.get(collectionOf(kind), namespace, name);
  if (!found) throw notFound(kind, name);
  return { status: 200, body: renderObject(kind, found, rendering, now()), contentType: rendering.contentType };
}

function create(request: Request, { writes, now }: Parts): Answer {
  const { call, kind, namespace } = request;
  const rendering = renderingFor(call);
  const options = writeOptionsOf(call, "CreateOptions");
  const object = objectOf(call.body, contentTypeOf(call), bodyKindOf(kind));
  return answerOf(kind, writes.create({ kind, ...(namespace !== undefined && { namespace }) }, object, options), rendering, now());
}

function put(request: Request, { writes, now }: Parts): Answer {
  const { call, kind } = request;
  const rendering = renderingFor(call);
  const options = writeOptionsOf(call, "UpdateOptions");
  const object = objectOf(call.body, contentTypeOf(call), bodyKindOf(kind));
  return answerOf(kind, writes.update(placeOf(request), () => object, options), rendering, now());
}

function patch(request: Request, { writes, now }: Parts): Answer {
  const { call, kind } = request;
  const type = contentTypeOf(call);
  const accepted = [JSON_PATCH, MERGE_PATCH, ...(kind.schema === undefined ? [STRATEGIC_PATCH] : []), APPLY_PATCH];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const rendering = renderingFor(call);
  const options = writeOptionsOf(call, type === APPLY_PATCH ? "ApplyOptions" : "PatchOptions");
  const written =
    type === APPLY_PATCH
      ? writes.apply(placeOf(request), configOf(request), options)
      : writes.update(placeOf(request), (current) => changed(current, type, request), options);
  return answerOf(kind, written, rendering, now());
}

/** What is applied may leave out its name and namespace: the URL says them. */
function configOf({ call, kind, namespace, name }: Request): KubeObject {
  const object = objectOf(JSON.stringify(yamlOf(call.body)), "application/json", bodyKindOf(kind));
  return { ...object, metadata: { ...(namespace !== undefined && { namespace }), ...object.metadata, name: object.metadata.name || name } };
}

function changed(current: KubeObject, type: string, { call, kind }: Request): KubeObject {
  const object = patched(current, type, call.body);
  const problem = typeProblem(object, kind);
  if (problem !== undefined) throw unreadablePatch(object, problem);
  if (object.apiVersion !== current.apiVersion) throw otherType("", kind.kind, current, "apiVersion", object.apiVersion, current.apiVersion);
  if (object.kind !== current.kind) throw otherType(kind.group, String(object.kind), current, "kind", object.kind, current.kind);
  return { ...object, metadata: object.metadata ?? {} } as KubeObject;
}

function typeProblem(object: JsonObject, kind: ServedKind): string | undefined {
  if (object.kind === undefined) return `Object 'Kind' is missing in '${JSON.stringify(object)}'`;
  const found = kind.form && firstMistyped(object, kind.form);
  return metadataTypeProblem(object) ?? (found && mistypedField(kind, found));
}

/** What a patch made of an object cannot be read as one. */
function unreadablePatch(object: JsonObject, problem: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${problem}`;
  return invalid("", "", "", [{ reason: "FieldValueInvalid", message, field: "patch" }]);
}

function otherType(group: string, kind: string, { metadata }: KubeObject, field: string, got: unknown, expected: string): StatusError {
  return invalid(group, kind, metadata.name, [{ reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(got)}: must be ${expected}`, field }]);
}

function getScale(request: Request, { store }: Parts): Answer {
  const { kind, namespace, name } = request;
  const found = store.get(collectionOf(kind), namespace, name);
  if (!found) throw notFound(kind, name);
  return { status: 200, body: scaleOf(pathsOf(kind), found) };
}

function putScale(request: Request, parts: Parts): Answer {
  const { call } = request;
  return scaled(request, () => objectOf(call.body, contentTypeOf(call), { ...SCALE_KIND, isBuiltin: true }), parts);
}

function patchScale(request: Request, parts: Parts): Answer {
  const type = contentTypeOf(request.call);
  const accepted = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  return scaled(request, (scale) => patched(scale, type, request.call.body), parts);
}

function scaled(request: Request, change: (scale: JsonObject) => JsonObject, { writes }: Parts): Answer {
  const { call, kind } = request;
  const paths = pathsOf(kind);
  const options = writeOptionsOf(call, call.method === "PUT" ? "UpdateOptions" : "PatchOptions");
  const { object } = writes.update(placeOf(request), (current) => withScale(paths, current, change(scaleOf(paths, current))), options);
  return { status: 200, body: scaleOf(paths, object) };
}

function pathsOf({ scale }: ServedKind): ScalePaths {
  if (!scale) throw new Error("expected a kind with replicas");
  return scale;
}

function remove(request: Request, { deletes }: Parts): Answer {
  const { isDryRun } = writeOptionsOf(request.call, "DeleteOptions");
  return { status: 200, body: deletes.delete(placeOf(request), deleteOptionsOf(request.call.body, request.call.query, isDryRun)) };
}

function deleteCollection({ call, kind, namespace }: Request, { pages, deletes, now }: Parts): Answer {
  const options = deleteOptionsOf(call.body, call.query, writeOptionsOf(call, "DeleteOptions").isDryRun);
  const page = pages.page(kind, namespace, call.query);
  for (const { metadata } of page.items) {
    deletes.delete({ kind, name: metadata.name, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) }, options);
  }
  return { status: 200, body: renderList(kind, page, renderingFor(call), now()) };
}

function bodyKindOf(kind: ServedKind): BodyKind {
  return { ...kind, isBuiltin: kind.schema === undefined };
}

function answerOf(kind: ServedKind, { object, warnings, isNew }: Written, rendering: ReturnType<typeof renderingFor>, now: Date): Answer {
  return { status: isNew ? 201 : 200, body: renderObject(kind, object, rendering, now), contentType: rendering.contentType, warnings };
}

function contentTypeOf({ headers }: ApiCall): string {
  return (headers["content-type"] ?? "application/json").split(";")[0]?.trim() ?? "";
}
