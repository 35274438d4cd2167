/** What the embedded API has that the real one has not: faults, a clock, a door for the playground, and a record of requests. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { KubernetesApiOptions } from "../../../../src/playground/kubernetes-api/kubernetes-api.ts";
import { createApiRequest, watchApi, type ApiEvent } from "../../../support/api-request.ts";
import { until } from "../../../support/until.ts";
import { COLLECTION, note, NOTES, startApi, type Fixture } from "./api-fixture.ts";

let fixture: Fixture;
const start = async (options?: KubernetesApiOptions): Promise<Fixture> => (fixture = await startApi(options));
afterEach(async () => fixture.api.close());

/** Collects a watch's events until it ends or breaks. */
function follow(path: string): { readonly seen: ApiEvent[]; readonly end: Promise<unknown> } {
  const seen: ApiEvent[] = [];
  const run = async (): Promise<void> => {
    for await (const event of watchApi({ url: fixture.api.url }, path, new AbortController().signal)) seen.push(event);
  };
  return { seen, end: run().then(() => "ended", (error: unknown) => error) };
}

describe("faults", () => {
  it("answer instead of the server, until they are taken out", async () => {
    const { api, ask, requests } = await start();
    const remove = api.faults.inject(({ verb }) => (verb === "create" ? { answer: { status: 429, reason: "TooManyRequests", headers: { "retry-after": "3" } } } : undefined));
    const refused = await ask(COLLECTION, note("a"));
    expect([refused.status, refused.body.reason, refused.headers.get("retry-after")]).toEqual([429, "TooManyRequests", "3"]);
    remove();
    expect((await ask(COLLECTION, note("a"))).status).toBe(201);
    expect(requests.map(({ verb, status }) => [verb, status])).toEqual([["create", 429], ["create", 201]]);
  });

  it("hold a request before anything is done", async () => {
    const { api, ask } = await start();
    let release = (): void => undefined;
    let arrived = false;
    const hold = new Promise<void>((resolve) => (release = resolve));
    api.faults.inject(({ verb }) => {
      arrived ||= verb === "create";
      return verb === "create" ? { hold } : undefined;
    });
    const held = ask(COLLECTION, note("a"));
    await until(() => arrived);
    expect((await ask(`${COLLECTION}/a`)).status).toBe(404);
    release();
    expect((await held).status).toBe(201);
  });

  it("cut the connection before the write, or after it took effect", async () => {
    const { api, ask } = await start();
    const removeBefore = api.faults.inject(({ verb }) => (verb === "create" ? { cut: "before" } : undefined));
    await expect(ask(COLLECTION, note("a"))).rejects.toThrow("fetch failed");
    removeBefore();
    api.faults.inject(({ verb }) => (verb === "create" ? { cut: "after" } : undefined));
    await expect(ask(COLLECTION, note("b"))).rejects.toThrow("fetch failed");
    expect([(await ask(`${COLLECTION}/a`)).status, (await ask(`${COLLECTION}/b`)).status]).toEqual([404, 200]);
  });

  it("break watches, all of them or some", async () => {
    const { api } = await start();
    const notes = follow(COLLECTION);
    const pods = follow("/api/v1/pods");
    await until(() => api.watches().length === 2);
    api.cutWatches(({ plural }) => plural === "notes");
    expect(await notes.end).toBeInstanceOf(Error);
    await until(() => api.watches().length === 1);
    expect(api.watches()).toMatchObject([{ plural: "pods", user: "admin" }]);
    api.cutWatches();
    expect(await pods.end).toBeInstanceOf(Error);
  });
});

