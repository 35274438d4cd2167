/** Whichever API server a test gets, it is used in the same way. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createApiRequest, watchApi } from "../support/api-request.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";

const virtualService = (subset: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews" },
  spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews", subset } }] }] },
});

describe.each(kubernetesApis())("the $name API", ({ open }) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await open();
  });
  afterAll(async () => api.close());

  it("keeps tests apart by namespaces, and creates or merges what it is given", async () => {
    const [one, another] = [await api.createNamespace(), await api.createNamespace()];
    const [created] = await api.apply([virtualService("v1")], { namespace: one });
    const [merged] = await api.apply([virtualService("v2")], { namespace: one });
    expect(merged).toMatchObject({ metadata: { uid: created?.metadata.uid }, spec: virtualService("v2").spec });
    const { items } = await api.request<{ items: readonly unknown[] }>("GET", `/apis/networking.istio.io/v1/namespaces/${another}/virtualservices`);
    expect(items).toEqual([]);
  });

  it("shows a watcher every change, and remembers who asked for what", async () => {
    const namespace = await api.createNamespace();
    const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
    const stop = new AbortController();
    const seen: unknown[] = [];
    await api.apply([virtualService("v1")], { namespace });
    for await (const { type, object } of watchApi(api.address, path, stop.signal)) {
      seen.push([type, object.spec]);
      if (seen.length === 2) break;
      await api.apply([virtualService("v2")], { namespace });
    }
    expect(seen).toEqual([
      ["ADDED", virtualService("v1").spec],
      ["MODIFIED", virtualService("v2").spec],
    ]);
    const requests = api.requestsOf("admin").filter((request) => request.namespace === namespace && request.resource === "virtualservices");
    expect(requests.map(({ verb, status }) => [verb, status])).toEqual([
      ["create", 201],
      ["watch", 200],
      ["create", 409],
      ["patch", 200],
    ]);
  });

  it("gives each user a kubeconfig", async () => {
    const kubeconfig = parse(readFileSync(api.kubeconfigFor("daemon"), "utf8")) as { users: readonly { user: { token: string } }[] };
    await createApiRequest({ ...api.address, token: kubeconfig.users[0]?.user.token ?? "" })("GET", "/apis/weir.dev/v1alpha1/rollouts");
    expect(api.requestsOf("daemon")).toContainEqual(expect.objectContaining({ verb: "list", resource: "rollouts", status: 200 }));
  });
});
