/** A VirtualService that another tool mangled in mid-run: whatever ends the run takes the traffic back where a write can, and says so; what is not ours stays as it is. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import { aVirtualService, hosts, NAMESPACE, subsets, type KubernetesRoute } from "../support/istio-objects.ts";
import { aWorld, type World } from "../support/world.ts";

const MINUTE = 60_000;
const LADDER = [{ weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const BETA: KubernetesRoute = { match: [{ headers: { "end-user": { exact: "jason" } } }], name: "beta", route: subsets({ v3: null }) };

type Destinations = NonNullable<KubernetesRoute["route"]>;

interface Mangling {
  readonly what: string;
  readonly http: readonly KubernetesRoute[];
  /** The destinations that the ending leaves in the route that is ours; absent: nothing can be written. */
  readonly after?: Destinations;
  /** What is said while the run waits. */
  readonly said: RegExp;
}

const ours = (route: readonly unknown[], rest: object = {}): readonly KubernetesRoute[] => [BETA, { name: "primary", ...rest, route: route as Destinations }];

/** Each from a run that stands at v2 50, v3 50. */
const MENDABLE: readonly (Mangling & { readonly after: Destinations })[] = [
  { what: "the weights are too many", http: ours(subsets({ v2: 90, v3: 20 })!), after: subsets({ v2: 100, v3: 0 })!, said: /must add up to 100, and they are v2 90, v3 20: 110/ },
  { what: "the weights are too few", http: ours(subsets({ v2: 50, v3: 1 })!), after: subsets({ v2: 100, v3: 0 })!, said: /v2 50, v3 1: 51/ },
  { what: "there are no weights", http: ours(subsets({ v2: null, v3: null })!), after: [...subsets({ v2: 100 })!, ...subsets({ v3: null })!], said: /v2 without weight, v3 without weight: 0/ },
  { what: "a weight is below 0", http: ours(subsets({ v2: 110, v3: -10 })!), after: subsets({ v2: 100, v3: 0 })!, said: /must be whole numbers from 0 to 100, and they are v2 110, v3 -10/ },
  { what: "a weight is a fraction", http: ours(subsets({ v2: 50.5, v3: 49.5 })!), after: subsets({ v2: 100, v3: 0 })!, said: /must be whole numbers/ },
  { what: "a foreign destination is added on top", http: ours([...subsets({ v2: 50, v3: 50 })!, ...hosts({ partner: 20 })!]), after: [...subsets({ v2: 80, v3: 0 })!, ...hosts({ partner: 20 })!], said: /v2 50, v3 50, partner 20: 120/ },
  { what: "a foreign destination has everything on top", http: ours([...subsets({ v2: 50, v3: 50 })!, ...hosts({ partner: 100 })!]), after: [...subsets({ v2: 0, v3: 0 })!, ...hosts({ partner: 100 })!], said: /partner 100: 200/ },
  { what: "the new version is there twice", http: ours([...subsets({ v2: 50, v3: 25 })!, ...subsets({ v3: 25 })!]), after: [...subsets({ v2: 100, v3: 0 })!, ...subsets({ v3: 0 })!], said: /leads to v3 twice/ },
  { what: "the stable version is there twice", http: ours([...subsets({ v2: 25, v3: 50 })!, ...subsets({ v2: 25 })!]), after: [...subsets({ v2: 100, v3: 0 })!, ...subsets({ v2: 0 })!], said: /leads to v2 twice/ },
  { what: "a stranger bears the new version's name", http: ours([...subsets({ v2: 40, v3: 40 })!, ...subsets({ v3: 20 }, "ratings")!]), after: [...subsets({ v2: 80, v3: 0 })!, ...subsets({ v3: 20 }, "ratings")!], said: /leads to v3 twice|bears the name v3/ },
  { what: "the route has another name", http: [BETA, { name: "main", route: subsets({ v2: 50, v3: 50 }) }], after: subsets({ v2: 100, v3: 0 })!, said: /has no http route named primary; it has beta, main/ },
  { what: "a second route has its name", http: [...ours(subsets({ v2: 50, v3: 50 })!), { name: "primary", route: subsets({ v1: null }) }], after: subsets({ v2: 100, v3: 0 })!, said: /has 2 http routes named primary/ },
];

