/** What a behaviour of the protocol is tried on: one API server, a namespace of one's own, and answers as they come over the wire. */
import http from "node:http";
import https from "node:https";
import { watchApi, type ApiAddress, type ApiEvent } from "../../support/api-request.ts";
import { applyCustomResourceDefinitions } from "../../support/apply.ts";
import type { TestApi } from "../../support/kubernetes-apis.ts";
import { WIDGETS } from "./widgets.ts";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Body;
}

/** JSON of any shape; texts that are no JSON are under `text`. */
export interface Body {
  readonly [field: string]: Body;
}

export interface Subject {
  readonly name: TestApi["name"];
  readonly namespace: string;
  /** `/apis/contract.weir.dev/v1/namespaces/NAMESPACE/widgets` */
  readonly widgets: string;
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  watch(path: string, signal: AbortSignal): AsyncGenerator<ApiEvent>;
  /** Compaction: what was before now is forgotten, here and now or a moment later. */
  forgetHistory(): Promise<void>;
}

export const JSON_PATCH = { "content-type": "application/json-patch+json" };
export const MERGE_PATCH = { "content-type": "application/merge-patch+json" };
export const APPLY_PATCH = { "content-type": "application/apply-patch+yaml" };

export async function prepareSubjects(api: TestApi): Promise<() => Promise<Subject>> {
  await applyCustomResourceDefinitions(api.request, [WIDGETS]);
  return async () => {
    const namespace = await api.createNamespace();
    return {
      name: api.name,
      namespace,
      widgets: `/apis/contract.weir.dev/v1/namespaces/${namespace}/widgets`,
      ask: (method, path, body, headers = {}) => ask(api.address, method, path, body, headers),
      watch: (path, signal) => watchApi(api.address, path, signal),
      forgetHistory: () => api.forgetHistory(),
    };
  };
}

function ask(address: ApiAddress, method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const url = new URL(path, address.url);
  const common = { authorization: `Bearer ${address.token ?? ""}`, accept: "application/json", "content-type": "application/json", "user-agent": "contract/1" };
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const length = { "content-length": Buffer.byteLength(text) }; // Node does not say it for DELETE by itself
  const options = { method, ca: address.ca, agent: false as const, headers: { ...common, ...length, ...headers } };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, options, (response) => {
      answerOf(response).then(resolve, reject);
    });
    request.on("error", reject);
    request.end(text);
  });
}

async function answerOf(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const isJson = text.startsWith("{"); // whatever the type says: the index of OpenAPI is sent as plain text
  return { status: response.statusCode ?? 0, headers: response.headers, body: (isJson ? JSON.parse(text) : { text }) as Body };
}
