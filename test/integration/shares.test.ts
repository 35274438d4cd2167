/** Where real requests go at each step of each strategy, by what the router writes: ten thousand of each kind of user (in the short form a thousand), within what chance allows. */
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { GRPC } from "../../src/playground/mesh/grpc.ts";
import { createMesh, type Mesh } from "../../src/playground/mesh/mesh.ts";
import { totalOf } from "../../src/playground/mesh/tally.ts";
import { createSamplePods } from "../../src/playground/samples/sample-pods.ts";
import type { RouteFound } from "../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { MatchWanted, MirrorWanted } from "../../src/rollout/route-write.ts";
import type { Traffic } from "../../src/rollout/spec-traffic.ts";
import { createTrafficRouter } from "../../src/traffic/registry.ts";
import { greet, versionsOf } from "../support/connections.ts";
import { aDestinationRule, aKubernetesService, aTarget, aVirtualService, hosts, NAMESPACE, subsets } from "../support/istio-objects.ts";
import { createMemoryCluster, type CachedKind } from "../support/memory-cluster.ts";
import { DIALECTS } from "../support/route-dialects.ts";
import { createUsers } from "../support/users.ts";
import { IS_WHOLE_RUN } from "../support/whole-run.ts";

const COUNT = IS_WHOLE_RUN ? 10_000 : 1_000;
const USERS = 40;
/** Standard deviations: once in 500 million. */
const MOST_SIGMAS = 6;
const LIMIT = { timeout: 300_000 };
const ROLLOUT = { namespace: NAMESPACE, name: "reviews" };
const PREVIEW = "reviews-preview.example";
const SERVER = "reviews.example";

interface Form {
  readonly form: string;
  readonly seed: number;
  readonly target: Traffic;
  /** As the route calls them. */
  readonly versions: readonly [stable: string, canary: string];
  readonly objects: readonly (readonly [CachedKind, KubernetesObject])[];
  /** By what its users ask, where that is not a GET of `/`. */
  readonly asked?: { readonly path: string; readonly method: string; readonly headers: Readonly<Record<string, string>> };
}

const BESIDE = [["services", aKubernetesService()], ["destinationRules", aDestinationRule()]] as const;
const SPLIT = { v2: 100, v3: 0 };
const http = [{ route: subsets(SPLIT) }];
const asVirtualService = (rest: object, name = "reviews"): KubernetesObject => {
  const object = aVirtualService({ name, http });
  return { ...object, spec: { ...(object.spec as object), ...rest } };
};

const bySubsets: Form = { form: "VirtualService, subsets", seed: 1, target: aTarget(), versions: ["v2", "v3"], objects: [...BESIDE, ["virtualServices", asVirtualService({ hosts: ["reviews", PREVIEW] })]] };
const byHosts: Form = {
  form: "VirtualService, hosts", seed: 2, target: aTarget(), versions: ["reviews-v2", "reviews-v3"],
  objects: [
    ...BESIDE,
    ...["v2", "v3"].map((version) => ["services", aKubernetesService({ name: `reviews-${version}`, selector: { app: "reviews", version } })] as const),
    ["virtualServices", aVirtualService({ http: [{ route: hosts({ "reviews-v2": 100, "reviews-v3": 0 }) }] })],
  ],
};
const byDelegate: Form = {
  form: "delegate", seed: 3, target: aTarget(), versions: ["v2", "v3"],
  objects: [...BESIDE, ["virtualServices", asVirtualService({ hosts: undefined })], ["virtualServices", asVirtualService({ hosts: ["reviews"], http: [{ delegate: { name: "reviews" } }] }, "root")]],
};
function byGatewayRoute(form: string, kind: "httpRoutes" | "grpcRoutes", seed: number): Form {
  const { target, object, part, beside } = DIALECTS.find((each) => each.kind === kind)!;
  return { form, seed, target: target(), versions: ["v2", "v3"], objects: [...BESIDE, ...beside().map((each) => ["services", each] as const), [kind, object([part(SPLIT)])]] };
}
const byHttpRoute = byGatewayRoute("HTTPRoute", "httpRoutes", 4);
const byGrpcRoute: Form = { ...byGatewayRoute("GRPCRoute", "grpcRoutes", 6), asked: { path: "/shop.Reviews/List", method: "POST", headers: { "content-type": GRPC } } };
const byConnections: Form = {
  form: "tcp and tls", seed: 5, target: { istio: { virtualServices: [{ name: "reviews", tlsRoutes: [{}], tcpRoutes: [{}] }] } }, versions: ["v2", "v3"],
  objects: [...BESIDE, ["virtualServices", asVirtualService({ http: undefined, tls: [{ match: [{ port: 443, sniHosts: [SERVER] }], route: subsets(SPLIT) }], tcp: [{ route: subsets(SPLIT) }] })]],
};

