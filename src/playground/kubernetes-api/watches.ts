/** Watches: streams of what happens, from a revision on. */
import type { ServerResponse } from "node:http";
import { isFlag, type ApiCall, type Answer } from "./api-call.ts";
import type { JsonObject } from "./json.ts";
import { withMetadata, type KubeObject } from "./kube-object.ts";
import { matchRefused, unreadableRevision, wholeNumber } from "./pages.ts";
import { renderingFor, renderObject, type Rendering } from "./rendering.ts";
import { selectorOf } from "./selectors.ts";
import { apiVersionOf, collectionOf, type ServedKind } from "./served-kind.ts";
import { StatusError, statusObject } from "./status-error.ts";
import type { Store, StoreEvent } from "./store.ts";

export interface OpenWatch {
  readonly user: string;
  readonly userAgent: string;
  readonly plural: string;
  readonly namespace?: string;
}

export interface Watches {
  watch(kind: ServedKind, namespace: string | undefined, call: ApiCall): Answer;
  /** Breaks connections in the middle, those of all watches or of some. */
  cut(which?: (watch: OpenWatch) => boolean): void;
  /** Ends all of them in good order. */
  end(): void;
  open(): readonly OpenWatch[];
}

export interface WatchOptions {
  readonly store: Store;
  readonly now: () => Date;
  readonly bookmarkIntervalMs: number;
}

interface Connection {
  readonly about: OpenWatch;
  readonly response: ServerResponse;
}

export function createWatches(options: WatchOptions): Watches {
  const connections = new Set<Connection>();
  return {
    watch(kind, namespace, call) {
      const plan = planOf(kind, namespace, call);
      const about = { user: call.user, userAgent: call.headers["user-agent"] ?? "", plural: kind.plural, ...(namespace !== undefined && { namespace }) };
      return {
        stream(response) {
          const connection = { about, response };
          connections.add(connection);
          response.on("close", () => connections.delete(connection));
          stream(plan, response, options);
        },
      };
    },
    cut(which = () => true) {
      for (const { about, response } of [...connections]) if (which(about)) response.destroy();
    },
    end() {
      for (const { response } of [...connections]) response.end();
    },
    open: () => [...connections].map(({ about }) => about),
  };
}

interface Plan {
  readonly kind: ServedKind;
  readonly matches: (object: KubeObject) => boolean;
  readonly rendering: Rendering;
  /** Absent: begin with what there is. */
  readonly from?: number;
  readonly timeoutMs: number;
  readonly hasBookmarks: boolean;
}

const DEFAULT_TIMEOUT_SECONDS = 1800;

function planOf(kind: ServedKind, namespace: string | undefined, call: ApiCall): Plan {
  const { query } = call;
  const revision = query.get("resourceVersion") ?? "";
  if (!/^\d*$/.test(revision)) throw new StatusError(500, undefined, unreadableRevision(revision));
  const sendsInitial = isFlag(query, "sendInitialEvents");
  if (sendsInitial && query.get("resourceVersionMatch") !== "NotOlderThan") throw matchRefused("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  const selects = selectorOf(kind, query);
  return {
    kind,
    matches: (object) => (namespace === undefined || object.metadata.namespace === namespace) && selects(object),
    rendering: renderingFor(call),
    ...(Number(revision) > 0 && !sendsInitial && { from: Number(revision) }),
    timeoutMs: 1000 * (wholeNumber(query.get("timeoutSeconds") || "0") || DEFAULT_TIMEOUT_SECONDS),
    hasBookmarks: isFlag(query, "allowWatchBookmarks"),
  };
}

function stream(plan: Plan, response: ServerResponse, { store, now, bookmarkIntervalMs }: WatchOptions): void {
  const lines = createLines(plan, response, now);
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  response.flushHeaders();
  const past = plan.from === undefined ? [] : store.eventsAfter(collectionOf(plan.kind), plan.from);
  if (past === undefined) {
    lines.error(tooOld(plan.from ?? 0, store.oldestRevision()));
    response.end();
    return;
  }
  if (plan.from === undefined) lines.everything(store);
  for (const event of past) lines.event(event);
  const stop = store.onEvent((event) => {
    if (event.collection === collectionOf(plan.kind) && event.revision > (plan.from ?? 0)) lines.event(event);
  });
  const bookmarks = setInterval(() => lines.bookmark(store.revision()), bookmarkIntervalMs);
  const timeout = setTimeout(() => {
    lines.bookmark(store.revision());
    response.end();
  }, plan.timeoutMs);
  response.on("close", () => {
    stop();
    clearInterval(bookmarks);
    clearTimeout(timeout);
  });
}

function tooOld(asked: number, oldest: number): StatusError {
  return new StatusError(410, "Expired", `too old resource version: ${asked} (${oldest})`);
}

interface Lines {
  event(event: StoreEvent): void;
  everything(store: Store): void;
  bookmark(revision: number, annotations?: JsonObject): void;
  error(error: StatusError): void;
}

function createLines({ kind, matches, rendering, hasBookmarks }: Plan, response: ServerResponse, now: () => Date): Lines {
  let hasDefinitions = true; // of a table, once per watch
  const write = (type: string, object: JsonObject): void => void response.write(`${JSON.stringify({ type, object })}\n`);
  const writeObject = (type: string, object: KubeObject): void => {
    write(type, renderObject(kind, object, rendering, now(), hasDefinitions));
    hasDefinitions = false;
  };
  const bookmark: Lines["bookmark"] = (revision, annotations) => {
    const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
    const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata } as unknown as KubeObject; // a bookmark has no name
    if (hasBookmarks) writeObject("BOOKMARK", object);
  };
  return {
    bookmark,
    event(event) {
      const seen = seenBy(matches, event);
      if (seen) writeObject(seen.type, seen.object);
    },
    everything(store) {
      for (const object of store.list(collectionOf(kind)).filter(matches)) writeObject("ADDED", object);
      bookmark(store.revision(), { "k8s.io/initial-events-end": "true" });
    },
    error: (error) => write("ERROR", statusObject(error)),
  };
}

/** An object that begins to match is ADDED, one that no longer does is DELETED. */
function seenBy(matches: Plan["matches"], { type, object, previous }: StoreEvent): Pick<StoreEvent, "type" | "object"> | undefined {
  const isSeen = type !== "DELETED" && matches(object);
  const wasSeen = previous !== undefined && matches(previous);
  if (isSeen) return { type: wasSeen ? "MODIFIED" : "ADDED", object };
  if (!wasSeen) return undefined;
  const last = type === "DELETED" ? object : previous;
  return { type: "DELETED", object: withMetadata(last, { resourceVersion: object.metadata.resourceVersion ?? "" }) };
}