describe("history", () => {
  it("is forgotten on demand: watches and chunks from before are answered with 410", async () => {
    const { api, ask } = await start();
    for (const name of ["a", "b"]) await ask(COLLECTION, note(name));
    const { body } = await ask(`${COLLECTION}?limit=1`);
    await ask(COLLECTION, note("c"));
    api.compact();
    const watch = follow(`${COLLECTION}?resourceVersion=${String(body.metadata?.resourceVersion)}`);
    expect(await watch.end).toBe("ended");
    expect(watch.seen).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
    const chunk = await ask(`${COLLECTION}?limit=1&continue=${String(body.metadata?.continue)}`);
    expect([chunk.status, chunk.body.reason]).toEqual([410, "Expired"]);
  });

  it("has a limit", async () => {
    const { ask } = await start({ historyLimit: 2 });
    const { body } = await ask(COLLECTION, note("a"));
    for (const name of ["b", "c", "d"]) await ask(COLLECTION, note(name));
    const watch = follow(`${COLLECTION}?resourceVersion=${String(body.metadata?.resourceVersion)}`);
    await watch.end;
    expect(watch.seen).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
  });

  it("is bookmarked while nothing happens to those who watch", async () => {
    const { api } = await start({ bookmarkIntervalMs: 5 });
    const watch = follow(`${COLLECTION}?allowWatchBookmarks=true`);
    await until(() => watch.seen.length > 1);
    const put = api.objects.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "default" } });
    await until(() => watch.seen.at(-1)?.object.metadata["resourceVersion"] === put.metadata.resourceVersion);
    expect(watch.seen.every(({ type }) => type === "BOOKMARK")).toBe(true);
  });
});

describe("the playground's own door", () => {
  const pod = (phase: string): { apiVersion: string; kind: string; metadata: { name: string; namespace: string }; status: object } => ({
    apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" }, status: { phase },
  });

  it("writes whole objects, status included, and tells of changes only", async () => {
    const { api, ask, requests } = await start();
    const changes: unknown[] = [];
    const stop = api.objects.onChange({ apiVersion: "v1", kind: "Pod" }, (type, { status }) => changes.push([type, status]));
    const first = api.objects.put(pod("Pending"));
    expect(api.objects.put(pod("Pending"))).toBe(first);
    expect(api.objects.put(pod("Running")).metadata.uid).toBe(first.metadata.uid);
    expect((await ask("/api/v1/namespaces/default/pods/p")).body.status).toEqual({ phase: "Running", qosClass: "BestEffort" }); // the server classes each pod
    api.objects.remove({ apiVersion: "v1", kind: "Pod" }, "default", "p");
    stop();
    api.objects.put(pod("Pending"));
    expect(changes).toMatchObject([["ADDED", { phase: "Pending" }], ["MODIFIED", { phase: "Running" }], ["DELETED", { phase: "Running" }]]);
    expect(requests.map(({ verb }) => verb)).toEqual(["get"]);
  });

  it("names a kind that is not served", async () => {
    const { api } = await start();
    expect(() => api.objects.list({ apiVersion: "v2", kind: "Pod" })).toThrow("expected a kind that is served, got Pod in v2");
  });

  it("reaches what stands behind a Service through the proxy", async () => {
    const server = http.createServer((request, response) => response.end(`you asked ${request.method} ${request.url}`));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { ask } = await start({ serviceAddress: (namespace, name, port) => (`${namespace}/${name}:${port}` === "weir-system/weir:http" ? url : undefined) });
    const answer = await ask("/api/v1/namespaces/weir-system/services/weir:http/proxy/doctor?x=1");
    expect([answer.status, answer.body.text]).toEqual([200, "you asked GET /doctor?x=1"]);
    expect((await ask("/api/v1/namespaces/weir-system/services/other/proxy/")).status).toBe(404);
    await new Promise((resolve) => server.close(resolve));
    const gone = await ask("/api/v1/namespaces/weir-system/services/weir:http/proxy/doctor");
    expect(gone.status).toBe(503);
  });
});

