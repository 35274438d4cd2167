/** The clock against the API server's. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSkewMeter } from "../../../src/kubernetes/skew.ts";

/** As a server writes it: whole seconds, rounded down. */
const dateOf = (serverMs: number): string => new Date(serverMs).toUTCString();

describe("clock skew", () => {
  test("is unknown before the first answer, and after answers that tell nothing", () => {
    const meter = createSkewMeter();
    meter.sample(1_000, 1_010, undefined);
    meter.sample(1_000, 1_010, "yesterday");
    meter.sample(1_000, 4_000, dateOf(90_000_000));
    meter.sample(2_000, 1_000, dateOf(90_000_000));
    expect(meter.skewMs()).toBeUndefined();
  });

  test("is 0 for clocks that agree, at whatever part of a second they are read", () => {
    const phases = fc.array(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(phases, (all) => {
        const meter = createSkewMeter();
        all.forEach((phase, index) => meter.sample(1e12 + index * 1_000 + phase, 1e12 + index * 1_000 + phase + 20, dateOf(1e12 + index * 1_000 + phase + 10)));
        return meter.skewMs() === 0;
      }),
    );
  });

  test("is told to within half a second once it is above a second and a half", () => {
    const skews = fc.oneof(fc.integer({ min: 1_600, max: 1e7 }), fc.integer({ min: -1e7, max: -1_600 }));
    fc.assert(
      fc.property(skews, fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 30 }), (skewMs, moments) => {
        const meter = createSkewMeter();
        for (const moment of moments) meter.sample(1e12 + moment, 1e12 + moment + 40, dateOf(1e12 + moment + 20 - skewMs));
        return Math.abs((meter.skewMs() ?? 0) - skewMs) <= 500;
      }),
    );
  });

  test("follows a clock that was set right, and is not led astray by one odd answer", () => {
    const meter = createSkewMeter();
    for (let index = 0; index < 15; index++) meter.sample(1e12, 1e12, dateOf(1e12 - 10_000));
    meter.sample(1e12, 1e12, dateOf(0));
    expect(meter.skewMs()).toBe(9_500);
    for (let index = 0; index < 15; index++) meter.sample(1e12, 1e12, dateOf(1e12));
    expect(meter.skewMs()).toBe(0);
  });
});
