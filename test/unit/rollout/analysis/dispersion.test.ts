/** The dispersion of bad requests between pods. */
import { describe, expect, test } from "vitest";
import { dispersionOf, dispersionOfRun, type PodSeries } from "../../../../src/rollout/analysis/dispersion.ts";

const podsOf = (requests: number, ...bad: readonly number[][]): PodSeries => bad.map((ofPod) => ofPod.map((one) => ({ requests, bad: one })));

const TWO_PODS = podsOf(50, [0, 3, 0, 0, 4, 0], [0, 0, 0, 1, 0, 0]);

describe("the dispersion", () => {
  test.each([[[1]], [[1, 2]]])("of two pods in blocks of %j is Pearson's X² over its degrees, shrunk", (blocks) => {
    expect(Math.abs(dispersionOf(TWO_PODS, { kind: "errors", blocks }) - 28 / 23)).toBeLessThan(1e-12);
  });

  test("of latency allows for bad requests that are not rare", () => {
    const pods = podsOf(50, [20], [30]);
    expect(dispersionOf(pods, { kind: "errors", blocks: [1] })).toBeCloseTo(22 / 21, 12);
    expect(dispersionOf(pods, { kind: "latency", blocks: [1] })).toBeCloseTo(24 / 21, 12);
  });

  test("is not raised by what befalls all pods alike", () => {
    const incident = Array.from({ length: 60 }, (_, scrape) => (scrape < 30 ? 0 : 20));
    expect(dispersionOf(podsOf(100, incident, incident, incident), { kind: "errors" })).toBe(1);
  });

  test("sees a pod's bad spell in long blocks above all", () => {
    const [well, flaky] = [Array.from({ length: 60 }, () => 0), Array.from({ length: 60 }, (_, scrape) => (scrape < 30 ? 1 : 0))];
    const pods = podsOf(100, flaky, well, well, well);
    expect(dispersionOf(pods, { kind: "errors" })).toBeGreaterThan(3 * dispersionOf(pods, { kind: "errors", blocks: [1] }) - 3);
    expect(dispersionOf(pods, { kind: "errors" })).toBeCloseTo((20 + 90) / (20 + 3), 12);
  });

  test("is 1 without errors, without requests, with nothing but errors, and where pods come and go", () => {
    const absent = [{ requests: 0, bad: 0 }, { requests: 50, bad: 1 }];
    for (const kind of ["errors", "latency"] as const) {
      expect(dispersionOf(podsOf(50, [0, 0], [0, 0]), { kind })).toBe(1);
      expect(dispersionOf(podsOf(0, [0, 0], [0, 0]), { kind })).toBe(1);
      expect(dispersionOf(podsOf(50, [50, 50], [50, 50]), { kind })).toBe(1);
      expect(dispersionOf([absent, absent, [{ requests: 50, bad: 1 }]], { kind })).toBe(1);
    }
  });

  test("of one pod cannot be seen, and is taken for 2", () => {
    expect(dispersionOf(podsOf(50, [1, 2]), { kind: "errors" })).toBe(2);
    expect(dispersionOf([], { kind: "errors" })).toBe(2);
  });
});

test("a run with few canary pods, or with retries counted, is judged with more", () => {
  expect(dispersionOfRun(4, { canaryPods: 3, attempts: 0 })).toBe(4);
  expect(dispersionOfRun(4, { canaryPods: 2, attempts: 0 })).toBe(6);
  expect(dispersionOfRun(1, { canaryPods: 3, attempts: 2 })).toBe(3);
});
