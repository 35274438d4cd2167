/** The mesh on real loopback HTTP: what is pushed is what is routed, and counted. */
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createLoad } from "../../../src/playground/load.ts";
import { createMesh, type Mesh } from "../../../src/playground/mesh/mesh.ts";
import type { MeshObjects } from "../../../src/playground/mesh/routing-table.ts";
import { processClock } from "../../../src/playground/process-clock.ts";
import { shareOf } from "../../../src/playground/mesh/tally.ts";
import { createSamplePods, type SamplePods } from "../../../src/playground/samples/sample-pods.ts";
import { aVirtualService, anEndpoint, theMeshObjects, toSubset } from "./mesh-objects.fixture.ts";

const caller = { workload: "productpage-v1", namespace: "bookinfo", app: "productpage", version: "v1", entrance: "sidecar" as const };
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function aMesh(options: { versions?: string[]; propagationMs?: number } = {}): Promise<{ mesh: Mesh; pods: SamplePods; url: string }> {
  const pods = createSamplePods({ seed: 1 });
  closers.push(() => pods.close());
  for (const version of options.versions ?? ["v1", "v2"]) {
    await pods.run(anEndpoint("reviews", version));
    pods.turn("reviews", version, { latencyMs: 1 });
  }
  const mesh = await createMesh({ callers: [caller], endpoints: pods.endpoints, seed: 1, propagationMs: options.propagationMs ?? 0 });
  closers.push(() => mesh.close());
  return { mesh, pods, url: mesh.proxyOf("productpage-v1").url };
}

function split(v1: number, v2: number) {
  return theMeshObjects(aVirtualService({ http: [{ route: [toSubset("v1", v1), toSubset("v2", v2)] }] }));
}

function ask(url: string, init: { path?: string; method?: string; body?: string } = {}) {
  return new Promise<{ code: number; version: string; body: string; headers: IncomingHttpHeaders }>((resolve, reject) => {
    const sent = request(`${url}${init.path ?? "/reviews/0"}`, { method: init.method ?? "GET", headers: { host: "reviews" } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ code: answer.statusCode!, version: String(answer.headers["x-version"]), body: Buffer.concat(chunks).toString(), headers: answer.headers }));
    });
    sent.on("error", reject).end(init.body);
  });
}