const TESTERS = [{ headers: [{ name: "x-tester", exact: "true" }] }];
const AS_TESTER = { "x-tester": "true" };

interface Step {
  readonly weight?: number;
  readonly matched?: Omit<MatchWanted, "version">;
  readonly mirrored?: number;
}

const told: { readonly strategy: string; readonly route: string; readonly seed: number; readonly step: string; readonly users: string; readonly requests: number; readonly share: string; readonly expected: string }[] = [];
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => console.table(told));

async function onStage({ form, seed, target, versions: [stable, canary], objects, asked = { path: "/", method: "GET", headers: {} } }: Form) {
  const cluster = createMemoryCluster({ nowMs: Date.now });
  for (const [kind, object] of objects) cluster.put(kind, object);
  const router = createTrafficRouter(cluster);
  const pods = createSamplePods({ seed });
  closers.push(() => pods.close());
  for (const version of ["v2", "v3"]) {
    await pods.run({ pod: `reviews-${version}`, namespace: NAMESPACE, workload: `reviews-${version}`, labels: { app: "reviews", version } });
    pods.turn("reviews", version, { latencyMs: 0 });
  }
  const mesh = await createMesh({ callers: [{ workload: "client", namespace: NAMESPACE, app: "client", version: "v1", entrance: "sidecar" }], endpoints: pods.endpoints, seed });
  closers.push(() => mesh.close());
  const { url } = mesh.proxyOf("client");
  let epoch = 0;

  async function to({ weight = 0, matched, mirrored }: Step): Promise<void> {
    const wanted: MatchWanted | null = matched ? { version: canary, ...matched } : null;
    const seen = router.read(ROLLOUT, target, [canary, stable], { matched: wanted }) as RouteFound;
    expect(seen.kind, JSON.stringify(seen)).toBe("found");
    const mirror: MirrorWanted | undefined = mirrored === undefined ? undefined : { version: canary, percent: mirrored };
    const points = [{ version: stable, points: 100 - weight }, { version: canary, points: weight }];
    await router.write({ rollout: ROLLOUT, target, seen, ours: [stable, canary], wanted: points, matched: wanted, ...(mirror ? { mirrored: mirror } : {}), stamp: `uid-1/1.${(epoch += 1)}`, manager: ROUTE_MANAGER });
    const { virtualServices, destinationRules, services, httpRoutes, grpcRoutes } = cluster.caches;
    mesh.push({ virtualServices: virtualServices.all(), destinationRules: destinationRules.all(), services: services.all(), httpRoutes: httpRoutes.all(), grpcRoutes: grpcRoutes.all() });
  }

  /** How many of so many requests the canary has answered. */
  async function answeredByCanary(host = "reviews", headers: Readonly<Record<string, string>> = {}): Promise<{ readonly requests: number; readonly hits: number }> {
    const users = createUsers({ url: `${url}${asked.path}`, host, method: asked.method, headers: { ...asked.headers, ...headers } });
    const answers = (await users.ask(USERS, COUNT / USERS)).flat();
    users.close();
    expect(answers.filter((each) => !/^v[23]$/.test(each))).toEqual([]);
    return { requests: answers.length, hits: answers.filter((each) => each === "v3").length };
  }

  return { url, mesh, to, answeredByCanary, tell: tellOf(form, seed) };
}

