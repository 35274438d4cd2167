/** Connections through the mesh on real loopback sockets: led by tls and tcp routes, and staying where they were led. */
import { connect, createServer, type AddressInfo } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { createMesh, type Mesh } from "../../../src/playground/mesh/mesh.ts";
import type { MeshObjects } from "../../../src/playground/mesh/routing-table.ts";
import { serverNameIn } from "../../../src/playground/mesh/server-name.ts";
import { shareOf, totalOf } from "../../../src/playground/mesh/tally.ts";
import { createSamplePods } from "../../../src/playground/samples/sample-pods.ts";
import { greet, openConnection, versionsOf } from "../../support/connections.ts";
import { until } from "../../support/until.ts";
import { aVirtualService, anEndpoint, theMeshObjects, toSubset } from "./mesh-objects.fixture.ts";

const caller = { workload: "productpage-v1", namespace: "bookinfo", app: "productpage", version: "v1", entrance: "sidecar" as const };
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function aMesh(): Promise<{ readonly mesh: Mesh; readonly url: string; readonly stats: () => Promise<string> }> {
  const pods = createSamplePods({ seed: 1 });
  closers.push(() => pods.close());
  for (const version of ["v1", "v2"]) {
    await pods.run(anEndpoint("reviews", version));
    pods.turn("reviews", version, { latencyMs: 0 });
  }
  const mesh = await createMesh({ callers: [caller], endpoints: pods.endpoints, seed: 1 });
  closers.push(() => mesh.close());
  const { url, statsUrl } = mesh.proxyOf(caller.workload);
  return { mesh, url, stats: async () => (await fetch(statsUrl)).text() };
}

const routes = (v1: number, v2: number) => [toSubset("v1", v1), toSubset("v2", v2)];
const byTcp = (v1: number, v2: number, port = 9000) => theMeshObjects(aVirtualService({ tcp: [{ match: [{ port }], route: routes(v1, v2) }] }));

test("a split of 80/20 is 80/20 of the connections, and each is told of when it opens and when it is over", async () => {
  const { mesh, url, stats } = await aMesh();
  mesh.push(byTcp(80, 20));
  const versions = await versionsOf(url, "reviews:9000", 500);
  const counts = mesh.routed("bookinfo", "reviews");
  expect(counts).toEqual({ v1: { requests: versions.filter((each) => each === "v1").length, bad: 0 }, v2: { requests: versions.filter((each) => each === "v2").length, bad: 0 } });
  expect(Math.abs(shareOf(counts, "v2") - 0.2)).toBeLessThan(6 * Math.sqrt(0.16 / 500));
  const told = async (what: string): Promise<number> => [...(await stats()).matchAll(new RegExp(`^istio_tcp_connections_${what}_total\\{.*\\} (\\d+)$`, "gm"))].reduce((sum, [, count]) => sum + Number(count), 0);
  await until(async () => (await told("closed")) === 500);
  expect(await told("opened")).toBe(500);
});

test("one that is open stays with its pod, whatever the weights say later", async () => {
  const { mesh, url } = await aMesh();
  mesh.push(byTcp(100, 0));
  const connection = await openConnection(url, "reviews:9000");
  expect(await connection.version()).toBe("v1");
  mesh.push(byTcp(0, 100));
  expect(await connection.version()).toBe("v1");
  expect(await versionsOf(url, "reviews:9000", 3)).toEqual(["v2", "v2", "v2"]);
  connection.close();
});

test.each<[what: string, objects: MeshObjects, versions: readonly string[]]>([
  ["leads nowhere to a port that no route takes", byTcp(100, 0), [""]],
  ["goes straight to the pods of a host that has no routes of connections", theMeshObjects(aVirtualService({ http: [{ route: routes(0, 100) }] })), ["v1", "v2"]],
])("%s", async (_, objects, versions) => {
  const { mesh, url } = await aMesh();
  mesh.push(objects);
  for (const version of await versionsOf(url, "reviews:9999", 3)) expect(versions).toContain(version);
});

test("tls routes go by the server name that is asked for, and tcp routes take what asks for none", async () => {
  const { mesh, url } = await aMesh();
  const named = (host: string, split: readonly object[]) => ({ match: [{ port: 443, sniHosts: [host] }], route: split });
  mesh.push(theMeshObjects(aVirtualService({ tls: [named("one.example", routes(100, 0)), named("*.other.example", routes(0, 100))], tcp: [{ route: routes(100, 0) }] })));
  await greet(url, "reviews:443", { serverName: "shop.other.example", count: 3 });
  expect(mesh.routed("bookinfo", "reviews")).toEqual({ v2: { requests: 3, bad: 0 } });
  await greet(url, "reviews:443", { serverName: "one.example", count: 2 });
  expect(await versionsOf(url, "reviews:443", 1)).toEqual(["v1"]);
  expect(mesh.routed("bookinfo", "reviews")).toEqual({ v2: { requests: 3, bad: 0 }, v1: { requests: 3, bad: 0 } });
});

test("who asks for nothing that is a host and a port is refused, and the proxy goes on", async () => {
  const { mesh, url } = await aMesh();
  mesh.push(byTcp(100, 0));
  const answer = await new Promise<string>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port) });
    socket.once("data", (data) => resolve(data.toString())).write("CONNECT a:b:c HTTP/1.1\r\nhost: x\r\n\r\n");
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(await versionsOf(url, "reviews:9000", 1)).toEqual(["v1"]);
  expect(totalOf(mesh.routed("bookinfo", "reviews"))).toBe(1);
});

test("a server name is read from a real ClientHello, and from nothing else", async () => {
  const hello = await new Promise<Buffer>((resolve) => {
    const server = createServer((socket) => socket.once("data", (data) => (resolve(data), socket.destroy())));
    closers.push(() => new Promise((closed) => server.close(closed)));
    server.listen(0, "127.0.0.1", () => connectTls({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, servername: "shop.example" }).on("error", () => undefined));
  });
  expect(serverNameIn(hello)).toBe("shop.example");
  for (let end = 0; end < hello.length; end += 7) expect([undefined, "shop.example"]).toContain(serverNameIn(hello.subarray(0, end)));
  expect(serverNameIn(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toBeUndefined();
});
