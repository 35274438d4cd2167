/** What the Istio router sends, and what it makes of the answer. */
import { describe, expect, it } from "vitest";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { Conflict } from "../../../src/kubernetes/errors.ts";
import type { RouteFound } from "../../../src/rollout/observation.ts";
import { createIstioRouter } from "../../../src/traffic/istio/istio-router.ts";
import { createTrafficRouter } from "../../../src/traffic/registry.ts";
import type { RouteChange } from "../../../src/traffic/traffic-router.ts";
import { createFakeRouter } from "../../support/fake-router.ts";
import { aTarget, NAMESPACE, subsets } from "../../support/istio-objects.ts";

const ROLLOUT = { namespace: NAMESPACE, name: "reviews" };
const NOON = Date.parse("2026-11-21T12:00:00Z");

function changeOf(seen: RouteFound, rest: Partial<RouteChange> = {}): RouteChange {
  const wanted = [{ version: "v2", points: 75 }, { version: "v3", points: 25 }];
  return { rollout: ROLLOUT, target: aTarget(), seen, ours: ["v2", "v3"], wanted, matched: null, stamp: "uid-1/1.1", manager: "weir", ...rest };
}

function look(router: Pick<ReturnType<typeof createFakeRouter>, "read">): RouteFound {
  const seen = router.read(ROLLOUT, aTarget(), ["v3", "v2"]);
  if (seen.kind !== "found") throw new Error(seen.message);
  return seen;
}

/** A server that stores something else than it was sent. */
function meddling(fake: ReturnType<typeof createFakeRouter>, meddle: (object: KubernetesObject) => KubernetesObject) {
  const { caches, client } = fake.cluster;
  const patch: KubernetesClient["patch"] = async (...request) => meddle(await client.patch(...request));
  return createIstioRouter({ caches, client: { ...client, patch } });
}

describe("a write", () => {
  it("is one patch: tests of what it rests upon, then the weights, then the stamp", async () => {
    const fake = createFakeRouter({ nowMs: () => NOON });
    const seen = look(fake);
    await fake.write(changeOf(seen));
    expect(fake.cluster.patches).toEqual([
      {
        manager: "weir",
        body: [
          { op: "test", path: "/metadata/resourceVersion", value: seen.resourceVersion },
          { op: "test", path: "/spec/http/0/route/0", value: { destination: { host: "reviews", subset: "v2" }, weight: 90 } },
          { op: "test", path: "/spec/http/0/route/1", value: { destination: { host: "reviews", subset: "v3" }, weight: 10 } },
          { op: "replace", path: "/spec/http/0/route/0/weight", value: 75 },
          { op: "replace", path: "/spec/http/0/route/1/weight", value: 25 },
          { op: "add", path: "/metadata/annotations", value: { "weir.dev/epoch": "uid-1/1.1" } },
        ],
      },
    ]);
  });

  it("tells the time of the server's own entry for its manager, in whole seconds", async () => {
    let now = NOON;
    const fake = createFakeRouter({ nowMs: () => now });
    now += 61_900;
    expect(await fake.write(changeOf(look(fake)))).toEqual({ resourceVersion: look(fake).resourceVersion, atMs: NOON + 61_000 });
    now += 10_000;
    fake.cluster.edit("virtualServices", NAMESPACE, "reviews", "labeller", (object) => ({ ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, team: "reviews" } } }));
    expect((await fake.write(changeOf(look(fake)))).atMs).toBe(NOON + 61_000);
  });

  it("sends no request where what it was decided from has gone", async () => {
    const fake = createFakeRouter({ nowMs: () => NOON });
    const seen = look(fake);
    fake.cluster.remove("virtualServices", NAMESPACE, "reviews");
    await expect(fake.write(changeOf(seen))).rejects.toThrow(new Conflict("VirtualService bookinfo/reviews has changed since it was looked at: there is no VirtualService bookinfo/reviews"));
    expect(fake.cluster.patches).toEqual([]);
  });

  it("complains where an admission webhook has changed the weights", async () => {
    const router = meddling(createFakeRouter({ nowMs: () => NOON }), (object) => ({ ...object, spec: { http: [{ route: subsets({ v2: 95, v3: 5 }) }] } }));
    await expect(router.write(changeOf(look(router)))).rejects.toThrow(
      "the API server changed the write to VirtualService bookinfo/reviews: sent v2 75, v3 25, stored v2 95, v3 5; look for an admission webhook that edits VirtualServices",
    );
  });

  it("complains where a webhook has taken the stamp away", async () => {
    const router = meddling(createFakeRouter({ nowMs: () => NOON }), (object) => ({ ...object, metadata: { ...object.metadata, annotations: undefined } }));
    await expect(router.write(changeOf(look(router)))).rejects.toThrow("sent weir.dev/epoch=uid-1/1.1, stored null");
  });
});

