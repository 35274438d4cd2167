/** Each split of a route keeps what was sent while it was in force. */
import { describe, expect, test } from "vitest";
import { createTally } from "../../../src/playground/mesh/tally.ts";
import type { MeshObjects } from "../../../src/playground/mesh/routing-table.ts";
import { createRouteSteps, splitOf } from "../../../src/playground/route-steps.ts";
import { aVirtualService, anEndpoint, theMeshObjects, toSubset } from "./mesh-objects.fixture.ts";

const reviews = { name: "reviews", namespace: "bookinfo", host: "reviews.bookinfo.svc.cluster.local" };
const watched = { namespace: "bookinfo", name: "reviews" };

function aMesh() {
  const tally = createTally();
  let listener = (_: MeshObjects): void => undefined;
  return {
    send: (version: string) => tally.add(reviews, anEndpoint("reviews", version)),
    inForce: (...route: unknown[]) => listener(theMeshObjects(aVirtualService({ http: [{ route }] }))),
    inForceTogether: (...routes: readonly (readonly unknown[])[]) => listener(theMeshObjects(...routes.map((route, index) => aVirtualService({ http: [{ route }] }, index === 0 ? {} : { name: "reviews-edge" })))),
    inForceBeside: (...http: unknown[]) => listener(theMeshObjects(aVirtualService({ http }))),
    mesh: {
      routed: tally.read,
      shadowed: tally.readShadows,
      resetRouted: tally.reset,
      onInForce: (one: (objects: MeshObjects) => void) => {
        listener = one;
        return () => (listener = () => undefined);
      },
    },
  };
}

describe("route steps", () => {
  test("a request counts for the split under which it was sent, also where it ends later", () => {
    const { mesh, inForce, send } = aMesh();
    const steps = createRouteSteps(mesh, watched);
    inForce(toSubset("v1", 90), toSubset("v2", 10));
    send("v1")(200);
    const answer = send("v2");
    inForce(toSubset("v1", 100), toSubset("v2", 0));
    answer(500);
    send("v1")(200);
    expect(steps.all().map(({ split, counts }) => [split, counts()])).toEqual([
      [{ v1: 90, v2: 10 }, { v1: { requests: 1, bad: 0 }, v2: { requests: 1, bad: 0 } }],
      [{ v1: 100, v2: 0 }, { v1: { requests: 1, bad: 0 } }],
    ]);
  });

  test("a push that leaves the split as it is makes no new step, and one that drops a destination without weight neither", () => {
    const { mesh, inForce } = aMesh();
    const steps = createRouteSteps(mesh, watched);
    inForce(toSubset("v1", 100), toSubset("v2", 0));
    inForce(toSubset("v1", 100), toSubset("v2", 0));
    inForce(toSubset("v1"));
    expect(steps.all()).toHaveLength(1);
  });
});

test("a step of routes that move together begins once the last of them shows it, and one that is not there is not waited for", () => {
  const { mesh, inForceTogether } = aMesh();
  const steps = createRouteSteps(mesh, { ...watched, others: () => ["reviews-edge", "reviews-gone"] });
  const [before, after] = [[toSubset("v1", 100), toSubset("v2", 0)], [toSubset("v1", 90), toSubset("v2", 10)]];
  const seen = [[before, before], [after, before], [after, after]].map((routes) => {
    inForceTogether(...routes);
    return steps.all().length;
  });
  expect(seen).toEqual([1, 1, 2]);
});

describe("the split of a route", () => {
  const two = aVirtualService({ http: [{ name: "testers", route: [toSubset("v2")] }, { name: "primary", route: [toSubset("v1", 80), toSubset("v2", 20)] }] });
  test("is that of the route named", () => {
    expect(splitOf(theMeshObjects(two), { ...watched, route: "primary" })).toEqual({ v1: 80, v2: 20 });
  });
  test("is that of the user's, where only one has no match of ours", () => {
    const beside = aVirtualService({ http: [{ name: "weir-match.bookinfo.reviews", route: [toSubset("v2")] }, { route: [toSubset("v1", 100), toSubset("v2", 0)] }] });
    expect(splitOf(theMeshObjects(beside), watched)).toEqual({ v1: 100, v2: 0 });
  });
  test("is that of the tcp route, where connections move", () => {
    const connected = aVirtualService({ http: [{ route: [toSubset("v1")] }], tcp: [{ route: [toSubset("v1", 70), toSubset("v2", 30)] }] });
    expect(splitOf(theMeshObjects(connected), { ...watched, isTcp: true })).toEqual({ v1: 70, v2: 30 });
  });
  test("an only destination has everything", () => {
    expect(splitOf(theMeshObjects(two), { ...watched, route: "testers" })).toEqual({ v2: 100 });
  });
  test("is unknown where there is no such VirtualService or route", () => {
    expect([splitOf(theMeshObjects(), watched), splitOf(theMeshObjects(two), { ...watched, route: "other" })]).toEqual([undefined, undefined]);
  });
});

test("a step of its own begins where something else stands beside the weights, with what users of each kind were answered since", () => {
  const { mesh, send, inForceBeside } = aMesh();
  let answered = { testers: { v1: { requests: 5, bad: 1 } } as Record<string, { requests: number; bad: number }> };
  const steps = createRouteSteps(mesh, watched, { answered: () => answered, sides: () => ({ on: {}, came: {} }) });
  inForceBeside({ route: [toSubset("v1", 100), toSubset("v2", 0)] });
  send("v1")(200);
  answered = { testers: { v1: { requests: 7, bad: 1 } } };
  inForceBeside({ name: "weir-match.bookinfo.reviews", match: [{ headers: { "x-tester": { exact: "true" } } }], route: [toSubset("v2")] }, { route: [toSubset("v1", 100), toSubset("v2", 0)] });
  answered = { testers: { v1: { requests: 7, bad: 1 }, v2: { requests: 4, bad: 0 } } };
  expect(steps.all().map((step) => [step.counts(), step.users()])).toEqual([
    [{ v1: { requests: 1, bad: 0 } }, { testers: { v1: { requests: 2, bad: 0 } } }],
    [{}, { testers: { v1: { requests: 0, bad: 0 }, v2: { requests: 4, bad: 0 } } }],
  ]);
});

test("where users who keep cookies stand is kept with each step, and how many came to a version since", () => {
  const { mesh, inForce } = aMesh();
  let seen = { on: { v1: 100 } as Record<string, number>, came: {} as Record<string, number> };
  const steps = createRouteSteps(mesh, watched, { answered: () => ({}), sides: () => seen });
  inForce(toSubset("v1", 90), toSubset("v2", 10));
  seen = { on: { v1: 88, v2: 12 }, came: { v2: 12 } };
  inForce(toSubset("v1", 50), toSubset("v2", 50));
  seen = { on: { v1: 49, v2: 51 }, came: { v1: 1, v2: 52 } };
  expect(steps.all().map(({ sides }) => sides())).toEqual([
    { on: { v1: 88, v2: 12 }, came: { v2: 12 } },
    { on: { v1: 49, v2: 51 }, came: { v1: 1, v2: 40 } },
  ]);
});
