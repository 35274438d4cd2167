/** Lists, whole or in chunks, of now or of a revision from before. */
import { isObject } from "./json.ts";
import type { Page } from "./rendering.ts";
import { selectorOf } from "./selectors.ts";
import { collectionOf, type ServedKind } from "./served-kind.ts";
import { badRequest, invalid, StatusError } from "./status-error.ts";
import { keyOfObject, type Store } from "./store.ts";

export interface Pages {
  /** Throws 410 for a revision that is no longer known. */
  page(kind: ServedKind, namespace: string | undefined, query: URLSearchParams): Page;
}

interface Token {
  /** -1: of no revision, whatever there is now. */
  readonly rv: number;
  readonly start: string;
}

const ANY_REVISION = -1;

export function createPages(store: Store): Pages {
  return {
    page(kind, namespace, query) {
      const token = tokenFrom(query);
      checkRevision(query, token, store);
      const revision = revisionOf(query, token, store);
      const listed = store.listAt(revision, collectionOf(kind), namespace);
      if (!listed) throw token ? tooOldToGoOn(token) : new StatusError(410, "Expired", "The resourceVersion for the provided list is too old.");
      const items = listed.filter(selectorOf(kind, query)).filter((object) => keyOfObject(object) > (token?.start ?? ""));
      const shown = items.slice(0, limitFrom(query));
      const last = shown.at(-1);
      const metadata = { resourceVersion: String(revision) };
      if (!last || shown.length === items.length) return { items: shown, metadata };
      const isWhole = !query.get("labelSelector") && !query.get("fieldSelector");
      const left = isWhole ? { remainingItemCount: items.length - shown.length } : {};
      return { items: shown, metadata: { ...metadata, continue: tokenOf({ rv: revision, start: keyOfObject(last) }), ...left } };
    },
  };
}

function revisionOf(query: URLSearchParams, token: Token | undefined, store: Store): number {
  if (token) return token.rv === ANY_REVISION ? store.revision() : token.rv;
  return query.get("resourceVersionMatch") === "Exact" ? Number(query.get("resourceVersion")) : store.revision();
}

function tooOldToGoOn({ start }: Token): StatusError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, " +
    "or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - " +
    "objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  return new StatusError(410, "Expired", message, undefined, { continue: tokenOf({ rv: ANY_REVISION, start }) });
}

/** Throws 400 for anything else. */
export function wholeNumber(text: string): number {
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function limitFrom(query: URLSearchParams): number {
  const text = query.get("limit") ?? "0";
  return Math.max(0, wholeNumber(text)) || Infinity;
}

function checkRevision(query: URLSearchParams, token: Token | undefined, store: Store): void {
  const text = query.get("resourceVersion") ?? "";
  checkMatch(query.get("resourceVersionMatch") ?? "", text);
  wholeNumber(query.get("timeoutSeconds") || "0");
  if (text !== "" && token) throw badRequest("specifying resource version is not allowed when using continue");
  if (!/^\d*$/.test(text)) throw badRequest(`invalid resource version: ${unreadableRevision(text)}`);
  if (Number(text) > store.revision()) throw revisionTooLarge(text, store.revision());
}

const MATCHES = ["", "Exact", "NotOlderThan"];

function checkMatch(match: string, revision: string): void {
  if (match !== "" && revision === "") throw matchRefused("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match === "Exact" && revision === "0") throw matchRefused('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (MATCHES.includes(match)) return;
  const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`;
  throw invalid("meta.k8s.io", "ListOptions", "", [{ reason: "FieldValueNotSupported", message, field: "resourceVersionMatch" }]);
}

/** Of a list or a watch. */
export function matchRefused(why: string): StatusError {
  return invalid("meta.k8s.io", "ListOptions", "", [{ reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field: "resourceVersionMatch" }]);
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