const BEYOND_MENDING: readonly Mangling[] = [
  { what: "others hold more than 100", http: ours([...subsets({ v2: 50, v3: 50 })!, ...hosts({ partner: 120 })!]), said: /partner 120: 220/ },
  { what: "a stranger's weight is a fraction", http: ours([...subsets({ v2: 50, v3: 49.5 })!, ...hosts({ partner: 0.5 })!]), said: /must be whole numbers/ },
  { what: "a weight is a text", http: ours([{ destination: { host: "reviews", subset: "v3" }, weight: "50" }]), said: /cannot be read: spec\.http\[1\]\.route\[0\]\.weight: expected a number, got the text "50"/ },
  { what: "a destination has no host", http: ours([{ destination: { subset: "v3" }, weight: 100 }]), said: /cannot be read: spec\.http\[1\]\.route\[0\]\.destination\.host: expected a text, got nothing/ },
  { what: "the destinations are gone", http: ours([]), said: /has no destinations to weigh/ },
  { what: "the route is a redirect", http: [BETA, { name: "primary", redirect: { uri: "/" } }], said: /has no destinations to weigh/ },
  { what: "there are no http routes", http: [], said: /has no http routes/ },
  { what: "the route has gone", http: [BETA], said: /has no http route named primary; it has beta/ },
  { what: "it is no list", http: { route: 1 } as unknown as readonly KubernetesRoute[], said: /cannot be read: spec\.http: expected a list, got a mapping of fields/ },
];

/** What ends a run, and what is then to be said. */
const ENDINGS: Readonly<Record<string, (world: World) => void>> = {
  "a person aborts": (world) => world.command("abort id=c1 run=1 actor=alice"),
  "errors come": (world) => void (world.answers = { bad: 0.5, requests: 100 }),
  "its pods go": (world) => void (world.pods["v3"]!.ready = 0),
  "the spec names the stable version": (world) => world.spec({ release: "v2" }),
  "the spec names another version": (world) => world.spec({ release: "v9" }),
  "the Rollout is deleted": (world) => world.delete(),
};

async function atHalf(): Promise<World> {
  const http = [BETA, { name: "primary", route: subsets({ v2: 100, v3: 0 }) }];
  const world = aWorld({ spec: { strategy: { steps: LADDER }, traffic: { istio: { virtualServices: [{ name: "reviews", routes: ["primary"] }] } } }, virtualService: aVirtualService({ http }) });
  await world.run(MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);
  expect(world.route()).toEqual({ v2: 50, v3: 50 });
  return world;
}

const stored = (world: World): KubernetesObject => world.router.cluster.caches.virtualServices.get(NAMESPACE, "reviews")!;
const httpOf = (world: World): readonly KubernetesRoute[] => (stored(world).spec as { http: readonly KubernetesRoute[] }).http;

function mangle(world: World, http: readonly KubernetesRoute[]): void {
  world.router.cluster.edit("virtualServices", NAMESPACE, "reviews", "other-tool", (object) => ({ ...object, spec: { ...(object.spec as object), http } }));
}

/** What people were told, in status, Events and messages. */
const told = (world: World): string => [world.rollout().status?.message, ...world.log].join("\n");

describe.each(MENDABLE)("$what in mid-run", ({ http, after, said }) => {
  test("is said, and no step is taken", async () => {
    const world = await atHalf();
    mangle(world, http);
    const before = stored(world);
    await world.run(2 * MINUTE);
    expect(world.status()).toMatchObject({ message: expect.stringMatching(said) as string, run: { weight: 50 } });
    expect(world.status().message).toContain("abort gives everything to v2");
    expect(stored(world)).toBe(before);
  });

  test.each(Object.entries(ENDINGS))("is mended when %s", async (ending, act) => {
    const world = await atHalf();
    mangle(world, http);
    if (ending === "its pods go" && (http[1]!.route![1]!.weight ?? 0) <= 0) return; // a version without traffic hurts nobody
    act(world);
    await world.run(MINUTE);
    const left = httpOf(world);
    const mended = http.map((route) => (route.name === "beta" || route.route?.every(({ destination }) => destination.subset === "v1") ? route : { ...route, route: after }));
    expect(left, told(world)).toEqual(mended);
    expect(stored(world).metadata.annotations?.[EPOCH_ANNOTATION], "the stamp goes with the last write").toBeUndefined();
    expect(world.rollout().metadata.finalizers).toEqual([]);
  });
});

