/** A service that follows: in which order its route is written, and how it counts where something is amiss. */
import { describe, expect, it } from "vitest";
import type { Backend, RouteFound } from "../../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../../src/rollout/rollout.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { followingOf, followObstacle } from "../../../src/traffic/following.ts";
import { movingTogether } from "../../../src/traffic/moving-together.ts";
import type { RouteChange } from "../../../src/traffic/traffic-router.ts";

const TARGET: Traffic = { istio: { virtualServices: [{ name: "back", follow: "front" }, { name: "front" }], destinationRule: { name: "front" } } };
const CALLERS = { app: "front", version: "v3" };

function found(name: string, canary: number, change: Partial<RouteFound> = {}): RouteFound {
  const backend: Backend = { kind: "found", namespace: "bookinfo", selector: { app: name, version: "v3" }, definedAtMs: 1_000 };
  const destination = (version: string, points: number) => ({ version, points, weighted: true, candidate: true });
  return { kind: "found", name: `VirtualService bookinfo/${name}`, resourceVersion: "7", fields: ["http"], destinations: [destination("v2", 100 - canary), destination("v3", canary)], mirrors: [], conditions: [], stamp: "uid-1/1.1", writers: [], backends: { v3: backend }, ...change };
}
const intact = { matched: { version: "v3", isIntact: true } };

interface Asked {
  readonly front: number;
  readonly to: number;
  readonly change?: Partial<RouteChange>;
}

/** What is sent, in its order: `back? v3 0, called` for a trial. */
async function sent({ front, to, change = {} }: Asked): Promise<readonly string[]> {
  const log: string[] = [];
  const nameOf = ({ istio }: Traffic): string => istio!.virtualServices[0]!.name;
  const router = movingTogether({
    read: (_, target) => (nameOf(target) === "front" ? found("front", front) : found("back", 0, front > 0 ? intact : {})),
    write: async ({ target, isTrial = false, wanted, matched }) => {
      const callers = matched?.alternatives[0]?.sourceLabels;
      log.push(`${nameOf(target)}${isTrial ? "?" : ""} v3 ${wanted.find(({ version }) => version === "v3")!.points}${callers ? ", called" : ""}`);
      if (callers) expect(callers).toEqual(CALLERS);
      return { resourceVersion: nameOf(target), atMs: 5_000 };
    },
  });
  const seen = router.read({ namespace: "bookinfo", name: "front" }, TARGET, ["v3", "v2"]) as RouteFound;
  const wanted = [{ version: "v2", points: 100 - to }, { version: "v3", points: to }];
  const written = await router.write({ rollout: { namespace: "bookinfo", name: "front" }, target: TARGET, seen, ours: ["v2", "v3"], wanted, matched: null, stamp: "uid-1/1.2", manager: ROUTE_MANAGER, ...change });
  expect(written.resourceVersion).toBe("front,back"); // as they are seen, whatever the order of the writes
  return log;
}

describe("is written", () => {
  it.each<[string, Asked, readonly string[]]>([
    ["before its callers where the new version gets more", { front: 10, to: 50 }, ["back? v3 0, called", "front? v3 50", "back v3 0, called", "front v3 50"]],
    ["with all of its weights where all callers are new ones", { front: 50, to: 100 }, ["back? v3 100, called", "front? v3 100", "back v3 100, called", "front v3 100"]],
    ["after them where it gets less", { front: 50, to: 10 }, ["front v3 10", "back v3 0, called"]],
    ["without our route where it gets nothing", { front: 50, to: 0 }, ["front v3 0", "back v3 0"]],
    ["before them where requests are picked out for it", { front: 0, to: 0, change: { matched: { version: "v3", alternatives: [{ sourceLabels: CALLERS }] } } }, ["back? v3 0, called", "front? v3 0, called", "back v3 0, called", "front v3 0, called"]],
    ["with our route while it gets shadows", { front: 0, to: 0, change: { mirrored: { version: "v3", percent: 20 } } }, ["back? v3 0, called", "front? v3 0", "back v3 0, called", "front v3 0"]],
  ])("%s", async (_, asked, order) => {
    expect(await sent(asked)).toEqual(order);
  });
});

describe("counts", () => {
  const counted = (follower: RouteFound, leader: RouteFound): readonly [canary: number, atMost: number] => {
    const { lane, atMost } = followingOf(follower, leader, ["v3", "v2"]);
    return [lane.destinations.find(({ version }) => version === "v3")!.points, atMost];
  };

  it.each<[string, RouteFound, RouteFound, readonly [canary: number, atMost: number]]>([
    ["as its callers' route while it is as they need it", found("back", 0, intact), found("front", 25), [25, 100]],
    ["as lowered without our route", found("back", 0), found("front", 25), [0, 0]],
    ["as it is where all callers are new ones, also without our route", found("back", 100), found("front", 100), [100, 100]],
    ["as its callers' where those all reach the new version, whatever others do", found("back", 60, intact), found("front", 100), [100, 100]],
    ["as lowered where not even those do", found("back", 60), found("front", 100), [60, 60]],
    ["as raised by what others give the new version besides", found("back", 30, intact), found("front", 25), [55, 100]],
    ["as raised to everything where our route takes others", found("back", 0, { matched: { version: "v3", isIntact: false } }), found("front", 25), [100, 100]],
    ["as its callers' where nobody can say which labels those have", found("back", 0, { matched: { version: "v3", isIntact: false } }), found("front", 25, { backends: { v3: { kind: "missing", message: "no subset v3" } } }), [25, 100]],
  ])("%s", (_, follower, leader, as) => {
    expect(counted(follower, leader)).toEqual(as);
  });
});

describe("cannot be led by its callers' labels", () => {
  it.each<[string, Partial<RouteFound>, string | undefined]>([
    ["for gateways alone", { callerObstacle: "is for edge alone, which know no labels of callers: add mesh to its gateways" }, "VirtualService bookinfo/back is for edge alone, which know no labels of callers: add mesh to its gateways"],
    ["where its route asks for one of them", { conditions: ["source label app"] }, "VirtualService bookinfo/back asks for source label app itself, by which the callers' new pods are told: name another of its routes, or take that out"],
    ["but by others than its route asks for", { conditions: ["source label team", "header app"] }, undefined],
  ])("%s", (_, change, sentence) => {
    expect(followObstacle(found("back", 0, change), CALLERS)).toBe(sentence);
  });
});
