/** Whoever looks, and whoever dies between two looks: the same counters lead to the same decisions at the same instants. */
import { describe, expect, test } from "vitest";
import { Conflict } from "../../src/kubernetes/errors.ts";
import { countersOf, noise } from "../support/seeded-counters.ts";
import { aWorld, Died, type World } from "../support/world.ts";

const MINUTE = 60_000;
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

const spec = { analysis: { onMissingTraffic: "ignore" as const }, strategy: { steps: [{ weight: 10, hold: "1m" }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }] } };

/** What was decided, and what it rested on; times are those of the looks, not of the ticks. */
async function decided(seed: number, badShare: number, disturb: (world: World, tick: number) => void): Promise<unknown> {
  const world = aWorld({ spec, metrics: countersOf(seed, badShare) });
  for (let tick = 0; tick < 200 && !world.rollout().status?.run?.outcome; tick++) {
    disturb(world, tick);
    const result = await world.tick().catch((error: unknown) => {
      if (error instanceof Died || error instanceof Conflict) return undefined;
      throw error;
    });
    if (result) world.nowMs = Math.max(world.nowMs + 1, Math.min(result.requeueAtMs ?? Infinity, world.nowMs + MINUTE));
  }
  const { run } = world.status();
  return { outcome: run!.outcome, reason: run!.reason, weight: run!.peak, evidence: run!.evidence };
}

const undisturbed = (): void => undefined;

/** Every tick of some dies at its first write: before it, or after it with the answer lost; the next daemon ticks in the same second. */
function killed(seed: number) {
  return (world: World, tick: number): void => {
    const die = (): never => {
      world.faults = { before: undisturbed, after: undisturbed };
      throw new Died("killed");
    };
    if (noise(seed, tick * 10_000) > 0.5) world.faults = tick % 2 === 0 ? { before: die, after: undisturbed } : { before: undisturbed, after: die };
  };
}

describe("the same counters", () => {
  test.each([["a good version", 0], ["a bad version", 0.05], ["one at the edge", 0.012]] as const)("of %s lead to the same decision however often the daemon is killed", async (_, badShare) => {
    for (const seed of SEEDS) expect(await decided(seed, badShare, killed(seed)), `seed ${seed}`).toEqual(await decided(seed, badShare, undisturbed));
  });

  test("are judged: the good version goes through, the bad one does not", async () => {
    expect(await decided(1, 0, undisturbed)).toMatchObject({ outcome: "Succeeded" });
    expect(await decided(1, 0.05, undisturbed)).toMatchObject({ outcome: "RolledBack" });
  });
});
