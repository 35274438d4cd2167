/** Copies of requests that go to the new version as well: what every traffic router keeps about them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RouteFound } from "../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { RouteChange } from "../../src/traffic/traffic-router.ts";
import { asFound } from "../support/as-found.ts";
import { DIALECTS, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const AT_20 = { version: "v3", percent: 20 };
const NONE = { version: "v3", percent: 0 };

describe.each(routerWorldsAtHand())("mirrored requests on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  describe.each(DIALECTS.map((dialect) => ({ label: dialect.label, dialect })))("by $label", ({ dialect }) => {
    const { part, destinationsIn, withDestinations, mirrorsIn } = dialect;
    const { mirror: _, ...extras } = dialect.extras;
    const BUSY = [part({ v3: null }, { name: "beta", ...dialect.matching }), withDestinations({ name: "primary", ...extras }, [dialect.partner(20), destinationsIn(part({ v2: 80 }))[0]!]), part({ v1: 50, v2: 50 }, { name: "rest", ...dialect.matching })];
    const PLAIN = [part({ v2: 100 }, { name: "primary" })];
    const rolloutOf = ({ namespace }: Scene) => ({ namespace, name: "reviews" });
    const see = (scene: Scene): RouteFound => {
      const seen = scene.router.read(rolloutOf(scene), dialect.target("primary"), ["v3", "v2"]);
      if (seen.kind !== "found") throw new Error(seen.message);
      return seen;
    };
    const write = (scene: Scene, points: Readonly<Record<string, number>>, change: Partial<RouteChange> = {}) =>
      scene.router.write({
        rollout: rolloutOf(scene), target: dialect.target("primary"), seen: see(scene), ours: ["v2", "v3"],
        wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
        matched: null, stamp: "uid-1/1.1", manager: ROUTE_MANAGER, ...change,
      });
    const partsOf = async (scene: Scene): Promise<readonly Part[]> => dialect.partsIn(await scene.stored());
    const primaryOf = async (scene: Scene): Promise<Part> => (await partsOf(scene)).find(({ name }) => name === "primary")!;
    const mirrorsOf = async (scene: Scene): Promise<readonly string[]> => mirrorsIn(await primaryOf(scene));

    it("go by a mirror on the user's own route, and everything else in it stays as it is", async () => {
      const scene = await world.begin(dialect, BUSY);
      const [before, primary, after] = (await partsOf(scene)) as [Part, Part, Part];
      await write(scene, { v2: 80, v3: 0 }, { mirrored: AT_20 });
      const [first, written, last] = (await partsOf(scene)) as [Part, Part, Part];
      expect([first, last]).toEqual([before, after]);
      expect(mirrorsIn(written)).toEqual(["v3 20"]);
      expect(destinationsIn(written).map(({ weight }) => weight)).toEqual([20, 80, 0]);
      for (const field of Object.keys(extras).filter((each) => each !== "filters")) expect(written[field]).toEqual(primary[field]);
      expect(written["filters"] ?? []).toEqual(expect.arrayContaining([...((primary["filters"] as object[] | undefined) ?? [])]));
      expect(see(scene).mirrors).toEqual([{ version: "v3", percent: 20, isAsRouted: true }]);
    });

    it.each([["beside much else", BUSY, 80], ["where there was nothing like it", PLAIN, 100]])("are gone with the write that wants none, to the byte: %s", async (_label, parts, all) => {
      const scene = await world.begin(dialect, parts);
      const found = asFound(await scene.stored());
      await write(scene, { v2: all, v3: 0 }, { mirrored: AT_20 });
      await write(scene, { v2: all }, { mirrored: NONE, stamp: null });
      expect(asFound(await scene.stored())).toBe(found);
    });

    it("become more, or all, without a second mirror; and stay where a write is not about them", async () => {
      const scene = await world.begin(dialect, PLAIN);
      await write(scene, { v2: 100, v3: 0 }, { mirrored: AT_20 });
      await write(scene, { v2: 100, v3: 0 }, { mirrored: { version: "v3", percent: 100 }, stamp: "uid-1/1.2" });
      expect(await mirrorsOf(scene)).toEqual(["v3 100"]);
      await write(scene, { v2: 90, v3: 10 }, { stamp: "uid-1/1.3" });
      expect(await mirrorsOf(scene)).toEqual(["v3 100"]);
    });

    it("leave a mirror of the user's own where it is", async () => {
      const scene = await world.begin(dialect, [part({ v2: 100 }, { name: "primary", ...dialect.mirroring("audit", 10) })]);
      const found = asFound(await scene.stored());
      expect(see(scene).mirrorObstacle).toBeUndefined();
      await write(scene, { v2: 100, v3: 0 }, { mirrored: AT_20 });
      expect(await mirrorsOf(scene)).toEqual(["audit 10", "v3 20"]);
      await write(scene, { v2: 100, v3: 0 }, { mirrored: { ...AT_20, percent: 40 } });
      expect(await mirrorsOf(scene)).toEqual(["audit 10", "v3 40"]);
      await write(scene, { v2: 100 }, { mirrored: NONE, stamp: null });
      expect(asFound(await scene.stored())).toBe(found);
    });

    it("are not sent where there is no room for a mirror, and that is told", async () => {
      const scene = await world.begin(dialect, [part({ v2: 100 }, { name: "primary", ...dialect.crowded })]);
      const found = asFound(await scene.stored());
      expect(see(scene).mirrorObstacle).toMatch(/^has .+: (write|take) /);
      await expect(write(scene, { v2: 100, v3: 0 }, { mirrored: AT_20 })).rejects.toThrow(RangeError);
      expect(asFound(await scene.stored())).toBe(found);
    });

    it("show a hand that changes their share, sends them elsewhere, or takes them away", async () => {
      const scene = await world.begin(dialect, PLAIN);
      await write(scene, { v2: 100, v3: 0 }, { mirrored: AT_20 });
      const { mirror: __, mirrorPercentage: ___, filters: ____, ...bare } = await primaryOf(scene);
      await scene.editRoutes("kubectl-edit", [{ ...bare, ...dialect.mirroring("v1", 30) }]);
      expect(see(scene).mirrors).toMatchObject([{ version: "v1", percent: 30 }]);
      await scene.editRoutes("kubectl-edit", [bare]);
      expect(see(scene).mirrors).toEqual([]);
      await write(scene, { v2: 100, v3: 0 }, { mirrored: AT_20, stamp: "uid-1/1.2" });
      expect(await mirrorsOf(scene)).toEqual(["v3 20"]);
    });

    it("are not copied once more on the route for requests that are picked out", async () => {
      const scene = await world.begin(dialect, PLAIN);
      await write(scene, { v2: 100, v3: 0 }, { mirrored: AT_20 });
      await write(scene, { v2: 100, v3: 0 }, { mirrored: NONE, matched: { version: "v3", alternatives: [{ headers: [{ name: "x-tester", exact: "true" }] }] }, stamp: "uid-1/1.2" });
      expect((await partsOf(scene)).map(mirrorsIn)).toEqual([[], []]);
    });
  });
});
