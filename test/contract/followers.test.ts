/** Services that are released together: what the weights at the callers mean for the route of whom they call, and what a hand there means for the run. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import type { DestinationSeen, RouteFound, RouteSeen } from "../../src/rollout/observation.ts";
import { EPOCH_ANNOTATION, ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { Traffic } from "../../src/rollout/spec-traffic.ts";
import type { RouteChange } from "../../src/traffic/traffic-router.ts";
import { DIALECTS, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const DATA = "reviews-data";
const TARGET: Traffic = { istio: { virtualServices: [{ name: DATA, follow: "reviews" }, { name: "reviews" }] } };
const STAMP = "uid-1/1.1";

const dialect = DIALECTS.find(({ kind }) => kind === "virtualServices")!;
const { part, extras } = dialect;
const SHARED: readonly Part[] = [part({ v2: 100, v3: 0 }, extras)];

interface Stored {
  readonly http: readonly { readonly name?: string; readonly match?: readonly { readonly sourceLabels?: object }[]; readonly route: readonly { readonly destination: { readonly subset: string }; readonly weight?: number }[] }[];
}

describe.each(routerWorldsAtHand())("services that are released together, on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const begin = (data: readonly Part[] = SHARED): Promise<Scene> => world.begin(dialect, SHARED, { others: { [DATA]: data } });
  const read = ({ namespace, router }: Scene): RouteSeen => router.read({ namespace, name: "reviews" }, TARGET, ["v3", "v2"]);
  const see = (scene: Scene): RouteFound => {
    const seen = read(scene);
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  const change = ({ namespace }: Scene, seen: RouteFound, canary: number, stamp: string | null = STAMP): RouteChange => ({
    rollout: { namespace, name: "reviews" },
    target: TARGET, seen, stamp,
    ours: ["v2", "v3"],
    wanted: [{ version: "v2", points: 100 - canary }, { version: "v3", points: canary }],
    matched: null,
    manager: ROUTE_MANAGER,
  });
  const moved = async (scene: Scene, canary: number, stamp: string | null = STAMP): Promise<void> => void (await scene.router.write(change(scene, see(scene), canary, stamp)));
  const pointsOf = (destinations: readonly DestinationSeen[]): object => Object.fromEntries(destinations.map(({ version, points }) => [version, points]));
  const counted = ({ destinations, along = [] }: RouteFound): readonly object[] => [destinations, ...along.map((lane) => lane.destinations)].map(pointsOf);
  const atMost = ({ parts = [] }: RouteFound): number | undefined => parts.find(({ following }) => following)?.following?.atMost;
  const asFound = ({ metadata: { annotations }, spec }: KubernetesObject): string => JSON.stringify({ annotations, spec });
  const both = (scene: Scene): Promise<readonly KubernetesObject[]> => Promise.all([scene.stored(), scene.stored(DATA)]);
  /** Each http route: `{labels of its callers} v2 100, v3 0`. */
  const routesOf = ({ spec }: KubernetesObject): readonly string[] =>
    (spec as Stored).http.map(({ match = [], route }) => {
      const callers = match.flatMap(({ sourceLabels }) => (sourceLabels ? [`${JSON.stringify(sourceLabels)} `] : []));
      return `${callers.join("")}${route.map(({ destination, weight }) => `${destination.subset}${weight === undefined ? "" : ` ${weight}`}`).join(", ")}`;
    });
  const CALLED = '{"app":"reviews","version":"v3"} v3';

  it("are led by the labels of their callers' new pods until the last step, and are left as they were found", async () => {
    const scene = await begin();
    const found = (await both(scene)).map(asFound);
    for (const [canary, routes] of [[25, [CALLED, "v2 100, v3 0"]], [50, [CALLED, "v2 100, v3 0"]], [100, [CALLED, "v2 0, v3 100"]]] as const) {
      await moved(scene, canary);
      const [callers, data] = await both(scene);
      expect([routesOf(callers!), routesOf(data!)], `${canary}%`).toEqual([[`v2 ${100 - canary}, v3 ${canary}`], routes]);
      expect([callers, data].map((one) => one!.metadata.annotations?.[EPOCH_ANNOTATION])).toEqual([STAMP, STAMP]);
      expect([counted(see(scene)), atMost(see(scene))]).toEqual([[{ v2: 100 - canary, v3: canary }, { v2: 100 - canary, v3: canary }], 100]);
    }
    await moved(scene, 0, null);
    expect((await both(scene)).map(asFound)).toEqual(found);
  });

  it("tell of their pods apart, and of nobody's share at rest", async () => {
    const scene = await begin();
    expect(see(scene)).toMatchObject({ services: { reviews: { v3: { kind: "found" } }, [DATA]: { v3: { kind: "found" } } } });
    expect(see(scene).parts!.map(({ following, target }) => [target.istio!.virtualServices[0]!.name, following])).toEqual([["reviews", undefined], [DATA, undefined]]);
  });

  it.each([
    ["our route taken out", (http: Stored["http"]) => http.slice(1), { v2: 100, v3: 0 }, 0],
    ["our route for everybody", ([own, ...others]: Stored["http"]) => [{ ...own!, match: [{ uri: { prefix: "/" } }] }, ...others], { v2: 0, v3: 100 }, 100],
    ["weights raised", ([own, users]: Stored["http"]) => [own!, { ...users!, route: users!.route.map((each) => ({ ...each, weight: each.destination.subset === "v3" ? 40 : 60 })) }], { v2: 35, v3: 65 }, 100],
  ] as const)("show a hand in them as if it had been in their callers' route: %s", async (_, edit, points, most) => {
    const scene = await begin();
    await moved(scene, 25);
    const { spec } = await scene.stored(DATA);
    await scene.editRoutes("kubectl-edit", edit((spec as Stored).http), DATA);
    const seen = see(scene);
    expect([counted(seen)[1], atMost(seen)]).toEqual([points, most]);
    await moved(scene, 25, "uid-1/1.2");
    expect(routesOf(await scene.stored(DATA))).toEqual([CALLED, "v2 100, v3 0"]);
  });

  it("are refused with a sentence where their callers cannot be told apart", async () => {
    const scene = await begin([{ match: [{ sourceLabels: { app: "tests" } }], ...part({ v2: 100, v3: 0 }) }]);
    const message = `VirtualService ${scene.namespace}/${DATA} asks for source label app itself, by which the callers' new pods are told: name another of its routes, or take that out`;
    expect(read(scene)).toMatchObject({ kind: "unusable", message, mendable: { kind: "found" } });
  });
});
