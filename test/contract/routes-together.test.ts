/** Several http routes of one VirtualService that move together: one write, the same shares, and each left as it was found. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import type { DestinationSeen, RouteFound, RouteSeen } from "../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { Traffic } from "../../src/rollout/spec-traffic.ts";
import type { RouteChange, TrafficRouter } from "../../src/traffic/traffic-router.ts";
import { subsets } from "../support/istio-objects.ts";
import { DIALECTS, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const dialect = DIALECTS.find(({ kind }) => kind === "virtualServices")!;
const { part, matching } = dialect;
const TARGET: Traffic = { istio: { virtualServices: [{ name: "reviews", routes: ["api", "pages"] }] } };

/** One of them stands between strangers, and each has fields of its own. */
const PARTS: readonly Part[] = [
  part({ v1: 100 }, { name: "beta", ...matching }),
  part({ v2: 100, v3: 0 }, { name: "api", match: [{ uri: { prefix: "/api" } }], timeout: "3s" }),
  part({ v1: null }, { name: "admin", match: [{ uri: { prefix: "/admin" } }] }),
  part({ v2: 100, v3: 0 }, { name: "pages", retries: { attempts: 2 } }),
];
const ALONE: readonly Part[] = [part({ v2: null }, { name: "api", match: [{ uri: { prefix: "/api" } }] }), part({ v2: null }, { name: "pages" })];

