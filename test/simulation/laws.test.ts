/** The laws of traffic, on histories: stale and frozen daemons, and random ones with crashes at any write. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Conflict } from "../../src/kubernetes/errors.ts";
import { reconcile } from "../../src/reconciler/reconcile.ts";
import type { Ports } from "../../src/reconciler/ports.ts";
import type { RouteChange, RouteWritten } from "../../src/traffic/traffic-router.ts";
import { aVirtualService, subsets } from "../support/istio-objects.ts";
import { aWorld, Died, type World } from "../support/world.ts";

const MINUTE = 60_000;
const LADDER = [{ weight: 10, hold: "1m" }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const never = new AbortController().signal;

const reached = (world: World, percent: number) => () => world.rollout().status?.run?.weight === percent;
const judged = (world: World, percent: number) => () => reached(world, percent)() && world.status().run!.checks.length > 0;

async function atStep(percent: number): Promise<World> {
  const world = aWorld({ spec: { strategy: { steps: LADDER } } });
  await world.run(20 * MINUTE, judged(world, percent));
  return world;
}

/** A daemon whose Rollout cache stands still; its routes are fresh. */
function withStaleRollout(world: World): Ports {
  const rollout = structuredClone(world.rollout());
  return { ...world.ports, rollouts: { ...world.ports.rollouts, get: () => rollout } };
}

/** A daemon that stands still between commit and act, until it is let go. */
function frozenBeforeWriting(world: World): { ports: Ports; letGo: () => void; isFrozen: Promise<void> } {
  let letGo = (): void => undefined;
  let tell = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const isFrozen = new Promise<void>((resolve) => (tell = resolve));
  const write = async (change: RouteChange): Promise<RouteWritten> => {
    tell();
    await held;
    return world.ports.traffic.write(change);
  };
  return { ports: { ...world.ports, traffic: { ...world.ports.traffic, write } }, letGo, isFrozen };
}

describe("laws 2 and 3", () => {
  test("a daemon with a stale Rollout and a fresh route moves no weight", async () => {
    const world = await atStep(10);
    const stale = withStaleRollout(world);
    world.command("abort id=c1 run=1 actor=alice");
    await world.run(1_000);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    world.nowMs += 2 * MINUTE; // by its own idea the step's time is over
    await expect(reconcile(world.rollout().metadata, stale, never)).rejects.toBeInstanceOf(Conflict);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
  });

  test("a daemon frozen between commit and act of a step moves no weight after another one's abort", async () => {
    const world = await atStep(10);
    const { ports, letGo, isFrozen } = frozenBeforeWriting(world);
    await world.run(MINUTE, () => world.status().run!.checks[0]!.passes >= 5);
    world.nowMs += 10_000;
    const ticking = reconcile(world.rollout().metadata, ports, never);
    await isFrozen;
    expect(world.status().run).toMatchObject({ weight: 50, epoch: 2 });
    world.command("abort id=c1 run=1 actor=alice");
    await world.run(1_000);
    letGo();
    await expect(ticking).rejects.toBeInstanceOf(Conflict);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
  });

  test("nor when the first intent was never shown: the abort's stamp makes its late write fail", async () => {
    const world = aWorld({ spec: { strategy: { steps: LADDER } } });
    const { ports, letGo, isFrozen } = frozenBeforeWriting(world);
    const ticking = reconcile({ namespace: "bookinfo", name: "reviews" }, ports, never);
    await isFrozen;
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    world.command("abort id=c1 run=1 actor=alice");
    await world.tick();
    expect(world.stamp()).toMatch(/^uid-1\/1\./);
    expect(world.rollout().metadata.finalizers, "until the stamp has gone").toHaveLength(1);
    letGo();
    await expect(ticking).rejects.toBeInstanceOf(Conflict);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    await world.run(MINUTE);
    expect(world.stamp(), "the stamp goes with the last write").toBeUndefined();
    expect(world.rollout().metadata.finalizers).toEqual([]);
  });
});

describe("law 5", () => {
  test("the tick that sees the failing evidence is the tick that writes the route back, before anybody is told", async () => {
    const world = aWorld({ spec: { strategy: { steps: LADDER }, notifications: [{ slack: { channel: "#deploys" } }] } });
    await world.run(20 * MINUTE, judged(world, 10));
    world.answers = { bad: 0.5, requests: 100 };
    const before = world.log.length;
    await world.run(20 * MINUTE, () => world.status().run?.outcome !== undefined);
    const kinds = world.log.slice(before).map((line) => line.split(/\s+/)[1]);
    expect(kinds.slice(kinds.lastIndexOf("status"))).toEqual(["status", "route", "record", "event", "notify"]);
  });

  test("abort does not wait for a query that never answers", async () => {
    const world = await atStep(10);
    world.answers = "unanswered";
    world.nowMs += 10_000;
    const looking = new AbortController();
    const ticking = world.tick(looking.signal);
    world.command("abort id=c1 run=1 actor=alice");
    await world.tick();
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    looking.abort(new Error("a command arrived"));
    await expect(ticking).rejects.toThrow("a command arrived");
  });
});

