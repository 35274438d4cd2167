/** A spec that nobody can read in mid-run (stored under a looser CRD, or from before a rule grew stricter): nothing goes on, and what was begun can still be taken back. */
import { describe, expect, test } from "vitest";
import { reconcile } from "../../src/reconciler/reconcile.ts";
import type { Ports } from "../../src/reconciler/ports.ts";
import type { Rollout } from "../../src/rollout/rollout.ts";
import { aWorld, type World } from "../support/world.ts";

const MINUTE = 60_000;
const LADDER = [{ weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const WHY = "spec.strategy.steps: expected a list, got 7; begin each item with a dash";
const never = new AbortController().signal;

async function atHalf(): Promise<World> {
  const world = aWorld({ spec: { strategy: { steps: LADDER } } });
  await world.run(MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);
  expect(world.route()).toEqual({ v2: 50, v3: 50 });
  return world;
}

function unread(world: World): Ports {
  const get = (): Rollout | undefined => {
    const rollout = world.ports.rollouts.get(world.rollout().metadata);
    return rollout && { ...rollout, spec: { invalid: WHY } };
  };
  return { ...world.ports, rollouts: { ...world.ports.rollouts, get } };
}

/** Looks every ten seconds, as the timer and every change would. */
async function look(world: World, times = 12): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    await reconcile(world.rollout().metadata, unread(world), never);
    world.nowMs += 10_000;
  }
}

describe("a spec that cannot be read in mid-run", () => {
  test("is said with the way out, once, and moves nothing", async () => {
    const world = await atHalf();
    world.answers = { bad: 1, requests: 100 };
    const lines = world.log.length;
    await look(world);
    expect(world.status()).toMatchObject({ phase: "Degraded", reason: "InvalidSpec", message: `${WHY}; run 1 of v3 waits at 50%, and abort takes it back`, run: { weight: 50 } });
    expect(world.route()).toEqual({ v2: 50, v3: 50 });
    expect(world.log.slice(lines).filter((line) => / (status|route) /.test(line))).toHaveLength(1);
  });

  test.each<readonly [ending: string, act: (world: World) => void, outcome: string]>([
    ["a person aborts", (world) => world.command("abort id=c1 run=1 actor=alice"), "Aborted"],
    ["a person says undo", (world) => world.command("undo id=c1 run=1 actor=alice"), "Aborted"],
    ["the new version's pods go", (world) => void (world.pods["v3"]!.ready = 0), "RolledBack"],
    ["the Rollout is deleted", (world) => world.delete(), "Aborted"],
  ])("is taken back when %s", async (_, act, outcome) => {
    const world = await atHalf();
    act(world);
    await look(world, 2);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    expect(world.stamp()).toBeUndefined();
    expect(world.rollout().metadata.finalizers).toEqual([]);
    expect(world.status().run?.outcome).toBe(outcome);
  });

  test("does not hide a raised share, which is put back", async () => {
    const world = await atHalf();
    world.hand({ v2: 0, v3: 100 });
    await look(world, 2);
    expect(world.route()).toEqual({ v2: 50, v3: 50 });
  });

  test("acknowledges the abort, and takes its annotation away", async () => {
    const world = await atHalf();
    world.command("abort id=c1 run=1 actor=alice reason=enough");
    await look(world, 2);
    expect(world.status().lastCommand).toMatchObject({ id: "c1", result: "Accepted" });
    expect(world.rollout().metadata.annotations).toEqual({});
  });

  test("goes on where it stood once it can be read again", async () => {
    const world = await atHalf();
    await look(world);
    await world.run(5 * MINUTE);
    expect(world.route()).toEqual({ v2: 0, v3: 100 });
    expect(world.status()).toMatchObject({ phase: "Healthy" });
  });
});

describe("a spec that cannot be read", () => {
  test("begins nothing at first sight", async () => {
    const world = aWorld();
    await look(world, 3);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    expect(world.status()).toMatchObject({ phase: "Degraded", reason: "InvalidSpec", message: `${WHY}; weir lint says the same before it is applied` });
  });

  test("writes no route that another tool moves", async () => {
    const world = aWorld({ spec: { analysis: { mode: "observe" } }, split: { v2: 50, v3: 50 } });
    await world.run(MINUTE);
    expect(world.status().run).toMatchObject({ weight: 50 });
    world.command("abort id=c1 run=1 actor=alice");
    world.pods["v3"]!.ready = 0;
    await look(world);
    expect(world.route()).toEqual({ v2: 50, v3: 50 });
  });
});
