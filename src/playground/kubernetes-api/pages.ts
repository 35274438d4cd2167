/** Lists, whole or in chunks that belong to one revision. */
import { isObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Page } from "./rendering.ts";
import { selectorOf } from "./selectors.ts";
import { collectionOf, type ServedKind } from "./served-kind.ts";
import { badRequest, StatusError } from "./status-error.ts";
import { keyOfObject, type Store } from "./store.ts";

export interface Pages {
  /** Throws 410 for a chunk of a revision that is no longer known. */
  page(kind: ServedKind, namespace: string | undefined, query: URLSearchParams): Page;
}

/** Lists that were begun and are still being fetched, at most. */
const SNAPSHOT_LIMIT = 50;

interface Token {
  readonly rv: number;
  readonly start: string;
}

export function createPages(store: Store): Pages {
  const snapshots = new Map<string, readonly KubeObject[]>();

  const remember = (id: string, items: readonly KubeObject[]): void => {
    snapshots.set(id, items);
    const [oldest] = snapshots.keys();
    if (snapshots.size > SNAPSHOT_LIMIT && oldest !== undefined) snapshots.delete(oldest);
  };
  const itemsAt = (id: string, { rv, start }: Token): readonly KubeObject[] => {
    const snapshot = rv < store.oldestRevision() ? undefined : snapshots.get(id);
    if (!snapshot) throw new StatusError(410, "Expired", "The provided continue parameter is too old to display a consistent list result.");
    return snapshot.filter((object) => keyOfObject(object) > start);
  };

  return {
    page(kind, namespace, query) {
      const token = tokenFrom(query);
      checkRevision(query, token, store);
      const revision = token?.rv ?? store.revision();
      const id = [collectionOf(kind), namespace ?? "", query.get("labelSelector"), query.get("fieldSelector"), revision].join("\0");
      const selects = selectorOf(kind, query);
      const items = token ? itemsAt(id, token) : store.list(collectionOf(kind), namespace).filter(selects);
      const limit = limitFrom(query);
      const shown = items.slice(0, limit);
      const last = shown.at(-1);
      if (!last || shown.length === items.length) return { items: shown, metadata: { resourceVersion: String(revision) } };
      if (!token) remember(id, items);
      const next = tokenOf({ rv: revision, start: keyOfObject(last) });
      const isWhole = !query.get("labelSelector") && !query.get("fieldSelector");
      const left = isWhole ? { remainingItemCount: items.length - shown.length } : {};
      return { items: shown, metadata: { resourceVersion: String(revision), continue: next, ...left } };
    },
  };
}

function limitFrom(query: URLSearchParams): number {
  const text = query.get("limit") ?? "0";
  if (!/^\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text) || Infinity;
}

function checkRevision(query: URLSearchParams, token: Token | undefined, store: Store): void {
  const text = query.get("resourceVersion") ?? "";
  if (text !== "" && token) throw badRequest("specifying resource version is not allowed when using continue");
  if (!/^\d*$/.test(text)) throw badRequest(`invalid resource version: ${unreadableRevision(text)}`);
  if (Number(text) > store.revision()) throw revisionTooLarge(text, store.revision());
}

export function unreadableRevision(text: string): string {
  return `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
}

function revisionTooLarge(asked: string, current: number): StatusError {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return new StatusError(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, { causes, retryAfterSeconds: 1 });
}

function tokenOf(token: Token): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", ...token })).toString("base64url");
}

function tokenFrom(query: URLSearchParams): Token | undefined {
  const text = query.get("continue") ?? "";
  if (text === "") return undefined;
  const parsed = parsedToken(text);
  if (!isObject(parsed) || typeof parsed.rv !== "number" || typeof parsed.start !== "string") throw badRequest("invalid continue token: continue key is not valid");
  return { rv: parsed.rv, start: parsed.start };
}

function parsedToken(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