describe("law 4", () => {
  test("a run to a version that a hand gave everything begins at the end of its ladder, and ends", async () => {
    const world = aWorld({ spec: { strategy: { steps: LADDER } }, split: { v2: 100 } });
    await world.run(20 * MINUTE);
    expect(world.status().run).toMatchObject({ outcome: "Succeeded", to: { version: "v3" } });
    world.spec({ suspend: true });
    await world.run(MINUTE);
    world.hand({ v2: 100 });
    world.command("undo id=c1 run=1 actor=alice");
    world.spec({ suspend: false });
    await world.run(0);
    expect(world.log.join("\n")).toContain("run 2: v2 has 100% already, as the route's owner set it");
    await world.run(5 * MINUTE);
    expect(world.status().run).toMatchObject({ number: 2, outcome: "Succeeded", to: { version: "v2" } });
    expect(world.route()).toEqual({ v2: 100 });
  });

  test("what was absent when a run ends stays absent beside a destination without weight", async () => {
    const world = aWorld({ spec: { strategy: { steps: LADDER } }, split: { v2: null } });
    await world.run(20 * MINUTE);
    expect(world.route()).toEqual({ v3: null });
    world.spec({ suspend: true });
    await world.run(MINUTE);
    world.hand({ v2: null });
    world.command("undo id=c1 run=1 actor=alice");
    world.spec({ suspend: false });
    await world.run(5 * MINUTE);
    expect(world.status().run).toMatchObject({ number: 2, outcome: "Succeeded", to: { version: "v2" } });
    expect(world.route()).toEqual({ v2: null });
  });
});

describe("law 7", () => {
  test("a command that arrives again after later ones is not obeyed again", async () => {
    const world = await atStep(10);
    for (const text of ["pause id=c1 run=1 actor=alice", "resume id=c2 run=1 actor=alice", "pause id=c1 run=1 actor=alice"]) {
      world.command(text);
      await world.run(1_000);
    }
    expect(world.status().run?.pausedBy).toBeUndefined();
    expect(world.status().lastCommand).toMatchObject({ id: "c2", result: "Accepted" });
    expect(world.rollout().metadata.annotations, "the duplicate is taken away").toEqual({});
  });
});

describe("law 12", () => {
  test("a hand that lowers the share between the commit of a step and its write is obeyed", async () => {
    const world = await atStep(10);
    const { ports, letGo, isFrozen } = frozenBeforeWriting(world);
    await world.run(MINUTE, () => world.status().run!.checks[0]!.passes >= 5);
    world.nowMs += 10_000;
    const ticking = reconcile(world.rollout().metadata, ports, never);
    await isFrozen;
    expect(world.status().run).toMatchObject({ weight: 50, decidedAt: 10 });
    world.hand({ v2: 95, v3: 5 });
    letGo();
    await expect(ticking).rejects.toBeInstanceOf(Conflict);
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 95, v3: 5 });
    expect(world.status()).toMatchObject({ phase: "Paused", reason: "RouteEditedByHand", message: expect.stringContaining("from 10% to 5%") as string });
    world.command("resume id=c1 run=1 actor=alice");
    await world.run(MINUTE, reached(world, 10));
    expect(world.route()).toEqual({ v2: 90, v3: 10 });
  });
});

describe("law 12, with two daemons", () => {
  test("a daemon whose route lags behind takes an old share for nobody's doing", async () => {
    const world = await atStep(10);
    const before = structuredClone(world.ports.traffic.read(world.rollout().metadata, world.rollout().status!.run!.target, ["v3", "v2"]));
    await world.run(20 * MINUTE, judged(world, 50));
    const lagging = { ...world.ports, traffic: { ...world.ports.traffic, read: () => before } };
    world.nowMs += 10_000;
    await reconcile(world.rollout().metadata, lagging, never).catch((error: unknown) => expect(error).toBeInstanceOf(Conflict));
    expect(world.status().run).toMatchObject({ weight: 50 });
    expect(world.status().run?.pausedBy).toBeUndefined();
    world.hand({ v2: 90, v3: 10 });
    await world.run(1_000);
    expect(world.status(), "a hand is seen as before").toMatchObject({ reason: "RouteEditedByHand" });
  });
});