describe("routing", () => {
  test("a split of 90/10 is 90/10 of the requests that arrive, within what chance allows", async () => {
    const { mesh, url } = await aMesh();
    mesh.push(split(90, 10));
    for (let batch = 0; batch < 20; batch += 1) await Promise.all(Array.from({ length: 50 }, () => ask(url)));
    const counts = mesh.routed("bookinfo", "reviews");
    expect(counts.v1!.requests + counts.v2!.requests).toBe(1_000);
    expect(Math.abs(shareOf(counts, "v2") - 0.1)).toBeLessThan(6 * Math.sqrt((0.1 * 0.9) / 1_000));
  });

  test("what a destination and its route do to an answer's headers is done, the application's own cookie left beside the one that is added", async () => {
    const { mesh, url } = await aMesh();
    const edits = { headers: { response: { add: { "Set-Cookie": "side=v1; Path=/" }, set: { "x-mesh": "destination" }, remove: ["x-version"] } } };
    mesh.push(theMeshObjects(aVirtualService({ http: [{ route: [{ ...toSubset("v1", 100), ...edits }], headers: { response: { add: { "x-mesh": "route" } } } }] })));
    const { headers } = await ask(url);
    expect(headers["set-cookie"]).toEqual(["visitor=known; Path=/", "side=v1; Path=/"]);
    expect([headers["x-mesh"], headers["x-version"]]).toEqual(["destination, route", undefined]);
  });

  test("weights are relative: of 15 and 75 the one gets a sixth", async () => {
    const { mesh, url } = await aMesh();
    mesh.push(split(75, 15));
    for (let batch = 0; batch < 20; batch += 1) await Promise.all(Array.from({ length: 50 }, () => ask(url)));
    expect(Math.abs(shareOf(mesh.routed("bookinfo", "reviews"), "v2") - 1 / 6)).toBeLessThan(6 * Math.sqrt(5 / 36 / 1_000));
  });

  test("copies of a fifth of the requests go to the mirror as well, with their bodies, and answer nobody", async () => {
    const { mesh, url } = await aMesh();
    mesh.push(theMeshObjects(aVirtualService({ http: [{ route: [toSubset("v1", 100)], mirror: { host: "reviews", subset: "v2" }, mirrorPercentage: { value: 20 } }] })));
    const answers: string[] = [];
    for (let batch = 0; batch < 20; batch += 1) answers.push(...(await Promise.all(Array.from({ length: 50 }, () => ask(url, { method: "POST", body: "x" })))).map(({ version }) => version));
    expect(new Set(answers)).toEqual(new Set(["v1"]));
    expect(mesh.routed("bookinfo", "reviews")).toEqual({ v1: { requests: 1_000, bad: 0 } });
    const { v2 } = mesh.shadowed("bookinfo", "reviews");
    expect(Math.abs(v2!.requests / 1_000 - 0.2)).toBeLessThan(6 * Math.sqrt((0.2 * 0.8) / 1_000));
    const text = await (await fetch(mesh.proxyOf("productpage-v1").statsUrl)).text();
    expect(text).toMatch(/istio_requests_total\{.*reporter="destination".*destination_version="v2".*\} \d+/);
    expect(text).not.toMatch(/istio_requests_total\{.*reporter="source".*destination_version="v2"/);
  });

  test.each([
    ["fails", { errorRate: 1 }],
    ["never answers in time", { latencyMs: 2_000 }],
  ])("a mirror that %s delays nobody and fails nobody", async (_, trouble) => {
    const { mesh, pods, url } = await aMesh();
    pods.turn("reviews", "v2", trouble);
    mesh.push(theMeshObjects(aVirtualService({ http: [{ route: [toSubset("v1", 100)], mirrors: [{ destination: { host: "reviews", subset: "v2" } }] }] })));
    const startedMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url)));
    expect(answers.every(({ code, version }) => code === 200 && version === "v1")).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(mesh.shadowed("bookinfo", "reviews")["v2"]!.requests).toBe(20);
    expect(mesh.routed("bookinfo", "reviews")).toEqual({ v1: { requests: 20, bad: 0 } });
  });

  test("a mirror without pods, or to nowhere, is passed over", async () => {
    const { mesh, url } = await aMesh({ versions: ["v1"] });
    mesh.push(theMeshObjects(aVirtualService({ http: [{ route: [toSubset("v1", 100)], mirrors: [{ destination: { host: "reviews", subset: "v2" } }, { destination: { host: "nowhere" } }] }] })));
    expect(await ask(url)).toMatchObject({ code: 200, version: "v1" });
    expect(mesh.shadowed("bookinfo", "reviews")).toEqual({});
  });

  test("a push changes where the next request goes", async () => {
    const { mesh, url } = await aMesh();
    mesh.push(split(100, 0));
    expect((await ask(url)).version).toBe("v1");
    mesh.push(split(0, 100));
    expect((await ask(url)).version).toBe("v2");
  });

  test("with a propagation delay the old route serves until the new one is in force", async () => {
    const { mesh, url } = await aMesh({ propagationMs: 50 });
    const old = split(100, 0);
    const young = split(0, 100);
    const inForce = (wanted: MeshObjects) => new Promise<void>((resolve) => void mesh.onInForce((objects) => objects === wanted && resolve()));
    mesh.push(old);
    await inForce(old);
    mesh.push(young);
    expect((await ask(url)).version).toBe("v1");
    await inForce(young);
    expect((await ask(url)).version).toBe("v2");
  });

  test("method and body reach the pod, and the answer's body comes back", async () => {
    const { mesh, url } = await aMesh();
    mesh.push(split(100, 0));
    const answer = await ask(url, { method: "POST", body: "x".repeat(100_000) });
    expect(JSON.parse(answer.body)).toEqual({ app: "reviews", version: "v1", pod: "reviews-v1-0" });
  });
});