describe("a write that mirrors requests", () => {
  const mirrored = { version: "v3", percent: 20 };

  it("is not made where the server would drop the share, so that all of them were copied", async () => {
    const fake = createFakeRouter({ nowMs: () => NOON });
    const shareless = ({ spec, ...object }: KubernetesObject): KubernetesObject => ({ ...object, spec: { http: (spec as { http: { mirrorPercentage?: object }[] }).http.map(({ mirrorPercentage: _, ...route }) => route) } });
    const router = meddling(fake, shareless);
    await expect(router.write(changeOf(look(router), { mirrored }))).rejects.toThrow("expected the API server to keep a mirror of 20% of the requests; it would drop it or its share");
    expect(fake.cluster.patches).toEqual([]);
    await router.write(changeOf(look(router), { mirrored: { version: "v3", percent: 100 } }));
    expect(fake.cluster.patches).toHaveLength(1);
  });

  it("touches no mirror where it is not about one", async () => {
    const fake = createFakeRouter({ nowMs: () => NOON });
    const router = createIstioRouter(fake.cluster);
    await router.write(changeOf(look(router), { mirrored }));
    await router.write(changeOf(look(router), { stamp: "uid-1/1.2" }));
    expect(fake.cluster.patches.map(({ body }) => body.filter(({ path }) => path.includes("mirror")).length)).toEqual([2, 0]);
    expect(look(router).mirrors).toEqual([{ version: "v3", percent: 20, isAsRouted: true }]);
  });
});

describe("a write that picks requests out", () => {
  const matched = { version: "v3", alternatives: [{ headers: [{ name: "x-tester", exact: "true" }] }] };

  it("comes after a trial, and puts our own route last among the operations", async () => {
    const fake = createFakeRouter({ nowMs: () => NOON });
    const trials: boolean[] = [];
    const client = { ...fake.cluster.client, patch: ((resource, namespace, name, patch, options) => (trials.push(options?.dryRun ?? false), fake.cluster.client.patch(resource, namespace, name, patch, options))) satisfies KubernetesClient["patch"] };
    const router = createIstioRouter({ caches: fake.cluster.caches, client });
    await router.write(changeOf(look(router), { matched }));
    expect(trials).toEqual([true, false]);
    expect(fake.cluster.patches[0]!.body.at(-1)).toEqual({
      op: "add",
      path: "/spec/http/0",
      value: { name: "weir-match.bookinfo.reviews", match: [{ headers: { "x-tester": { exact: "true" } } }], route: [{ destination: { host: "reviews", subset: "v3" } }] },
    });
    await router.write(changeOf(look(router), { matched, stamp: "uid-1/1.2" }));
    expect(trials).toEqual([true, false, false]);
  });

  it("is not made where the server would drop the name by which it could be taken away again", async () => {
    const fake = createFakeRouter({ nowMs: () => NOON });
    const nameless = ({ spec, ...object }: KubernetesObject): KubernetesObject => ({ ...object, spec: { http: (spec as { http: { name?: string }[] }).http.map(({ name: _, ...route }) => route) } });
    const router = meddling(fake, nameless);
    await expect(router.write(changeOf(look(router), { matched }))).rejects.toThrow("expected the API server to keep a route named weir-match.bookinfo.reviews, by which matched requests are sent; it would drop it or its name");
    expect(fake.cluster.patches).toEqual([]);
  });
});

describe("the registry of routers", () => {
  it("goes by what the Rollout's traffic names", async () => {
    const { cluster } = createFakeRouter({ nowMs: () => NOON });
    const router = createTrafficRouter({ caches: cluster.caches, client: cluster.client });
    await router.write(changeOf(look(router)));
    expect(look(router).destinations.map(({ points }) => points)).toEqual([75, 25]);
    expect(() => router.read(ROLLOUT, {}, ["v3"])).toThrow("expected spec.traffic to hold one of istio, gatewayApi, got nothing");
  });
});