describe("law 12, at rest", () => {
  test("a hand that lowers the share while the run succeeds is left alone", async () => {
    const world = await atStep(100);
    const lowered = (): void => {
      if (world.status().run?.outcome !== "Succeeded") return;
      world.faults = NOTHING;
      world.hand({ v2: 80, v3: 20 });
    };
    world.faults = { before: () => undefined, after: lowered };
    await world.run(10 * MINUTE, () => world.status().run?.outcome !== undefined && world.stamp() === undefined);
    expect(world.route()).toEqual({ v2: 80, v3: 20 });
    expect(world.status()).toMatchObject({ phase: "Healthy", run: { outcome: "Succeeded" } });
  });

  test("but a person who promotes what a hand has lowered at the last step gets everything there", async () => {
    const world = await atStep(100);
    world.hand({ v2: 80, v3: 20 });
    await world.run(1_000);
    world.command("promote id=c1 run=1 actor=alice reason=go");
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 0, v3: 100 });
    expect(world.status().run?.outcome).toBe("Succeeded");
  });

  test("in a fight the raise of a refused version is put back after half a minute, though nothing else happens", async () => {
    const world = await atStep(10);
    world.command("abort id=c1 run=1 actor=alice");
    await world.run(MINUTE);
    for (let time = 1; time <= 3; time++) {
      world.hand({ v2: 60, v3: 40 }, "argocd-controller");
      await world.run(1_000);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
    }
    world.hand({ v2: 60, v3: 40 }, "argocd-controller");
    await world.run(20_000);
    expect(world.route()).toEqual({ v2: 60, v3: 40 });
    await world.run(15_000);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
  });
});

describe("law 11", () => {
  test("a Rollout at rest is looked at without a write", async () => {
    const world = aWorld({ spec: { strategy: { steps: LADDER } } });
    await world.run(20 * MINUTE);
    const lines = world.log.length;
    for (let i = 0; i < 10; i++) {
      world.nowMs += MINUTE;
      await world.tick();
    }
    expect(world.log).toHaveLength(lines);
  });
});

type Action = (world: World) => void;
const NOTHING = { before: () => undefined, after: () => undefined };

const arbitraryAction: fc.Arbitrary<{ name: string; act: Action }> = fc.oneof(
  fc.constantFrom(0, 0.005, 0.05, 1).map((bad) => ({ name: `answers ${bad} bad`, act: (world: World) => void (world.answers = { bad, requests: 100 }) })),
  fc.constantFrom("noData" as const, "error" as const).map((answers) => ({ name: answers, act: (world: World) => void (world.answers = answers) })),
  fc.tuple(fc.constantFrom("v2", "v3"), fc.integer({ min: 0, max: 2 })).map(([version, ready]) => ({ name: `${version} ${ready} ready`, act: (world: World) => void (world.pods[version]!.ready = ready) })),
  fc.constantFrom("abort", "promote", "promote to=50", "promote full=true", "pause", "resume", "undo", "retry", "nonsense").map((verb) => ({ name: verb, act: (world: World) => world.command(verb) })),
  fc.constantFrom("v2", "v3", "v4").map((release) => ({ name: `release ${release}`, act: (world: World) => world.spec({ release, stable: undefined }) })),
  fc.boolean().map((suspend) => ({ name: `suspend ${suspend}`, act: (world: World) => world.spec({ suspend }) })),
  fc.integer({ min: 0, max: 80 }).map((points) => ({ name: `hand ${points}`, act: (world: World) => handOver(world, points) })),
  fc.integer({ min: 0, max: 3 }).map((nth) => ({ name: `dies at write ${nth}`, act: (world: World) => dieAt(world, nth) })),
);

/** A person gives the second of our destinations `points` of the 80 that are not foreign. */
function handOver(world: World, points: number): void {
  const route = world.route();
  const ours = Object.keys(route).filter((version) => version !== "v1");
  if (ours.length < 2) return;
  world.hand({ ...Object.fromEntries(ours.map((version, index) => [version, index === 0 ? 80 - points : index === 1 ? points : 0])), v1: 20 });
}

function dieAt(world: World, nth: number): void {
  let left = nth;
  const die = (): void => {
    if (left-- > 0) return;
    world.faults = NOTHING;
    throw new Died("the daemon dies here");
  };
  world.faults = { before: die, after: die };
}

