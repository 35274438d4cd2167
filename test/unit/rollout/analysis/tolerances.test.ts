/** What a canary may be worse by: the line for latency, the evidence for advancing, and the bucket bounds that are looked at. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advanceBound, advanceLatencyTolerance, advanceTolerance, comparedBounds, limitTolerance, oddsTolerance, type SlowerThan } from "../../../../src/rollout/analysis/tolerances.ts";

const aBound = (boundMs: number, slower: number): SlowerThan => ({ boundMs, slower });
/** Of 100,000 requests. */
const HISTORY = [aBound(5, 99_000), aBound(10, 90_000), aBound(25, 45_000), aBound(50, 15_000), aBound(100, 5_000), aBound(250, 900), aBound(500, 200), aBound(1000, 60), aBound(2500, 10), aBound(5000, 0)];

describe("the line for an odds ratio", () => {
  test.each([
    [0.4, 1.25, 1.0330578512396693, 0.04132231404958678],
    [0.02, 1.25, 1.2375931288829485, 0.00012375931288829484],
    [0.15, 1.5, 1.297998918334, 0.014602487831],
  ])("at %d with OR %d", (guess, oddsRatio, rho, delta) => {
    expect(Math.abs(oddsTolerance(guess, oddsRatio, 0).rho - rho)).toBeLessThan(1e-9);
    expect(Math.abs(oddsTolerance(guess, oddsRatio, 0).delta - delta)).toBeLessThan(1e-9);
  });

  test("is nowhere below the odds ratio that it touches", () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fraction, fraction, fc.double({ min: 1, max: 3, noNaN: true }), (guess, stable, oddsRatio) => {
        const { rho, delta } = oddsTolerance(guess, oddsRatio, 0);
        expect(rho * stable + delta).toBeGreaterThanOrEqual((oddsRatio * stable) / (1 + (oddsRatio - 1) * stable) - 1e-12);
      }),
    );
  });
});

describe("the evidence for advancing", () => {
  test("tolerates less the more traffic comes next", () => {
    expect(advanceTolerance(0.2)).toEqual({ rho: 1.25, delta: 0.01 });
    expect(advanceTolerance(1)).toEqual({ rho: 1.25, delta: 0.002 });
    expect(advanceTolerance(0.001).delta).toBe(0.5);
  });

  test("tolerates twice the odds of a slow request, and half a point", () => {
    expect(advanceLatencyTolerance(0.02)).toEqual(oddsTolerance(0.02, 2, 0.005));
  });

  test("looks at the bound nearest to p95-p98", () => {
    expect(advanceBound(HISTORY, 100_000)).toBe(100);
    expect(advanceBound([aBound(100, 20_000), aBound(250, 2_400)], 100_000)).toBe(250);
    expect(advanceBound([aBound(100, 0)], 100_000)).toBeUndefined();
    expect(advanceBound([aBound(100, 0)], 0)).toBeUndefined();
  });
});

describe("the bounds that are compared", () => {
  test("are those that between one in 2,000 and half of the requests are slower than, five of them, spread over the odds", () => {
    expect(comparedBounds(HISTORY, 100_000)).toEqual([25, 50, 100, 500, 1000]);
  });

  test("are all of them where there are no more than five", () => {
    expect(comparedBounds([aBound(25, 45_000), aBound(50, 15_000), aBound(5000, 49)], 100_000)).toEqual([25, 50]);
  });

  test("are the lower of two that the same requests are slower than", () => {
    expect(comparedBounds([aBound(250, 900), aBound(100, 900)], 100_000)).toEqual([100]);
  });

  test("are none without requests", () => {
    expect(comparedBounds([aBound(100, 0)], 0)).toEqual([]);
  });
});

test("a limit does not ask about the stable version", () => {
  expect(limitTolerance(0.01)).toEqual({ rho: 0, delta: 0.01 });
});
