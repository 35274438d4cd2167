/** Whoever looks, and whoever dies between two looks: the same counters lead to the same decisions at the same instants. */
import { describe, expect, test } from "vitest";
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import type { Growth, Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import { aWorld, Died, type World } from "../support/world.ts";

const MINUTE = 60_000;
const BEGINNING_MS = Date.parse("2026-11-21T11:50:00Z");
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

/** Requests that each side had counted up to each instant of the grid, as a Prometheus would have them for anybody who asks. */
function countersOf(seed: number, badShare: number): MetricProvider {
  const at = (instantMs: number): readonly [canary: number, canaryBad: number, stable: number, stableBad: number] => {
    let sums = [0, 0, 0, 0];
    for (let instant = BEGINNING_MS; instant <= instantMs; instant += 10_000) {
      const [one, other, third] = [noise(seed, instant), noise(seed + 1_000, instant), noise(seed + 2_000, instant)];
      const requests = 40 + Math.floor(one * 40);
      sums = [sums[0]! + requests, sums[1]! + Math.floor(requests * badShare * 2 * other), sums[2]! + requests * 5, sums[3]! + (third > 0.8 ? 1 : 0)];
    }
    return sums as never;
  };
  const between = (since: number, until: number): number[] => at(until).map((value, index) => value - at(since)[index]!);
  return { measure: (question) => Promise.resolve(measured(question, between)) };
}

function measured(question: Question, between: (since: number, until: number) => number[]): Measurement {
  const { instantMs, inForceAtMs, sinceMs, evidenceSinceMs = 0 } = question;
  const [canary, canaryBad, stable, stableBad] = between(evidenceSinceMs, instantMs) as [number, number, number, number];
  const growth: Growth = { sinceMs: evidenceSinceMs, reporter: "source", inStep: evidenceSinceMs >= inForceAtMs, canary: { requests: canary, bad: canaryBad }, stable: { requests: stable, bad: stableBad } };
  const asked = { name: question.metric.name, instantMs, query: "counters", growth };
  if (sinceMs === undefined) return { ...asked, kind: "base" };
  const [requests, bad] = between(sinceMs, instantMs) as [number, number];
  return { ...asked, kind: "counted", requests, bad };
}

/** A number in [0, 1) that belongs to a seed and an instant. */
function noise(seed: number, instant: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(instant / 10_000, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

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
