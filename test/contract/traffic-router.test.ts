/** What every traffic router keeps, whatever is behind it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import type { RouteFound } from "../../src/rollout/observation.ts";
import { EPOCH_ANNOTATION, ROUTE_MANAGER, STAMP_MANAGER } from "../../src/rollout/rollout.ts";
import type { RouteChange, TrafficRouter } from "../../src/traffic/traffic-router.ts";
import { aTarget, hosts, subsets, type KubernetesRoute } from "../support/istio-objects.ts";
import { kubernetesApis } from "../support/kubernetes-apis.ts";
import { openApiWorld, openMemoryWorld, type RouterWorld, type Scene } from "../support/router-worlds.ts";

interface WorldAtHand {
  readonly world: string;
  open(): Promise<RouterWorld>;
}

const WORLDS: readonly WorldAtHand[] = [
  { world: "objects in memory", open: async () => openMemoryWorld() },
  ...kubernetesApis().map(({ name, open }) => ({ world: `the ${name} API`, open: async () => openApiWorld(await open()) })),
];

/** A route before ours that matches a header, one after it, and in ours a foreign destination and much that Weir knows nothing of. */
const BUSY: readonly KubernetesRoute[] = [
  { name: "beta", match: [{ headers: { "end-user": { exact: "jason" } } }], route: subsets({ v3: null }) },
  {
    name: "primary",
    timeout: "3s",
    retries: { attempts: 3, perTryTimeout: "1s" },
    mirror: { host: "shadow" },
    headers: { request: { set: { "x-route": "primary" } } },
    route: [
      { destination: { host: "partner.example.com" }, weight: 20 },
      { destination: { host: "reviews", subset: "v2", port: { number: 9080 } }, weight: 80, headers: { response: { add: { "x-kept": "yes" } } } },
    ] as KubernetesRoute["route"],
  },
  { name: "rest", match: [{ uri: { prefix: "/rest" } }], route: subsets({ v1: 50, v2: 50 }) },
];

const PLAIN: readonly KubernetesRoute[] = [{ route: subsets({ v2: 90, v3: 10 }) }];

