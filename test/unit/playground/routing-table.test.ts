/** Where the embedded mesh sends a request. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MeshRequest } from "../../../src/playground/mesh/http-match.ts";
import type { Sender } from "../../../src/playground/mesh/http-match.ts";
import { createRoutingTable, type MeshObjects } from "../../../src/playground/mesh/routing-table.ts";
import { createRandom } from "../../../src/playground/random.ts";
import { aDestinationRule, aServiceEntry, aVirtualService, theMeshObjects, toSubset } from "./mesh-objects.fixture.ts";

const sidecar: Sender = { namespace: "bookinfo", entrance: "sidecar", labels: { app: "productpage", version: "v1" } };
const gateway: Sender = { namespace: "istio-system", entrance: "gateway", labels: {} };

function aRequest(request: Partial<MeshRequest> = {}): MeshRequest {
  return { host: "reviews", target: "/reviews/0", method: "GET", headers: {}, ...request };
}

/** `v1` for a subset's pods, `*` for all pods of the Service, or Envoy's flags. */
function reached(objects: MeshObjects, request: Partial<MeshRequest> = {}, sender = sidecar, draw = 0): string {
  const target = createRoutingTable(objects).targetOf(aRequest(request), sender, draw);
  return target.kind === "pods" ? (target.selector.version ?? "*") : `${target.code} ${target.flags}`;
}

const byHeader = { match: [{ headers: { "end-user": { exact: "jason" } } }], route: [toSubset("v2")] };
const toV1 = { route: [toSubset("v1")] };

describe("matches", () => {
  const cases: [string, unknown, Partial<MeshRequest>, boolean][] = [
    ["an exact path is taken without its query", { uri: { exact: "/login" } }, { target: "/login?next=/" }, true],
    ["an exact path is not a prefix", { uri: { exact: "/login" } }, { target: "/login/x" }, false],
    ["a prefix takes longer paths", { uri: { prefix: "/api/" } }, { target: "/api/v1/products" }, true],
    ["a regular expression covers the whole path", { uri: { regex: "/reviews/\\d+" } }, { target: "/reviews/12" }, true],
    ["a regular expression that covers a part is no match", { uri: { regex: "/reviews/\\d" } }, { target: "/reviews/12" }, false],
    ["a regular expression that does not compile matches nothing", { uri: { regex: "(" } }, {}, false],
    ["case counts in paths", { uri: { exact: "/Login" } }, { target: "/login" }, false],
    ["unless it is told not to", { uri: { exact: "/Login" }, ignoreUriCase: true }, { target: "/login" }, true],
    ["the method counts", { method: { exact: "POST" } }, {}, false],
    ["header names are compared without case", { headers: { "End-User": { exact: "jason" } } }, { headers: { "end-user": "jason" } }, true],
    ["an empty header condition asks for presence", { headers: { "end-user": {} } }, { headers: { "end-user": "x" } }, true],
    ["an absent header is not present", { headers: { "end-user": {} } }, {}, false],
    ["a header that must be absent", { withoutHeaders: { "end-user": {} } }, { headers: { "end-user": "x" } }, false],
    ["a query parameter", { queryParams: { beta: { exact: "1" } } }, { target: "/?beta=1" }, true],
    ["every condition of a match must hold", { uri: { prefix: "/" }, method: { exact: "POST" } }, {}, false],
    ["the labels of the pod that calls", { sourceLabels: { app: "productpage" } }, {}, true],
    ["the labels of another pod", { sourceLabels: { app: "productpage", version: "v2" } }, {}, false],
    ["a match for a gateway does not take what comes from a pod", { gateways: ["front"] }, {}, false],
  ];
  test.each(cases)("%s", (_, match, request, expected) => {
    const objects = theMeshObjects(aVirtualService({ http: [{ match: [match], route: [toSubset("v3")] }, toV1] }));
    expect(reached(objects, request)).toBe(expected ? "v3" : "v1");
  });

  test("the first http route that matches wins, whatever stands after it", () => {
    const objects = theMeshObjects(aVirtualService({ http: [byHeader, toV1, { route: [toSubset("v3")] }] }));
    expect(reached(objects, { headers: { "end-user": "jason" } })).toBe("v2");
    expect(reached(objects)).toBe("v1");
  });

  test("one of several matches is enough", () => {
    const either = { match: [{ method: { exact: "POST" } }, { uri: { prefix: "/reviews" } }], route: [toSubset("v3")] };
    expect(reached(theMeshObjects(aVirtualService({ http: [either, toV1] })))).toBe("v3");
  });

  test("no matching http route is answered 404 NR", () => {
    expect(reached(theMeshObjects(aVirtualService({ http: [byHeader] })))).toBe("404 NR");
  });

  test("a VirtualService with a condition that the mesh does not know is rejected by name, not half obeyed", () => {
    const table = createRoutingTable(theMeshObjects(aVirtualService({ http: [{ match: [{ statPrefix: "x" }], route: [toSubset("v2")] }] })));
    expect(table.rejected).toEqual([expect.stringContaining("VirtualService bookinfo/reviews: spec.http.0.match.0")]);
  });
});

