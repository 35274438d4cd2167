/** Specs as the daemon reads them: defaults filled in, unknown fields passed over, one sentence where they do not parse. */
import { readFileSync } from "node:fs";
import { evaluate } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { nearNames } from "../../../src/rollout/near-names.ts";
import { parseSpec, RolloutSpec } from "../../../src/rollout/spec.ts";
import { DURATION_PATTERN, fractionOf, msOf } from "../../../src/rollout/units.ts";

const smallest = { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } };

describe("parseSpec", () => {
  test("fills every default in", () => {
    expect(parseSpec(smallest)).toEqual({
      spec: {
        ...smallest,
        suspend: false,
        strategy: {
          firstRun: "ladder",
          rollbackWindow: 3,
          progressDeadline: "10m",
          propagation: "5s",
          pace: "fixed",
          maxHold: "5m",
          steps: [10, 25, 50, 100].map((weight) => ({ weight, hold: "1m" })),
        },
        analysis: {
          mode: "enforce",
          interval: "10s",
          settle: "1s",
          minVerdicts: 3,
          minRequests: 20,
          falseRollback: "1%",
          warmup: "30s",
          onMissingTraffic: "rollback",
          onNoData: "hold",
          onInconclusive: "hold",
          onProviderError: "hold",
          holdLimit: { after: "30m", then: "pause" },
          source: "istio",
          metrics: [{ name: "errors", errorRate: { max: "1%", compare: "normal" }, failures: 1, onFail: "rollback" }],
        },
        notifications: [],
        links: [],
      },
    });
  });

  test("changes nothing in a spec that has its defaults", () => {
    const { spec } = parse(readFileSync("test/support/whole-rollout.yaml", "utf8")) as { spec: unknown };
    const whole = RolloutSpec.parse(spec);
    expect(RolloutSpec.parse(whole)).toEqual(whole);
  });

  test("tells a pause from a weight, whose hold it fills in", () => {
    const steps = [{ weight: 10 }, { pause: {} }, { weight: 100, hold: "2m" }];
    expect(parseSpec({ ...smallest, strategy: { steps } })).toMatchObject({ spec: { strategy: { steps: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 100, hold: "2m" }] } } });
  });

  test.each([
    [{ linear: {} }, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]],
    [{ linear: { by: 20, to: 50 } }, [20, 40, 100]],
    [{ linear: { from: 5, by: 30 } }, [5, 35, 65, 95, 100]],
    [{ linear: { by: 50 } }, [50, 100]],
    [{ exponential: {} }, [1, 2, 4, 8, 16, 32, 64, 100]],
    [{ exponential: { from: 5, to: 50 } }, [5, 10, 20, 40, 100]],
    [{ exponential: { from: 1, by: 1.5, to: 12 } }, [1, 2, 3, 4, 6, 9, 100]],
    [{}, [10, 25, 50, 100]],
  ])("%j is another way to write steps", (strategy, weights) => {
    const parsed = parseSpec({ ...smallest, strategy });
    expect(parsed).toMatchObject({ spec: { strategy: { steps: weights.map((weight) => ({ weight, hold: "1m" })) } } });
    expect(parsed).not.toHaveProperty("spec.strategy.linear");
  });

  test.each([
    [{}, [{ pause: {} }, { weight: 100, hold: "1m", keepOld: "10m" }]],
    [{ preview: "reviews-preview.example" }, [{ pause: {}, preview: "reviews-preview.example" }, { weight: 100, hold: "1m", keepOld: "10m" }]],
    [{ preview: "reviews-preview.example", autoPromote: "10m", keepOld: "0s" }, [{ preview: "reviews-preview.example", hold: "10m" }, { weight: 100, hold: "1m" }]],
    [{ autoPromote: "30s", hold: "5m", keepOld: "1h" }, [{ pause: { duration: "30s" } }, { weight: 100, hold: "5m", keepOld: "1h" }]],
    [{ autoPromote: "0s" }, [{ weight: 100, hold: "1m", keepOld: "10m" }]],
  ])("blueGreen: %j is another way to write steps, which can be written as well", (blueGreen, steps) => {
    const parsed = parseSpec({ ...smallest, strategy: { blueGreen } });
    expect(parsed).toMatchObject({ spec: { strategy: { steps } } });
    expect(parsed).not.toHaveProperty("spec.strategy.blueGreen");
    expect(parseSpec({ ...smallest, strategy: { steps } })).toEqual(parsed);
  });

  test("every preset ends at all, rises, and has no more steps than a ladder may have", () => {
    const share = fc.integer({ min: 1, max: 100 });
    const preset = fc.oneof(
      fc.record({ linear: fc.record({ from: share, by: share, to: share }) }),
      fc.record({ exponential: fc.record({ from: share, by: fc.double({ min: 1.1, max: 100, noNaN: true }), to: share }) }),
    );
    fc.assert(
      fc.property(preset, (strategy) => {
        const parsed = parseSpec({ ...smallest, strategy });
        if ("invalid" in parsed) return;
        const again = parseSpec({ ...smallest, strategy: { steps: parsed.spec.strategy.steps } });
        expect(again).toMatchObject({ spec: { strategy: { steps: parsed.spec.strategy.steps } } });
      }),
    );
  });

  test("passes unknown fields over, as the server prunes them", () => {
    expect(parseSpec({ ...smallest, nonsense: 1, strategy: { steps: [{ weight: 100, nonsense: 1 }] } })).toEqual(parseSpec({ ...smallest, strategy: { steps: [{ weight: 100 }] } }));
  });

  test("says the first of what is wrong, and how much more there is", () => {
    expect(parseSpec({ ...smallest, stable: "v3", strategy: { rollbackWindow: 99 } })).toEqual({
      invalid: "spec.strategy.rollbackWindow: expected a whole number from 0 to 10, got 99 (1 more)",
    });
    expect(parseSpec(undefined)).toEqual({ invalid: "spec: expected a mapping of fields, got nothing; this field is required" });
  });
});

describe("units", () => {
  test("every duration that we take is one that CEL takes, with as many milliseconds", () => {
    fc.assert(
      fc.property(fc.stringMatching(DURATION_PATTERN), (duration) => {
        expect(Number(evaluate("duration(self).getMilliseconds()", { self: duration }))).toBe(msOf(duration));
      }),
    );
  });

  test.each(["", "5", "s", "1m1h", "1.5h", "-5s", "1d", " 5s", "5s\n", "1234567s"])("%j is no duration", (text) => {
    expect(() => msOf(text)).toThrow(RangeError);
  });

  test.each([["0%", 0], ["0.5%", 0.005], ["1%", 0.01], ["100%", 1]])("%s is %d", (percentage, fraction) => {
    expect(fractionOf(percentage)).toBeCloseTo(fraction, 12);
  });

  test.each(["", "1", "101%", "-1%", "100.5%", ".5%", "1 %"])("%j is no percentage", (text) => {
    expect(() => fractionOf(text)).toThrow(RangeError);
  });
});

test("near names are at most two letters away, the nearest first", () => {
  expect(nearNames("stpes", ["settle", "steps", "weight"])).toEqual(["steps"]);
  expect(nearNames("maxx", ["min", "max", "name"])).toEqual(["max"]);
  expect(nearNames("weigth", ["weight", "hold", "pause"])).toEqual(["weight"]);
  expect(nearNames("on", ["weight", "hold"])).toEqual([]);
});
