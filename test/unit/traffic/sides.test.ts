/** How a route is led to the pods of one Deployment, to its two sides, and back, and the rule of ours that tells these apart. */
import { describe, expect, it } from "vitest";
import type { JsonPatchOperation, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict } from "../../../src/kubernetes/errors.ts";
import type { SideNames } from "../../../src/rollout/deployment.ts";
import type { RouteFound, RouteSeen } from "../../../src/rollout/observation.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import type { SidesWanted } from "../../../src/rollout/upkeep.ts";
import { createIstioRouter } from "../../../src/traffic/istio/istio-router.ts";
import type { RouteChange } from "../../../src/traffic/traffic-router.ts";
import { asFound } from "../../support/as-found.ts";
import { aDestinationRule, aKubernetesService, aTarget, aVirtualService, hosts, NAMESPACE, subsets, type KubernetesRoute } from "../../support/istio-objects.ts";
import { createMemoryCluster, type CachedKind } from "../../support/memory-cluster.ts";

const ROLLOUT = { namespace: NAMESPACE, name: "reviews" };
const NOON = Date.parse("2026-11-21T12:00:00Z");
const [STABLE, CANARY] = ["v1-35dcc5d", "v2-e0b8f1d"];
const MARK = "uid-1/1";
const NAMES: SideNames = { mark: MARK, plain: STABLE, stable: STABLE, canary: CANARY, podLabels: { app: "reviews", team: "books" } };
const PLAIN = { route: hosts({ reviews: null }) };

type Objects = readonly (readonly [CachedKind, KubernetesObject])[];

function withRoutes(...http: readonly KubernetesRoute[]): Objects {
  return [["virtualServices", aVirtualService({ http })], ["services", aKubernetesService()]];
}

function withRule(rule: KubernetesObject, objects: Objects = withRoutes(PLAIN)): Objects {
  return [...objects, ["destinationRules", rule]];
}

/** A DestinationRule with more in it than its subsets. */
function aRule(fields: Readonly<Record<string, unknown>> & { readonly host: string }, name = "reviews", namespace = NAMESPACE): KubernetesObject {
  return { ...aDestinationRule({ name, namespace }), spec: fields };
}

function aScene(objects: Objects) {
  let now = NOON;
  const cluster = createMemoryCluster({ nowMs: () => now });
  for (const [kind, object] of objects) cluster.put(kind, object);
  const router = createIstioRouter(cluster);
  const ruleOf = (): KubernetesObject | undefined => cluster.caches.destinationRules.get(NAMESPACE, "weir-reviews");
  const look = (names = NAMES, target: Traffic = aTarget()): RouteSeen => router.read(ROLLOUT, target, [CANARY, STABLE], undefined, names);
  const see = (target?: Traffic): RouteFound => {
    const seen = look(NAMES, target);
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  return {
    cluster, look, see, ruleOf,
    pass: (seconds: number) => void (now += seconds * 1_000),
    stored: (): KubernetesObject => cluster.caches.virtualServices.get(NAMESPACE, "reviews")!,
    destinations: (): unknown => (cluster.caches.virtualServices.get(NAMESPACE, "reviews")!.spec as { http: { route: unknown }[] }).http.at(-1)!.route,
    /** What the last write changed. */
    changes: (): readonly JsonPatchOperation[] => cluster.patches.at(-1)!.body.filter(({ op }) => op !== "test"),
    split: (points: Readonly<Record<string, number | null>>, { isSplit, target = aTarget(), seen = see(target), ...rest }: { readonly isSplit: boolean } & Partial<RouteChange>) =>
      router.write({
        rollout: ROLLOUT, target, seen, ours: [STABLE, CANARY], wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })), matched: null, stamp: "uid-1/1.1", manager: "weir",
        ...rest, sides: { ...NAMES, isSplit },
      }),
    sides: () => router.sides(ROLLOUT, aTarget()),
    tell: (wanted: SidesWanted | null, seen = router.sides(ROLLOUT, aTarget()).seen) => router.writeSides(ROLLOUT, aTarget(), { wanted, ...(seen ? { seen } : {}) }),
  };
}

function destinationsOf(seen: RouteSeen): readonly unknown[] {
  const route = seen.kind === "found" ? seen : seen.mendable;
  return (route?.destinations ?? []).map(({ version, points, weighted, candidate }) => [version, points, weighted, candidate]);
}

