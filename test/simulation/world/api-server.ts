/** The API server of a simulated world: the truth that daemons' caches lag behind, with every version told to who follows. */
import fastJsonPatch from "fast-json-patch";
import { RESOURCES, type DeleteOptions, type JsonPatchOperation, type KubernetesObject, type Patch, type PatchOptions } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict } from "../../../src/kubernetes/errors.ts";
import { isEqual } from "../../../src/rollout/equal.ts";
import { stamped, wholeSecond } from "../../support/ownership.ts";

/** What daemons watch. Where versions run side by side `pods` stands for all that runs behind one: one object for each. */
export const WATCHED = ["rollouts", "virtualServices", "destinationRules", "services", "pods", "deployments", "replicaSets"] as const;
export type Watched = (typeof WATCHED)[number];
const KINDS = [...WATCHED, "rolloutRuns"] as const;
export type Kind = (typeof KINDS)[number];

export interface ObjectVersion {
  readonly kind: Kind;
  readonly type: "added" | "modified" | "deleted";
  readonly object: KubernetesObject;
  readonly previous?: KubernetesObject;
  /** Whose credentials wrote it: a daemon's name, or a person's. */
  readonly author: string;
  readonly manager: string;
  readonly atMs: number;
}

export interface PatchRequest {
  readonly kind: Kind;
  readonly name: string;
  readonly patch: Patch;
  readonly options: PatchOptions;
}

export interface ApiServer {
  get(kind: Kind, name: string): KubernetesObject | undefined;
  all(kind: Kind): readonly KubernetesObject[];
  /** The newest resourceVersion. */
  version(): string;
  /** Throws `ApiError` or `Conflict`, and writes nothing then. */
  patch(request: PatchRequest, author: string): KubernetesObject;
  /** Throws `Conflict` where there is one of that name. */
  create(kind: Kind, object: KubernetesObject, author: string): KubernetesObject;
  /** Throws `ApiError` where there is none, and `Conflict` where it is another one than was meant. */
  delete(kind: Kind, name: string, meant: Meant, author: string): KubernetesObject;
  /** Creates or replaces. */
  put(kind: Kind, object: KubernetesObject, author: string): void;
  /** Finalizers hold it back. */
  remove(kind: Kind, name: string, author: string): void;
  follow(listener: (version: ObjectVersion) => void): void;
}

/** Which object of that name a deletion means, and whether it waits for what it owns. */
export type Meant = DeleteOptions;

interface Write {
  readonly kind: Kind;
  readonly before: KubernetesObject | undefined;
  readonly after: KubernetesObject;
  readonly author: string;
  readonly manager: string;
}

export function createApiServer(clock: { readonly nowMs: number }): ApiServer {
  const shelf = createShelf(clock);
  const { get, store } = shelf;
  const remove = (kind: Kind, name: string, author: string): void => {
    const before = get(kind, name);
    if (before && !before.metadata.deletionTimestamp) store(deletionOf(kind, before, author, clock.nowMs));
  };
  return {
    get,
    all: shelf.all,
    version: shelf.version,
    follow: shelf.follow,
    put: (kind, object, author) => void store({ kind, before: get(kind, object.metadata.name), after: object, author, manager: author }),
    create(kind, object, author) {
      if (get(kind, object.metadata.name)) throw new Conflict(`${kind} "${object.metadata.name}" already exists`);
      return store({ kind, before: undefined, after: object, author, manager: author });
    },
    patch({ kind, name, patch, options }, author) {
      const before = get(kind, name);
      if (!before) throw new ApiError(`${kind} ${name} not found`, 404, "NotFound");
      const after = patch.type === "json" ? jsonPatched(before, patch.body) : options.subresource === "status" ? statusMerged(before, patch.body) : objectMerged(before, patch.body as Json);
      refuseNewFinalizers(before, after);
      if (options.dryRun) return after;
      return store({ kind, before, after, author, manager: options.fieldManager ?? author });
    },
    remove,
    delete(kind, name, meant, author) {
      const before = get(kind, name);
      if (!before) throw new ApiError(`${kind} ${name} not found`, 404, "NotFound");
      const isMeant = (["uid", "resourceVersion"] as const).every((field) => meant[field] === undefined || meant[field] === before.metadata[field]);
      if (!isMeant) throw new Conflict(`${kind} "${name}" is another one by now`);
      if (meant.propagation) deleteInForeground(shelf, { kind, object: before }, author, clock.nowMs);
      else remove(kind, name, author);
      return before;
    },
  };
}

