/** The bare Kubernetes API over HTTP(S) for test set-up and for watchers that must not depend on the code under test. */
import http from "node:http";
import https from "node:https";
import { createInterface } from "node:readline";

/** Plain data, so that it can be handed to another process. */
export interface ApiAddress {
  readonly url: string;
  /** PEM; for https only. */
  readonly ca?: string;
  readonly token?: string;
}

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface ApiRequest {
  /** The parsed answer, or its text if it is no JSON. Throws `RequestRefused` for any status that is not a success. */
  <T = ApiObject>(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, contentType?: string): Promise<T>;
}

export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 30_000;

/** One request per call, each on a connection of its own: slow, and nothing to close. */
export function createApiRequest(address: ApiAddress): ApiRequest {
  return async <T>(...[method, path, body, contentType]: Parameters<ApiRequest>): Promise<T> => {
    const bodyType = contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json");
    const response = await send(address, method, path, body, { "content-type": bodyType, accept: "application/json" });
    const text = await textOf(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status >= 300) throw new RequestRefused(`${method} ${path} was answered with ${status}: ${text}`, status);
    const isJson = text !== "" && response.headers["content-type"]?.includes("json"); // a watch that ends may have told nothing
    return (isJson ? JSON.parse(text) : text) as T;
  };
}

export interface ApiEvent {
  readonly type: string;
  readonly object: ApiObject;
}

/** What a watch of `path` yields, until the signal aborts or the server ends it. */
export async function* watchApi(address: ApiAddress, path: string, signal: AbortSignal): AsyncGenerator<ApiEvent> {
  const response = await send(address, "GET", `${path}${path.includes("?") ? "&" : "?"}watch=true`, undefined, {});
  const end = (): void => void response.destroy();
  signal.addEventListener("abort", end);
  try {
    if (response.statusCode !== 200) throw new RequestRefused(`watch of ${path}: ${await textOf(response)}`, response.statusCode ?? 0);
    for await (const line of createInterface({ input: response, signal })) yield JSON.parse(line) as ApiEvent;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function send(
  address: ApiAddress,
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<http.IncomingMessage> {
  const url = new URL(path, address.url);
  const authorization = address.token === undefined ? {} : { authorization: `Bearer ${address.token}` };
  const text = body === undefined ? "" : JSON.stringify(body);
  const length = { "content-length": Buffer.byteLength(text) }; // Node does not say it for DELETE by itself, and then the server reads no body
  const options = { method, ca: address.ca, agent: false as const, headers: { ...headers, ...length, ...authorization } };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, options, (response) => {
      request.setTimeout(0); // a watch may be silent for as long as nothing happens
      resolve(response);
    });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer to ${method} ${path} within ${TIMEOUT_MS} ms`)));
    request.on("error", reject);
    request.end(text);
  });
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
