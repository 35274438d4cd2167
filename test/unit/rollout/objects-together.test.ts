/** Several objects that move together: when an intent is shown, what an ended run owes to each of them, and when it lets go. */
import { describe, expect, test } from "vitest";
import { inForceAtMs, isBehind, isOlder, isShown } from "../../../src/rollout/case.ts";
import { inOrder } from "../../../src/reconciler/in-order.ts";
import { decide } from "../../../src/rollout/decide.ts";
import { effectsOf, type Effect } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import type { RouteFound, RoutePart } from "../../../src/rollout/observation.ts";
import { caseOf } from "../../../src/rollout/read-case.ts";
import { FINALIZER } from "../../../src/rollout/rollout.ts";
import { intended } from "../../../src/rollout/route-write.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { PLAIN_STATUS_VERSION, STATUS_VERSION } from "../../../src/rollout/status.ts";
import { msOf } from "../../../src/rollout/units.ts";
import { anObservation, aRollout, aRun, aStatus, at, type RolloutChange, v3 } from "../../support/rollouts.ts";

const TARGET: Traffic = { istio: { virtualServices: [{ name: "reviews" }, { name: "reviews-edge" }] } };
const STAMP = "uid-1/1.1";

interface Piece extends Partial<RoutePart> {
  readonly canary: number;
  readonly others?: number;
}

/** Both as they are seen together: what differs between them is given for each. */
function bothAs(...pieces: readonly Piece[]): RouteFound {
  const alone = anObservation().route as RouteFound;
  const parts = pieces.map(({ canary, others = 0, ...part }, at): RoutePart => ({
    ...alone,
    target: { istio: { virtualServices: [TARGET.istio!.virtualServices[at]!] } },
    at,
    name: `VirtualService bookinfo/${TARGET.istio!.virtualServices[at]!.name}`,
    resourceVersion: `4${at}`,
    destinations: [{ version: "v2", points: 100 - others - canary }, { version: "v3", points: canary }, ...(others > 0 ? [{ version: "v4", points: others }] : [])].map((each) => ({ ...each, weighted: true, candidate: true })),
    stamp: undefined,
    ...part,
  }));
  const [first, ...rest] = parts;
  return { ...first!, stamp: undefined, parts, along: rest.map(({ name, destinations }) => ({ name, destinations })), resourceVersion: parts.map(({ resourceVersion }) => resourceVersion).join(",") };
}

const traffic: RolloutChange = { spec: { traffic: TARGET } };
const going = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({ ...traffic, status: aStatus({ run: aRun({ target: TARGET, inForceAt: undefined, ...change }) }) });
const ended = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({
  ...traffic,
  finalizers: [FINALIZER],
  status: aStatus({
    phase: "Degraded", reason: "RolledBack", refused: { ...v3, because: "RolledBack", reason: "it hurt" },
    run: aRun({ target: TARGET, inForceAt: undefined, outcome: "RolledBack", weight: 0, points: 0, endedAt: at(20), endedFrom: "40,41", reason: "it hurt", ...change }),
  }),
});
const caseWith = (change: RolloutChange, route: RouteFound) => caseOf(aRollout(change), anObservation({ seen: { route } }));
function effects(change: RolloutChange, route: RouteFound | { readonly kind: "unusable"; readonly message: string; readonly mendable: RouteFound }): readonly Effect[] {
  const [rollout, seen] = [aRollout(change), anObservation({ seen: { route } })];
  const decision = decide(rollout, seen);
  return effectsOf(rollout, nextStatus(rollout, seen, decision), seen, decision);
}
/** `reviews: v3 0, uid-1/1.1`: where it is written, what the new version gets, and the stamp. */
const written = (all: readonly Effect[]): readonly string[] =>
  all.flatMap((effect) => (effect.kind === "writeRoute" ? [`${effect.target.istio!.virtualServices.map(({ name }) => name).join("+")}: v3 ${effect.wanted.find(({ version }) => version === "v3")?.points}, ${effect.stamp}`] : []));
const isLetGo = (all: readonly Effect[]): boolean => all.some((effect) => effect.kind === "setFinalizer" && !effect.present);

test.each([["40,41", "40,42", true], ["41,41", "40,42", true], ["40,42", "40,42", false], ["41,", "40,", false], ["40", "41,42", false], ["9", "10", true]] as const)("whether %s is older than %s: %s", (one, other, isOne) => {
  expect(isOlder(one, other)).toBe(isOne);
});

describe("a run that goes on", () => {
  test.each([
    ["neither", [undefined, undefined], false],
    ["the first alone", [STAMP, undefined], false],
    ["the second alone", ["uid-1/1.0", STAMP], false],
    ["both", [STAMP, STAMP], true],
  ] as const)("is shown by %s", (_, [first, second], isIt) => {
    const it = caseWith(going(), bothAs({ canary: 10, stamp: first }, { canary: 10, stamp: second }));
    expect(isShown(it, it.run!)).toBe(isIt);
    expect(intended(it, it.run!)?.seen.parts?.length).toBe(isIt ? undefined : 2);
  });

  test("says which of them does not show its weight yet, once one does", () => {
    const [rollout, seen] = [aRollout(going()), anObservation({ seen: { route: bothAs({ canary: 10, stamp: STAMP }, { canary: 0 }) } })];
    expect(decide(rollout, seen)).toMatchObject({ kind: "stay", message: "v3 goes to 10%, and VirtualService bookinfo/reviews-edge does not show it yet" });
  });

  test("is in force since the later of its writes", () => {
    const by = (atMs: number) => [{ manager: "weir", atMs }];
    const it = caseWith(going(), bothAs({ canary: 10, stamp: STAMP, writers: by(5_000) }, { canary: 10, stamp: STAMP, writers: by(9_000) }));
    const roundingMs = 1_000;
    expect(inForceAtMs(it, it.run!)).toBe(9_000 + roundingMs + msOf(it.spec.strategy.propagation));
  });

  test("is not judged by a cache that lags for one of them", () => {
    const it = caseWith(going({ inForceAt: at(5), shownAt: "40,42" }), bothAs({ canary: 10, stamp: STAMP }, { canary: 0 }));
    expect(isBehind(it, it.run!)).toBe(true);
  });
});

