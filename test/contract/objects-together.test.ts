/** Several objects that move together: one route to whoever asks, a conditional write for each, and each left as it was found. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import type { DestinationSeen, RouteFound, RouteSeen } from "../../src/rollout/observation.ts";
import { EPOCH_ANNOTATION, ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { Traffic } from "../../src/rollout/spec-traffic.ts";
import type { RouteChange, TrafficRouter } from "../../src/traffic/traffic-router.ts";
import { DIALECTS, type Dialect, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const EDGE = "reviews-edge";

/** `reviews` and `reviews-edge`, in this order. */
function targetOf(dialect: Dialect): Traffic {
  const [{ istio, gatewayApi }, other] = [dialect.target(), dialect.target(undefined, EDGE)];
  if (istio) return { istio: { virtualServices: [...istio.virtualServices, ...other.istio!.virtualServices] } };
  const list = dialect.kind as "httpRoutes" | "grpcRoutes";
  return { gatewayApi: { [list]: [...gatewayApi![list]!, ...other.gatewayApi![list]!] } };
}

describe.each(routerWorldsAtHand())("objects that move together, on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  describe.each(DIALECTS)("$kind", (dialect) => {
    const { part, extras, label } = dialect;
    const target = targetOf(dialect);
    const SHARED: readonly Part[] = [part({ v2: 100, v3: 0 }, extras)];
    const EDGE_SHARED: readonly Part[] = [part({ v2: 100, v3: 0 })];

    const begin = (parts: readonly Part[] = SHARED, edge: readonly Part[] = EDGE_SHARED): Promise<Scene> => world.begin(dialect, parts, { others: { [EDGE]: edge } });
    const read = ({ namespace, router }: Scene, by: TrafficRouter = router): RouteSeen => by.read({ namespace, name: "reviews" }, target, ["v3", "v2"]);
    const see = (scene: Scene, by?: TrafficRouter): RouteFound => {
      const seen = read(scene, by);
      if (seen.kind !== "found") throw new Error(seen.message);
      return seen;
    };
    const change = ({ namespace }: Scene, seen: RouteFound, points: Readonly<Record<string, number | null>>, stamp: string | null = "uid-1/1.1"): RouteChange => ({
      rollout: { namespace, name: "reviews" },
      target, seen, stamp,
      ours: ["v2", "v3"],
      wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
      matched: null,
      manager: ROUTE_MANAGER,
    });
    const pointsOf = (destinations: readonly DestinationSeen[]): object => Object.fromEntries(destinations.map(({ version, points }) => [version, points]));
    const shares = ({ destinations, along = [] }: RouteFound): readonly object[] => [destinations, ...along.map((lane) => lane.destinations)].map(pointsOf);
    const asFound = ({ metadata: { annotations }, spec }: KubernetesObject): string => JSON.stringify({ annotations, spec });
    const both = (scene: Scene): Promise<readonly KubernetesObject[]> => Promise.all([scene.stored(), scene.stored(EDGE)]);
    const stamps = async (scene: Scene): Promise<readonly (string | undefined)[]> => (await both(scene)).map(({ metadata: { annotations } }) => annotations?.[EPOCH_ANNOTATION]);

    it("are seen as one, each with its own version and stamp", async () => {
      const scene = await begin();
      const stored = await both(scene);
      expect(see(scene)).toMatchObject({
        name: `${label} ${scene.namespace}/reviews and ${label} ${scene.namespace}/${EDGE}`,
        resourceVersion: stored.map(({ metadata: { resourceVersion } }) => resourceVersion).join(","),
        along: [{ name: `${label} ${scene.namespace}/${EDGE}` }],
        parts: [{ name: `${label} ${scene.namespace}/reviews` }, { name: `${label} ${scene.namespace}/${EDGE}` }],
      });
      expect(shares(see(scene))).toEqual([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }]);
    });

    it("move by a write each, and are left as they were found, also where the new version is added for the run", async () => {
      const alone = [dialect.withDestinations(part({ v2: 100 }, extras), dialect.alone("v2"))];
      for (const [parts, edge, rest] of [[SHARED, EDGE_SHARED, { v2: 100, v3: 0 }], [alone, alone, { v2: null }]] as const) {
        const scene = await begin(parts, edge);
        const found = (await both(scene)).map(asFound);
        const written = await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
        expect(written.resourceVersion).toBe(see(scene).resourceVersion);
        expect(shares(see(scene))).toEqual([{ v2: 75, v3: 25 }, { v2: 75, v3: 25 }]);
        expect(await stamps(scene)).toEqual(["uid-1/1.1", "uid-1/1.1"]);
        await scene.router.write(change(scene, see(scene), rest, null));
        expect((await both(scene)).map(asFound)).toEqual(found);
      }
    });

    it("tell by their stamps that a write came to the first alone, and the next one makes them alike", async () => {
      const scene = await begin();
      const [first] = see(scene).parts!;
      await scene.router.write({ ...change(scene, first!, { v2: 75, v3: 25 }), target: first!.target });
      const seen = see(scene);
      expect([shares(seen), seen.parts!.map(({ stamp }) => stamp)]).toEqual([[{ v2: 75, v3: 25 }, { v2: 100, v3: 0 }], ["uid-1/1.1", undefined]]);
      await scene.router.write(change(scene, seen, { v2: 75, v3: 25 }));
      expect([shares(see(scene)), await stamps(scene)]).toEqual([[{ v2: 75, v3: 25 }, { v2: 75, v3: 25 }], ["uid-1/1.1", "uid-1/1.1"]]);
    });

    it("are refused with a sentence where they share differently at rest, and a write can make them whole", async () => {
      const scene = await begin(SHARED, [part({ v2: 90, v3: 10 })]);
      const seen = read(scene);
      const [one, other] = [`${label} ${scene.namespace}/reviews`, `${label} ${scene.namespace}/${EDGE}`];
      expect(seen).toMatchObject({ kind: "unusable", message: `expected routes that move together to share alike, got v2 100, v3 0 in ${one} and v2 90, v3 10 in ${other}: make them alike, or give one of them a Rollout of its own` });
      await scene.router.write(change(scene, (seen as { readonly mendable: RouteFound }).mendable, { v2: 100, v3: 0 }, null));
      expect(shares(see(scene))).toEqual([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }]);
    });

    it("are taken back as far as they are there", async () => {
      const scene = await begin();
      await scene.router.write(change(scene, see(scene), { v2: 50, v3: 50 }));
      const gone = `${EDGE}-gone`;
      const { namespace, router } = scene;
      const [{ istio, gatewayApi = {} }, list] = [dialect.target(undefined, gone), dialect.kind as "httpRoutes" | "grpcRoutes"];
      const lacking: Traffic = istio ? { istio: { virtualServices: [...dialect.target().istio!.virtualServices, ...istio.virtualServices] } } : { gatewayApi: { [list]: [...dialect.target().gatewayApi![list]!, ...gatewayApi[list]!] } };
      const seen = router.read({ namespace, name: "reviews" }, lacking, ["v3", "v2"]);
      expect(seen).toMatchObject({ kind: "absent", message: `there is no ${label} ${namespace}/${gone}`, mendable: { parts: [{ name: `${label} ${namespace}/reviews` }] } });
      const { mendable } = seen as { readonly mendable: RouteFound };
      expect(mendable.resourceVersion).toMatch(/^\d+,$/);
      await router.write({ ...change(scene, mendable, { v2: 100, v3: 0 }, null), target: lacking });
      expect(pointsOf(see(scene).destinations)).toEqual({ v2: 100, v3: 0 });
    });

    it("are not written by who does not know yet that one of them has changed", async () => {
      const scene = await begin();
      const frozen = scene.freeze();
      await scene.editRoutes("kubectl-edit", [part({ v2: 100, v3: 0 }, extras)], EDGE);
      await expect(frozen.write(change(scene, see(scene, frozen), { v2: 75, v3: 25 }))).rejects.toThrow(Conflict);
      expect(shares(see(scene))).toEqual([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }]);
    });
  });
});
