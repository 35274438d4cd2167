/** What every traffic router keeps, whatever is behind it. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import type { RouteFound } from "../../src/rollout/observation.ts";
import { EPOCH_ANNOTATION, ROUTE_MANAGER, STAMP_MANAGER } from "../../src/rollout/rollout.ts";
import type { RouteChange, TrafficRouter } from "../../src/traffic/traffic-router.ts";
import type { Split } from "../support/istio-objects.ts";
import { BY_SERVICE_ENTRY, DIALECTS, type Leading, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

describe.each(routerWorldsAtHand())("a traffic router on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  describe.each([...DIALECTS.map((dialect) => ({ label: dialect.label, dialect })), { label: "the host of a ServiceEntry", dialect: BY_SERVICE_ENTRY }])("by $label", ({ dialect }) => {
    const { target, part, destinationsIn, withDestinations } = dialect;
    const PLAIN = [part({ v2: 90, v3: 10 })];
    /** A route before ours that only some requests take, one after it, and in ours a foreign destination and much that Weir knows nothing of. */
    const BUSY = [
      part({ v3: null }, { name: "beta", ...dialect.matching }),
      withDestinations({ name: "primary", ...dialect.extras }, [dialect.partner(20), { ...destinationsIn(part({ v2: 80 }))[0], ...dialect.destinationExtras }]),
      part({ v1: 50, v2: 50 }, { name: "rest", ...dialect.matching }),
    ];

    const begin = (parts: readonly Part[], annotations?: Readonly<Record<string, string>>): Promise<Scene> => world.begin(dialect, parts, annotations);
    const see = ({ namespace, router }: Scene, route?: string, by: TrafficRouter = router): RouteFound => {
      const seen = by.read({ namespace, name: "reviews" }, target(route), ["v3", "v2", "v9"]);
      if (seen.kind !== "found") throw new Error(seen.message);
      return seen;
    };
    const change = ({ namespace }: Scene, seen: RouteFound, points: Readonly<Record<string, number | null>>, rest: Partial<RouteChange> = {}): RouteChange => ({
      rollout: { namespace, name: "reviews" },
      target: target(),
      seen,
      ours: ["v2", "v3"],
      wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
      matched: null,
      stamp: "uid-1/1.1",
      manager: ROUTE_MANAGER,
      ...rest,
    });
    const pointsOf = ({ destinations }: RouteFound): Readonly<Record<string, number>> => Object.fromEntries(destinations.map(({ version, points }) => [version, points]));

    it("reads destinations, backends and writers", async () => {
      const seen = see(await begin(PLAIN));
      expect(seen.destinations).toEqual([
        { version: "v2", points: 90, weighted: true, candidate: true },
        { version: "v3", points: 10, weighted: true, candidate: true },
      ]);
      expect(seen.stamp).toBeUndefined();
      expect(seen.writers).toHaveLength(1);
      expect(seen.backends).toMatchObject({ v2: { kind: "found", selector: { app: "reviews", version: "v2" } }, v3: { kind: "found" }, v9: { kind: "missing" } });
    });

    it("writes weights and stamp at once, and tells when", async () => {
      const scene = await begin(PLAIN);
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
      const scene = await begin(PLAIN);
      const old = see(scene);
      await scene.editRoutes("kubectl-edit", [part({ v2: 95, v3: 5 })]);
      await expect(scene.router.write(change(scene, old, { v2: 75, v3: 25 }))).rejects.toThrow(Conflict);
      expect(pointsOf(see(scene))).toEqual({ v2: 95, v3: 5 });
      expect(see(scene).writers[0]?.manager).toBe("kubectl-edit");
    });

    it("is refused by the server where the one who writes does not know yet that the route has changed", async () => {
      const scene = await begin(PLAIN);
      const frozen = scene.freeze();
      await scene.editRoutes("kubectl-edit", [part({ v2: 95, v3: 5 })]);
      await expect(frozen.write(change(scene, see(scene, undefined, frozen), { v2: 75, v3: 25 }))).rejects.toThrow(Conflict);
      expect(pointsOf(see(scene))).toEqual({ v2: 95, v3: 5 });
    });

    it("stops a frozen writer by a stamp alone, which does not pass for a weight's write", async () => {
      const scene = await begin(PLAIN);
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
      const scene = await begin(PLAIN);
      const first = await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
      expect(await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }))).toEqual(first);
      expect((await scene.stored()).metadata.resourceVersion).toBe(first.resourceVersion);
    });

    it.each([
      ["without annotations", undefined],
      ["with annotations of others", { team: "reviews", "kubectl.kubernetes.io/last-applied-configuration": "{}" }],
    ])("leaves a route %s as it found it, to the byte, when the run ends where it began", async (_, annotations) => {
      const scene = await begin(BUSY, annotations);
      const found = await scene.stored();
      const primary = target("primary");
      await scene.router.write(change(scene, see(scene, "primary"), { v2: 72, v3: 8 }, { target: primary }));
      await scene.router.write(change(scene, see(scene, "primary"), { v2: 40, v3: 40 }, { target: primary, stamp: "uid-1/1.2" }));
      await scene.router.write(change(scene, see(scene, "primary"), { v2: 80 }, { target: primary, stamp: null }));
      expect(asFound(await scene.stored())).toBe(asFound(found));
    });

    it("touches only the weights of ours among much else, and adds the missing one as its sibling's copy", async () => {
      const scene = await begin(BUSY);
      const found = await scene.stored();
      await scene.router.write(change(scene, see(scene, "primary"), { v2: 72, v3: 8 }, { target: target("primary") }));
      const parts = dialect.partsIn(found);
      const [partner, stable] = destinationsIn(parts[1]!) as [Leading, Leading];
      const expected = parts.with(1, withDestinations(parts[1]!, [partner, { ...stable, weight: 72 }, { ...dialect.sibling(stable, "v3"), weight: 8 }]));
      expect((await scene.stored()).spec).toEqual({ ...(found.spec as object), ...dialect.spec(expected) });
    });

    it.each(["v2", "v3"])("ends one unweighted destination as one unweighted destination: %s", async (winner) => {
      const scene = await begin([part({ v2: null })]);
      expect(see(scene).destinations).toEqual([{ version: "v2", points: 100, weighted: false, candidate: true }]);
      await scene.router.write(change(scene, see(scene), { v2: 90, v3: 10 }));
      await scene.router.write(change(scene, see(scene), { [winner]: null }, { stamp: null }));
      const stored = await scene.stored();
      expect(dialect.partsIn(stored).map(destinationsIn)).toMatchObject([dialect.alone(winner)]);
      expect(see(scene).destinations).toEqual([{ version: winner, points: 100, weighted: false, candidate: true }]);
      expect(stored.metadata.annotations).toBeUndefined();
    });

    const both = (split: Split, ...others: readonly Leading[]): readonly Leading[] => [...destinationsIn(part(split)), ...others];
    const leading = (destinations: readonly Leading[]): Part => withDestinations({}, destinations);
    const stored = (split: Split, version: string): Leading => destinationsIn(part(split)).find((each) => isDeepStrictEqual(each, dialect.sibling(each, version)))!;

    it.each<readonly [what: string, parts: readonly Part[], after: readonly Part[]]>([
      ["weights that do not add up", [part({ v2: 90, v3: 20 })], [part({ v2: 100, v3: 0 })]],
      ...(dialect.kind === "virtualServices" ? [["a weight below 0", [part({ v2: 110, v3: -10 })], [part({ v2: 100, v3: 0 })]] as const] : []), // elsewhere the server refuses it
      ["a stranger on top", [leading(both({ v2: 50, v3: 50 }, dialect.partner(20)))], [leading(both({ v2: 80, v3: 0 }, dialect.partner(20)))]],
      ["one version twice", [leading(both({ v3: 10, v2: 80 }, stored({ v3: 10 }, "v3")))], [leading(both({ v3: 0, v2: 100 }, stored({ v3: 0 }, "v3")))]],
      ["a stranger of the same name", [leading([dialect.namesake("v3", 20), ...both({ v2: 70, v3: 10 })])], [leading([dialect.namesake("v3", 20), ...both({ v2: 80, v3: 0 })])]],
      ["another route beside it", [part({ v1: null }), part({ v2: 50, v3: 50 })], [part({ v1: null }), part({ v2: 100, v3: 0 })]],
    ])("refuses %s with a sentence, and shows what a write can make whole", async (_, parts, after) => {
      const scene = await begin(PLAIN);
      await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
      await scene.editRoutes("other-tool", parts);
      const seen = scene.router.read({ namespace: scene.namespace, name: "reviews" }, target(), ["v3", "v2"]);
      expect(seen).toMatchObject({ kind: "unusable", message: expect.any(String) as string });
      if (seen.kind !== "unusable" || !seen.mendable) throw new Error("expected a route that a write can make whole");
      const stable = after.flatMap(destinationsIn).find((each) => isDeepStrictEqual(each, dialect.sibling(each, "v2")))!;
      await scene.router.write(change(scene, seen.mendable, { v2: stable.weight!, v3: 0 }, { stamp: null }));
      expect((await scene.stored()).spec).toMatchObject(dialect.spec(after));
    });

    it("does not look for a route elsewhere in an object that no run has written", async () => {
      const scene = await begin([part({ v1: null }), part({ v2: 50, v3: 50 })]);
      expect(scene.router.read({ namespace: scene.namespace, name: "reviews" }, target(), ["v3", "v2"])).not.toHaveProperty("mendable");
    });

    it("says that a route is absent", async () => {
      const { router, namespace } = await begin(BUSY);
      const rollout = { namespace, name: "reviews" };
      expect(router.read(rollout, target("main"), ["v3"])).toEqual({ kind: "absent", message: dialect.noPart(namespace, "main", "beta, primary, rest") });
      expect(router.read(rollout, target(undefined, "ratings"), ["v3"])).toEqual({ kind: "absent", message: `there is no ${dialect.label} ${namespace}/ratings` });
    });
  });
});

/** Everything that people see of the object; the server's book-keeping is its own. */
function asFound({ metadata, spec }: KubernetesObject): string {
  const { resourceVersion, generation, managedFields, ...kept } = metadata;
  expect(kept.annotations?.[EPOCH_ANNOTATION]).toBeUndefined();
  return JSON.stringify({ metadata: kept, spec });
}
