/** How Weir judges, in short: healthy canaries stay, bad ones go, and on the same counters sooner than Flagger takes them back. `npm run bench:judgement` is the long form. */
import { describe, expect, test } from "vitest";
import { createRandom } from "../../src/playground/random.ts";
import { compete } from "../bench/judgement/contest.ts";
import { geometricFrom, normalTail, poissonFrom } from "../bench/judgement/draws.ts";
import { duel, SAME_STEPS } from "../bench/judgement/duel.ts";
import { isSamePercent, percentTaken, quantileOf } from "../bench/judgement/sampling.ts";
import { COLD_STARTS, HEALTHY, PACES, REGRESSION_RUNS, REGRESSIONS } from "../bench/judgement/scenarios.ts";
import { flaggerQuick, weir, weirByEvidence, weirWarmedUp, type Strategy } from "../bench/judgement/strategies.ts";
import type { Scenario } from "../bench/judgement/traffic.ts";

const SEED = 1;

function percentOf(scenario: Scenario, strategy: Strategy, runs: number): number {
  return percentTaken(compete({ seed: SEED, runs }, scenario, strategy));
}

function named<Row extends { readonly scenario: Scenario }>(rows: readonly Row[], name: string): Row {
  const found = rows.find(({ scenario }) => scenario.name === name);
  if (!found) throw new Error(`expected a row "${name}", got ${rows.map(({ scenario }) => scenario.name).join(", ")}`);
  return found;
}

describe("a healthy canary", () => {
  test.each(["const 10 rps", "shared 20% incident 10", "baseline err 2% 10 rps", "mix x1.2 (.5->.6%) 100 rps", "bursts of 5, 100 rps"])("is taken back in at most one of a hundred rollouts: %s", (name) => {
    expect(percentOf(named(HEALTHY, name).scenario, weir, 100)).toBeLessThanOrEqual(1);
  });

  test("is often taken back by fixed limits that are looked at every ten seconds", () => {
    expect(percentOf(named(HEALTHY, "const 10 rps").scenario, flaggerQuick, 300)).toBeGreaterThan(10);
  });

  test("may start cold, if it is given time to warm up", () => {
    expect(percentOf(COLD_STARTS[1]!, weir, 30)).toBeGreaterThan(60);
    expect(percentOf(COLD_STARTS[1]!, weirWarmedUp, 60)).toBe(0);
  });

  test("goes through in the least time, where there is much traffic to show it", () => {
    const { lasted } = compete({ seed: SEED, runs: 20 }, named(PACES, "1000 rps healthy").scenario, weirByEvidence);
    expect(quantileOf(lasted, 0.5)).toBe(100);
  });
});

describe("a bad canary", () => {
  test.each([
    ["err 0.3% @100 rps", 5],
    ["err 1% @100 rps", 100],
    ["err 5% @1 rps", 18],
    ["err 5% @10 rps", 100],
    ["err 50% @1 rps", 100],
  ])("is taken back as often as published: %s, in %d of a hundred rollouts", (name, percent) => {
    const figures = compete({ seed: SEED, runs: 100 }, named(REGRESSIONS, name).scenario, weir);
    expect(isSamePercent(figures, percent, REGRESSION_RUNS, 1), `${percentTaken(figures)} %`).toBe(true);
  });

  test("harms fewer requests in every one of 20 rollouts than with a Flagger that takes the same steps, on the same counters", () => {
    const duels = Array.from({ length: 20 }, (_, run) => duel(SEED + run, SAME_STEPS));
    for (const { weir: ofWeir, flagger } of duels) expect(ofWeir).toBeLessThan(flagger);
  });
});

describe("the draws", () => {
  test.each([0.3, 5, 20, 3_000])("of a Poisson distribution have mean and variance %d", (mean) => {
    const random = createRandom(SEED);
    const draws = Array.from({ length: 20_000 }, () => poissonFrom(random, mean));
    const average = draws.reduce((sum, one) => sum + one, 0) / draws.length;
    const variance = draws.reduce((sum, one) => sum + (one - average) ** 2, 0) / draws.length;
    expect(Math.abs(average - mean)).toBeLessThan(4 * Math.sqrt(mean / draws.length));
    expect(variance / mean).toBeGreaterThan(0.95);
    expect(variance / mean).toBeLessThan(1.05);
  });

  test("of bursts have the mean that is asked for", () => {
    const random = createRandom(SEED);
    const draws = Array.from({ length: 20_000 }, () => geometricFrom(random, 5));
    expect(draws.reduce((sum, one) => sum + one, 0) / draws.length).toBeCloseTo(5, 0);
    expect(geometricFrom(random, 1)).toBe(1);
  });

  test("know the tail of a normal distribution", () => {
    expect(normalTail(0)).toBeCloseTo(0.5, 6);
    expect(normalTail(1.959964)).toBeCloseTo(0.025, 6);
    expect(normalTail(-1.959964)).toBeCloseTo(0.975, 6);
  });
});
