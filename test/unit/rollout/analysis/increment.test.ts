/** The increments: vectors of an independent implementation, the bound E[S] <= 1 on the null, and numbers at the edge of what a double holds. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lnIncrement, lnPoissonIncrement, type Counts, type Tolerance } from "../../../../src/rollout/analysis/increment.ts";

type Row = [canaryRequests: number, canaryBad: number, stableRequests: number, stableBad: number, rho: number, delta: number, guess: number, multiplier: number, lnS: number];

const VECTORS: readonly Row[] = [
  [100, 1, 900, 1, 1.25, 0.0005, 0.001, 10, 0.5848110524989648],
  [100, 5, 900, 1, 1.25, 0.0005, 0.001, 40, 7.690007777391611],
  [100, 0, 900, 0, 1.25, 0.0005, 0.001, 4, -0.10553863526574021],
  [100, 50, 900, 1, 1.25, 0.0005, 0.001, 400, 112.8424963308916],
  [1000, 20, 9000, 180, 1.25, 0.0005, 0.02, 2, -9.374010844060642],
  [1000, 450, 9000, 3600, 1.0764, 0.0385, 0.4, 1.3, -12.085462704011913],
  [50000, 130, 50000, 50, 1.25, 0.0005, 0.001, 2, 2.232297897116518],
  [3, 3, 27, 0, 1.25, 0.0005, 0.001, 400, 7.324086305172592],
  [100, 7, 0, 0, 0, 0.01, 0.001, 10, 7.500326026853086],
];

const counts = (canaryRequests: number, canaryBad: number, stableRequests: number, stableBad: number): Counts => ({
  canary: { requests: canaryRequests, bad: canaryBad },
  stable: { requests: stableRequests, bad: stableBad },
});

describe("the Bernoulli increment", () => {
  test.each(VECTORS)("of %d/%d against %d/%d, rho %d, delta %d, guess %d, odds x%d is %d", (nc, ec, nb, eb, rho, delta, guess, multiplier, lnS) => {
    expectNear(lnIncrement(counts(nc, ec, nb, eb), { rho, delta }, guess, multiplier), lnS);
  });

  test("is what plain bisection of the same equation gives", () => {
    fc.assert(
      fc.property(aScrape(1e7), aTolerance(), aGuess(), aMultiplier(), (scrape, tolerance, guess, multiplier) => {
        fc.pre(Math.max(guess, tolerance.rho * guess + tolerance.delta) < 0.99); // nearer to 1, neither way has the digits of 1 - p
        const [fast, slow] = [lnIncrement(scrape, tolerance, guess, multiplier), lnIncrementByBisection(scrape, tolerance, guess, multiplier)];
        const terms = scrape.canary.requests + scrape.stable.requests; // of up to some nats each; most of them cancel
        expect(Math.abs(fast - slow)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(slow)) + 1e-13 * terms);
      }),
      { numRuns: 1_000 },
    );
  });

  test("has an expectation of at most 1 on the null: canary no worse than tolerated, alternatives worse", () => {
    fc.assert(
      fc.property(aScrape(1e4), aTolerance(), aGuess(), fc.double({ min: 1.01, max: 1_000, noNaN: true }), aFraction(), aFraction(), (scrape, tolerance, guess, multiplier, stable, part) => {
        const canary = part * Math.min(1, tolerance.rho * stable + tolerance.delta);
        expect(lnExpectation(scrape, tolerance, guess, multiplier, canary, stable)).toBeLessThanOrEqual(1e-9);
      }),
      { numRuns: 2_000 },
    );
  });

  test("has an expectation of at most 1 on the null: canary worse than tolerated, alternatives better", () => {
    fc.assert(
      fc.property(aScrape(1e4), aTolerance(), aGuess(), fc.double({ min: 0.001, max: 0.99, noNaN: true }), aFraction(), aFraction(), (scrape, tolerance, guess, multiplier, stable, part) => {
        const boundary = tolerance.rho * stable + tolerance.delta;
        fc.pre(boundary <= 1);
        expect(lnExpectation(scrape, tolerance, guess, multiplier, boundary + part * (1 - boundary), stable)).toBeLessThanOrEqual(1e-9);
      }),
      { numRuns: 2_000 },
    );
  });

  test("has that expectation when every outcome of a few requests is summed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 12 }), aTolerance(), aGuess(), fc.double({ min: 1.01, max: 400, noNaN: true }), aFraction(), (nc, nb, tolerance, guess, multiplier, stable) => {
        const canary = Math.min(1, tolerance.rho * stable + tolerance.delta);
        const expectation = overOutcomes(nc, nb, canary, stable, (ec, eb) => Math.exp(lnIncrement(counts(nc, ec, nb, eb), tolerance, guess, multiplier)));
        expect(expectation).toBeLessThanOrEqual(1 + 1e-9);
        expect(Math.log(expectation)).toBeCloseTo(lnExpectation(counts(nc, 0, nb, 0), tolerance, guess, multiplier, canary, stable), 7);
      }),
      { numRuns: 300 },
    );
  });

  test("learns something where there is something to learn", () => {
    const truth = { canary: 0.05, stable: 0.001 };
    const gain = overOutcomes(40, 40, truth.canary, truth.stable, (ec, eb) => lnIncrement(counts(40, ec, 40, eb), { rho: 1.25, delta: 0.0005 }, 0.001, 40));
    expect(gain).toBeGreaterThan(1);
  });

  test.each([
    ["no canary requests", counts(0, 0, 900, 3)],
    ["no stable requests to compare with", counts(100, 30, 0, 0)],
    ["no requests at all", counts(0, 0, 0, 0)],
    ["counts that are not numbers", counts(Number.NaN, Number.NaN, 900, 3)],
  ])("is 0 for %s", (_, scrape) => {
    expect(lnIncrement(scrape, { rho: 1.25, delta: 0.0005 }, 0.001, 10)).toBe(0);
  });

  test("is 0 where the stable version fails so often that none could be worse than tolerated, be it with 2 % of good requests", () => {
    expect(lnIncrement(counts(100, 98, 900, 882), { rho: 1.0331, delta: 0.0413 }, 0.97, 4)).toBe(0);
  });

  test("is 0 where every proportion is tolerated", () => {
    expect(lnIncrement(counts(10, 10, 10, 0), { rho: 0, delta: 1 }, 0.001, 10)).toBe(0);
    expect(lnIncrement(counts(10, 10, 10, 0), { rho: 1, delta: 1 }, 0.001, 10)).toBe(0);
  });

  test("stays finite at its edges: nothing bad, all bad, no tolerance, guesses of 0 and 1, ten million requests", () => {
    const sides = [[1, 0], [1, 1], [1e7, 0], [1e7, 1e7], [1e7, 1]] as const;
    const scrapes = sides.flatMap(([nc, ec]) => sides.map(([nb, eb]) => counts(nc, ec, nb, eb)));
    for (const scrape of scrapes) {
      for (const tolerance of [{ rho: 0, delta: 0 }, { rho: 0, delta: 0.999 }, { rho: 1.25, delta: 0 }, { rho: 1.5, delta: 0.9 }, { rho: 0.5, delta: 0 }]) {
        for (const guess of [0, 1e-9, 0.5, 1]) {
          for (const multiplier of [1e-3, 0.5, 1, 1.3, 400, 1e6]) expect(lnIncrement(scrape, tolerance, guess, multiplier)).toSatisfy(Number.isFinite);
        }
      }
    }
  });

  test("is exact to 1e-9 at ten million requests, where the logarithm of a quotient is not", () => {
    // One side, so that the exact value is known: n log1p(-x) of a power series.
    const [n, q, c] = [1e7, 2e-9 / (1 + 1e-9), 1e-9];
    const series = (x: number): number => -(x + x ** 2 / 2 + x ** 3 / 3);
    expectNear(lnIncrement(counts(n, 0, 0, 0), { rho: 0, delta: c }, 0.001, 2), n * (series(q) - series(c)), 1e-12);
  });

  test("takes counts that are not whole, as extrapolation gives them", () => {
    const between = lnIncrement(counts(100.5, 1.5, 900.25, 0.75), { rho: 1.25, delta: 0.0005 }, 0.001, 10);
    expect(between).toBeGreaterThan(lnIncrement(counts(100, 1, 900, 1), { rho: 1.25, delta: 0.0005 }, 0.001, 10));
  });
});

describe("the Poisson increment", () => {
  test.each([
    [100, 5, 900, 1, 1, 0, 10, 7.66180214793586],
    [100, 5, 900, 1, 1.25, 0.0005, 10, 6.879901994651773],
    [0.1, 300, 0.9, 9700, 0.5, 0, 0.2, -52.65752289332215],
  ] as const)("of %d/%d against %d/%d, rho %d, delta %d, x%d is %d", (nc, ec, nb, eb, rho, delta, multiplier, lnS) => {
    expectNear(lnPoissonIncrement({ canary: { exposure: nc, bad: ec }, stable: { exposure: nb, bad: eb } }, { rho, delta }, multiplier), lnS);
  });

  test("has an expectation of at most 1 on the null, for Poisson events, on both sides", () => {
    fc.assert(
      fc.property(anExposure(), anExposure(), aTolerance(), fc.double({ min: 0.01, max: 400, noNaN: true }), fc.double({ min: 0, max: 5, noNaN: true }), aFraction(), (nc, nb, tolerance, multiplier, stable, part) => {
        const boundary = tolerance.rho * stable + tolerance.delta;
        const canary = multiplier > 1 ? part * boundary : boundary / Math.max(part, 1e-3);
        const { base, perCanaryBad, perStableBad } = poissonTerms(nc, nb, tolerance, multiplier);
        const [canaryTerm, stableTerm] = [nc * canary * Math.expm1(perCanaryBad), nb * stable * Math.expm1(perStableBad)];
        const rounding = 1e-12 * (1 + Math.abs(canaryTerm) + Math.abs(stableTerm));
        expect(base + canaryTerm + stableTerm).toBeLessThanOrEqual(rounding); // ln E[S], by the moment generating function
      }),
      { numRuns: 2_000 },
    );
  });

  test("has an expectation of at most 1 for independent requests too", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), aTolerance(), fc.double({ min: 1.01, max: 100, noNaN: true }), aFraction(), (nc, nb, tolerance, multiplier, stable) => {
        const canary = Math.min(1, tolerance.rho * stable + tolerance.delta);
        const lnS = (ec: number, eb: number): number => lnPoissonIncrement({ canary: { exposure: nc, bad: ec }, stable: { exposure: nb, bad: eb } }, tolerance, multiplier);
        expect(overOutcomes(nc, nb, canary, stable, (ec, eb) => Math.exp(lnS(ec, eb)))).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 300 },
    );
  });

  test("is 0 without exposure, and with all of it on one side", () => {
    expect(lnPoissonIncrement({ canary: { exposure: 0, bad: 3 }, stable: { exposure: 1, bad: 3 } }, { rho: 0.5, delta: 0 }, 0.2)).toBe(0);
    expect(lnPoissonIncrement({ canary: { exposure: 1, bad: 3 }, stable: { exposure: 0, bad: 0 } }, { rho: 0.5, delta: 0 }, 0.2)).toBe(0);
  });
});

function expectNear(actual: number, expected: number, relative = 1e-9): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.max(1, Math.abs(expected)));
}

function aFraction(): fc.Arbitrary<number> {
  return fc.double({ min: 0, max: 1, noNaN: true });
}

function anExposure(): fc.Arbitrary<number> {
  return fc.double({ min: 0.01, max: 100, noNaN: true });
}

/** Between the least and the most, as many of each order of magnitude. */
function anOrder(least: number, most: number): fc.Arbitrary<number> {
  return fc.double({ min: Math.log(least), max: Math.log(most), noNaN: true }).map(Math.exp);
}