describe("a route to the pods of one Deployment", () => {
  it.each<[string, KubernetesRoute["route"], boolean, readonly unknown[]]>([
    ["that leads to all of them is the stable version's", hosts({ reviews: null }), false, [[STABLE, 100, false, true]]],
    ["that leads to all of them by weight, too", hosts({ reviews: 100 }), false, [[STABLE, 100, true, true]]],
    ["however the host is spelled", hosts({ "reviews.bookinfo.svc.cluster.local": null }), false, [[STABLE, 100, false, true]]],
    ["with an empty subset, which is none", subsets({ "": 100 }), false, [[STABLE, 100, true, true]]],
    ["that leads to the side of stable is split", subsets({ "weir-stable": null }), true, [[STABLE, 100, false, true]]],
    ["that leads to both sides is split", subsets({ "weir-stable": 90, "weir-canary": 10 }), true, [[STABLE, 90, true, true], [CANARY, 10, true, true]]],
    ["beside destinations of others keeps those apart", [...hosts({ reviews: 70, ratings: 20 })!, ...subsets({ legacy: 10 })!], false, [[STABLE, 70, true, true], ["ratings", 20, true, false], ["legacy", 10, true, false]]],
    ["beside a side's name of another host is not split by that", [...hosts({ reviews: 90 })!, ...subsets({ "weir-canary": 10 }, "ratings")!], false, [[STABLE, 90, true, true], ["weir-canary", 10, true, false]]],
    ["that is split stays so where somebody puts another Service before it", [...hosts({ ratings: 20 })!, ...subsets({ "weir-stable": 80 })!], true, [["ratings", 20, true, false], [STABLE, 80, true, true]]],
  ])("%s", (_, route, isSplit, destinations) => {
    const seen = aScene(withRoutes({ route })).see();
    expect(seen.isSplit).toBe(isSplit);
    expect(destinationsOf(seen)).toEqual(destinations);
  });

  it("says nothing of sides where nobody asks for them", () => {
    const { cluster } = aScene(withRoutes(PLAIN));
    expect(createIstioRouter(cluster).read(ROLLOUT, aTarget(), ["reviews"])).not.toHaveProperty("isSplit");
  });

  it("has stable behind its whole Service at first, and nobody behind its canary", () => {
    expect(aScene(withRoutes(PLAIN)).see().backends).toEqual({
      [STABLE]: { kind: "found", namespace: NAMESPACE, selector: { app: "reviews" }, definedAtMs: NOON },
      [CANARY]: { kind: "missing", message: `its canary comes once the route leads to the pods of ${STABLE} alone` },
    });
  });

  it("has one side of the rule behind each version once it is told, since the rule was written", async () => {
    const scene = aScene(withRoutes(PLAIN));
    scene.pass(60);
    await scene.tell({ mark: MARK, stable: "aaa" });
    expect(scene.see().backends).toMatchObject({ [STABLE]: { kind: "found", selector: { app: "reviews", "pod-template-hash": "aaa" }, definedAtMs: NOON + 60_000 }, [CANARY]: { kind: "missing" } });
    scene.pass(60);
    await scene.tell({ mark: MARK, stable: "aaa", canary: "bbb" });
    expect(scene.see().backends).toMatchObject({ [CANARY]: { kind: "found", selector: { app: "reviews", "pod-template-hash": "bbb" }, definedAtMs: NOON + 120_000 } });
  });
});

