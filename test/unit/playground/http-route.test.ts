/** HTTPRoutes in the embedded mesh: who is matched first, and where requests go. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { Entrance } from "../../../src/playground/mesh/http-match.ts";
import { createRoutingTable, type Target } from "../../../src/playground/mesh/routing-table.ts";
import { aKubernetesService } from "./mesh-objects.fixture.ts";

const services = ["reviews", "a", "b", "c", "d", "e"].map((name) => aKubernetesService(name, { app: name }));
const mesh = { group: "", kind: "Service", name: "reviews" };

function aRoute(rules: readonly object[], spec: object = {}): KubernetesObject {
  return { metadata: { name: "reviews", namespace: "bookinfo" }, spec: { parentRefs: [mesh], rules, ...spec } };
}

const to = (name: string, rest: object = {}): object => ({ backendRefs: [{ name, port: 9080 }], ...rest });

interface Sent {
  readonly host?: string;
  readonly target?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly entrance?: Entrance;
  readonly draw?: number;
}

function sent(route: KubernetesObject, { host = "reviews", target = "/", method = "GET", headers = {}, entrance = "sidecar", draw = 0 }: Sent = {}): string {
  const table = createRoutingTable({ virtualServices: [], destinationRules: [], services, httpRoutes: [route] });
  expect(table.rejected).toEqual([]);
  return said(table.targetOf({ host, target, method, headers }, { namespace: "bookinfo", entrance, labels: {} }, draw));
}

function said(target: Target): string {
  return target.kind === "pods" ? target.service.name : `${target.code} ${target.flags}`;
}

describe("the rule", () => {
  const route = aRoute([
    to("a"),
    to("b", { matches: [{ path: { type: "PathPrefix", value: "/shop" } }, { method: "POST" }] }),
    to("c", { matches: [{ path: { type: "Exact", value: "/shop/cart" } }] }),
    to("d", { matches: [{ headers: [{ name: "end-user", value: "jason" }] }] }),
    to("e", { matches: [{ path: { type: "RegularExpression", value: "/[0-9]+" }, queryParams: [{ name: "q", value: "1" }] }] }),
  ]);

  test.each([
    ["without conditions comes last", {}, "a"],
    ["with the longer prefix comes first", { target: "/shop/x" }, "b"],
    ["with an exact path comes before a prefix", { target: "/shop/cart?x=1" }, "c"],
    ["with a prefix matches whole elements", { target: "/shopping" }, "a"],
    ["with a method", { method: "POST" }, "b"],
    ["with a header", { headers: { "end-user": "jason" } }, "d"],
    ["with an expression and a query parameter", { target: "/42?q=1" }, "e"],
    ["with another value of the query parameter is not meant", { target: "/42?q=2" }, "a"],
  ])("%s", (_, request, expected) => {
    expect(sent(route, request)).toBe(expected);
  });
});

describe("where requests go", () => {
  const split = aRoute([{ backendRefs: [{ name: "a", port: 9080, weight: 90 }, { name: "b", port: 9080, weight: 10 }] }]);
  test("by the weights", () => {
    expect([0, 0.89, 0.91].map((draw) => sent(split, { draw }))).toEqual(["a", "a", "b"]);
  });

  test("nowhere, where a rule has no reference or a Service is not there", () => {
    expect(sent(aRoute([{}]))).toBe("503 NC");
    expect(sent(aRoute([to("nobody")]))).toBe("503 NC");
  });

  test("as they are, for hosts of others and through gateways that are no parents", () => {
    expect(sent(split, { host: "c" })).toBe("c");
    expect(sent(split, { entrance: "gateway" })).toBe("404 NR");
  });

  test("by host, for what comes in by a Gateway", () => {
    const behind = aRoute([to("a")], { parentRefs: [{ name: "front" }], hostnames: ["shop.example"] });
    expect(sent(behind, { entrance: "gateway", host: "shop.example" })).toBe("a");
    expect(sent(behind, { entrance: "gateway", host: "other.example" })).toBe("404 NR");
    expect(sent(behind)).toBe("reviews");
  });
});

test("a condition that this mesh does not know is not passed over", () => {
  const { rejected } = createRoutingTable({ virtualServices: [], destinationRules: [], services, httpRoutes: [aRoute([to("a", { matches: [{ cookies: [] }] })])] });
  expect(rejected).toEqual([expect.stringContaining("HTTPRoute bookinfo/reviews: spec.rules.0.matches.0")]);
});

test("a filter has copies of the requests go to another Service: a percentage of them, a fraction, or all", () => {
  const mirror = (name: string, rest: object): object => ({ type: "RequestMirror", requestMirror: { backendRef: { name, port: 9080 }, ...rest } });
  const filters = [mirror("b", { percent: 20 }), mirror("c", { fraction: { numerator: 1, denominator: 8 } }), mirror("d", {}), { type: "RequestHeaderModifier", requestHeaderModifier: {} }];
  const table = createRoutingTable({ virtualServices: [], destinationRules: [], services, httpRoutes: [aRoute([to("a", { filters })])] });
  const target = table.targetOf({ host: "reviews", target: "/", method: "GET", headers: {} }, { namespace: "bookinfo", entrance: "sidecar", labels: {} }, 0);
  expect(target.kind === "pods" && target.shadows.map(({ pods, share }) => [pods.service.name, share])).toEqual([["b", 0.2], ["c", 0.125], ["d", 1]]);
});
