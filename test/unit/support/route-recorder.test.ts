/** The recorder that end-to-end tests rely on sees what it is there to see. */
import { describe, expect, it } from "vitest";
import { EPOCH_ANNOTATION } from "../../../src/rollout/rollout.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { createRouteRecorder } from "../../support/route-recorder.ts";

interface Seen {
  readonly weights: Readonly<Record<string, number | undefined>>;
  readonly stamp?: string;
  readonly timeout?: string;
  readonly port?: number;
  /** What another host gets on the same route. */
  readonly foreign?: number;
}

let revision = 0;

function version({ weights, stamp, timeout = "5s", port = 9080, foreign }: Seen): ApiObject {
  const others = foreign === undefined ? [] : [{ destination: { host: "ratings", subset: "v2" }, weight: foreign }];
  const ours = Object.entries(weights).map(([subset, weight]) => ({ destination: { host: "reviews", subset, port: { number: port } }, ...(weight === undefined ? {} : { weight }) }));
  revision += 1;
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", resourceVersion: String(revision), managedFields: [{ time: String(revision) }], ...(stamp ? { annotations: { [EPOCH_ANNOTATION]: stamp } } : {}) },
    spec: { hosts: ["reviews"], http: [{ name: "primary", timeout, route: [...others, ...ours] }] },
  };
}

function recorderOf(first: Seen, ...others: readonly Seen[]) {
  const versions = [first, ...others].map(version);
  return createRouteRecorder({ of: () => versions }, { name: "reviews", route: "primary", host: "reviews", stable: "v1", canary: "v2", ladder: [10, 50, 100] });
}

const plain = { destination: { host: "reviews" } };
const to = (subset: string, weight: number): object => ({ destination: { host: "reviews", subset }, weight });

/** Stamped but for the first and the last one. */
function sidesOf(...routes: readonly (readonly object[])[]) {
  const versions = routes.map((route, index) => {
    const { metadata, ...rest } = version({ weights: {}, ...(index > 0 && index < routes.length - 1 ? { stamp: "u/1.1" } : {}) });
    return { ...rest, metadata, spec: { hosts: ["reviews"], http: [{ route }] } };
  });
  return createRouteRecorder({ of: () => versions }, { name: "reviews", host: "reviews", stable: "weir-stable", canary: "weir-canary", isHeld: true, ladder: [50, 100] });
}

const both: Seen = { weights: { v1: 90, v2: 10 } };
const alone: Seen = { weights: { v1: undefined } };

describe("a recorder", () => {
  it("finds nothing in a run through the ladder, and tells its shares", () => {
    const recorder = recorderOf(both, { weights: { v1: 50, v2: 50 }, stamp: "u/1.1" }, { weights: { v1: 0, v2: 100 }, stamp: "u/1.2" }, { weights: { v1: 0, v2: 100 } });
    expect(recorder.violations()).toEqual([]);
    expect(recorder.shares()).toEqual([10, 50, 100]);
    expect(recorder.stamp()).toBeUndefined();
  });

  it("finds nothing in a destination that is added for a run and goes with it", () => {
    const recorder = recorderOf(alone, { weights: { v1: 90, v2: 10 }, stamp: "u/1.1" }, { weights: { v2: undefined } });
    expect(recorder.violations()).toEqual([]);
    expect(recorder.shares()).toEqual([0, 10, 100]);
  });

  it("takes a share for legal that a hand has announced", () => {
    const recorder = recorderOf(both, { weights: { v1: 75, v2: 25 } });
    expect(recorder.violations()).toEqual([expect.stringContaining("got 25")]);
    recorder.allow(25);
    expect(recorder.violations()).toEqual([]);
  });

  it("counts a share of what is ours where somebody else has a part of the route", () => {
    const recorder = recorderOf({ weights: { v1: 80, v2: 0 }, foreign: 20 }, { weights: { v1: 40, v2: 40 }, foreign: 20, stamp: "u/1.1" });
    expect(recorder.violations()).toEqual([]);
    expect(recorder.shares()).toEqual([0, 50]);
  });

  it("takes the two sides of a Deployment for what its Service alone was", () => {
    const recorder = sidesOf([plain], [to("weir-stable", 100)], [to("weir-stable", 50), to("weir-canary", 50)], [to("weir-canary", 100)], [to("weir-stable", 100)], [plain]);
    expect(recorder.violations()).toEqual([]);
    expect(recorder.shares()).toEqual([0, 50, 100, 0]);
    expect(sidesOf([plain], [to("weir-stable", 63), to("weir-canary", 37)], [plain]).violations()).toEqual([expect.stringContaining("got 37")]);
    expect(sidesOf([plain], [{ ...to("weir-stable", 100), headers: {} }], [plain]).violations()).toEqual([expect.stringContaining("everything but weights and stamp as it was")]);
  });

  it.each<readonly [what: string, first: Seen, then: Seen]>([
    ["a sum that is not 100", both, { weights: { v1: 80, v2: 10 } }],
    ["a weight that is not whole", both, { weights: { v1: 89.5, v2: 10.5 } }],
    ["a share that no step names", both, { weights: { v1: 80, v2: 20 }, stamp: "u/1.1" }],
    ["a destination that stays after its run", alone, { weights: { v1: 100, v2: 0 } }],
    ["a weight where there was none", alone, { weights: { v1: 100 } }],
    ["an added destination that is no copy", alone, { weights: { v1: 90, v3: 10 }, stamp: "u/1.1" }],
    ["somebody else's weight that moved", { weights: { v1: 80, v2: 0 }, foreign: 20 }, { weights: { v1: 45, v2: 45 }, foreign: 10, stamp: "u/1.1" }],
    ["another timeout", both, { ...both, timeout: "6s" }],
    ["another port", both, { ...both, port: 80 }],
    ["another order of destinations", both, { weights: { v2: 10, v1: 90 } }],
  ])("sees %s", (_what, first, then) => {
    expect(recorderOf(first, then).violations().length).toBeGreaterThan(0);
  });
});