describe("hosts", () => {
  const objects = theMeshObjects(aVirtualService({ http: [toV1] }));
  test.each(["reviews", "reviews:9080", "reviews.bookinfo", "reviews.bookinfo.svc", "reviews.bookinfo.svc.cluster.local", "REVIEWS"])(
    "%s means the Service of the caller's namespace",
    (host) => expect(reached(objects, { host })).toBe("v1"),
  );
  test("a short name means nothing in a namespace without that Service", () => {
    expect(reached(objects, {}, { ...sidecar, namespace: "default" })).toBe("404 NR");
  });
  test("a Service without VirtualService gets its requests on all its pods", () => {
    expect(reached(objects, { host: "ratings" })).toBe("*");
  });
  test("an exact host goes before a wildcard, a longer wildcard before a shorter one", () => {
    const some = theMeshObjects(
      aVirtualService({ hosts: ["*"], http: [toV1] }, { name: "any" }),
      aVirtualService({ hosts: ["*.example.com"], http: [{ route: [toSubset("v2")] }] }, { name: "wild" }),
      aVirtualService({ hosts: ["www.example.com"], http: [{ route: [toSubset("v3")] }] }, { name: "exact" }),
    );
    expect(["www.example.com", "a.example.com", "example.org"].map((host) => reached(some, { host }))).toEqual(["v3", "v2", "v1"]);
  });
  test("of two VirtualServices for one host the older one counts", () => {
    const younger = aVirtualService({ http: [{ route: [toSubset("v2")] }] }, { name: "a", creationTimestamp: "2026-01-02T00:00:00Z" });
    const older = aVirtualService({ http: [toV1] }, { name: "b", creationTimestamp: "2026-01-01T00:00:00Z" });
    expect(reached(theMeshObjects(younger, older))).toBe("v1");
  });
  test("what is attached to a Gateway takes what comes through it, and nothing from pods", () => {
    const attached = theMeshObjects(aVirtualService({ hosts: ["*"], gateways: ["front"], http: [toV1] }));
    expect(reached(attached, { host: "127.0.0.1:4000" }, gateway)).toBe("v1");
    expect(reached(attached)).toBe("*");
    expect(reached(theMeshObjects(aVirtualService({ http: [toV1] })), { host: "reviews" }, gateway)).toBe("404 NR");
  });
});

