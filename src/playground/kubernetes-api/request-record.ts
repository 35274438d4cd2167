/** One request as an audit log would have it. */
import { isFlag, type ApiCall } from "./api-call.ts";

export interface RequestRecord {
  readonly user: string;
  readonly userAgent: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the HTTP method in lower case. */
  readonly verb: string;
  /** With the query. */
  readonly uri: string;
  /** The plural; empty for paths that are not about resources. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly body: string;
}

/** A request with the status of its answer; a watch counts from its start. */
export interface AnsweredRequest extends RequestRecord {
  /** 0: the connection was cut. */
  readonly status: number;
}

export function recordOf(call: ApiCall): RequestRecord {
  const { plural = "", subresource = "", namespace = "", name = "" } = call.target ?? {};
  const query = call.query.size > 0 ? `?${call.query.toString()}` : "";
  return {
    user: call.user,
    userAgent: call.headers["user-agent"] ?? "",
    verb: verbOf(call),
    uri: call.path + query,
    resource: plural,
    subresource,
    namespace,
    name,
    body: call.body,
  };
}

const VERBS: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch" };

function verbOf({ method, query, target }: ApiCall): string {
  if (!target) return method.toLowerCase();
  const isOne = target.name !== undefined;
  if (method === "GET") return isOne ? "get" : isFlag(query, "watch") ? "watch" : "list";
  if (method === "DELETE") return isOne ? "delete" : "deletecollection";
  return VERBS[method] ?? method.toLowerCase();
}
