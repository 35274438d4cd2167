/** The e-process: vectors of an independent implementation, laws of its bookkeeping, and what is kept of it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guessOf, lnEvidence, newProcess, priorOf, updated, type EProcess, type ProcessSettings } from "../../../../src/rollout/analysis/e-process.ts";
import type { Counts } from "../../../../src/rollout/analysis/increment.ts";
import { logAdd, logSumExp } from "../../../../src/rollout/analysis/log-space.ts";
import { capFor } from "../../../../src/rollout/analysis/pool.ts";
import { FALSE_ROLLBACK, FIRST_STAKE, LATER_STAKE, REGRESSIONS, SHARES } from "../../../../src/rollout/analysis/settings.ts";
import { limitTolerance, TOLERANCES } from "../../../../src/rollout/analysis/tolerances.ts";

const counts = (canaryRequests: number, canaryBad: number, stableRequests: number, stableBad: number): Counts => ({
  canary: { requests: canaryRequests, bad: canaryBad },
  stable: { requests: stableRequests, bad: stableBad },
});

const RISING = [counts(100, 0, 900, 1), counts(98, 1, 905, 0), counts(104, 3, 880, 1), counts(95, 4, 910, 2), counts(201, 9, 790, 0), counts(199, 11, 805, 1)];
const PRIOR = { guess: 0.001, requests: 600 };

const RELATIVE: ProcessSettings = {
  tolerance: TOLERANCES.normal.errors,
  grid: REGRESSIONS,
  dispersion: 1,
  cap: capFor(FALSE_ROLLBACK, SHARES.errors, REGRESSIONS.length),
  firstStake: FIRST_STAKE,
  laterStake: LATER_STAKE,
};
const LIMIT: ProcessSettings = { ...RELATIVE, tolerance: limitTolerance(0.01), cap: Infinity };

/** ln E after each scrape. */
function course(settings: ProcessSettings, scrapes: readonly Counts[]): number[] {
  let process = newProcess(settings.grid, PRIOR);
  return scrapes.map((scrape) => lnEvidence((process = updated(process, scrape, settings))));
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((one, index) => expect(Math.abs(one - expected[index]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected[index]!))));
}

describe("ln E after every scrape", () => {
  test.each([
    ["of errors against stable", RELATIVE, [-0.3007750628031852, 0.05143672962901768, 2.460799161884572, 6.304893619788629, 10.306492578079476, 14.30957699728142]],
    ["of the same with a dispersion of 3", { ...RELATIVE, dispersion: 3 }, [-0.1876030537926851, -0.05793956594567615, 0.4809292062237088, 1.5360325716233043, 4.815378302229835, 8.708193826512261]],
    ["of a limit of 1 %, uncapped", LIMIT, [-0.5159671641749066, -0.5572145043633931, -0.40831536160150744, 0.3623910205420832, 5.3035584177595325, 14.468729103042618]],
    ["of a limit of 1 %, capped", { ...LIMIT, cap: capFor(0.01, 0.2, 6) }, [-0.515967164174907, -0.557214504363393, -0.408315361601507, 0.362391020542083, 4.026693425]],
  ] as const)("%s", (_, settings, expected) => {
    expectNear(course(settings, RISING.slice(0, expected.length)), expected);
  });
});