describe("a route that somebody led to the whole Service and to a side at once", () => {
  const both = [...hosts({ reviews: 60 })!, ...subsets({ "weir-stable": 40 })!];

  it("is unusable, and can be mended", () => {
    const seen = aScene(withRoutes({ route: both })).look();
    expect(seen).toMatchObject({ kind: "unusable", message: `VirtualService bookinfo/reviews leads to ${STABLE} twice (${STABLE} 60, ${STABLE} 40): make it one destination`, mendable: { isSplit: true } });
    expect(destinationsOf(seen)).toEqual([[STABLE, 60, true, true], [STABLE, 40, true, true]]);
  });

  it.each<[string, { readonly isSplit: boolean }, Readonly<Record<string, number | null>>, KubernetesRoute["route"], unknown]>([
    ["to the side of stable", { isSplit: true }, { [STABLE]: 100 }, both, subsets({ "weir-stable": 100 })],
    ["to both sides", { isSplit: true }, { [STABLE]: 90, [CANARY]: 10 }, both, subsets({ "weir-stable": 90, "weir-canary": 10 })],
    ["to both sides, beside a third destination", { isSplit: true }, { [STABLE]: 60, [CANARY]: 20 }, [...both.map((each) => ({ ...each, weight: 40 })), ...hosts({ ratings: 20 })!], [...subsets({ "weir-stable": 60, "weir-canary": 20 })!, ...hosts({ ratings: 20 })!]],
    ["to the whole Service", { isSplit: false }, { [STABLE]: 100 }, both, hosts({ reviews: 100 })],
    ["to the whole Service, without weight", { isSplit: false }, { [STABLE]: null }, both, hosts({ reviews: null })],
    ["to the whole Service, from the side first", { isSplit: false }, { [STABLE]: null }, both.toReversed(), hosts({ reviews: null })],
  ])("is led %s by one write", async (_, { isSplit }, points, route, expected) => {
    const scene = aScene(withRoutes({ route }));
    const seen = scene.look();
    if (seen.kind !== "unusable" || !seen.mendable) throw new Error("expected a route that a write can make whole");
    await scene.split(points, { isSplit, seen: seen.mendable });
    expect(scene.destinations()).toEqual(expected);
    expect(scene.look().kind).toBe("found");
  });
});

describe("a route that is led to the sides and back", () => {
  const FIELDS = { name: "primary", match: [{ uri: { prefix: "/reviews" } }], timeout: "5s", retries: { attempts: 0 }, "x-unknown": [{}] };
  const OURS = { destination: { host: "reviews", port: { number: 9080 } }, headers: { response: { set: { "x-by": "reviews" } } }, "x-unknown": 1 };
  const THEIRS = [{ destination: { host: "ratings" }, weight: 20 }, { destination: { host: "reviews", subset: "legacy" }, weight: 0, headers: { request: { remove: ["x"] } } }];
  const OTHERS = [{ name: "beta", match: [{ headers: { user: { exact: "beta" } } }], route: hosts({ reviews: null }) }];
  const target = aTarget("reviews", "primary");

  it.each<[string, readonly KubernetesRoute[], number | null]>([
    ["alone, without weight", [{ ...FIELDS, route: [OURS] }], null],
    ["alone, with its weight", [{ ...FIELDS, route: [{ ...OURS, weight: 100 }] }], 100],
    ["beside destinations of others", [...OTHERS, { ...FIELDS, route: [THEIRS[1]!, { ...OURS, weight: 80 }, THEIRS[0]!] }], 80],
  ])("is at the end, to the byte, what it was at the beginning: %s", async (_, http, rest) => {
    const scene = aScene(withRoutes(...http));
    const found = asFound(scene.stored());
    const total = rest ?? 100;
    const theirs = (): unknown => (scene.destinations() as { destination: { host: string; subset?: string } }[]).filter(({ destination }) => destination.host !== "reviews" || destination.subset === "legacy");
    const before = theirs();
    await scene.split({ [STABLE]: total }, { isSplit: true, target });
    expect(scene.see(target)).toMatchObject({ isSplit: true });
    await scene.split({ [STABLE]: total * 0.75, [CANARY]: total * 0.25 }, { isSplit: true, target });
    expect(destinationsOf(scene.see(target)).filter((each) => (each as unknown[])[3])).toEqual([[STABLE, total * 0.75, true, true], [CANARY, total * 0.25, true, true]]);
    expect(theirs()).toEqual(before);
    await scene.split({ [STABLE]: 0, [CANARY]: total }, { isSplit: true, target });
    await scene.split({ [STABLE]: total }, { isSplit: true, target });
    await scene.split({ [STABLE]: rest }, { isSplit: false, target, stamp: null });
    expect(asFound(scene.stored())).toBe(found);
    expect(scene.see(target)).toMatchObject({ isSplit: false });
  });

  it("goes from both sides to all pods at once, where it has to", async () => {
    const scene = aScene(withRoutes(PLAIN));
    const found = asFound(scene.stored());
    await scene.split({ [STABLE]: 90, [CANARY]: 10 }, { isSplit: true });
    await scene.split({ [STABLE]: null }, { isSplit: false, stamp: null });
    expect(asFound(scene.stored())).toBe(found);
  });

  it("gets a canary that is its sibling's copy, directly after it", async () => {
    const scene = aScene(withRoutes({ route: [{ ...OURS, weight: 100 }] }));
    await scene.split({ [STABLE]: 90, [CANARY]: 10 }, { isSplit: true });
    const side = (subset: string, weight: number): object => ({ ...OURS, destination: { ...OURS.destination, subset }, weight });
    expect(scene.destinations()).toEqual([side("weir-stable", 90), side("weir-canary", 10)]);
  });

  it("may have requests picked out for the canary", async () => {
    const scene = aScene(withRoutes(PLAIN));
    await scene.split({ [STABLE]: 100, [CANARY]: 0 }, { isSplit: true, matched: { version: CANARY, alternatives: [{ headers: [{ name: "x-tester", exact: "true" }] }] } });
    const [own] = (scene.stored().spec as { http: unknown[] }).http;
    expect(own).toEqual({ name: "weir-match.bookinfo.reviews", match: [{ headers: { "x-tester": { exact: "true" } } }], route: [{ destination: { host: "reviews", subset: "weir-canary" } }] });
    expect(scene.see().matched).toMatchObject({ version: CANARY });
  });

  it("may have requests mirrored to the canary, and loses that with the last write", async () => {
    const scene = aScene(withRoutes(PLAIN));
    await scene.split({ [STABLE]: 100, [CANARY]: 0 }, { isSplit: true, mirrored: { version: CANARY, percent: 20 } });
    expect((scene.stored().spec as { http: unknown[] }).http).toMatchObject([{ mirror: { host: "reviews", subset: "weir-canary" }, mirrorPercentage: { value: 20 } }]);
    expect(scene.see().mirrors).toEqual([{ version: CANARY, percent: 20, isAsRouted: true }]);
    await scene.split({ [STABLE]: 100 }, { isSplit: true, mirrored: { version: CANARY, percent: 0 } });
    expect(Object.keys((scene.stored().spec as { http: object[] }).http[0]!)).toEqual(["route"]);
  });

  it("is not written where it has changed since it was looked at", async () => {
    const scene = aScene(withRoutes(PLAIN));
    const seen = scene.see();
    scene.cluster.edit("virtualServices", NAMESPACE, "reviews", "kubectl", (object) => ({ ...object, spec: { ...(object.spec as object), http: [{ route: hosts({ reviews: 100 }) }] } }));
    await expect(scene.split({ [STABLE]: 100 }, { isSplit: true, seen })).rejects.toThrow(Conflict);
    expect(scene.destinations()).toEqual(hosts({ reviews: 100 }));
  });
});

