/** How an HTTPRoute, or a GRPCRoute, is led to the pods of one Deployment, to its two sides, and back, and the two Services of ours that tell these apart. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { Conflict } from "../../../src/kubernetes/errors.ts";
import type { SideNames } from "../../../src/rollout/deployment.ts";
import type { RouteFound, RouteSeen } from "../../../src/rollout/observation.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import type { SidesWanted } from "../../../src/rollout/upkeep.ts";
import { createGatewayRouter } from "../../../src/traffic/gateway-api/gateway-router.ts";
import type { RouteChange } from "../../../src/traffic/traffic-router.ts";
import { asFound } from "../../support/as-found.ts";
import { aKubernetesService, NAMESPACE } from "../../support/istio-objects.ts";
import { createMemoryCluster } from "../../support/memory-cluster.ts";
import { DIALECTS, type Leading } from "../../support/route-dialects.ts";

const ROLLOUT = { namespace: NAMESPACE, name: "reviews" };
const NOON = Date.parse("2026-11-21T12:00:00Z");
const [STABLE, CANARY] = ["v1-35dcc5d", "v2-e0b8f1d"];
const MARK = "uid-1/1";
const NAMES: SideNames = { mark: MARK, plain: STABLE, stable: STABLE, canary: CANARY, podLabels: { app: "reviews", team: "books" } };
const WANTED: SidesWanted = { mark: MARK, stable: "hash-v1", canary: "hash-v2" };
type Kind = "httpRoutes" | "grpcRoutes";
const PLAIN: Leading = { name: "reviews", port: 9080, weight: 1 };
const PARTNER: Leading = { name: "partner", port: 9080, weight: 20 };

function aScene(references: readonly Leading[] = [PLAIN], services: readonly KubernetesObject[] = [aKubernetesService()], kind: Kind = "httpRoutes") {
  const dialect = DIALECTS.find((one) => one.kind === kind)!;
  const target: Traffic = { gatewayApi: { [kind]: [{ name: "reviews" }] } };
  let now = NOON;
  const cluster = createMemoryCluster({ nowMs: () => now });
  for (const service of services) cluster.put("services", service);
  cluster.put(kind, dialect.object([{ name: "primary", backendRefs: references, timeouts: { request: "5s" } }]));
  const router = createGatewayRouter(cluster);
  const look = (names = NAMES): RouteSeen => router.read(ROLLOUT, target, [CANARY, STABLE], undefined, names);
  const see = (): RouteFound => {
    const seen = look();
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  const service = (name: string): KubernetesObject | undefined => cluster.caches.services.get(NAMESPACE, name);
  return {
    cluster, look, see, service,
    pass: (seconds: number) => void (now += seconds * 1_000),
    stored: (): KubernetesObject => cluster.caches[kind].get(NAMESPACE, "reviews")!,
    references: (): readonly string[] => (cluster.caches[kind].get(NAMESPACE, "reviews")!.spec as { rules: { backendRefs: Leading[] }[] }).rules[0]!.backendRefs.map(({ name, weight }) => `${String(name)} ${weight}`),
    sides: () => router.sides(ROLLOUT, target),
    define: (wanted: SidesWanted | null, { seen } = router.sides(ROLLOUT, target)) => router.writeSides(ROLLOUT, target, { wanted, ...(seen ? { seen } : {}) }),
    split: (points: Readonly<Record<string, number | null>>, isSplit: boolean, rest: Partial<RouteChange> = {}) =>
      router.write({ rollout: ROLLOUT, target, seen: see(), ours: [STABLE, CANARY], wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })), matched: null, stamp: "uid-1/1.1", manager: "weir", sides: { ...NAMES, isSplit }, ...rest }),
  };
}

const selectorOf = (object: KubernetesObject | undefined): unknown => (object?.spec as { readonly selector?: unknown } | undefined)?.selector;

describe("a rule that leads to the Service of a Deployment", () => {
  it.each(["httpRoutes", "grpcRoutes"] as const)("of %s is led to the two sides and back, to the byte", async (kind) => {
    const scene = aScene(undefined, undefined, kind);
    const found = asFound(scene.stored());
    expect(scene.see()).toMatchObject({ isSplit: false, destinations: [{ version: STABLE, points: 100, weighted: false }] });
    await scene.define({ mark: MARK, stable: "hash-v1" });
    await scene.split({ [STABLE]: 100 }, true);
    expect([scene.references(), scene.see().isSplit]).toEqual([["weir-stable-reviews 100"], true]);
    await scene.define(WANTED);
    await scene.split({ [STABLE]: 75, [CANARY]: 25 }, true);
    expect(scene.references()).toEqual(["weir-stable-reviews 75", "weir-canary-reviews 25"]);
    expect(scene.see().destinations.map(({ version, points }) => [version, points])).toEqual([[STABLE, 75], [CANARY, 25]]);
    await scene.split({ [STABLE]: 100 }, true);
    await scene.split({ [STABLE]: null }, false, { stamp: null });
    expect(asFound(scene.stored())).toEqual(found);
  });

  it("keeps what it gives to others", async () => {
    const scene = aScene([{ ...PLAIN, weight: 80 }, PARTNER]);
    await scene.define(WANTED);
    await scene.split({ [STABLE]: 60, [CANARY]: 20 }, true);
    expect(scene.references()).toEqual(["weir-stable-reviews 60", "weir-canary-reviews 20", "partner 20"]);
    await scene.split({ [STABLE]: 80 }, false, { stamp: null });
    expect(scene.references()).toEqual(["reviews 80", "partner 20"]);
  });

  it.each([
    ["another one", [{ ...PLAIN, name: "ratings" }], [aKubernetesService({ name: "ratings", selector: { app: "ratings" } })], "leads to Service bookinfo/ratings, which does not select the pods of the Deployment: lead it to the one of the Deployment"],
    ["none", [{ ...PLAIN, name: "ratings" }], [], "leads to Service bookinfo/ratings, and there is no such Service: lead it to the one of the Deployment"],
    ["one elsewhere", [{ ...PLAIN, namespace: "ratings" }], [aKubernetesService()], "leads to no Service of namespace bookinfo that selects the pods of the Deployment: lead it to the one that does"],
  ] as const)("is refused with a sentence where it leads to %s", (_, references, services, sentence) => {
    expect(aScene(references, services).look()).toMatchObject({ kind: "unusable", message: `HTTPRoute bookinfo/reviews, rule primary ${sentence}` });
  });

  it("finds its Service again where somebody deleted ours while it led there", async () => {
    const scene = aScene();
    await scene.define(WANTED);
    await scene.split({ [STABLE]: 50, [CANARY]: 50 }, true);
    for (const name of ["weir-stable-reviews", "weir-canary-reviews"]) scene.cluster.remove("services", NAMESPACE, name);
    await scene.split({ [STABLE]: null }, false, { stamp: null });
    expect(scene.references()).toEqual(["reviews 1"]);
  });
});

describe("the Services of ours", () => {
  it("are the user's, for the pods of one template each, and bear whose they are", async () => {
    const scene = aScene();
    await scene.define(WANTED);
    expect(selectorOf(scene.service("weir-canary-reviews"))).toEqual({ app: "reviews", "pod-template-hash": "hash-v2" });
    expect(scene.service("weir-stable-reviews")).toMatchObject({ metadata: { labels: { "weir.dev/rollout": "reviews" }, annotations: { "weir.dev/epoch": MARK, "weir.dev/service": "reviews" } }, spec: { ports: [{ name: "http", port: 9080 }], selector: { app: "reviews", "pod-template-hash": "hash-v1" } } });
    expect(scene.sides().seen).toMatchObject({ mark: MARK, stable: "hash-v1", canary: "hash-v2", definedAtMs: NOON });
  });

  it("are pointed elsewhere, which counts from then on, and are not written where nothing differs", async () => {
    const scene = aScene();
    await scene.define(WANTED);
    scene.pass(30);
    const before = scene.cluster.patches.length;
    await scene.define({ ...WANTED, stable: "hash-v2" });
    expect(scene.cluster.patches.length - before).toBe(1);
    expect(scene.sides().seen).toMatchObject({ stable: "hash-v2", canary: "hash-v2", definedAtMs: NOON + 30_000 });
  });

  it("are made whole where one is missing, as after a crash between them", async () => {
    const scene = aScene();
    await scene.define(WANTED);
    scene.cluster.remove("services", NAMESPACE, "weir-canary-reviews");
    expect(scene.sides().seen).not.toHaveProperty("canary");
    await scene.define(WANTED);
    expect(scene.sides().seen).toMatchObject({ stable: "hash-v1", canary: "hash-v2" });
  });

  it("are nobody's of this run while they bear another mark, or two", async () => {
    const scene = aScene();
    await scene.define({ ...WANTED, mark: "uid-1/0" });
    expect(scene.see().backends[CANARY]).toMatchObject({ kind: "missing" });
    await scene.define({ mark: MARK, stable: "hash-v1", canary: "hash-v2" });
    expect(scene.see().backends[CANARY]).toMatchObject({ kind: "found", selector: { app: "reviews", "pod-template-hash": "hash-v2" } });
  });

  it("go, also where nobody had seen them; and not where somebody has changed them since", async () => {
    const scene = aScene();
    await scene.define(WANTED);
    const seen = scene.sides();
    scene.cluster.edit("services", NAMESPACE, "weir-canary-reviews", "kubectl-edit", (object) => ({ ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, a: "b" } } }));
    await expect(scene.define(null, seen)).rejects.toThrow(Conflict);
    await scene.define(null, {});
    expect([scene.sides(), scene.service("reviews")]).toEqual([{}, expect.anything()]);
  });

  it("are not made where another one bears the name, or it would be too long", () => {
    const named = aScene([PLAIN], [aKubernetesService(), aKubernetesService({ name: "weir-stable-reviews" })]);
    expect(named.sides()).toEqual({ obstacle: "Service bookinfo/weir-stable-reviews bears the name that Weir's own Service would have: give it another one" });
    const { cluster } = aScene();
    const name = "r".repeat(52);
    expect(createGatewayRouter(cluster).sides({ namespace: NAMESPACE, name }, { gatewayApi: { httpRoutes: [{ name: "reviews" }] } }).obstacle).toMatch(/^the Services that tell the pods apart would be called weir-stable-r+, and a Service's name has at most 63 characters: give the Rollout a shorter name$/);
  });
});
