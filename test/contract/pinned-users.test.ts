/** Our own routes before a user's, by which users stay with their version: what the routers that know cookies keep about them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RouteFound } from "../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { SessionsWanted } from "../../src/rollout/sessions.ts";
import type { RouteChange } from "../../src/traffic/traffic-router.ts";
import { asFound } from "../support/as-found.ts";
import { DIALECTS, type Leading, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const AT_10: SessionsWanted = { stable: "v2", canary: "v3", cookie: "side", attributes: "Max-Age=60; Path=/", token: "uid.1.1", shares: [10] };
const AT_25: SessionsWanted = { ...AT_10, shares: [10, 25] };
const [VIRTUAL_SERVICE, HTTP_ROUTE] = ["virtualServices", "httpRoutes"].map((kind) => DIALECTS.find((dialect) => dialect.kind === kind)!);

/** Whom a route takes, and where to: cookies as `side=...`, destinations as `v3 15 uid.1.1.canary.25`. */
function summaryOf(own: Part): { readonly name: unknown; readonly asks: readonly unknown[]; readonly leads: readonly string[] } {
  const asks = ((own["match"] ?? []) as readonly { readonly headers?: { readonly cookie?: { readonly regex: string } } }[]).map(({ headers }) => headers?.cookie?.regex);
  const leads = VIRTUAL_SERVICE!.destinationsIn(own).map((each) => {
    const { destination, headers } = each as unknown as { readonly destination: { readonly subset: string }; readonly headers?: { readonly response?: { readonly add?: Readonly<Record<string, string>> } } };
    return [destination.subset, each.weight, headers?.response?.add?.["set-cookie"]].filter((part) => part !== undefined).join(" ");
  });
  return { name: (own["name"] as string).replace(/^weir-session\.[^.]+\.reviews\./, ""), asks, leads };
}

