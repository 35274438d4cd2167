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
