/** Deleting: at once, or when the last finalizer is gone. */
import { isObject, isSame, objectAt, textAt, type JsonObject } from "./json.ts";
import { timestampOf, withMetadata, type KubeObject, type Metadata } from "./kube-object.ts";
import type { Registry } from "./registry.ts";
import { collectionOf, type ServedKind } from "./served-kind.ts";
import { badRequest, conflict, invalid, notFound, type StatusError } from "./status-error.ts";
import type { Store } from "./store.ts";
import type { Place } from "./place.ts";

export interface Deletes {
  /** What the server answers: the object while it waits for finalizers (always for pods and namespaces), else that it is gone. */
  delete(place: Place, options: DeleteOptions): JsonObject;
}

/** What is to become of dependents. */
export type Propagation = "Background" | "Foreground" | "Orphan";

/** The finalizers by which an object waits for what is to become of its dependents. */
export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

export interface DeleteOptions {
  readonly isDryRun: boolean;
  /** Default: as the object's finalizers have it, else Background. */
  readonly propagation?: Propagation;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** The parameters of the URL count where the body does not say. Throws 422 for a propagation that there is not. */
export function deleteOptionsOf(body: string, query: URLSearchParams, isDryRun: boolean): DeleteOptions {
  const given = body === "" ? {} : parsed(body);
  const preconditions = objectAt(given, "preconditions");
  const isDry = isDryRun || isDryRunIn(given.dryRun);
  const propagation = propagationFrom(textAt(given, "propagationPolicy") || (query.get("propagationPolicy") ?? ""));
  return { isDryRun: isDry, preconditions, ...(propagation && { propagation }) };
}

const PROPAGATIONS: readonly Propagation[] = ["Background", "Foreground", "Orphan"];

function propagationFrom(text: string): Propagation | undefined {
  const known = PROPAGATIONS.find((propagation) => propagation === text);
  if (known || text === "") return known;
  const message = `Unsupported value: ${JSON.stringify(text)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
  throw invalid("meta.k8s.io", "DeleteOptions", "", [{ reason: "FieldValueNotSupported", message, field: "propagationPolicy" }]);
}

function isDryRunIn(given: unknown): boolean {
  const values: readonly unknown[] = Array.isArray(given) ? given : [];
  if (values.every((value) => value === "All")) return values.length > 0;
  const message = `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`;
  throw invalid("meta.k8s.io", "DeleteOptions", "", [{ reason: "FieldValueNotSupported", message, field: "dryRun" }]);
}

function parsed(body: string): JsonObject {
  const given = jsonIn(body);
  if (!isObject(given)) throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(given) ? "array" : typeof given} into Go value`);
  const seconds = given.gracePeriodSeconds ?? 0;
  if (typeof seconds !== "number") throw badRequest(`json: cannot unmarshal ${typeof seconds} into Go struct field DeleteOptions.gracePeriodSeconds of type int64`);
  return given;
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw badRequest(`couldn't get version/kind; json parse error: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

export function createDeletes(store: Store, registry: Registry, now: () => Date): Deletes {
  const mark = (kind: ServedKind, current: KubeObject): KubeObject => {
    const known = store.get(collectionOf(kind), current.metadata.namespace, current.metadata.name);
    if (known?.metadata.deletionTimestamp === undefined) return store.put(collectionOf(kind), marked(kind, current, now()));
    return isSame(known, current) ? known : store.put(collectionOf(kind), current);
  };
  const deleteOne = (kind: ServedKind, given: KubeObject, propagation?: Propagation): JsonObject => {
    const current = waitingAs(given, propagation);
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
    delete({ kind, namespace, name }, { isDryRun, propagation, preconditions = {} }) {
      const current = store.get(collectionOf(kind), namespace, name);
      if (!current) throw notFound(kind, name);
      checkPreconditions(kind, current, preconditions);
      if (isDryRun) return success(kind, current);
      return kind.kind === "Namespace" ? deleteNamespace(kind, current) : deleteOne(kind, current, propagation);
    },
  };
}

/** With the finalizer that the propagation asks for, and without the others'. */
function waitingAs(object: KubeObject, propagation: Propagation | undefined): KubeObject {
  if (propagation === undefined) return object;
  const wanted = { Background: [], Foreground: [FOREGROUND], Orphan: [ORPHAN] }[propagation];
  const others = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  return withMetadata(object, { finalizers: [...others, ...wanted] });
}

function checkPreconditions(kind: ServedKind, { metadata }: KubeObject, { uid, resourceVersion }: NonNullable<DeleteOptions["preconditions"]>): void {
  if (uid !== undefined && uid !== metadata.uid) {
    throw unmet(kind, metadata, `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ""}). The object might have been deleted and then recreated`);
  }
  if (resourceVersion === undefined || resourceVersion === metadata.resourceVersion) return;
  const recorded = metadata.resourceVersion ?? "";
  throw unmet(kind, metadata, `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${recorded}). The object might have been modified`);
}

/** Here the real server names the kind, not its plural. */
function unmet({ group, kind }: ServedKind, { name }: Metadata, why: string): StatusError {
  return conflict({ group, kind, plural: kind }, name, why);
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