describe("the write of a destination", () => {
  it("is the whole of it only where it is written in another way", async () => {
    const scene = aScene(withRoutes({ route: hosts({ reviews: 80, ratings: 20 }) }));
    await scene.split({ [STABLE]: 80 }, { isSplit: true });
    expect(scene.changes()[0]).toEqual({ op: "replace", path: "/spec/http/0/route/0", value: { destination: { host: "reviews", subset: "weir-stable" }, weight: 80 } });
    expect(scene.changes().slice(1).map(({ path }) => path)).toEqual(["/metadata/annotations"]);
  });

  it("is its weight alone once it leads to its side", async () => {
    const scene = aScene(withRoutes({ route: subsets({ "weir-stable": 100 }) }));
    await scene.split({ [STABLE]: 90, [CANARY]: 10 }, { isSplit: true });
    expect(scene.changes().slice(0, 2)).toEqual([
      { op: "replace", path: "/spec/http/0/route/0/weight", value: 90 },
      { op: "add", path: "/spec/http/0/route/1", value: { destination: { host: "reviews", subset: "weir-canary" }, weight: 10 } },
    ]);
    await scene.split({ [STABLE]: 50, [CANARY]: 50 }, { isSplit: true });
    expect(scene.changes()).toEqual([{ op: "replace", path: "/spec/http/0/route/0/weight", value: 50 }, { op: "replace", path: "/spec/http/0/route/1/weight", value: 50 }]);
  });

  it("is none where it is as it shall be, whichever way", async () => {
    const scene = aScene(withRoutes({ route: subsets({ "weir-stable": 90, "weir-canary": 10 }) }));
    await scene.split({ [STABLE]: 90, [CANARY]: 10 }, { isSplit: true, stamp: null });
    expect(scene.cluster.patches).toEqual([]);
    const plain = aScene(withRoutes(PLAIN));
    await plain.split({ [STABLE]: null }, { isSplit: false, stamp: null });
    expect(plain.cluster.patches).toEqual([]);
  });

  it("that had nothing keeps it so, and is led to its side all the same", async () => {
    const scene = aScene(withRoutes({ route: hosts({ reviews: 0, ratings: 100 }) }));
    await scene.split({ [STABLE]: 0 }, { isSplit: true, stamp: null });
    expect(scene.destinations()).toEqual([...subsets({ "weir-stable": 0 })!, ...hosts({ ratings: 100 })!]);
  });
});

