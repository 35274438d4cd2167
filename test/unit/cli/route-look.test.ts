/** A Rollout's route as the command line sees it, by GETs and lists: of the Gateway API, with the backends that stand elsewhere, and by a ServiceEntry. */
import { describe, expect, it } from "vitest";
import { lookAtRoute } from "../../../src/cli/route-look.ts";
import { RESOURCES, type KubernetesClient, type KubernetesObject, type Resource } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { isValid } from "../../../src/rollout/validity.ts";
import { rolloutOf } from "../../../src/kubernetes/rollout-object.ts";
import type { ValidRollout } from "../../../src/rollout/rollout.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { createMemoryCluster, type CachedKind } from "../../support/memory-cluster.ts";
import { aDestinationRule, aKubernetesService, aServiceEntry, aTarget, aVirtualService, subsets } from "../../support/istio-objects.ts";

const ROUTE: KubernetesObject = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "GRPCRoute",
  metadata: { name: "reviews", namespace: "bookinfo" },
  spec: { rules: [{ backendRefs: ["v2", "v3"].map((name, index) => ({ name, namespace: "apps", port: 9080, weight: index === 0 ? 90 : 10 })) }] },
};

const aGatewayRollout = (): ValidRollout => aRollout({ gatewayApi: { grpcRoutes: [{ name: "reviews" }] } });

function aRollout(traffic: Traffic): ValidRollout {
  const rollout = rolloutOf({ metadata: { name: "reviews", namespace: "bookinfo", uid: "uid-1", resourceVersion: "1" }, spec: { release: "v3", traffic } });
  if (!isValid(rollout)) throw new Error(JSON.stringify(rollout.spec));
  return rollout;
}

/** Objects in memory behind the two verbs that the command line needs; nothing of `secret` may be listed, and ServiceEntries everywhere only where `seesAll`. */
function aClient(objects: readonly (readonly [CachedKind, KubernetesObject])[] = [], seesAll = true) {
  const cluster = createMemoryCluster({ nowMs: () => 0 });
  objects.forEach(([kind, object]) => cluster.put(kind, object));
  const cacheOf = ({ plural }: Resource) => cluster.caches[Object.keys(RESOURCES).find((kind) => kind.toLowerCase() === plural) as CachedKind];
  const asked: string[] = [];
  const client = {
    ...cluster.client,
    get: async (resource: Resource, namespace = "", name: string) => {
      asked.push(`get ${resource.plural} ${namespace}/${name}`);
      const object = cacheOf(resource).get(namespace, name);
      if (!object) throw new ApiError("not found", 404, "NotFound");
      return object;
    },
    list: async (resource: Resource, namespace = "") => {
      asked.push(`list ${resource.plural} ${namespace}`);
      if (namespace === "secret" || (namespace === "" && !seesAll)) throw new ApiError("forbidden", 403, "Forbidden");
      return { metadata: { resourceVersion: "1" }, items: namespace === "" ? cacheOf(resource).all() : cacheOf(resource).list(namespace) };
    },
  } as unknown as KubernetesClient;
  return { client, asked, cluster };
}

describe("the route of a Rollout by the Gateway API", () => {
  it("is read with its Services, in the namespaces that it refers to, and can be written", async () => {
    const services = ["v2", "v3"].map((name): [CachedKind, KubernetesObject] => ["services", aKubernetesService({ name, namespace: "apps", selector: { version: name } })]);
    const { client, asked, cluster } = aClient([["grpcRoutes", ROUTE], ...services]);
    const rollout = aGatewayRollout();
    const { route, router, routes } = await lookAtRoute(client, rollout, { withBackends: true });
    expect(asked.sort()).toEqual(["get grpcroutes bookinfo/reviews", ...["apps", "bookinfo"].flatMap((namespace) => [`list destinationrules ${namespace}`, `list services ${namespace}`])].sort());
    expect(routes.map(({ kind }) => kind)).toEqual(["grpcRoutes"]);
    if (route.kind !== "found") throw new Error(route.message);
    expect(route.backends).toMatchObject({ v3: { kind: "found", namespace: "apps", selector: { version: "v3" } } });
    const wanted = [{ version: "v2", points: 100 }, { version: "v3", points: 0 }];
    await router.write({ rollout: rollout.metadata, target: rollout.spec.traffic, seen: route, ours: ["v2", "v3"], wanted, matched: null, stamp: null, manager: "weir" });
    expect(cluster.caches.grpcRoutes.get("bookinfo", "reviews")?.spec).toMatchObject({ rules: [{ backendRefs: [{ weight: 100 }, { weight: 0 }] }] });
  });

  it("is absent where it is not there, and is looked at without backends that may not be read", async () => {
    expect((await lookAtRoute(aClient().client, aGatewayRollout())).route).toEqual({ kind: "absent", message: "there is no GRPCRoute bookinfo/reviews" });
    const secret = { ...ROUTE, spec: { rules: [{ backendRefs: [{ name: "v2", namespace: "secret", port: 9080, weight: 1 }] }] } };
    const { route } = await lookAtRoute(aClient([["grpcRoutes", secret]]).client, aGatewayRollout(), { withBackends: true });
    expect(route).toMatchObject({ kind: "found", backends: { v3: { kind: "missing" } } });
  });
});

describe("a route that leads to the host of a ServiceEntry", () => {
  const HOST = "reviews.internal";
  const route: [CachedKind, KubernetesObject] = ["virtualServices", aVirtualService({ http: [{ route: subsets({ v2: 90, v3: 10 }, HOST) }] })];
  const rule: [CachedKind, KubernetesObject] = ["destinationRules", aDestinationRule({ host: HOST })];

  it.each([
    ["wherever it is, by who may look everywhere", true, "elsewhere", "found"],
    ["in the Rollout's namespace, by who may look there", false, "bookinfo", "found"],
    ["elsewhere, by who may not look there", false, "elsewhere", "missing"],
  ] as const)("is read with it: %s", async (_, seesAll, namespace, kind) => {
    const { client } = aClient([route, rule, ["serviceEntries", aServiceEntry({ namespace })]], seesAll);
    const { route: seen } = await lookAtRoute(client, aRollout(aTarget()), { withBackends: true });
    expect(seen).toMatchObject({ kind: "found", backends: { v3: { kind } } });
  });

  it("asks for none where nobody wants to know of pods", async () => {
    const { client, asked } = aClient([route]);
    await lookAtRoute(client, aRollout(aTarget()));
    expect(asked).toEqual(["get virtualservices bookinfo/reviews"]);
  });
});
