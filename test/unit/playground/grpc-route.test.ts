/** GRPCRoutes in the embedded mesh: which calls are matched by which rule, how they end, and what is told of them. */
import { request, type IncomingHttpHeaders } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { createCleanUp } from "../../../src/playground/clean-up.ts";
import { createMesh } from "../../../src/playground/mesh/mesh.ts";
import { createRoutingTable, type MeshObjects, type Target } from "../../../src/playground/mesh/routing-table.ts";
import { createSamplePods } from "../../../src/playground/samples/sample-pods.ts";
import { aKubernetesService, anEndpoint } from "./mesh-objects.fixture.ts";

const services = [...["reviews", "a", "b", "c", "d", "e"].map((name) => aKubernetesService(name, { app: name })), ...["v1", "v2"].map((version) => aKubernetesService(version, { app: "reviews", version }))];

function aRoute(rules: readonly object[], metadata: Partial<KubernetesObject["metadata"]> = {}): KubernetesObject {
  return { metadata: { name: "reviews", namespace: "bookinfo", ...metadata }, spec: { parentRefs: [{ group: "", kind: "Service", name: "reviews" }], rules } };
}

function objectsOf(route: KubernetesObject, others: Partial<MeshObjects> = {}): MeshObjects {
  return { virtualServices: [], destinationRules: [], services, grpcRoutes: [route], ...others };
}

const to = (name: string, rest: object = {}): object => ({ backendRefs: [{ name, port: 9080 }], ...rest });
const call = { "content-type": "application/grpc" };

interface Called {
  readonly target?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly draw?: number;
}

function calledBy(objects: MeshObjects, { target = "/shop.Reviews/List", method = "POST", headers = call, draw = 0 }: Called = {}): string {
  const table = createRoutingTable(objects);
  expect(table.rejected).toEqual([]);
  return said(table.targetOf({ host: "reviews", target, method, headers }, { namespace: "bookinfo", entrance: "sidecar", labels: {} }, draw));
}

function said(target: Target): string {
  return target.kind === "pods" ? target.service.name : `${target.code} ${target.flags}`;
}

describe("the rule", () => {
  const route = aRoute([
    to("a"),
    to("b", { matches: [{ method: { service: "shop.Reviews" } }] }),
    to("c", { matches: [{ method: { service: "shop.Reviews", method: "Write" } }, { method: { method: "Erase" } }] }),
    to("d", { matches: [{ headers: [{ name: "x-team", type: "RegularExpression", value: "re.*" }] }] }),
    to("e", { matches: [{ method: { type: "RegularExpression", service: "cart[.].+", method: "(Add|Take)" } }] }),
  ]);

  test.each([
    ["without conditions comes last", { target: "/shop.Ratings/List" }, "a"],
    ["with a service takes each of its methods", {}, "b"],
    ["with a method besides comes before it", { target: "/shop.Reviews/Write" }, "c"],
    ["with a method alone takes it of any service", { target: "/cart.Items/Erase" }, "c"],
    ["with a header takes calls that no service is named for", { target: "/cart.Items/List", headers: { ...call, "x-team": "reviews" } }, "d"],
    ["with a service comes before one with a header", { headers: { ...call, "x-team": "reviews" } }, "b"],
    ["with expressions means all of the name", { target: "/cart.Items/Add" }, "e"],
    ["with expressions means nothing longer", { target: "/cart.Items/AddAll" }, "a"],
    ["takes calls in whatever encoding", { headers: { "content-type": "application/grpc+proto" } }, "b"],
  ])("%s", (_, called, expected) => {
    expect(calledBy(objectsOf(route), called)).toBe(expected);
  });

  test.each([
    ["a request that is no POST", { method: "GET" }],
    ["one that is no call", { headers: { "content-type": "application/json" } }],
    ["gRPC for the web", { headers: { "content-type": "application/grpc-web" } }],
    ["a path that is no method", { target: "/shop.Reviews" }],
  ])("takes no %s", (_, called) => {
    expect(calledBy(objectsOf(route), called)).toBe("404 NR");
  });
});