describe("random histories", () => {
  const history = fc.array(fc.tuple(arbitraryAction, fc.integer({ min: 0, max: 120_000 })), { minLength: 1, maxLength: 14 });
  test("no write of ours breaks a law, and it comes to rest", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (actions) => {
        const world = aWorld({ spec: { strategy: { steps: LADDER }, stable: "v2" }, virtualService: aVirtualService({ http: [{ route: subsets({ v2: 80, v1: 20 }) }] }) });
        const writes = watchWrites(world);
        await world.run(0);
        for (const [{ act }, forMs] of actions) {
          act(world);
          await world.run(forMs);
        }
        await calmDown(world);
        for (const { route, share } of writes) {
          const told = `${actions.map(([{ name }, forMs]) => `${name} +${forMs}`).join("; ")}\n${world.log.join("\n")}`;
          expect(Object.values(route).reduce((sum: number, points) => sum + (points ?? 100), 0)).toBe(100);
          expect(route["v1"]).toBe(20);
          expect(share, `what we write is a step's weight, 0, 100, or what a hand has left: ${told}`).toBeDefined();
        }
        expect(["Healthy", "Degraded"], world.log.slice(-30).join("\n")).toContain(world.status().phase);
        expect(world.stamp()).toBeUndefined();
        const deaths = actions.filter(([{ name }]) => name.startsWith("dies")).length;
        expectRecords(world, deaths);
        const { refused } = world.status();
        if (refused && world.status().stable?.version !== refused.version) expect(world.route()[refused.version] ?? 0).toBe(0);
      }),
      { numRuns: 100 },
    );
  }, 240_000);
});

/** Each run that ended has one record, unless the daemon died twice over it: at its end, and again as the next one began. */
function expectRecords(world: World, deaths: number): void {
  const recorded = world.records.map(({ spec }) => spec.number);
  expect(new Set(recorded).size).toBe(recorded.length);
  const { runs, run } = world.status();
  expect(run?.outcome, world.log.slice(-30).join("\n")).toBeDefined();
  expect(runs - recorded.length, `records of ${recorded.join(", ")} of ${runs} runs: ${world.log.join("\n")}`).toBeLessThanOrEqual(Math.floor(deaths / 2));
  for (const { number, outcome } of world.status().history) expect(world.records.find(({ spec }) => spec.number === number)?.spec.outcome ?? outcome).toBe(outcome);
}

interface Written {
  readonly route: Record<string, number | null>;
  /** Where the canary's points can come from; undefined where they should not be. */
  readonly share: number | "a hand's" | undefined;
}

/** Every write of ours. */
function watchWrites(world: World): Written[] {
  const seen: Written[] = [];
  const { write } = world.ports.traffic;
  Object.assign(world.ports.traffic, {
    async write(change: RouteChange): Promise<RouteWritten> {
      const written = await write(change);
      const pointsOf = (version: string): number => change.wanted.find((one) => one.version === version)?.points ?? 0;
      const [stable, canary] = change.ours.map(pointsOf) as [number, number];
      const handed = world.log.some((line) => line.includes(" hand ") && line.includes(`${change.ours[1]} ${canary},`));
      seen.push({ route: world.route(), share: ladderShare(canary, stable + canary) ?? (handed ? "a hand's" : undefined) });
      return written;
    },
  });
  return seen;
}

/** floor(S·w/100), at least 1 if w > 0: which w gives these points. */
function ladderShare(points: number, total: number): number | undefined {
  const shares = [0, ...LADDER.map(({ weight }) => weight), 100];
  return shares.find((share) => points === (share === 0 ? 0 : Math.max(1, Math.floor((total * share) / 100))));
}

/** Everything well again, and a person who lets the run go on. */
async function calmDown(world: World): Promise<void> {
  world.faults = NOTHING;
  world.answers = { bad: 0, requests: 100 };
  for (const pods of Object.values(world.pods)) pods.ready = 2;
  world.spec({ suspend: false });
  const waits = (): boolean => world.status().phase === "Paused" || isAtRest(world);
  for (let i = 0; i < 12; i++) {
    await world.run(1_000);
    await world.run(30 * MINUTE, waits);
    if (isAtRest(world)) break;
    world.command(["RouteEditedByHand", "RouteContested", "Command"].includes(world.status().reason) ? "resume" : "promote reason=go");
  }
  await world.run(MINUTE);
}

function isAtRest(world: World): boolean {
  return world.status().run?.outcome !== undefined && ["Healthy", "Degraded"].includes(world.status().phase);
}