describe("definitions and namespaces", () => {
  it("are served as soon as they are there, and take their objects with them", async () => {
    const { api, ask } = await start({ crds: [] });
    expect((await ask(COLLECTION)).status).toBe(404);
    expect((await ask("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", NOTES)).status).toBe(201);
    expect((await ask(COLLECTION, note("a"))).status).toBe(201);
    expect((await ask("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/notes.test.dev", undefined, "DELETE")).status).toBe(200);
    expect((await ask(COLLECTION)).status).toBe(404);
    api.objects.put(NOTES);
    expect((await ask(COLLECTION)).body.items).toEqual([]);
  });

  it("are refused where they are no definition, with every reason", async () => {
    const { ask } = await start();
    const versions = [{ name: "v1", served: true, storage: false, schema: { openAPIV3Schema: { type: "object", "x-kubernetes-validations": [{ rule: "self.(" }] } } }];
    const { status, body } = await ask("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "x" }, spec: { group: "g.dev", names: { plural: "xs", kind: "X" }, versions },
    });
    const causes = body.details?.causes as unknown as readonly { field: string }[];
    expect([status, causes.map(({ field }) => field)]).toEqual([
      422,
      ["metadata.name", "spec.scope", "spec.versions", "spec.versions[0].schema.openAPIV3Schema.x-kubernetes-validations[0].rule"],
    ]);
  });

  it("a namespace goes with all that is in it, and waits for finalizers", async () => {
    const { ask } = await start();
    await ask("/api/v1/namespaces", { metadata: { name: "shop" } });
    const path = "/apis/test.dev/v1/namespaces/shop/notes";
    await ask(path, note("free"));
    await ask(path, note("bound", "hello", { finalizers: ["test.dev/wait"] }));
    expect((await ask("/api/v1/namespaces/shop", undefined, "DELETE")).body.status).toEqual({ phase: "Terminating" });
    expect([(await ask(`${path}/free`)).status, (await ask(`${path}/bound`)).status, (await ask("/api/v1/namespaces/shop")).status]).toEqual([404, 200, 200]);
    expect((await ask(path, note("late"))).status).toBe(403);
    await ask(`${path}/bound`, { metadata: { finalizers: null } }, "PATCH");
    expect((await ask("/api/v1/namespaces/shop")).status).toBe(404);
  });
});

describe("the clock and the record", () => {
  it("times are those of the given clock", async () => {
    let now = new Date("2026-11-21T10:00:00.700Z");
    const { ask } = await start({ now: () => now });
    const made = await ask(`${COLLECTION}?fieldManager=one`, note("a"));
    expect(made.body.metadata?.creationTimestamp).toBe("2026-11-21T10:00:00Z");
    now = new Date("2026-11-21T10:05:00Z");
    const changed = await ask(`${COLLECTION}/a?fieldManager=one`, { spec: { text: "b" } }, "PATCH");
    expect(changed.body.metadata?.managedFields).toMatchObject([{ manager: "one", time: "2026-11-21T10:05:00Z" }]);
    const rows = (await ask(COLLECTION, undefined, "GET", { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" })).body.rows;
    expect(rows).toMatchObject([{ cells: ["a", "5m"] }]);
  });

  it("every request is recorded as an audit log would", async () => {
    const { api, requests } = await start();
    const request = createApiRequest({ url: api.url, token: "alice" });
    await request("POST", COLLECTION, note("a"));
    await request("PATCH", `${COLLECTION}/a/status?fieldManager=x`, { status: {} });
    await request("GET", COLLECTION);
    await request("DELETE", `${COLLECTION}/a`);
    await request("GET", "/version");
    const shown = requests.map(({ user, verb, resource, subresource, namespace, name, status }) => [user, verb, resource, subresource, namespace, name, status]);
    expect(shown).toEqual([
      ["alice", "create", "notes", "", "default", "", 201],
      ["alice", "patch", "notes", "status", "default", "a", 200],
      ["alice", "list", "notes", "", "default", "", 200],
      ["alice", "delete", "notes", "", "default", "a", 200],
      ["alice", "get", "", "", "", "", 200],
    ]);
  });
});
