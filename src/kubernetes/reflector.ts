/** Follows one kind of object: lists it in pages, then watches from there, for as long as it is not stopped, whatever the server does. */
import { backOffMs } from "./back-off.ts";
import type { KubernetesClient, KubernetesObject, Resource, WatchEvent } from "./client.ts";
import { ApiError, Unreachable } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { sleep, type Time } from "./time.ts";

/** Where what was seen goes. A method that throws is logged, and does not end the reflector. */
export interface Sink {
  replace(objects: readonly KubernetesObject[], version: string | undefined): void;
  upsert(object: KubernetesObject): void;
  remove(object: KubernetesObject): void;
  advance(version: string | undefined): void;
}

export interface ReflectorOptions {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  readonly sink: Sink;
  /** Applied to each object before it goes to the sink, page by page. */
  readonly trim: (object: KubernetesObject) => KubernetesObject;
  readonly logger: Logger;
  readonly time: Time;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Reflector {
  /** Once; again has no effect. */
  start(): void;
  /** For good; whatever is under way has no effect any more. */
  stop(): void;
  /** Settles after the first whole list (or when the server does not know the kind: then there is none); rejects when stopped before. */
  readonly synced: Promise<void>;
}

const PAGE_SIZE = 500;
/** The server ends a watch after this long plus up to as much again; then it is renewed from where it was. */
const WATCH_SECONDS = 300;
/** The server sends a bookmark about every minute: more silence than this, and nobody is there. */
const IDLE_MS = 90_000;
/** A watch that lived this long was healthy, and is renewed at once. */
const HEALTHY_MS = 5_000;
/** By how a round ended: a server that is away must be heard soon after it is back, one that answers is not to be hammered, and a kind that nobody has installed may never come. */
const BACK_OFF = { away: { firstMs: 500, mostMs: 5_000 }, refused: { firstMs: 2_000, mostMs: 30_000 }, unknown: { firstMs: 2_000, mostMs: 300_000 } };
type Ending = "healthy" | keyof typeof BACK_OFF;

/** What the rounds of one reflector share. */
interface Course {
  readonly options: ReflectorOptions;
  readonly stopping: AbortSignal;
  readonly onSynced: () => void;
  hasSynced: boolean;
  /** The server has had the kind: without it, it may only be starting. */
  isKnown: boolean;
  /** The resourceVersion up to which everything was seen; undefined: list first. */
  place: string | undefined;
}

export function createReflector(options: ReflectorOptions): Reflector {
  const stopping = new AbortController();
  let settle: { readonly resolve: () => void; readonly reject: (reason: Error) => void } | undefined;
  const synced = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  synced.catch(() => undefined); // who does not wait for it is not told
  const course: Course = { options, stopping: stopping.signal, onSynced: () => settle?.resolve(), hasSynced: false, isKnown: false, place: undefined };
  let running: Promise<void> | undefined;
  return {
    start: () => void (running ??= run(course)),
    stop() {
      stopping.abort();
      settle?.reject(new Error(`The cache of ${options.resource.plural} was stopped before it had been filled`));
    },
    synced,
  };
}

async function run(course: Course): Promise<void> {
  const { time, random } = course.options;
  let [last, inARow]: [Ending, number] = ["healthy", 0];
  while (!course.stopping.aborted) {
    const ending = await round(course);
    inARow = ending === last ? inARow + 1 : 0;
    last = ending;
    if (ending !== "healthy") await sleep(time, backOffMs(BACK_OFF[ending], inARow, random), course.stopping);
  }
}

/** One list, if need be, and one watch. */
async function round(course: Course): Promise<Ending> {
  try {
    course.place ??= await list(course);
    return course.stopping.aborted ? "healthy" : await watch(course, course.place);
  } catch (error) {
    takeIn(course, error);
    if (error instanceof Unreachable) return "away";
    return isUnknownKind(error) && !course.isKnown ? "unknown" : "refused";
  }
}

function takeIn(course: Course, error: unknown): void {
  if (isUnknownKind(error) && !course.hasSynced) accept(course, [], undefined);
  if (!keepsPlace(error)) course.place = undefined;
  if (!course.stopping.aborted) course.options.logger.warn({ error, resource: course.options.resource.plural }, "a watch broke; it will be tried again");
}

/** The resourceVersion of the list. */
async function list(course: Course): Promise<string | undefined> {
  const { client, resource, namespace } = course.options;
  const objects: KubernetesObject[] = [];
  for (let next: string | undefined; ; ) {
    const page = await client.list(resource, namespace, { limit: PAGE_SIZE, continue: next });
    if (course.stopping.aborted) return undefined;
    objects.push(...page.items.flatMap((object) => trimmed(course, object)));
    next = page.metadata.continue;
    if (!next) {
      course.isKnown = true;
      accept(course, objects, page.metadata.resourceVersion);
      return page.metadata.resourceVersion;
    }
  }
}

function accept(course: Course, objects: readonly KubernetesObject[], version: string | undefined): void {
  guarded(course, () => course.options.sink.replace(objects, version));
  course.hasSynced = true;
  course.onSynced();
}

/** Healthy: the watch was alive for a while, and ended as watches do. */
async function watch(course: Course, place: string | undefined): Promise<"healthy" | "refused"> {
  const { client, resource, namespace, time, random } = course.options;
  const turn = createTurn(course);
  const startedMs = time.nowMs();
  let events = 0;
  try {
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + random()));
    for await (const event of client.watch(resource, namespace, { resourceVersion: place, timeoutSeconds }, turn.signal)) {
      if (course.stopping.aborted) break;
      turn.heard();
      events++;
      receive(course, event);
    }
  } catch (error) {
    if (events === 0 || !keepsPlace(error)) throw error;
    course.options.logger.debug({ error, resource: resource.plural }, "a watch broke off; it is renewed");
  } finally {
    turn.end();
  }
  return time.nowMs() - startedMs >= HEALTHY_MS ? "healthy" : "refused";
}

