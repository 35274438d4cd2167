/** A request as the server's parts see it, and their answers. */
import type { ServerResponse } from "node:http";
import type { ResourcePath } from "./resource-path.ts";

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Absent for paths that are not about resources. */
  readonly target?: ResourcePath;
  /** Who asks: the bearer token, or "admin". */
  readonly user: string;
}

export type Answer =
  | { readonly status: number; readonly body: unknown; readonly contentType?: string; readonly warnings?: readonly string[] }
  /** The part answers by itself, now or over time. */
  | { readonly stream: (response: ServerResponse) => void };

/** Anything but absence, `false` and `0` is a yes. */
export function isFlag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text.toLowerCase() !== "false" && text !== "0";
}