test("calls go by the weights", () => {
  const split = aRoute([{ backendRefs: [{ name: "a", port: 9080, weight: 90 }, { name: "b", port: 9080, weight: 10 }] }]);
  expect([0, 0.89, 0.91].map((draw) => calledBy(objectsOf(split), { draw }))).toEqual(["a", "a", "b"]);
});

test.each([["older", "2026-01-01T00:00:00Z", "a"], ["younger", "2026-01-03T00:00:00Z", "b"]])("a GRPCRoute that is %s than an HTTPRoute for the same host", (_, creationTimestamp, expected) => {
  const httpRoutes = [aRoute([to("b")], { creationTimestamp: "2026-01-02T00:00:00Z" })];
  expect(calledBy(objectsOf(aRoute([to("a")], { creationTimestamp }), { httpRoutes }))).toBe(expected);
});

test("a condition that this mesh does not know is not passed over", () => {
  const { rejected } = createRoutingTable(objectsOf(aRoute([to("a", { matches: [{ queryParams: [] }] })])));
  expect(rejected).toEqual([expect.stringContaining("GRPCRoute bookinfo/reviews: spec.rules.0.matches.0")]);
});

describe("on loopback", () => {
  const cleanUp = createCleanUp();
  afterEach(cleanUp.run);

  async function aMeshOf(route: KubernetesObject) {
    const pods = createSamplePods({ seed: 1 });
    cleanUp.add(pods.close);
    for (const version of ["v1", "v2"]) await pods.run(anEndpoint("reviews", version));
    const mesh = await createMesh({ callers: [{ workload: "client", namespace: "bookinfo", app: "client", version: "v1", entrance: "sidecar" }], endpoints: pods.endpoints, seed: 1 });
    cleanUp.add(mesh.close);
    mesh.push(objectsOf(route));
    return { mesh, pods };
  }

  function called(url: string): Promise<{ readonly code: number | undefined; readonly headers: IncomingHttpHeaders }> {
    return new Promise((resolve, reject) => {
      const asking = request(`${url}/shop.Reviews/List`, { method: "POST", headers: { ...call, host: "reviews" } }, (answer) => answer.resume().once("end", () => resolve({ code: answer.statusCode, headers: answer.headers })));
      asking.once("error", reject).end("call");
    });
  }

  test("a call that fails ends with 200 and its status, and so it is told of, also of its copy", async () => {
    const { mesh, pods } = await aMeshOf(aRoute([to("v1", { filters: [{ requestMirror: { backendRef: { name: "v2" } } }] })]));
    pods.turn("reviews", "v1", { errorRate: 1 });
    const { code, headers } = await called(mesh.proxyOf("client").url);
    expect([code, headers["grpc-status"], headers["x-version"]]).toEqual([200, "13", "v1"]);
    const { statsUrl, linkerdUrl } = mesh.proxyOf("client");
    await expect.poll(() => mesh.shadowed("bookinfo", "v2")).toEqual({ v2: { requests: 1, bad: 0 } });
    await expect.poll(async () => linesIn(statsUrl, "istio_requests_total")).toEqual([
      expect.stringMatching(/reporter="destination".*destination_version="v2".*request_protocol="grpc",grpc_response_status="0",response_code="200"/),
      expect.stringMatching(/reporter="source".*destination_version="v1".*request_protocol="grpc",grpc_response_status="13",response_code="200"/),
    ]);
    expect(await linesIn(linkerdUrl, "response_total")).toEqual([expect.stringMatching(/status_code="200",grpc_status="13",classification="failure"/)]);
  });

  test("a call that no pod is there for ends as Envoy ends it: 200, and UNAVAILABLE", async () => {
    const { mesh } = await aMeshOf(aRoute([to("a")]));
    const { code, headers } = await called(mesh.proxyOf("client").url);
    expect([code, headers["grpc-status"]]).toEqual([200, "14"]);
    expect(await linesIn(mesh.proxyOf("client").statsUrl, "istio_requests_total")).toEqual([expect.stringMatching(/grpc_response_status="14",response_code="200",response_flags="UH"/)]);
  });

  async function linesIn(url: string, metric: string): Promise<readonly string[]> {
    return (await (await fetch(url)).text()).split("\n").filter((line) => line.startsWith(metric)).sort();
  }
});