describe.each(WORLDS)("a traffic router on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const see = ({ namespace, router }: Scene, route?: string, by: TrafficRouter = router): RouteFound => {
    const seen = by.read({ namespace, name: "reviews" }, aTarget("reviews", route), ["v3", "v2", "v9"]);
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  const change = ({ namespace }: Scene, seen: RouteFound, points: Readonly<Record<string, number | null>>, rest: Partial<RouteChange> = {}): RouteChange => ({
    rollout: { namespace, name: "reviews" },
    target: aTarget(),
    seen,
    ours: ["v2", "v3"],
    wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
    stamp: "uid-1/1.1",
    manager: ROUTE_MANAGER,
    ...rest,
  });
  const pointsOf = ({ destinations }: RouteFound): Readonly<Record<string, number>> => Object.fromEntries(destinations.map(({ version, points }) => [version, points]));

  it("reads destinations, backends and writers", async () => {
    const seen = see(await world.begin(PLAIN));
    expect(seen.destinations).toEqual([
      { version: "v2", points: 90, weighted: true, candidate: true },
      { version: "v3", points: 10, weighted: true, candidate: true },
    ]);
    expect(seen.stamp).toBeUndefined();
    expect(seen.writers).toHaveLength(1);
    expect(seen.backends).toMatchObject({ v2: { kind: "found", selector: { app: "reviews", version: "v2" } }, v3: { kind: "found" }, v9: { kind: "missing" } });
  });

  it("writes weights and stamp at once, and tells when", async () => {
    const scene = await world.begin(PLAIN);
    const beforeMs = Date.now();
    const written = await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
    const seen = see(scene);
    expect(pointsOf(seen)).toEqual({ v2: 75, v3: 25 });
    expect(seen.stamp).toBe("uid-1/1.1");
    expect(seen.resourceVersion).toBe(written.resourceVersion);
    expect(seen.writers[0]).toEqual({ manager: ROUTE_MANAGER, atMs: written.atMs });
    expect(written.atMs).toBeGreaterThanOrEqual(beforeMs - 1_000);
    expect(written.atMs).toBeLessThanOrEqual(Date.now());
    expect((await scene.stored()).metadata.resourceVersion).toBe(written.resourceVersion);
  });

  it("refuses a change that was decided before somebody else's write, and writes nothing", async () => {
    const scene = await world.begin(PLAIN);
    const old = see(scene);
    await scene.editRoutes("kubectl-edit", [{ route: subsets({ v2: 95, v3: 5 }) }]);
    await expect(scene.router.write(change(scene, old, { v2: 75, v3: 25 }))).rejects.toThrow(Conflict);
    expect(pointsOf(see(scene))).toEqual({ v2: 95, v3: 5 });
    expect(see(scene).writers[0]?.manager).toBe("kubectl-edit");
  });

  it("is refused by the server where the one who writes does not know yet that the route has changed", async () => {
    const scene = await world.begin(PLAIN);
    const frozen = scene.freeze();
    await scene.editRoutes("kubectl-edit", [{ route: subsets({ v2: 95, v3: 5 }) }]);
    await expect(frozen.write(change(scene, see(scene, undefined, frozen), { v2: 75, v3: 25 }))).rejects.toThrow(Conflict);
    expect(pointsOf(see(scene))).toEqual({ v2: 95, v3: 5 });
  });

  it("stops a frozen writer by a stamp alone, which does not pass for a weight's write", async () => {
    const scene = await world.begin(PLAIN);
    const frozen = scene.freeze();
    const before = see(scene);
    await scene.router.write(change(scene, before, { v2: 90, v3: 10 }, { stamp: "uid-1/1.2", manager: STAMP_MANAGER }));
    const stamped = see(scene);
    expect(stamped.stamp).toBe("uid-1/1.2");
    expect(stamped.destinations).toEqual(before.destinations);
    expect(stamped.writers).toEqual(before.writers);
    await expect(frozen.write(change(scene, see(scene, undefined, frozen), { v2: 0, v3: 100 }))).rejects.toThrow(Conflict);
    expect(see(scene)).toEqual(stamped);
  });

  it("sends nothing where nothing differs", async () => {
    const scene = await world.begin(PLAIN);
    const first = await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
    expect(await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }))).toEqual(first);
    expect((await scene.stored()).metadata.resourceVersion).toBe(first.resourceVersion);
  });

  it.each([
    ["without annotations", undefined],
    ["with annotations of others", { team: "reviews", "kubectl.kubernetes.io/last-applied-configuration": "{}" }],
  ])("leaves a route %s as it found it, to the byte, when the run ends where it began", async (_, annotations) => {
    const scene = await world.begin(BUSY, annotations);
    const found = await scene.stored();
    const target = aTarget("reviews", "primary");
    await scene.router.write(change(scene, see(scene, "primary"), { v2: 72, v3: 8 }, { target }));
    await scene.router.write(change(scene, see(scene, "primary"), { v2: 40, v3: 40 }, { target, stamp: "uid-1/1.2" }));
    await scene.router.write(change(scene, see(scene, "primary"), { v2: 80 }, { target, stamp: null }));
    expect(asFound(await scene.stored())).toBe(asFound(found));
  });

  it("touches only the weights of ours in a busy VirtualService, and adds the missing one as its sibling's copy", async () => {
    const scene = await world.begin(BUSY);
    const found = (await scene.stored()).spec as { http: { route: object[] }[] };
    await scene.router.write(change(scene, see(scene, "primary"), { v2: 72, v3: 8 }, { target: aTarget("reviews", "primary") }));
    const expected = structuredClone(found);
    const [partner, stable] = found.http[1]!.route as [object, { destination: object }];
    expected.http[1]!.route = [partner, { ...stable, weight: 72 }, { ...stable, destination: { ...stable.destination, subset: "v3" }, weight: 8 }];
    expect((await scene.stored()).spec).toEqual(expected);
  });

  it.each(["v2", "v3"])("ends one unweighted destination as one unweighted destination: %s", async (winner) => {
    const scene = await world.begin([{ route: subsets({ v2: null }) }]);
    expect(see(scene).destinations).toEqual([{ version: "v2", points: 100, weighted: false, candidate: true }]);
    await scene.router.write(change(scene, see(scene), { v2: 90, v3: 10 }));
    await scene.router.write(change(scene, see(scene), { [winner]: null }, { stamp: null }));
    const stored = await scene.stored();
    expect((stored.spec as { http: unknown }).http).toEqual([{ route: subsets({ [winner]: null }) }]);
    expect(stored.metadata.annotations).toBeUndefined();
  });

  it.each<readonly [what: string, http: readonly KubernetesRoute[], after: readonly KubernetesRoute[]]>([
    ["weights that do not add up", [{ route: subsets({ v2: 90, v3: 20 }) }], [{ route: subsets({ v2: 100, v3: 0 }) }]],
    ["a weight below 0", [{ route: subsets({ v2: 110, v3: -10 }) }], [{ route: subsets({ v2: 100, v3: 0 }) }]],
    ["a stranger on top", [{ route: [...subsets({ v2: 50, v3: 50 })!, ...hosts({ partner: 20 })!] }], [{ route: [...subsets({ v2: 80, v3: 0 })!, ...hosts({ partner: 20 })!] }]],
    ["one version twice", [{ route: [...subsets({ v3: 10, v2: 80 })!, ...subsets({ v3: 10 })!] }], [{ route: [...subsets({ v3: 0, v2: 100 })!, ...subsets({ v3: 0 })!] }]],
    ["a stranger of the same name", [{ route: [...subsets({ v3: 20 }, "ratings")!, ...subsets({ v2: 70, v3: 10 })!] }], [{ route: [...subsets({ v3: 20 }, "ratings")!, ...subsets({ v2: 80, v3: 0 })!] }]],
    ["another route beside it", [{ route: subsets({ v1: null }) }, { route: subsets({ v2: 50, v3: 50 }) }], [{ route: subsets({ v1: null }) }, { route: subsets({ v2: 100, v3: 0 }) }]],
  ])("refuses %s with a sentence, and shows what a write can make whole", async (_, http, after) => {
    const scene = await world.begin(PLAIN);
    await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
    await scene.editRoutes("other-tool", http);
    const seen = scene.router.read({ namespace: scene.namespace, name: "reviews" }, aTarget(), ["v3", "v2"]);
    expect(seen).toMatchObject({ kind: "unusable", message: expect.any(String) as string });
    if (seen.kind !== "unusable" || !seen.mendable) throw new Error("expected a route that a write can make whole");
    const [stable] = after.flatMap(({ route = [] }) => route.filter(({ destination }) => destination.subset === "v2"));
    await scene.router.write(change(scene, seen.mendable, { v2: stable!.weight!, v3: 0 }, { stamp: null }));
    expect((await scene.stored()).spec).toMatchObject({ http: after });
  });

  it("does not look for a route elsewhere in a VirtualService that no run has written", async () => {
    const scene = await world.begin([{ route: subsets({ v1: null }) }, { route: subsets({ v2: 50, v3: 50 }) }]);
    expect(scene.router.read({ namespace: scene.namespace, name: "reviews" }, aTarget(), ["v3", "v2"])).not.toHaveProperty("mendable");
  });

  it("says that a route is absent", async () => {
    const { router, namespace } = await world.begin(BUSY);
    const rollout = { namespace, name: "reviews" };
    const message = `VirtualService ${namespace}/reviews has no http route named main; it has beta, primary, rest`;
    expect(router.read(rollout, aTarget("reviews", "main"), ["v3"])).toEqual({ kind: "absent", message });
    expect(router.read(rollout, aTarget("ratings"), ["v3"])).toEqual({ kind: "absent", message: `there is no VirtualService ${namespace}/ratings` });
  });
});

/** Everything that people see of the object; the server's book-keeping is its own. */
function asFound({ metadata, spec }: KubernetesObject): string {
  const { resourceVersion, generation, managedFields, ...kept } = metadata;
  expect(kept.annotations?.[EPOCH_ANNOTATION]).toBeUndefined();
  return JSON.stringify({ metadata: kept, spec });
}