describe("the rule that tells the sides apart", () => {
  const subset = (name: string, hash: string): object => ({ name, labels: { "pod-template-hash": hash } });

  it("is not taken for ours where it bears the name alone", () => {
    const scene = aScene(withRoutes(PLAIN));
    scene.cluster.put("destinationRules", { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { name: "weir-reviews", namespace: NAMESPACE }, spec: { host: "elsewhere" } });
    expect(scene.sides()).toEqual({ obstacle: `DestinationRule ${NAMESPACE}/weir-reviews bears the name that Weir's own rule would have: give it another one` });
  });

  it("is made for the host of the route, under our name, with a subset for each side that is known", async () => {
    const scene = aScene(withRoutes(PLAIN));
    expect(scene.sides()).toEqual({});
    await scene.tell({ mark: MARK, stable: "aaa" });
    expect(scene.ruleOf()).toMatchObject({ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { name: "weir-reviews", namespace: NAMESPACE, labels: { "weir.dev/rollout": "reviews" } } });
    expect(scene.ruleOf()!.spec).toEqual({ host: "reviews", subsets: [subset("weir-stable", "aaa")] });
    expect(scene.sides()).toEqual({ seen: { uid: scene.ruleOf()!.metadata.uid, resourceVersion: scene.ruleOf()!.metadata.resourceVersion, mark: MARK, stable: "aaa", definedAtMs: NOON } });
  });

  it("gets its other side by one patch of its subsets, and is taken away at the end", async () => {
    const scene = aScene(withRoutes(PLAIN));
    await scene.tell({ mark: MARK, stable: "aaa" });
    const { resourceVersion } = scene.ruleOf()!.metadata;
    scene.pass(60);
    await scene.tell({ mark: MARK, stable: "aaa", canary: "bbb" });
    expect(scene.cluster.patches).toEqual([{ manager: "weir", body: [{ op: "test", path: "/metadata/resourceVersion", value: resourceVersion }, { op: "replace", path: "/spec/subsets", value: [subset("weir-stable", "aaa"), subset("weir-canary", "bbb")] }] }]);
    expect(scene.sides().seen).toMatchObject({ stable: "aaa", canary: "bbb", definedAtMs: NOON + 60_000 });
    const { seen } = scene.sides();
    await scene.tell(null);
    expect(scene.ruleOf()).toBeUndefined();
    expect(scene.sides()).toEqual({});
    await scene.tell(null, seen);
  });

  it("tells nothing of a run while it bears the mark of another one, and then becomes its rule", async () => {
    const scene = aScene(withRoutes(PLAIN));
    await scene.tell({ mark: "uid-1/0", stable: "aaa" });
    expect(scene.sides().seen).toMatchObject({ mark: "uid-1/0" });
    expect(scene.see().backends).toMatchObject({ [STABLE]: { kind: "found", selector: { app: "reviews" } } });
    expect(scene.see().backends[STABLE]).not.toHaveProperty("selector.pod-template-hash");
    await scene.tell({ mark: MARK, stable: "aaa" });
    expect(scene.sides().seen).toMatchObject({ mark: MARK, stable: "aaa" });
    expect(scene.see().backends).toMatchObject({ [STABLE]: { selector: { "pod-template-hash": "aaa" } } });
  });

  it("is not written where it has changed, has gone or has come since", async () => {
    const scene = aScene(withRoutes(PLAIN));
    await scene.tell({ mark: MARK, stable: "aaa" });
    const { seen } = scene.sides();
    scene.cluster.edit("destinationRules", NAMESPACE, "weir-reviews", "kubectl", (object) => ({ ...object, spec: { ...(object.spec as object), exportTo: ["."] } }));
    const edited = scene.ruleOf();
    await expect(scene.tell({ mark: MARK, stable: "ccc" }, seen)).rejects.toThrow(Conflict);
    await expect(createIstioRouter(scene.cluster).writeSides(ROLLOUT, aTarget(), { wanted: { mark: MARK, stable: "ccc" } })).rejects.toThrow(Conflict);
    expect(scene.ruleOf()).toBe(edited);
  });

  it("is not made where the route has gone", async () => {
    const scene = aScene([["services", aKubernetesService()]]);
    await expect(scene.tell({ mark: MARK, stable: "aaa" })).rejects.toThrow(new Conflict("the route has changed since it was looked at: there is no VirtualService bookinfo/reviews"));
  });

  it("cannot be taken away where the server says no, and tells so", async () => {
    const { caches, client } = aScene(withRoutes(PLAIN)).cluster;
    const router = createIstioRouter({ caches, client: { ...client, delete: async () => Promise.reject(new ApiError("destinationrules is forbidden", 403, "Forbidden")) } });
    await expect(router.writeSides(ROLLOUT, aTarget(), { wanted: null })).rejects.toThrow("forbidden");
  });

  const policy = (maxConnections: number): object => ({ connectionPool: { tcp: { maxConnections } } });
  const reach = { exportTo: ["."], workloadSelector: { matchLabels: { app: "productpage" } } };

  it.each<[string, readonly KubernetesObject[], object]>([
    ["reaches as far as the user's own beside it, whose policy is merged with it", [aRule({ host: "reviews", trafficPolicy: policy(1), ...reach, subsets: [] })], reach],
    ["goes by the user's own also where a wildcard is there, too", [aRule({ host: "*.local", trafficPolicy: policy(2) }, "all"), aRule({ host: "reviews.bookinfo.svc.cluster.local", trafficPolicy: policy(1), exportTo: ["*"] })], { exportTo: ["*"] }],
    ["has the policy and the reach of a wildcard, which it would hide", [aRule({ host: "*.bookinfo.svc.cluster.local", trafficPolicy: policy(1), ...reach }, "all")], { trafficPolicy: policy(1), ...reach }],
    ["has the policy of the most specific wildcard", [aRule({ host: "*", trafficPolicy: policy(3) }, "a"), aRule({ host: "*.bookinfo.svc.cluster.local", trafficPolicy: policy(1) }, "b"), aRule({ host: "*.local", trafficPolicy: policy(2) }, "c")], { trafficPolicy: policy(1) }],
    ["has the policy of the mesh's own rule for everything", [aRule({ host: "*.local", trafficPolicy: policy(1) }, "default", "istio-system")], { trafficPolicy: policy(1) }],
    ["has the policy of the mesh's own rule for the host, before that for everything", [aRule({ host: "*.local", trafficPolicy: policy(2) }, "default", "istio-system"), aRule({ host: "reviews.bookinfo.svc.cluster.local", trafficPolicy: policy(1) }, "reviews", "istio-system")], { trafficPolicy: policy(1) }],
    ["has that of a wildcard in its namespace before the mesh's own", [aRule({ host: "reviews.bookinfo.svc.cluster.local", trafficPolicy: policy(2) }, "reviews", "istio-system"), aRule({ host: "*.local", trafficPolicy: policy(1) }, "all")], { trafficPolicy: policy(1) }],
    ["has nothing of a rule for another host", [aRule({ host: "ratings", trafficPolicy: policy(1), ...reach }, "ratings"), aRule({ host: "reviews", trafficPolicy: policy(1) }, "short", "istio-system")], {}],
  ])("%s", async (_, rules, expected) => {
    const scene = aScene([...withRoutes(PLAIN), ...rules.map((rule) => ["destinationRules", rule] as const)]);
    await scene.tell({ mark: MARK, stable: "aaa" });
    expect(scene.ruleOf()!.spec).toEqual({ host: "reviews", subsets: [subset("weir-stable", "aaa")], ...expected });
  });

  it("leaves the user's own rule as it is", async () => {
    const scene = aScene(withRule(aDestinationRule()));
    const own = scene.cluster.caches.destinationRules.get(NAMESPACE, "reviews");
    await scene.tell({ mark: MARK, stable: "aaa" });
    await scene.tell({ mark: MARK, stable: "aaa", canary: "bbb" });
    await scene.tell(null);
    expect(scene.cluster.caches.destinationRules.all()).toEqual([own]);
  });
});