function aScrape(most: number): fc.Arbitrary<Counts> {
  const requests = anOrder(1, most).map(Math.round);
  const side = fc.tuple(requests, anOrder(1e-6, 1)).map(([n, share]) => ({ requests: n, bad: Math.round(n * share) }));
  return fc.record({ canary: side, stable: side });
}

function aTolerance(): fc.Arbitrary<Tolerance> {
  return fc.record({ rho: fc.oneof(fc.constant(0), fc.double({ min: 0.5, max: 3, noNaN: true })), delta: fc.oneof(fc.constant(0), anOrder(1e-5, 0.3)) }).filter(({ rho, delta }) => rho > 0 || delta > 0);
}

function aGuess(): fc.Arbitrary<number> {
  return fc.oneof(anOrder(1e-7, 0.3), aFraction());
}

function aMultiplier(): fc.Arbitrary<number> {
  return anOrder(1e-2, 1e3);
}

/** ln E[S], exactly: given the number of requests ln S is a sum over them, each bad or not. */
function lnExpectation({ canary, stable }: Counts, tolerance: Tolerance, guess: number, multiplier: number, canaryProportion: number, stableProportion: number): number {
  const of = (ec: number, eb: number): number => lnIncrement(counts(canary.requests, ec, stable.requests, eb), tolerance, guess, multiplier);
  const base = of(0, 0);
  // By how much a bad request says more than a good one: over all of them, so that rounding is divided by their number.
  const stepOf = (requests: number, allBad: number): number => (requests > 0 ? (allBad - base) / requests : 0);
  const sumOver = (requests: number, step: number, proportion: number): number => requests * Math.log1p(proportion * Math.expm1(step));
  const ofCanary = sumOver(canary.requests, stepOf(canary.requests, of(canary.requests, 0)), canaryProportion);
  return base + ofCanary + sumOver(stable.requests, stepOf(stable.requests, of(0, stable.requests)), stableProportion);
}