test.each<readonly [when: string, rollout: RolloutChange, version: number]>([
  ["several objects move together", traffic, STATUS_VERSION],
  ["several objects moved together in the run", { status: going().status }, STATUS_VERSION],
  ["a Deployment is routed by the Gateway API", { spec: { release: undefined, deployment: { name: "reviews" }, traffic: { gatewayApi: { httpRoutes: [{ name: "reviews" }] } } } }, STATUS_VERSION],
  ["neither is so", {}, PLAIN_STATUS_VERSION],
])("a daemon that knows no better leaves a status alone where %s", (_, change, version) => {
  const [rollout, seen] = [aRollout(change), anObservation()];
  expect(nextStatus(rollout, seen, decide(rollout, seen)).version).toBe(version);
});

describe("a run that has ended owes each of them its own last write", () => {
  test.each([
    ["both bear the stamp", [{ canary: 10, stamp: STAMP }, { canary: 10, stamp: STAMP }], ["reviews: v3 0, null", "reviews-edge: v3 0, null"], true],
    ["one has been given back already", [{ canary: 0, resourceVersion: "43" }, { canary: 10, stamp: STAMP }], ["reviews-edge: v3 0, null"], true],
    ["one was never written, so that a frozen daemon may be about to", [{ canary: 10, stamp: STAMP }, { canary: 0 }], ["reviews: v3 0, null", "reviews-edge: v3 0, uid-1/1.1"], false],
    ["others share it otherwise by now in one of them", [{ canary: 10, stamp: STAMP, others: 30, resourceVersion: "43" }, { canary: 10, stamp: STAMP }], ["reviews: v3 0, null", "reviews-edge: v3 0, null"], true],
    ["none of them bears anything of ours", [{ canary: 0, resourceVersion: "43" }, { canary: 0, resourceVersion: "44" }], [], true],
  ] as const)("where %s", (_, pieces, writes, lets) => {
    const all = effects(ended(), bothAs(...pieces));
    expect([written(all), isLetGo(all)]).toEqual([writes, lets]);
  });

  test("with weights of its own to each of the routes within one object, where others share one of them by then", () => {
    const alone = anObservation({ split: { v2: 90, v3: 10 }, stamp: STAMP }).route as RouteFound;
    const along = [{ name: "route pages", destinations: [{ version: "v2", points: 70 }, { version: "v3", points: 10 }, { version: "v4", points: 20 }].map((each) => ({ ...each, weighted: true, candidate: true })) }];
    const route = { kind: "unusable", message: "they do not share alike", mendable: { ...alone, along } } as const;
    const [write] = effects({ ...ended(), spec: {} }, route).filter((effect) => effect.kind === "writeRoute");
    expect(write).toMatchObject({ wanted: [{ version: "v2", points: 100 }, { version: "v3", points: 0 }], wantedAlong: [[{ version: "v2", points: 80 }, { version: "v3", points: 0 }]] });
  });

  test("also to one that is as it should be while the other one cannot be written; and it is not let go of before", () => {
    const strayed = { kind: "unusable", message: "there is no such route in it" } as const;
    const route = bothAs({ canary: 10, stamp: STAMP }, { canary: 10, stamp: STAMP, trouble: strayed, destinations: [{ version: "v9", points: 100, weighted: true, candidate: false }] });
    const all = effects(ended(), { ...strayed, mendable: route });
    expect([written(all), isLetGo(all)]).toEqual([["reviews: v3 0, null"], false]);
  });
});

describe("effects in their order", () => {
  const write = { kind: "writeRoute" } as Effect;
  const finalizer = { kind: "setFinalizer", name: FINALIZER, present: false } as const;
  const tried = async (all: readonly Effect[], failing: ReadonlySet<Effect>): Promise<readonly [kinds: readonly string[], failure: unknown]> => {
    const kinds: string[] = [];
    const failure = await inOrder(all, async (effect) => {
      kinds.push(effect.kind);
      if (failing.has(effect)) throw new Error(`${effect.kind} ${all.indexOf(effect)}`);
    }).catch((error: unknown) => (error as Error).message);
    return [kinds, failure];
  };

  test("each route is written whatever became of another one, and nothing after them is done", async () => {
    const [first, second] = [{ ...write }, { ...write }];
    expect(await tried([first, second, finalizer], new Set([first]))).toEqual([["writeRoute", "writeRoute"], "writeRoute 0"]);
    expect(await tried([first, second, finalizer], new Set())).toEqual([["writeRoute", "writeRoute", "setFinalizer"], undefined]);
  });

  test("no route is written where the finalizer could not be set", async () => {
    expect(await tried([finalizer, write], new Set<Effect>([finalizer]))).toEqual([["setFinalizer"], "setFinalizer 0"]);
  });
});