describe("trouble", () => {
  test("no pod behind the subset is 503 UH, and is counted as reaching nobody", async () => {
    const { mesh, url } = await aMesh({ versions: ["v1"] });
    mesh.push(split(0, 100));
    const answer = await ask(url);
    expect([answer.code, answer.body]).toEqual([503, "the mesh answered: 503 UH\n"]);
    expect(mesh.routed("bookinfo", "reviews")).toEqual({ "-": { requests: 1, bad: 1 } });
  });

  test("a pod that refuses connections is 503 UF, one that breaks off is 503 UC", async () => {
    const rude = createServer((request) => void request.socket.destroy());
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => void rude.close(() => resolve())));
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const closedPort = (closed.address() as AddressInfo).port;
    await new Promise((resolve) => closed.close(resolve));
    const endpoints = [anEndpoint("reviews", "v1", closedPort), anEndpoint("reviews", "v2", (rude.address() as AddressInfo).port)];
    const mesh = await createMesh({ callers: [caller], endpoints: () => endpoints, seed: 1 });
    closers.push(() => mesh.close());
    mesh.push(split(100, 0));
    expect((await ask(mesh.proxyOf("productpage-v1").url)).body).toContain("503 UF");
    mesh.push(split(0, 100));
    expect((await ask(mesh.proxyOf("productpage-v1").url)).body).toContain("503 UC");
  });

  test("a client that goes away is counted with code 0 and flags DC", async () => {
    const { mesh, pods, url } = await aMesh();
    mesh.push(split(100, 0));
    pods.turn("reviews", "v1", { latencyMs: 60_000 });
      const sent = request(url, { headers: { host: "reviews" } });
    sent.on("error", () => undefined).end();
    await new Promise((resolve) => sent.once("finish", resolve));
    await expect.poll(() => sent.socket?.bytesWritten ?? 0).toBeGreaterThan(0);
    sent.destroy();
    await expect.poll(async () => (await fetch(mesh.proxyOf("productpage-v1").statsUrl)).text()).toMatch(/^istio_requests_total\{.*response_code="0",response_flags="DC"\} 1$/m);
  });
});

describe("samples", () => {
  test("a version turned bad fails at the rate told, and the other one does not", async () => {
    const { mesh, pods, url } = await aMesh();
    mesh.push(split(50, 50));
    pods.turn("reviews", "v2", { errorRate: 0.2 });
    for (let batch = 0; batch < 20; batch += 1) await Promise.all(Array.from({ length: 50 }, () => ask(url)));
    const { v1, v2 } = mesh.routed("bookinfo", "reviews");
    expect(v1!.bad).toBe(0);
    expect(Math.abs(v2!.bad / v2!.requests - 0.2)).toBeLessThan(6 * Math.sqrt((0.2 * 0.8) / v2!.requests));
  });

  test("a version that is turned before its pods come starts as told", async () => {
    const { mesh, pods, url } = await aMesh({ versions: ["v1"] });
    pods.turn("reviews", "v2", { errorRate: 1 });
    await pods.run(anEndpoint("reviews", "v2"));
    mesh.push(split(0, 100));
    expect((await ask(url)).code).toBe(500);
  });

  test.each([
    [{ errorRate: 5 }, "expected an error rate from 0 to 1, got 5"],
    [{ latencyMs: -1 }, "expected a latency from 0 to 60000 ms, got -1"],
    [{ errorRate: Number.NaN }, "expected an error rate from 0 to 1, got NaN"],
  ])("%j is refused with a sentence", (change, message) => {
    expect(() => createSamplePods({ seed: 1 }).turn("reviews", "v1", change)).toThrow(message);
  });

  test("a pod that ended gets no more requests", async () => {
    const { mesh, pods, url } = await aMesh();
    mesh.push(split(100, 0));
    await pods.end("bookinfo", "reviews-v1-0");
    expect((await ask(url)).body).toContain("503 UH");
  });
});

describe("load", () => {
  test("sends at its rate, and says which version answered what", async () => {
    const { mesh, pods, url } = await aMesh();
    mesh.push(split(50, 50));
    pods.turn("reviews", "v2", { errorRate: 1 });
    const startedMs = processClock.nowMs();
    const load = createLoad({ url: `${url}/reviews/0`, host: "reviews", requestsPerSecond: 400, seed: 3 });
    await expect.poll(() => load.counts().sent, { timeout: 5_000 }).toBeGreaterThan(400);
    const seconds = (processClock.nowMs() - startedMs) / 1_000; // the load stands still while this process does
    await load.close();
    const { sent, answers, dropped } = load.counts();
    expect(Math.abs(sent - 400 * seconds)).toBeLessThan(6 * Math.sqrt(400 * seconds));
    expect(dropped).toBe(0);
    expect(Object.keys(answers).sort()).toEqual(["v1 200", "v2 500"]);
    expect(answers["v1 200"]! + answers["v2 500"]!).toBe(sent);
  });

  test("requests that nobody answers are bounded, and the end does not wait for them for ever", async () => {
    const { mesh, pods, url } = await aMesh();
    mesh.push(split(100, 0));
    pods.turn("reviews", "v1", { latencyMs: 60_000 });
    const load = createLoad({ url, host: "reviews", requestsPerSecond: 2_000, seed: 3, maxInFlight: 20 });
    await expect.poll(() => load.counts().dropped).toBeGreaterThan(10);
    await load.close();
    expect(load.counts()).toMatchObject({ sent: 20, answers: { "- 0": 20 } });
  });
});