test("a share that is raised by weights that do not add up is put back, as any raise", async () => {
  const world = await atHalf();
  mangle(world, ours(subsets({ v2: 20, v3: 50 })!));
  await world.run(1_000);
  expect(httpOf(world)[1]!.route).toEqual(subsets({ v2: 50, v3: 50 }));
  expect(told(world)).toContain("other-tool raised v3 to 71.4%; it is put back to 50%");
});

test("an unweighted route that gets company in mid-run is given back with weights", async () => {
  const world = aWorld({ spec: { strategy: { steps: LADDER } }, virtualService: aVirtualService({ http: [{ route: subsets({ v2: null }) }] }) });
  await world.run(MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);
  mangle(world, [{ route: [...subsets({ v2: 45, v3: 45 })!, ...hosts({ partner: 10 })!] }]);
  world.command("abort id=c1 run=1 actor=alice");
  await world.run(1_000);
  expect(httpOf(world)[0]!.route).toEqual([...subsets({ v2: 90 })!, ...hosts({ partner: 10 })!]);
});

test("traffic that was given wholly to others is obeyed, and resume says that there is nothing to share", async () => {
  const world = await atHalf();
  mangle(world, ours([...subsets({ v2: 0, v3: 0 })!, ...hosts({ partner: 100 })!]));
  await world.run(1_000);
  expect(world.status()).toMatchObject({ phase: "Paused", reason: "RouteEditedByHand", message: expect.stringContaining("other-tool lowered v3 from 50% to 0%") as string });
  world.command("resume id=c1 run=1 actor=alice");
  await world.run(1_000);
  expect(world.status().lastCommand).toMatchObject({ result: "Refused", message: expect.stringContaining("nothing to share") as string });
});

test("a release of another family in mid-run does not hide the run's own versions", async () => {
  const world = await atHalf();
  world.spec({ release: "reviews" }); // a Service of this name is there
  await world.run(1_000);
  expect(httpOf(world)[1]!.route).toEqual(subsets({ v2: 100, v3: 0 }));
});

test("an ended run whose stamp waits for its route keeps its finalizer, and looks until the stamp can go", async () => {
  const world = await atHalf();
  mangle(world, ours([]));
  world.command("abort id=c1 run=1 actor=alice");
  await world.run(MINUTE);
  expect(world.rollout().metadata.finalizers).toHaveLength(1);
  mangle(world, ours(subsets({ v2: 50, v3: 50 })!));
  await world.run(MINUTE);
  expect(httpOf(world)[1]!.route, told(world)).toEqual(subsets({ v2: 100, v3: 0 }));
  expect(stored(world).metadata.annotations?.[EPOCH_ANNOTATION]).toBeUndefined();
  expect(world.rollout().metadata.finalizers).toEqual([]);
});

describe.each(BEYOND_MENDING)("$what in mid-run", ({ http, said }) => {
  test("is said, and no route is written", async () => {
    const world = await atHalf();
    mangle(world, http);
    const before = stored(world);
    await world.run(10 * MINUTE);
    expect(world.status().message).toMatch(said);
    expect(stored(world)).toBe(before);
  });

  test.each(Object.entries(ENDINGS))("is not made worse when %s, and the traffic is taken back once the route is whole again", async (ending, act) => {
    const world = await atHalf();
    mangle(world, http);
    const before = stored(world);
    act(world);
    await world.run(MINUTE);
    expect(stored(world), told(world)).toBe(before);
    expect(told(world)).toMatch(said);
    mangle(world, ours(subsets({ v2: 50, v3: 50 })!));
    await world.run(MINUTE);
    if (ending === "the Rollout is deleted" && world.rollout().metadata.finalizers.length === 0) return; // nothing there could be read that would have held it
    expect(httpOf(world)[1]!.route, told(world)).toEqual(subsets({ v2: 100, v3: 0 }));
  });
});