describe("destinations", () => {
  const split = (...route: unknown[]) => theMeshObjects(aVirtualService({ http: [{ route }] }));
  test("an only destination needs no weight", () => expect(reached(split(toSubset("v2")), {}, sidecar, 0.999)).toBe("v2"));
  test("a destination by host is a Service with its selector", () => expect(reached(split(toSubset(undefined, undefined, "reviews-v9")))).toBe("v9"));
  test("weight 0 gets nothing at either end of the draw", () => {
    const objects = split(toSubset("v1", 0), toSubset("v2", 100), toSubset("v3", 0));
    expect([0, 0.5, 0.999999].map((draw) => reached(objects, {}, sidecar, draw))).toEqual(["v2", "v2", "v2"]);
  });
  test("a subset that no DestinationRule has is answered 503 NC", () => expect(reached(split(toSubset("v7")))).toBe("503 NC"));
  test("a Service that is not there is answered 503 NC", () => expect(reached(split(toSubset(undefined, undefined, "nobody")))).toBe("503 NC"));
  test("subsets of several DestinationRules for one host add up", () => {
    const objects = split(toSubset("v7"));
    const more = { ...aDestinationRule("reviews", ["v7"]), metadata: { name: "more", namespace: "bookinfo" } };
    expect(reached({ ...objects, destinationRules: [...objects.destinationRules, more] })).toBe("v7");
  });

  test("a host of a ServiceEntry is its pods, with or without a subset, and nowhere where it selects none", () => {
    const outside = (subset: string | undefined, labels?: Record<string, string>): MeshObjects => ({
      ...split(toSubset(subset, undefined, "reviews.internal")),
      destinationRules: [{ ...aDestinationRule("reviews", ["v2"]), spec: { host: "reviews.internal", subsets: [{ name: "v2", labels: { version: "v2" } }] } }],
      serviceEntries: [aServiceEntry("reviews.internal", labels)],
    });
    const selector = { app: "reviews" };
    expect([reached(outside("v2", selector)), reached(outside(undefined, { ...selector, version: "v9" })), reached(outside("v2"))]).toEqual(["v2", "v9", "503 NC"]);
    expect(reached({ ...outside("v2", selector), virtualServices: [] }, { host: "reviews.internal" })).toBe("*");
  });
  test("a Service comes before a ServiceEntry for its host", () => {
    const entry = aServiceEntry("reviews-v9.bookinfo.svc.cluster.local", { app: "reviews", version: "v1" });
    expect(reached({ ...split(toSubset(undefined, undefined, "reviews-v9")), serviceEntries: [entry] })).toBe("v9");
  });

  test("over many draws each destination gets its share, within what chance allows", () => {
    const weights = fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100)).filter((all) => all.some((weight) => weight > 0));
    fc.assert(
      fc.property(weights, fc.integer(), (shares, seed) => {
        const table = createRoutingTable(split(...shares.map((weight, index) => toSubset(`v${index + 1}`, weight))));
        const random = createRandom(seed);
        const draws = 2_000;
        const counts = [0, 0, 0];
        for (let draw = 0; draw < draws; draw += 1) {
          const target = table.targetOf(aRequest(), sidecar, random());
          if (target.kind === "pods") counts[Number(target.selector.version!.slice(1)) - 1]! += 1;
        }
        const sum = shares.reduce((total, weight) => total + weight, 0);
        shares.forEach((weight, index) => {
          const share = weight / sum;
          const sixSigma = 6 * Math.sqrt(draws * share * (1 - share));
          expect(Math.abs(counts[index]! - draws * share)).toBeLessThanOrEqual(sixSigma);
        });
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe("delegates", () => {
  const root = (delegate: object, match?: readonly object[]) => aVirtualService({ http: [{ ...(match ? { match } : {}), delegate }, toV1] }, { name: "root" });
  const delegate = (http: readonly unknown[], namespace = "bookinfo") => aVirtualService({ hosts: [], http: [...http] }, { name: "delegate", namespace });

  test.each<[what: string, objects: MeshObjects, request: Partial<MeshRequest>, expected: string]>([
    ["a route of the other VirtualService takes what both ask for", theMeshObjects(root({ name: "delegate" }, [{ uri: { prefix: "/reviews" } }]), delegate([byHeader])), { headers: { "end-user": "jason" } }, "v2"],
    ["what only one of them asks for goes on", theMeshObjects(root({ name: "delegate" }, [{ uri: { prefix: "/admin" } }]), delegate([byHeader])), { headers: { "end-user": "jason" } }, "v1"],
    ["one without conditions takes what the root gives it", theMeshObjects(root({ name: "delegate" }, [{ uri: { prefix: "/reviews" } }]), delegate([{ route: [toSubset("v3")] }])), {}, "v3"],
    ["one in another namespace means hosts of its own", theMeshObjects(root({ name: "delegate", namespace: "shop" }), delegate([{ route: [toSubset("v3")] }], "shop")), {}, "503 NC"],
    ["one that is not there takes nothing", theMeshObjects(root({ name: "other" }), delegate([{ route: [toSubset("v3")] }])), {}, "v1"],
    ["one with hosts of its own is no delegate", theMeshObjects(root({ name: "delegate" }), aVirtualService({ hosts: ["ratings"], http: [{ route: [toSubset("v3")] }] }, { name: "delegate" })), {}, "v1"],
  ])("%s", (_, objects, request, expected) => {
    expect(reached(objects, request)).toBe(expected);
  });
});