interface Turn {
  /** Aborts when nothing was heard for too long, or the reflector is stopped. */
  readonly signal: AbortSignal;
  heard(): void;
  end(): void;
}

function createTurn({ options: { time }, stopping }: Course): Turn {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let cancel = time.after(IDLE_MS, abort);
  stopping.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    heard() {
      cancel();
      cancel = time.after(IDLE_MS, abort);
    },
    end() {
      cancel();
      stopping.removeEventListener("abort", abort);
    },
  };
}

function receive(course: Course, event: WatchEvent): void {
  if (event.type === "ERROR") throw streamError(event.object);
  const { resourceVersion } = event.object.metadata;
  guarded(course, () => pass(course, event));
  course.place = resourceVersion;
}

function pass(course: Course, { type, object }: WatchEvent): void {
  const { sink, trim } = course.options;
  if (type === "BOOKMARK") sink.advance(object.metadata.resourceVersion);
  else if (type === "DELETED") sink.remove(trim(object));
  else sink.upsert(trim(object));
}

function trimmed(course: Course, object: KubernetesObject): readonly KubernetesObject[] {
  return guarded(course, () => [course.options.trim(object)]) ?? [];
}

function guarded<Result>(course: Course, act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    course.options.logger.error({ error, resource: course.options.resource.plural }, "what a watch told could not be taken in");
    return undefined;
  }
}

/** A Status object in the stream, e.g. 410 when our place is too old. */
function streamError(status: KubernetesObject): ApiError {
  return new ApiError(`The watch was ended: ${String(status["message"] ?? "without a reason")}`, Number(status["code"] ?? 0), String(status["reason"] ?? "Unknown"));
}

/** Whether watching may go on from where it was: only after trouble that says nothing about that place. */
function keepsPlace(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ApiError && (error.status === 429 || error.status >= 500));
}

function isUnknownKind(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