describe("an e-process", () => {
  test("begins with the evidence of nobody having looked", () => {
    expect(lnEvidence(newProcess(REGRESSIONS, PRIOR))).toBe(0);
    expect(guessOf(newProcess(REGRESSIONS, PRIOR))).toBeCloseTo(0.7 / 600.2, 12);
  });

  test("takes its guess from before the scrape, and forgets with a time constant of 20 scrapes", () => {
    const process = updated(newProcess(REGRESSIONS, PRIOR), counts(100, 9, 900, 90), RELATIVE);
    expect(process.bad).toBeCloseTo(0.95 * 0.6 + 90, 12);
    expect(process.requests).toBeCloseTo(0.95 * 600 + 900, 12);
    const alone = lnEvidence(updated(newProcess(REGRESSIONS, { guess: 0.1, requests: 600 }), counts(100, 9, 900, 90), RELATIVE));
    expect(lnEvidence(process)).not.toBeCloseTo(alone, 3); // had the guess seen this scrape they would be alike
  });

  test("is given what was seen before the run, and something to begin with where that was nothing", () => {
    expect(priorOf({ requests: 0, bad: 0 })).toEqual({ guess: 0.001, requests: 100 });
    expect(priorOf({ requests: 900, bad: 9.9 })).toEqual({ guess: 0.01, requests: 1_000 });
    expect(priorOf({ requests: 1e6, bad: 2e4 }).guess).toBeCloseTo(0.02, 4);
    expect(priorOf({ requests: 1e6, bad: 2e4 }).requests).toBe(5_000);
  });

  test("learns nothing from a scrape that is skipped, but for its guess", () => {
    const before = newProcess(REGRESSIONS, PRIOR);
    const skipped = updated(before, counts(100, 50, 900, 9), RELATIVE, { skip: true });
    expect(lnEvidence(skipped)).toBeCloseTo(0, 12);
    expect(guessOf(skipped)).toBeGreaterThan(guessOf(before));
  });

  test("leaves the process it was made from as it was", () => {
    const before = updated(newProcess(REGRESSIONS, PRIOR), RISING[0]!, RELATIVE);
    const copy = structuredClone(before);
    updated(before, RISING[1]!, RELATIVE);
    expect(before).toEqual(copy);
  });

  test("needs two scrapes at least, whatever the first one says", () => {
    const [first, second] = course(RELATIVE, [counts(1e6, 1e6, 1e6, 0), counts(1e6, 1e6, 1e6, 0)]);
    const pooled = (lnE: number): number => Math.log(SHARES.errors) + lnE;
    expect(pooled(first!)).toBeLessThan(Math.log(100));
    expect(pooled(second!)).toBeGreaterThanOrEqual(Math.log(100) - 0.5); // the rest of the pool adds to it
  });

  test("finds a regression that begins late, since a part is always kept back", () => {
    const quiet = Array.from({ length: 100 }, () => counts(500, 0, 500, 1));
    const bad = Array.from({ length: 12 }, () => counts(500, 50, 500, 1));
    expect(course(RELATIVE, [...quiet, ...bad]).at(-1)).toBeGreaterThan(Math.log(100 / SHARES.errors));
  });

  test("goes on from what was kept as JSON exactly as if it had never been away", () => {
    const anyCourse = fc.array(aScrape(), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(anyCourse, fc.boolean(), fc.constantFrom(RELATIVE, LIMIT, { ...RELATIVE, firstStake: 1, laterStake: 0, cap: Infinity }), (scrapes, skip, settings) => {
        let [kept, never] = [newProcess(settings.grid, PRIOR), newProcess(settings.grid, PRIOR)];
        scrapes.forEach((scrape, index) => {
          const options = { skip: skip && index % 3 === 0 };
          never = updated(never, scrape, settings, options);
          kept = JSON.parse(JSON.stringify(updated(kept, scrape, settings, options))) as EProcess;
        });
        expect(kept).toEqual(never);
        expect(JSON.stringify(kept)).not.toContain("null"); // what is not a finite number becomes null
      }),
      { numRuns: 200 },
    );
  });

  test("stays finite over the longest runs, when the reserve has come down to nothing", () => {
    let process = newProcess(REGRESSIONS, PRIOR);
    for (let scrape = 0; scrape < 21_000; scrape++) process = updated(process, counts(1e5, 100, 9e5, 900), RELATIVE);
    expect(process.reserve).toBeLessThan(1e-300);
    expect([...process.capital, lnEvidence(process), guessOf(process)]).toSatisfy((all: number[]) => all.every(Number.isFinite));
  });

  test("has an expectation of at most 1 after one scrape of a healthy canary, summed over every outcome", () => {
    const start = newProcess(REGRESSIONS, PRIOR);
    let expectation = 0;
    for (let ec = 0; ec <= 20; ec++) {
      for (let eb = 0; eb <= 30; eb++) expectation += binomial(20, ec, 0.0255) * binomial(30, eb, 0.02) * Math.exp(lnEvidence(updated(start, counts(20, ec, 30, eb), RELATIVE)));
    }
    expect(expectation).toBeLessThanOrEqual(1 + 1e-12);
    expect(expectation).toBeGreaterThan(0.9);
  });
});

describe("sums in log space", () => {
  test("take -Infinity for nothing", () => {
    expect(logAdd(-Infinity, -Infinity)).toBe(-Infinity);
    expect(logAdd(-Infinity, -3)).toBe(-3);
    expect(logAdd(-3, -Infinity)).toBe(-3);
    expect(logAdd(Infinity, Infinity)).toBe(Infinity);
    expect(logSumExp([])).toBe(-Infinity);
    expect(logSumExp([-Infinity, 0, -Infinity, 0])).toBeCloseTo(Math.LN2, 15);
  });

  test("neither overflow nor lose the larger one", () => {
    expect(logAdd(1e6, -1e6)).toBe(1e6);
    expect(logAdd(-1e6, -1e6)).toBeCloseTo(-1e6 + Math.LN2, 9);
  });
});

function aScrape(): fc.Arbitrary<Counts> {
  const side = fc.tuple(fc.nat(10_000_000), fc.double({ min: 0, max: 1, noNaN: true })).map(([requests, share]) => ({ requests, bad: Math.round(requests * share) }));
  return fc.record({ canary: side, stable: side });
}

function binomial(n: number, k: number, p: number): number {
  let ways = 1;
  for (let index = 1; index <= k; index++) ways *= (n - k + index) / index;
  return ways * p ** k * (1 - p) ** (n - k);
}
