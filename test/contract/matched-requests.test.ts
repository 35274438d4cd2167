/** Our own route beside a user's, for requests that are picked out: what every traffic router keeps about it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import type { RouteFound } from "../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { MatchWanted } from "../../src/rollout/route-write.ts";
import type { RouteMatch } from "../../src/rollout/spec-steps.ts";
import type { RouteChange } from "../../src/traffic/traffic-router.ts";
import { DIALECTS, type Leading, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const TESTERS: readonly RouteMatch[] = [{ headers: [{ name: "x-tester", exact: "true" }, { name: "x-team", prefix: "re" }] }, { cookies: [{ name: "beta", regex: "y|yes" }] }];
const WANTED: MatchWanted = { version: "v3", alternatives: TESTERS };

describe.each(routerWorldsAtHand())("matched requests on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  describe.each(DIALECTS.map((dialect) => ({ label: dialect.label, dialect })))("by $label", ({ dialect }) => {
    const { part, destinationsIn, withDestinations } = dialect;
    const BUSY = [
      part({ v3: null }, { name: "beta", ...dialect.matching }),
      withDestinations({ name: "primary", ...dialect.extras }, [dialect.partner(20), { ...destinationsIn(part({ v2: 80 }))[0], ...dialect.destinationExtras }]),
      part({ v1: 50, v2: 50 }, { name: "rest", ...dialect.matching }),
    ];
    const rolloutOf = ({ namespace }: Scene) => ({ namespace, name: "reviews" });
    const see = (scene: Scene, route?: string, wanted: MatchWanted | null = WANTED): RouteFound => {
      const seen = scene.router.read(rolloutOf(scene), dialect.target(route), ["v3", "v2"], { matched: wanted });
      if (seen.kind !== "found") throw new Error(seen.message);
      return seen;
    };
    const write = (scene: Scene, route: string | undefined, points: Readonly<Record<string, number>>, { seen = see(scene, route), ...rest }: Partial<RouteChange> = {}) =>
      scene.router.write({
        rollout: rolloutOf(scene), target: dialect.target(route), seen, ours: ["v2", "v3"],
        wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
        matched: WANTED, stamp: "uid-1/1.1", manager: ROUTE_MANAGER, ...rest,
      });
    const isOurs = (scene: Scene, { name }: Part): boolean => name === `weir-match.${scene.namespace}.reviews`;
    const ownIn = async (scene: Scene): Promise<Part> => dialect.partsIn(await scene.stored()).find((each) => isOurs(scene, each))!;
    const usersIn = async (scene: Scene): Promise<readonly Part[]> => dialect.partsIn(await scene.stored()).filter((each) => !isOurs(scene, each));

    it("get a route of ours that does all else as the user's does, and the user's stay as they are", async () => {
      const scene = await world.begin(dialect, BUSY);
      const [before, primary, after] = dialect.partsIn(await scene.stored()) as [Part, Part, Part];
      const [partner, stable] = destinationsIn(primary) as [Leading, Leading];
      expect(see(scene, "primary").matched).toBeUndefined();
      await write(scene, "primary", { v2: 80, v3: 0 });
      const canary = { ...dialect.sibling(stable, "v3"), weight: 0 };
      expect(await usersIn(scene)).toEqual([before, withDestinations(primary, [partner, stable, canary]), after]);
      const own = await ownIn(scene);
      expect(destinationsIn(own)).toEqual([{ ...canary, weight: destinationsIn(own)[0]!.weight }]);
      expect(dialect.headersAsked(own).map((names) => names.toSorted())).toEqual([["x-team", "x-tester"], ["cookie"]]);
      for (const field of Object.keys(dialect.extras)) expect(own[field]).toEqual(primary[field]);
      expect(see(scene, "primary")).toMatchObject({ matched: { version: "v3", isIntact: true }, stamp: "uid-1/1.1" });
    });

    it("are taken before the user's route takes them, and shift no other one's place", async () => {
      const scene = await world.begin(dialect, BUSY);
      await write(scene, "primary", { v2: 80, v3: 0 });
      const names = dialect.partsIn(await scene.stored()).map(({ name }) => name);
      const own = `weir-match.${scene.namespace}.reviews`;
      expect(names).toEqual(dialect.kind === "virtualServices" ? ["beta", own, "primary", "rest"] : ["beta", "primary", "rest", own]);
    });

    it("stay where they are while weights move, and are gone with the last write, to the byte", async () => {
      const scene = await world.begin(dialect, BUSY);
      const found = await scene.stored();
      await write(scene, "primary", { v2: 80, v3: 0 });
      const own = await ownIn(scene);
      await write(scene, "primary", { v2: 60, v3: 20 }, { stamp: "uid-1/1.2" });
      expect(await ownIn(scene)).toEqual(own);
      await write(scene, "primary", { v2: 80 }, { matched: null, stamp: null });
      expect(asFound(await scene.stored())).toBe(asFound(found));
      expect(see(scene, "primary").matched).toBeUndefined();
    });

    it("are picked out anew where others are wanted", async () => {
      const scene = await world.begin(dialect, BUSY);
      await write(scene, "primary", { v2: 80, v3: 0 });
      const others = { version: "v3", alternatives: [{ headers: [{ name: "x-staff", exact: "1" }] }] };
      expect(see(scene, "primary", others).matched).toEqual({ version: "v3", isIntact: false });
      await write(scene, "primary", { v2: 80, v3: 0 }, { matched: others, stamp: "uid-1/1.2" });
      expect(see(scene, "primary", others).matched).toEqual({ version: "v3", isIntact: true });
      expect(dialect.headersAsked(await ownIn(scene))).toEqual([["x-staff"]]);
    });

    it.runIf(dialect.kind === "virtualServices")("may be those for a host, with the user's other conditions and without the user's own host", async () => {
      const users = { name: "primary", match: [{ uri: { prefix: "/reviews" }, authority: { exact: "reviews.example" } }, { headers: { "end-user": { exact: "jason" } } }] };
      const scene = await world.begin(dialect, [part({ v2: 100 }, users)]);
      const found = await scene.stored();
      const wanted: MatchWanted = { version: "v3", alternatives: [], preview: "reviews-preview.example" };
      expect(see(scene, "primary").hosts).toEqual({ names: ["reviews", `reviews.${scene.namespace}`, `reviews.${scene.namespace}.svc`, `reviews.${scene.namespace}.svc.cluster.local`], of: `VirtualService ${scene.namespace}/reviews` });
      await write(scene, "primary", { v2: 100, v3: 0 }, { matched: wanted });
      const authority = { regex: String.raw`reviews-preview\.example(?::[0-9]+)?` };
      expect(await ownIn(scene)).toMatchObject({ match: [{ uri: { prefix: "/reviews" }, authority }, { headers: { "end-user": { exact: "jason" } }, authority }] });
      expect(see(scene, "primary", wanted).matched).toEqual({ version: "v3", isIntact: true });
      expect(see(scene, "primary", { ...wanted, preview: "other.example" }).matched).toEqual({ version: "v3", isIntact: false });
      await write(scene, "primary", { v2: 100, v3: 0 }, { matched: { ...wanted, alternatives: TESTERS }, stamp: "uid-1/1.2" });
      expect(dialect.headersAsked(await ownIn(scene)).map((names) => names.toSorted())).toEqual([["x-team", "x-tester"], ["cookie"], [], ["end-user", "x-team", "x-tester"], ["cookie", "end-user"], ["end-user"]]);
      await write(scene, "primary", { v2: 100 }, { matched: null, stamp: null });
      expect(asFound(await scene.stored())).toBe(asFound(found));
    });

    it("show a hand that sends them elsewhere, or picks out others", async () => {
      const scene = await world.begin(dialect, [part({ v2: 100 })]);
      await write(scene, undefined, { v2: 100, v3: 0 });
      const [own, users] = [await ownIn(scene), await usersIn(scene)];
      const seen = (): RouteFound["matched"] => {
        const route = scene.router.read(rolloutOf(scene), dialect.target(), ["v3", "v2"], { matched: WANTED });
        return route.kind === "found" ? route.matched : undefined;
      };
      expect(seen()).toEqual({ version: "v3", isIntact: true });
      await scene.editRoutes("kubectl-edit", [withDestinations(own, destinationsIn(own).map((each) => dialect.sibling(each, "v1"))), ...users]);
      expect(seen()).toEqual({ version: "v1", isIntact: false });
      await scene.editRoutes("kubectl-edit", [{ ...own, ...dialect.matching }, ...users]);
      expect(seen()).toEqual({ version: "v3", isIntact: false });
      await scene.editRoutes("kubectl-edit", users);
      expect(seen()).toBeUndefined();
    });

    it("must be what the user's route asks for as well, and that is told", async () => {
      const scene = await world.begin(dialect, BUSY);
      expect(see(scene, "primary").conditions).toEqual([]);
      expect(see(scene, "rest").conditions).toEqual(["header end-user"]);
    });

    it("are no route of the user's, so that an only route stays the only one", async () => {
      const scene = await world.begin(dialect, [part({ v2: 100 })]);
      await write(scene, undefined, { v2: 100, v3: 0 });
      expect(scene.router.read(rolloutOf(scene), dialect.target(), ["v3", "v2"], { matched: WANTED })).toMatchObject({ kind: "found", matched: { isIntact: true } });
    });

    it("are taken away from a route that was renamed on the way", async () => {
      const scene = await world.begin(dialect, [part({ v2: 90, v3: 10 }, { name: "primary" })]);
      await write(scene, "primary", { v2: 90, v3: 10 });
      await scene.editRoutes("kubectl-edit", [...[await ownIn(scene)], ...(await usersIn(scene)).map((each) => ({ ...each, name: "renamed" }))]);
      const seen = scene.router.read(rolloutOf(scene), dialect.target("primary"), ["v3", "v2"]);
      if (seen.kind === "found" || !seen.mendable) throw new Error("expected a route that was found out of its place");
      expect(seen.mendable.matched).toEqual({ version: "v3", isIntact: false });
      await write(scene, "primary", { v2: 100, v3: 0 }, { seen: seen.mendable, matched: null, stamp: null });
      expect(dialect.partsIn(await scene.stored())).toMatchObject([{ name: "renamed" }]);
      expect(destinationsIn((await usersIn(scene))[0]!).map(({ weight }) => weight)).toEqual([100, 0]);
    });
  });
});

/** Everything that people see of the object; the server's book-keeping is its own. */
function asFound({ metadata: { resourceVersion, generation, managedFields, ...kept }, spec }: KubernetesObject): string {
  return JSON.stringify({ metadata: kept, spec });
}