describe.each(routerWorldsAtHand())("pinned users on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const dialect = VIRTUAL_SERVICE!;
  const { part, destinationsIn, withDestinations } = dialect;
  const BUSY = [
    part({ v3: null }, { name: "beta", ...dialect.matching }),
    withDestinations({ name: "primary", ...dialect.extras }, [{ ...destinationsIn(part({ v2: 100 }))[0], ...dialect.destinationExtras }]),
    part({ v1: 50, v2: 50 }, { name: "rest", ...dialect.matching }),
  ];
  const rolloutOf = ({ namespace }: Scene) => ({ namespace, name: "reviews" });
  const see = (scene: Scene, sessions?: SessionsWanted, target = dialect.target("primary")): RouteFound => {
    const seen = scene.router.read(rolloutOf(scene), target, ["v3", "v2"], { matched: null, ...(sessions ? { sessions } : {}) });
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  const write = (scene: Scene, points: Readonly<Record<string, number>>, { seen = see(scene), ...change }: Partial<RouteChange> = {}) =>
    scene.router.write({
      rollout: rolloutOf(scene), target: dialect.target("primary"), seen, ours: ["v2", "v3"],
      wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
      matched: null, stamp: "uid-1/1.1", manager: ROUTE_MANAGER, ...change,
    });
  const partsOf = async (scene: Scene): Promise<readonly Part[]> => dialect.partsIn(await scene.stored());
  const isOurs = ({ name }: Part): boolean => (name as string | undefined)?.startsWith("weir-session.") ?? false;
  const ownIn = async (scene: Scene): Promise<readonly Part[]> => (await partsOf(scene)).filter(isOurs);
  const usersIn = async (scene: Scene): Promise<readonly Part[]> => (await partsOf(scene)).filter((each) => !isOurs(each));

  it("go by routes of ours directly before the user's, which keeps its weights and everything else", async () => {
    const scene = await world.begin(dialect, BUSY);
    const [before, primary, after] = (await partsOf(scene)) as [Part, Part, Part];
    const [stable] = destinationsIn(primary) as [Leading];
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 });
    const own = `weir-session.${scene.namespace}.reviews`;
    expect((await partsOf(scene)).map(({ name }) => name)).toEqual(["beta", `${own}.canary`, `${own}.stable`, `${own}.newcomers`, "primary", "rest"]);
    expect(await usersIn(scene)).toEqual([before, withDestinations(primary, [{ ...stable, weight: 90 }, { ...dialect.sibling(stable, "v3"), weight: 10 }]), after]);
    expect((await ownIn(scene)).map(summaryOf)).toEqual([
      { name: "canary", asks: [String.raw`^(?:.*; *)?side=uid\.1\.1\.canary\.[^;]*(?:;.*)?$`], leads: ["v3"] },
      { name: "stable", asks: [String.raw`^(?:.*; *)?side=uid\.1\.1\.stable\.10(?:;.*)?$`], leads: ["v2"] },
      { name: "newcomers", asks: [], leads: ["v2 90 side=uid.1.1.stable.10; Max-Age=60; Path=/", "v3 10 side=uid.1.1.canary.10; Max-Age=60; Path=/"] },
    ]);
    for (const each of await ownIn(scene)) {
      for (const field of Object.keys(dialect.extras)) expect(each[field]).toEqual(primary[field]);
      for (const destination of destinationsIn(each)) expect(destination["headers"]).toMatchObject({ response: { add: { "x-kept": "yes" } } });
    }
    expect(see(scene, AT_10).sessions).toEqual({ versions: ["v3", "v2"], isIntact: true, isCurrent: true });
  });

  it("draw for the difference alone at the next weight: as many of those who had drawn stable as 15 of 90 are", async () => {
    const scene = await world.begin(dialect, BUSY);
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 });
    await write(scene, { v2: 75, v3: 25 }, { sessions: AT_25, stamp: "uid-1/1.2" });
    expect((await ownIn(scene)).map(summaryOf)).toMatchObject([
      { name: "canary" },
      { name: "stable", asks: [expect.stringContaining(String.raw`stable\.25`)], leads: ["v2"] },
      { name: "stable-10", asks: [expect.stringContaining(String.raw`stable\.10`)], leads: [expect.stringMatching(/^v2 75 side=uid\.1\.1\.stable\.25;/), expect.stringMatching(/^v3 15 side=uid\.1\.1\.canary\.25;/)] },
      { name: "newcomers", leads: [expect.stringMatching(/^v2 75 /), expect.stringMatching(/^v3 25 /)] },
    ]);
    expect((await usersIn(scene)).map(({ name }) => name)).toEqual(["beta", "primary", "rest"]);
  });

  it.each([["beside much else", BUSY], ["where the route has neither name nor weight", [part({ v2: null })]]])("are gone with the last write, to the byte: %s", async (_label, parts) => {
    const scene = await world.begin(dialect, parts);
    const found = asFound(await scene.stored());
    const [target, all] = parts === BUSY ? [dialect.target("primary"), 100] : [dialect.target(), null];
    const seen = (sessions?: SessionsWanted): RouteFound => see(scene, sessions, target);
    await write(scene, { v2: 90, v3: 10 }, { target, seen: seen(), sessions: AT_10 });
    await write(scene, { v2: 75, v3: 25 }, { target, seen: seen(), sessions: AT_25, stamp: "uid-1/1.2" });
    expect(seen(AT_25).sessions?.isCurrent).toBe(true);
    await write(scene, {}, { target, seen: seen(), wanted: [{ version: "v2", points: all }], stamp: null });
    expect(asFound(await scene.stored())).toBe(found);
    expect(seen()).not.toHaveProperty("sessions");
  });

  it("take the place of our route for requests that are picked out, in one write", async () => {
    const scene = await world.begin(dialect, BUSY);
    await write(scene, { v2: 100, v3: 0 }, { matched: { version: "v3", alternatives: [{ headers: [{ name: "x-tester", exact: "true" }] }] } });
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10, stamp: "uid-1/1.2" });
    expect((await partsOf(scene)).map(({ name }) => (name as string).split(".").at(-1))).toEqual(["beta", "canary", "stable", "newcomers", "primary", "rest"]);
  });

  it("show a hand that sends them elsewhere, takes them away, or puts them behind the user's route", async () => {
    const scene = await world.begin(dialect, BUSY);
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 });
    const [own, users] = [await ownIn(scene), await usersIn(scene)];
    await scene.editRoutes("kubectl-edit", [...own.map((each) => withDestinations(each, destinationsIn(each).map((one) => dialect.sibling(one, "v3")))), ...users]);
    expect(see(scene, AT_10).sessions).toEqual({ versions: ["v3"], isIntact: false, isCurrent: false });
    await scene.editRoutes("kubectl-edit", [...users, ...own]);
    expect(see(scene, AT_10).sessions?.isIntact).toBe(false);
    await scene.editRoutes("kubectl-edit", [...own.slice(1), ...users]);
    expect(see(scene, AT_10).sessions?.isIntact).toBe(false);
    await scene.editRoutes("kubectl-edit", users);
    expect(see(scene, AT_10)).not.toHaveProperty("sessions");
  });

  it("do as the user's route does once its owner has edited that", async () => {
    const scene = await world.begin(dialect, BUSY);
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 });
    await scene.editRoutes("kubectl-edit", (await partsOf(scene)).map((each) => (each["name"] === "primary" ? { ...each, timeout: "9s" } : each)));
    expect(see(scene, AT_10).sessions).toEqual({ versions: ["v3", "v2"], isIntact: true, isCurrent: false });
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 });
    expect((await ownIn(scene)).map(({ timeout }) => timeout)).toEqual(["9s", "9s", "9s"]);
    expect(see(scene, AT_10).sessions?.isCurrent).toBe(true);
  });

  it.each([
    ["a destination adds such a header", withDestinations({ name: "primary" }, [{ ...destinationsIn(part({ v2: 100 }))[0], headers: { response: { add: { "Set-Cookie": "a=b" } } } }])],
    ["the route takes it out of answers", part({ v2: 100 }, { name: "primary", headers: { response: { remove: ["Set-Cookie"] } } })],
  ])("are refused where their cookie would be lost, and that is told: %s", async (_label, primary) => {
    const scene = await world.begin(dialect, [primary]);
    const found = asFound(await scene.stored());
    expect(see(scene).sessionObstacle).toMatch(/^writes the header set-cookie itself/);
    await expect(write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 })).rejects.toThrow(RangeError);
    expect(asFound(await scene.stored())).toBe(found);
  });

  it("are taken away from a route that was renamed on the way", async () => {
    const scene = await world.begin(dialect, [part({ v2: 90, v3: 10 }, { name: "primary" })]);
    await write(scene, { v2: 90, v3: 10 }, { sessions: AT_10 });
    await scene.editRoutes("kubectl-edit", (await partsOf(scene)).map((each) => (isOurs(each) ? each : { ...each, name: "renamed" })));
    const seen = scene.router.read(rolloutOf(scene), dialect.target("primary"), ["v3", "v2"]);
    if (seen.kind === "found" || !seen.mendable) throw new Error("expected a route that can be mended");
    await write(scene, { v2: 100, v3: 0 }, { seen: seen.mendable, stamp: null });
    expect((await partsOf(scene)).map(({ name }) => name)).toEqual(["renamed"]);
  });

  it("are refused by a route of the Gateway API", async () => {
    const scene = await world.begin(HTTP_ROUTE!, [HTTP_ROUTE!.part({ v2: 90, v3: 10 })]);
    const target = HTTP_ROUTE!.target();
    await expect(write(scene, { v2: 90, v3: 10 }, { target, seen: see(scene, AT_10, target), sessions: AT_10 })).rejects.toThrow("is of a kind that knows no cookies");
  });
});