/** As the real one does, in its words. */
function refuseNewFinalizers({ metadata: before }: KubernetesObject, { metadata: after }: KubernetesObject): void {
  const added = (after.finalizers ?? []).filter((each) => !before.finalizers?.includes(each));
  if (before.deletionTimestamp === undefined || added.length === 0) return;
  throw new ApiError(`${before.name}: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`, 422, "Invalid");
}

function deletionOf(kind: Kind, before: KubernetesObject, author: string, nowMs: number): Write {
  const after = { ...before, metadata: { ...before.metadata, deletionTimestamp: wholeSecond(nowMs) } };
  return { kind, before, after, author, manager: author };
}

interface Shelf extends Pick<ApiServer, "get" | "all" | "version" | "follow"> {
  readonly shelves: Shelves;
  store(write: Write): KubernetesObject;
}

const FOREGROUND = "foregroundDeletion";

/** What is stored, and everybody who is told. */
function createShelf(clock: { readonly nowMs: number }): Shelf {
  const shelves = new Map<Kind, Map<string, KubernetesObject>>(KINDS.map((kind) => [kind, new Map()]));
  const listeners: ((version: ObjectVersion) => void)[] = [];
  let version = 0;
  const get = (kind: Kind, name: string): KubernetesObject | undefined => shelves.get(kind)!.get(name);
  const tell = (told: Omit<ObjectVersion, "atMs">): void => listeners.forEach((listener) => listener({ ...told, atMs: clock.nowMs }));

  function store({ kind, before, after, author, manager }: Write): KubernetesObject {
    if (before && isEqual(before, after)) return before;
    version += 1;
    const object = versioned(before, after, manager, { version, time: wholeSecond(clock.nowMs) });
    if (isGone(object)) return drop(kind, object, author);
    shelves.get(kind)!.set(object.metadata.name, object);
    tell({ kind, type: before ? "modified" : "added", object, ...(before && { previous: before }), author, manager });
    return object;
  }

  function drop(kind: Kind, object: KubernetesObject, author: string): KubernetesObject {
    const previous = get(kind, object.metadata.name)!;
    shelves.get(kind)!.delete(object.metadata.name);
    tell({ kind, type: "deleted", object, previous, author, manager: author });
    for (const owned of ownedBy(shelves, object)) if (!owned.object.metadata.deletionTimestamp) store(deletionOf(owned.kind, owned.object, GARBAGE_COLLECTOR, clock.nowMs));
    for (const owner of ownersOf(shelves, object)) if (isAwaiting(owner.object) && ownedBy(shelves, owner.object).length === 0) store(withoutAwaiting(owner));
    return object;
  }


  return {
    get,
    store,
    shelves,
    all: (kind) => [...shelves.get(kind)!.values()],
    version: () => `${version}`,
    follow: (listener) => void listeners.push(listener),
  };
}

/** It goes after what it owns, which is deleted with it. */
function deleteInForeground(shelf: Shelf, { kind, object }: Shelved, author: string, nowMs: number): void {
  if (object.metadata.deletionTimestamp) return;
  const owned = ownedBy(shelf.shelves, object);
  const finalizers = [...(object.metadata.finalizers ?? []), ...(owned.length > 0 ? [FOREGROUND] : [])];
  shelf.store(deletionOf(kind, { ...object, metadata: { ...object.metadata, finalizers } }, author, nowMs));
  for (const each of owned) deleteInForeground(shelf, each, GARBAGE_COLLECTOR, nowMs);
}

function isAwaiting({ metadata: { finalizers = [] } }: KubernetesObject): boolean {
  return finalizers.includes(FOREGROUND);
}

function withoutAwaiting({ kind, object }: Shelved): Write {
  const after = { ...object, metadata: { ...object.metadata, finalizers: object.metadata.finalizers?.filter((each) => each !== FOREGROUND) ?? [] } };
  return { kind, before: object, after, author: GARBAGE_COLLECTOR, manager: GARBAGE_COLLECTOR };
}

export const GARBAGE_COLLECTOR = "garbage-collector";

