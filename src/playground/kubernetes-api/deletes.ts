/** Deleting: at once, or when the last finalizer is gone. */
import { isObject, textAt, type JsonObject } from "./json.ts";
import { timestampOf, withMetadata, type KubeObject } from "./kube-object.ts";
import type { Registry } from "./registry.ts";
import { collectionOf, type ServedKind } from "./served-kind.ts";
import { badRequest, conflict, notFound } from "./status-error.ts";
import type { Store } from "./store.ts";
import type { Place } from "./place.ts";

export interface Deletes {
  /** What the server answers: the object while it waits for finalizers (always for pods and namespaces), else that it is gone. */
  delete(place: Place, options: DeleteOptions): JsonObject;
}

export interface DeleteOptions {
  readonly isDryRun: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export function deleteOptionsOf(body: string, isDryRun: boolean): DeleteOptions {
  const given: unknown = body === "" ? {} : parsed(body);
  const preconditions = isObject(given) && isObject(given.preconditions) ? given.preconditions : {};
  const isDry = isDryRun || (isObject(given) && Array.isArray(given.dryRun) && given.dryRun.includes("All"));
  return { isDryRun: isDry, preconditions };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw badRequest(`couldn't get version/kind; json parse error: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

export function createDeletes(store: Store, registry: Registry, now: () => Date): Deletes {
  const mark = (kind: ServedKind, current: KubeObject): KubeObject =>
    current.metadata.deletionTimestamp === undefined ? store.put(collectionOf(kind), marked(kind, current, now())) : current;
  const deleteOne = (kind: ServedKind, current: KubeObject): JsonObject => {
    if ((current.metadata.finalizers ?? []).length > 0) return mark(kind, current);
    const removed = store.remove(collectionOf(kind), current);
    return kind.plural === "pods" ? marked(kind, removed, now()) : success(kind, current);
  };
  const deleteNamespace = (kind: ServedKind, current: KubeObject): JsonObject => {
    const terminating = mark(kind, current);
    for (const { kind: inner, object } of contentsOf(store, registry, current.metadata.name)) deleteOne(inner, object);
    finishNamespace(store, registry, current.metadata.name);
    return { ...terminating, status: { phase: "Terminating" } };
  };
  store.onEvent(({ type, object }) => {
    if (type === "DELETED" && object.metadata.namespace !== undefined) finishNamespace(store, registry, object.metadata.namespace);
  });

  return {
    delete({ kind, namespace, name }, { isDryRun, preconditions = {} }) {
      const current = store.get(collectionOf(kind), namespace, name);
      if (!current) throw notFound(kind, name);
      checkPreconditions(kind, current, preconditions);
      if (isDryRun) return success(kind, current);
      return kind.kind === "Namespace" ? deleteNamespace(kind, current) : deleteOne(kind, current);
    },
  };
}

function checkPreconditions(kind: ServedKind, { metadata }: KubeObject, { uid, resourceVersion }: NonNullable<DeleteOptions["preconditions"]>): void {
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(kind, metadata.name, `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ""})`);
  }
  if (resourceVersion === undefined || resourceVersion === metadata.resourceVersion) return;
  const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ""})`;
  throw conflict(kind, metadata.name, why);
}

function marked(kind: ServedKind, object: KubeObject, now: Date): KubeObject {
  const generation = kind.hasGeneration ? { generation: (object.metadata.generation ?? 0) + 1 } : {};
  return withMetadata(object, { deletionTimestamp: timestampOf(now), deletionGracePeriodSeconds: 0, ...generation });
}

function success({ group, plural }: ServedKind, { metadata }: KubeObject): JsonObject {
  const details = { name: metadata.name, ...(group !== "" && { group }), kind: plural, uid: metadata.uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

const NAMESPACES = collectionOf({ group: "", plural: "namespaces" });

interface Content {
  readonly kind: ServedKind;
  readonly object: KubeObject;
}

function contentsOf(store: Store, registry: Registry, namespace: string): readonly Content[] {
  const collections = new Map(registry.kinds().filter(({ isNamespaced }) => isNamespaced).map((kind) => [collectionOf(kind), kind]));
  return [...collections].flatMap(([collection, kind]) => store.list(collection, namespace).map((object) => ({ kind, object })));
}

/** A namespace that is being deleted goes with the last of its objects. */
function finishNamespace(store: Store, registry: Registry, name: string): void {
  const namespace = store.get(NAMESPACES, undefined, name);
  if (!namespace || textAt(namespace, "metadata", "deletionTimestamp") === "") return;
  if (contentsOf(store, registry, name).length === 0) store.remove(NAMESPACES, namespace);
}