describe("what stands in the way of such a rule", () => {
  it.each<[string, KubernetesObject, string]>([
    ["one for the host in another namespace", aRule({ host: "reviews.bookinfo.svc.cluster.local" }, "own", "shop"), "DestinationRule shop/own is for reviews.bookinfo.svc, too, so callers in shop would not see the subsets that tell the pods apart: move it to namespace bookinfo"],
    ["one for many hosts in another namespace, which comes before ours there, too", aRule({ host: "*.local" }, "all", "shop"), "DestinationRule shop/all is for reviews.bookinfo.svc, too, so callers in shop would not see the subsets that tell the pods apart: move it to namespace istio-system, or give it hosts of shop alone"],
  ])("is told: %s", (_, rule, obstacle) => {
    expect(aScene(withRule(rule)).sides()).toEqual({ obstacle });
  });

  it.each<[string, KubernetesObject]>([
    ["one beside it", aDestinationRule()],
    ["one of the whole mesh", aRule({ host: "*.local" }, "default", "istio-system")],
    ["one for the Service of that name in another namespace", aRule({ host: "reviews" }, "reviews", "shop")],
    ["one for all hosts of another namespace", aRule({ host: "*.shop.svc.cluster.local" }, "all", "shop")],
  ])("is nothing: %s", (_, rule) => {
    expect(aScene(withRule(rule)).sides()).toEqual({});
  });

  it("is not looked for where there is no route", () => {
    expect(aScene([["destinationRules", aRule({ host: "reviews.bookinfo.svc.cluster.local" }, "own", "shop")]]).sides()).toEqual({});
  });
});