interface Shelved {
  readonly kind: Kind;
  readonly object: KubernetesObject;
}

type Shelves = ReadonlyMap<Kind, ReadonlyMap<string, KubernetesObject>>;

function ownedBy(shelves: Shelves, { metadata: { uid } }: KubernetesObject): Shelved[] {
  return shelved(shelves).filter(({ object: { metadata } }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
}

function ownersOf(shelves: Shelves, { metadata: { ownerReferences = [] } }: KubernetesObject): Shelved[] {
  return ownerReferences.length === 0 ? [] : shelved(shelves).filter(({ object: { metadata } }) => ownerReferences.some(({ uid }) => uid === metadata.uid));
}

function shelved(shelves: Shelves): Shelved[] {
  return [...shelves].flatMap(([kind, objects]) => [...objects.values()].map((object) => ({ kind, object })));
}

/** A change of the status is nobody's field: who wrote which part of the spec is all that anybody asks for. */
function versioned(before: KubernetesObject | undefined, after: KubernetesObject, manager: string, mark: { readonly version: number; readonly time: string }): KubernetesObject {
  const isOfStatus = before !== undefined && before["spec"] === after["spec"] && before.metadata === after.metadata;
  if (isOfStatus) return { ...after, metadata: { ...after.metadata, resourceVersion: `${mark.version}` } };
  const object = stamped(before, after, manager, mark);
  const generation = before && isEqual(before["spec"], after["spec"]) ? before.metadata.generation : (before?.metadata.generation ?? 0) + 1;
  return { ...object, metadata: { ...object.metadata, ...(generation !== undefined && { generation }) } };
}

function isGone({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}

function jsonPatched(object: KubernetesObject, operations: readonly JsonPatchOperation[]): KubernetesObject {
  const { status, ...rest } = object;
  try {
    const patched = fastJsonPatch.applyPatch(structuredClone(rest), structuredClone(operations) as fastJsonPatch.Operation[], true, true).newDocument;
    return { ...patched, ...(status === undefined ? {} : { status }), ...(isEqual(rest["spec"], patched["spec"]) && { spec: rest["spec"] }) };
  } catch (error) {
    if (!(error instanceof fastJsonPatch.JsonPatchError)) throw error;
    if (error.name === "TEST_OPERATION_FAILED") throw new Conflict(`${object.metadata.name}: a test of the patch failed`, { cause: error });
    throw new ApiError(`${object.metadata.name}: the patch does not fit: ${error.name}`, 422, "Invalid", { cause: error });
  }
}

type Json = Readonly<Record<string, unknown>>;

/** A merge patch of the status subresource, the only one that daemons send. */
function statusMerged(before: KubernetesObject, body: unknown): KubernetesObject {
  const { metadata, status } = body as { readonly metadata?: { readonly resourceVersion?: string }; readonly status: Json };
  const seen = metadata?.resourceVersion;
  if (seen !== undefined && seen !== before.metadata.resourceVersion) throw new Conflict(`${before.metadata.name} has changed`);
  const after = merged(before["status"], status);
  return isEqual(before["status"], after) ? before : { ...before, status: after };
}

/** A merge patch of all but the status. */
function objectMerged(before: KubernetesObject, { metadata = {}, spec = {} }: Json): KubernetesObject {
  const { resourceVersion: seen, ...ofMetadata } = metadata as Json;
  if (seen !== undefined && seen !== before.metadata.resourceVersion) throw new Conflict(`${before.metadata.name} has changed`);
  const after = { metadata: merged(before.metadata, ofMetadata), spec: merged(before["spec"], spec as Json) };
  return { ...before, metadata: after.metadata as unknown as KubernetesObject["metadata"], spec: isEqual(before["spec"], after.spec) ? before["spec"] : after.spec };
}

/** RFC 7386. */
function merged(target: unknown, patch: Json): Json {
  const before: Json = isMapping(target) ? target : {};
  const after: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete after[key];
    else after[key] = isMapping(value) ? merged(before[key], value) : value;
  }
  return after;
}

function isMapping(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The kind behind a resource's plural. */
export function kindOf(plural: string): Kind {
  const kind = KINDS.find((each) => RESOURCES[each].plural === plural);
  if (!kind) throw new Error(`the simulated world has no ${plural}`);
  return kind;
}
