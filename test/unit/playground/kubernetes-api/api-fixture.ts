/** An embedded API with one small kind, and a client that shows answers as they are. */
import { createKubernetesApi, type KubernetesApi, type KubernetesApiOptions } from "../../../../src/playground/kubernetes-api/kubernetes-api.ts";
import type { GivenObject } from "../../../../src/playground/kubernetes-api/objects.ts";
import type { AnsweredRequest } from "../../../../src/playground/kubernetes-api/request-record.ts";

export const NOTES: GivenObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "notes.test.dev" },
  spec: {
    group: "test.dev",
    scope: "Namespaced",
    names: { plural: "notes", kind: "Note" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { text: { type: "string" } } } } } },
      },
    ],
  },
};

export const note = (name: string, text = "hello", metadata: object = {}): object => ({ apiVersion: "test.dev/v1", kind: "Note", metadata: { name, ...metadata }, spec: { text } });

export const COLLECTION = "/apis/test.dev/v1/namespaces/default/notes";

export interface Fixture {
  readonly api: KubernetesApi;
  readonly requests: readonly AnsweredRequest[];
  /** A POST if there is a body, else a GET, unless said otherwise. */
  ask(path: string, body?: unknown, method?: string, headers?: Readonly<Record<string, string>>): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Json }>;
}

export interface Json {
  readonly [field: string]: Json;
}

export async function startApi(options: KubernetesApiOptions = {}): Promise<Fixture> {
  const requests: AnsweredRequest[] = [];
  const api = await createKubernetesApi({ crds: [NOTES], onRequest: (request) => requests.push(request), ...options });
  return {
    api,
    requests,
    async ask(path, body, method = body === undefined ? "GET" : "POST", headers = {}) {
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const given = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(api.url + path, { method, headers: { "content-type": type, ...headers }, ...given });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: (text.startsWith("{") ? JSON.parse(text) : { text }) as Json };
    },
  };
}