/** Holds a share against what is expected, and remembers it for the table. */
function tellOf(route: string, seed: number) {
  return (strategy: string, { step, users, requests, hits, expected }: { readonly step: string; readonly users: string; readonly requests: number; readonly hits: number; readonly expected: number }): void => {
    told.push({ strategy, route, seed, step, users, requests, share: `${((100 * hits) / requests).toFixed(2)} %`, expected: `${100 * expected} %` });
    expect(Math.abs(hits / requests - expected), `${hits} of ${requests} with seed ${seed}`).toBeLessThanOrEqual(MOST_SIGMAS * Math.sqrt((expected * (1 - expected)) / requests));
  };
}

describe(`of ${COUNT} requests at each step`, () => {
  it.each([bySubsets, byHosts, byDelegate, byHttpRoute, byGrpcRoute])("the new version gets the weight's share: $form", LIMIT, async (form) => {
    const { answeredByCanary, to, tell } = await onStage(form);
    for (const weight of [10, 25, 50, 100]) {
      await to({ weight });
      tell("weight", { step: `${weight}`, users: "all", ...(await answeredByCanary()), expected: weight / 100 });
    }
  });

  it.each([bySubsets, byHttpRoute])("who is matched gets the new version, and everybody else the weight's share: $form", LIMIT, async (form) => {
    const { answeredByCanary, to, tell } = await onStage(form);
    for (const weight of [0, 25]) {
      await to({ weight, matched: { alternatives: TESTERS } });
      tell("match", { step: `match, ${weight}`, users: "testers", ...(await answeredByCanary("reviews", AS_TESTER)), expected: 1 });
      tell("match", { step: `match, ${weight}`, users: "others", ...(await answeredByCanary()), expected: weight / 100 });
    }
    await to({ weight: 25 });
    tell("match", { step: "25 alone", users: "testers", ...(await answeredByCanary("reviews", AS_TESTER)), expected: 0.25 });
  });

  it("the preview's host leads to the new version, and every other one to stable", LIMIT, async () => {
    const { answeredByCanary, to, tell } = await onStage(bySubsets);
    await to({ matched: { alternatives: [], preview: PREVIEW } });
    tell("preview", { step: "preview", users: "of the preview", ...(await answeredByCanary(PREVIEW)), expected: 1 });
    tell("preview", { step: "preview", users: "others", ...(await answeredByCanary()), expected: 0 });
    await to({ weight: 100 });
    tell("preview", { step: "100", users: "others", ...(await answeredByCanary()), expected: 1 });
  });

  it.each([bySubsets, byHttpRoute])("so many are copied, and answered by stable alone: $form", LIMIT, async (form) => {
    const { answeredByCanary, mesh, to, tell } = await onStage(form);
    for (const mirrored of [20, 60, 0]) {
      await to({ mirrored });
      const [before] = shadowsIn(mesh);
      tell("mirror", { step: `mirror ${mirrored}`, users: "all", ...(await answeredByCanary()), expected: 0 });
      tell("mirror", { step: `mirror ${mirrored}`, users: "shadows", requests: COUNT, hits: shadowsIn(mesh)[0]! - before!, expected: mirrored / 100 });
    }
  });

  it("connections are led by the weight's share, told apart by server name or not at all", LIMIT, async () => {
    const { url, mesh, to, tell } = await onStage(byConnections);
    for (const weight of [10, 50]) {
      await to({ weight });
      const each = COUNT / USERS;
      const versions = (await Promise.all(Array.from({ length: USERS }, () => versionsOf(url, "reviews:9000", each)))).flat();
      tell("weight", { step: `${weight}`, users: "tcp", requests: versions.length, hits: versions.filter((version) => version === "v3").length, expected: weight / 100 });
      mesh.resetRouted(NAMESPACE, "reviews");
      await Promise.all(Array.from({ length: USERS }, () => greet(url, "reviews:443", { serverName: SERVER, count: each })));
      const counts = mesh.routed(NAMESPACE, "reviews");
      tell("weight", { step: `${weight}`, users: "tls", requests: totalOf(counts), hits: counts["v3"]?.requests ?? 0, expected: weight / 100 });
    }
  });
});

/** By whichever Service it is copied to: that of the version, or the one that has it as a subset. */
function shadowsIn(mesh: Mesh): readonly number[] {
  return [["reviews", "v3"].reduce((sum, service) => sum + totalOf(mesh.shadowed(NAMESPACE, service)), 0)];
}