describe("the Service that a Deployment's route leads to", () => {
  const other = (selector: Readonly<Record<string, string>>, namespace = NAMESPACE): Objects => [["virtualServices", aVirtualService({ http: [PLAIN] })], ["services", aKubernetesService({ selector, namespace })]];
  const notIts = (service: string): string => `VirtualService bookinfo/reviews leads to Service ${service}, which does not select the pods of the Deployment in namespace bookinfo: lead it to the one that does`;

  it.each<[string, Objects, string]>([
    ["is missing", [["virtualServices", aVirtualService({ http: [PLAIN] })]], "VirtualService bookinfo/reviews leads to reviews.bookinfo.svc, and there is no such Service: lead it to the Service of the Deployment"],
    ["is outside the cluster", withRoutes({ route: hosts({ "reviews.example.com": null }) }), "VirtualService bookinfo/reviews leads to reviews.example.com, and there is no such Service: lead it to the Service of the Deployment"],
    ["selects other pods", other({ app: "ratings" }), notIts("bookinfo/reviews")],
    ["selects by a label that the pods do not have", other({ app: "reviews", version: "v1" }), notIts("bookinfo/reviews")],
    ["selects nothing", other({}), notIts("bookinfo/reviews")],
    ["is in another namespace", [["virtualServices", aVirtualService({ http: [{ route: hosts({ "reviews.shop.svc.cluster.local": null }) }] })], ["services", aKubernetesService({ namespace: "shop" })]], notIts("shop/reviews")],
  ])("is asked for in a sentence where it %s", (_, objects, message) => {
    expect(aScene(objects).look()).toEqual({ kind: "unusable", message });
  });

  it("is enough by itself where nobody has looked at the pods", () => {
    const { podLabels: _, ...names } = NAMES;
    expect(aScene(other({ app: "ratings" })).look(names).kind).toBe("found");
  });

  it("is that of the first destination that may be the Deployment's: one to a subset of others is passed over", () => {
    const route = [...subsets({ v1: 30 }, "ratings")!, ...hosts({ reviews: 70 })!];
    expect(destinationsOf(aScene(withRoutes({ route })).look())).toEqual([["v1", 30, true, false], [STABLE, 70, true, true]]);
  });
});
