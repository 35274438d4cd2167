/** What a write of several objects does where one of them cannot be written, and what cannot move together. */
import { describe, expect, it } from "vitest";
import { ApiError, Conflict } from "../../../src/kubernetes/errors.ts";
import type { Backend, RouteFound } from "../../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../../src/rollout/rollout.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { movingTogether } from "../../../src/traffic/moving-together.ts";
import type { RouteChange, RouteWritten } from "../../../src/traffic/traffic-router.ts";

const ROLLOUT = { namespace: "bookinfo", name: "reviews" };
const TARGET: Traffic = { istio: { virtualServices: [{ name: "one" }, { name: "two" }, { name: "three" }] } };

function found(name: string, change: Partial<RouteFound> = {}): RouteFound {
  const backend: Backend = { kind: "found", namespace: "bookinfo", selector: { version: "v3" }, definedAtMs: 1_000 };
  const destination = (version: string, points: number) => ({ version, points, weighted: true, candidate: true });
  return { kind: "found", name: `VirtualService bookinfo/${name}`, resourceVersion: "7", fields: ["http"], destinations: [destination("v2", 50), destination("v3", 50)], mirrors: [], conditions: [], stamp: "uid-1/1.1", writers: [], backends: { v3: backend }, ...change };
}

/** What is asked of it, as `two?` for a trial and `two` for a write. */
function aRouter(failing: Readonly<Record<string, Error>> = {}, routes: Readonly<Record<string, Partial<RouteFound>>> = {}) {
  const sent: string[] = [];
  const nameOf = (target: Traffic): string => target.istio!.virtualServices.map(({ name }) => name).join("+");
  const router = movingTogether({
    read: (_, target) => found(nameOf(target), routes[nameOf(target)]),
    write: async ({ target, isTrial = false }): Promise<RouteWritten> => {
      const asked = `${nameOf(target)}${isTrial ? "?" : ""}`;
      sent.push(asked);
      if (failing[asked]) throw failing[asked];
      return { resourceVersion: "8", atMs: 5_000 };
    },
  });
  const seen = (): RouteFound => router.read(ROLLOUT, TARGET, ["v3", "v2"]) as RouteFound;
  const write = (canary: number): Promise<RouteWritten> => {
    const wanted = [{ version: "v2", points: 100 - canary }, { version: "v3", points: canary }];
    const change: RouteChange = { rollout: ROLLOUT, target: TARGET, seen: seen(), ours: ["v2", "v3"], wanted, matched: null, stamp: "uid-1/1.2", manager: ROUTE_MANAGER };
    return router.write(change);
  };
  return { sent, seen, write, read: (target: Traffic) => router.read(ROLLOUT, target, ["v3", "v2"]) };
}

const refusal = (): ApiError => new ApiError("no weights on Fridays", 403, "Forbidden");

describe("a write that gives the new version more", () => {
  it("is asked about everywhere before it is made anywhere", async () => {
    const { sent, write } = aRouter();
    expect(await write(75)).toEqual({ resourceVersion: "8,8,8", atMs: 5_000 });
    expect(sent).toEqual(["one?", "two?", "three?", "one", "two", "three"]);
  });

  it("is made nowhere where one of them would be refused, which is named", async () => {
    const { sent, write } = aRouter({ "two?": refusal() });
    await expect(write(75)).rejects.toMatchObject({ status: 403, message: "VirtualService bookinfo/two: no weights on Fridays" });
    expect(sent).toEqual(["one?", "two?"]);
  });
});

describe("a write that takes traffic back", () => {
  it("is made at once, and wherever it can be, whichever is refused", async () => {
    const { sent, write } = aRouter({ one: refusal() });
    await expect(write(0)).rejects.toMatchObject({ status: 403, message: "VirtualService bookinfo/one: no weights on Fridays" });
    expect(sent).toEqual(["one", "two", "three"]);
  });

  it("goes no further where somebody else has written one of them: the decision is to be made anew", async () => {
    const { sent, write } = aRouter({ two: new Conflict("two has changed") });
    await expect(write(0)).rejects.toThrow(Conflict);
    expect(sent).toEqual(["one", "two"]);
  });
});

describe("what cannot move together", () => {
  it("is told in a sentence where an object is named twice, once by the Rollout's own namespace", () => {
    const twice: Traffic = { istio: { virtualServices: [{ name: "one" }, { name: "one", namespace: "bookinfo", routes: ["primary"] }] } };
    expect(aRouter().read(twice)).toEqual({ kind: "unusable", message: "spec.traffic names VirtualService bookinfo/one twice: name each object once, with all of its routes that shall move" });
  });

  it("has no pods to judge where each leads to other ones", () => {
    const others: Backend = { kind: "found", namespace: "bookinfo", selector: { app: "ratings", version: "v3" }, definedAtMs: 1_000 };
    expect(aRouter({}, { two: { backends: { v3: others } } }).seen().backends).toEqual({
      v3: { kind: "missing", message: "v3 is other pods by VirtualService bookinfo/two than by VirtualService bookinfo/one, and one verdict cannot be about both: give each a Rollout of its own" },
    });
  });

  it("is known by the one that was defined last, and by whoever else steers any of them", () => {
    const later: Backend = { kind: "found", namespace: "bookinfo", selector: { version: "v3" }, definedAtMs: 9_000 };
    expect(aRouter({}, { two: { backends: { v3: later } }, three: { managedBy: "Flagger" } }).seen()).toMatchObject({ backends: { v3: { definedAtMs: 9_000 } }, managedBy: "Flagger" });
  });
});