describe.each(routerWorldsAtHand())("routes that move together, on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const begin = (parts: readonly Part[]): Promise<Scene> => world.begin(dialect, parts);
  const read = ({ namespace, router }: Scene, by: TrafficRouter = router): RouteSeen => by.read({ namespace, name: "reviews" }, TARGET, ["v3", "v2"]);
  const see = (scene: Scene, by?: TrafficRouter): RouteFound => {
    const seen = read(scene, by);
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  const change = ({ namespace }: Scene, seen: RouteFound, points: Readonly<Record<string, number | null>>, stamp: string | null = "uid-1/1.1"): RouteChange => ({
    rollout: { namespace, name: "reviews" },
    target: TARGET,
    seen,
    ours: ["v2", "v3"],
    wanted: Object.entries(points).map(([version, each]) => ({ version, points: each })),
    matched: null,
    stamp,
    manager: ROUTE_MANAGER,
  });
  const pointsOf = (destinations: readonly DestinationSeen[]): object => Object.fromEntries(destinations.map(({ version, points }) => [version, points]));
  const shares = ({ destinations, along = [] }: RouteFound): readonly object[] => [destinations, ...along.map((lane) => lane.destinations)].map(pointsOf);
  const httpOf = ({ spec }: KubernetesObject): readonly { readonly route: unknown }[] => (spec as { readonly http: readonly { readonly route: unknown }[] }).http;
  const asFound = ({ metadata: { annotations }, spec }: KubernetesObject): string => JSON.stringify({ annotations, spec });

  it("are seen as one, by name", async () => {
    const scene = await begin(PARTS);
    const seen = see(scene);
    expect(seen.name).toBe(`VirtualService ${scene.namespace}/reviews, routes api, pages`);
    expect(seen.along?.map(({ name }) => name)).toEqual([`VirtualService ${scene.namespace}/reviews, route pages`]);
    expect(shares(seen)).toEqual([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }]);
  });

  it.each([
    ["with weights", PARTS, { v2: 100, v3: 0 }],
    ["with one destination each", ALONE, { v2: null }],
  ] as const)("move by one write, and are left as they were found: %s", async (_, parts, rest) => {
    const scene = await begin(parts);
    const found = await scene.stored();
    const written = await scene.router.write(change(scene, see(scene), { v2: 75, v3: 25 }));
    expect((await scene.stored()).metadata.resourceVersion).toBe(written.resourceVersion);
    expect(shares(see(scene))).toEqual([{ v2: 75, v3: 25 }, { v2: 75, v3: 25 }]);
    await scene.router.write(change(scene, see(scene), rest, null));
    expect(asFound(await scene.stored())).toBe(asFound(found));
  });

  it("show a hand in one of them, and are made alike by the next write", async () => {
    const scene = await begin(PARTS);
    await scene.router.write(change(scene, see(scene), { v2: 50, v3: 50 }));
    await scene.editRoutes("kubectl-edit", PARTS.map((each) => ({ ...each, ...(each["name"] === "api" ? { route: subsets({ v2: 50, v3: 50 }) } : {}), ...(each["name"] === "pages" ? { route: subsets({ v2: 90, v3: 10 }) } : {}) })));
    expect(shares(see(scene))).toEqual([{ v2: 50, v3: 50 }, { v2: 90, v3: 10 }]);
    await scene.router.write(change(scene, see(scene), { v2: 90, v3: 10 }, "uid-1/1.2"));
    expect(shares(see(scene))).toEqual([{ v2: 90, v3: 10 }, { v2: 90, v3: 10 }]);
  });

  it("are refused with a sentence where they share differently at rest, and a write can make them whole", async () => {
    const scene = await begin(PARTS.with(3, part({ v2: 90, v3: 10 }, { name: "pages" })));
    const seen = read(scene);
    expect(seen).toMatchObject({ kind: "unusable", message: `expected routes that move together to share alike, got v2 100, v3 0 in VirtualService ${scene.namespace}/reviews, routes api, pages and v2 90, v3 10 in VirtualService ${scene.namespace}/reviews, route pages: make them alike, or name one of them` });
    await scene.router.write(change(scene, (seen as { readonly mendable: RouteFound }).mendable, { v2: 100, v3: 0 }, null));
    expect(shares(see(scene))).toEqual([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }]);
  });

  it("are given back each with its own weights where others share one of them by then", async () => {
    const scene = await begin(PARTS);
    await scene.router.write(change(scene, see(scene), { v2: 50, v3: 50 }));
    const pages = (split: Readonly<Record<string, number>>): readonly Part[] => PARTS.map((each) => (each["name"] === "api" || each["name"] === "pages" ? { ...each, route: subsets(each["name"] === "pages" ? split : { v2: 50, v3: 50 }) } : each));
    await scene.editRoutes("kubectl-edit", pages({ v2: 40, v3: 40, v1: 20 }));
    const { mendable } = read(scene) as { readonly mendable: RouteFound };
    await scene.router.write({ ...change(scene, mendable, { v2: 100, v3: 0 }, null), wantedAlong: [[{ version: "v2", points: 80 }, { version: "v3", points: 0 }]] });
    const routes = httpOf(await scene.stored());
    expect([routes[1], routes[3]].map((each) => each!.route)).toEqual([subsets({ v2: 100, v3: 0 }), subsets({ v2: 80, v3: 0, v1: 20 })]);
  });

  it.each([
    ["is not there", "pages", "other", (namespace: string) => ({ kind: "absent", message: `VirtualService ${namespace}/reviews has no http route named pages; it has beta, api, admin, other` })],
    ["does not add up", "pages", "pages", (namespace: string) => ({ kind: "unusable", message: `the weights of VirtualService ${namespace}/reviews, route pages must add up to 100, and they are v2 60, v3 10: 70` })],
  ] as const)("are refused with a sentence where one of them %s", async (_, __, name, expected) => {
    const scene = await begin(PARTS.with(3, part({ v2: 60, v3: 10 }, { name })));
    expect(read(scene)).toMatchObject(expected(scene.namespace));
  });

  it("are not written by who does not know yet that one of them has changed", async () => {
    const scene = await begin(PARTS);
    const frozen = scene.freeze();
    await scene.editRoutes("kubectl-edit", PARTS.with(3, part({ v2: 100, v3: 0 }, { name: "pages", timeout: "9s" })));
    await expect(frozen.write(change(scene, see(scene, frozen), { v2: 75, v3: 25 }))).rejects.toThrow(Conflict);
    expect(shares(see(scene))).toEqual([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }]);
  });
});