function poissonTerms(canary: number, stable: number, tolerance: Tolerance, multiplier: number): { base: number; perCanaryBad: number; perStableBad: number } {
  const of = (ec: number, eb: number): number => lnPoissonIncrement({ canary: { exposure: canary, bad: ec }, stable: { exposure: stable, bad: eb } }, tolerance, multiplier);
  return { base: of(0, 0), perCanaryBad: of(1, 0) - of(0, 0), perStableBad: of(0, 1) - of(0, 0) };
}

/** Σ over all outcomes: probability times value. */
function overOutcomes(nc: number, nb: number, canary: number, stable: number, value: (ec: number, eb: number) => number): number {
  const outcomes = [...Array(nc + 1).keys()].flatMap((ec) => [...Array(nb + 1).keys()].map((eb) => [ec, eb] as const));
  return outcomes.reduce((sum, [ec, eb]) => sum + binomial(nc, ec, canary) * binomial(nb, eb, stable) * value(ec, eb), 0);
}

function binomial(n: number, k: number, p: number): number {
  let ways = 1;
  for (let index = 1; index <= k; index++) ways *= (n - k + index) / index;
  return ways * p ** k * (1 - p) ** (n - k);
}

/** The definition, solved in the slowest and safest way. */
function lnIncrementByBisection({ canary, stable }: Counts, { rho, delta }: Tolerance, guess: number, multiplier: number): number {
  const expected = Math.min(Math.max(guess, 1e-6), 1 - 1e-6);
  const boundary = Math.min(Math.max(rho * expected + delta, 1e-9), 1 - 1e-6);
  const q = (boundary * multiplier) / (1 - boundary + boundary * multiplier);
  const p = rho > 0 ? bisected(canary.requests * rho, stable.requests, { rho, delta }, expected, q) : expected;
  const c = rho * p + delta;
  const of = (bad: number, good: number, one: number, other: number): number => bad * Math.log(one / other) + good * (Math.log1p(-one) - Math.log1p(-other));
  return of(canary.bad, canary.requests - canary.bad, q, c) + of(stable.bad, stable.requests - stable.bad, expected, p);
}

function bisected(canaryWeight: number, stableRequests: number, { rho, delta }: Tolerance, guess: number, q: number): number {
  const opposite = Math.min(Math.max((q - delta) / rho, 1e-12), 1);
  let [low, high] = [Math.min(guess, opposite), Math.min(Math.max(guess, opposite), ((1 - delta) / rho) * (1 - 1e-12))];
  for (let left = 200; left > 0; left--) {
    const p = (low + high) / 2;
    const c = rho * p + delta;
    if (canaryWeight * (c - q) * p * (1 - p) + stableRequests * (p - guess) * c * (1 - c) > 0) high = p;
    else low = p;
  }
  return (low + high) / 2;
}
