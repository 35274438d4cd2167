/** A trail keeps every request of a run, whatever it has to forget of when they came. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { appended, type Look, looksIn } from "../../../src/rollout/analysis/trail.ts";

const STARTED_MS = Date.parse("2026-11-26T10:00:00Z");

const counted = fc.record({ requests: fc.nat({ max: 5_000_000 }), bad: fc.nat({ max: 50_000 }) });
const looks: fc.Arbitrary<Look[]> = fc
  .array(fc.record({ sinceMs: fc.integer({ min: 1, max: 600_000 }), canary: counted, stable: counted }), { maxLength: 400 })
  .map((all) => {
    let atMs = STARTED_MS;
    return all.map(({ sinceMs, ...sides }) => ({ atMs: (atMs += sinceMs), ...sides }));
  });

const trailOf = (all: readonly Look[]): string => all.reduce(appended, "");
const sumsOf = (all: readonly Look[]) =>
  all.reduce((sum, { canary, stable }) => [sum[0]! + canary.requests, sum[1]! + canary.bad, sum[2]! + stable.requests, sum[3]! + stable.bad], [0, 0, 0, 0]);

test("fifty looks are read as they were written, and as many as 64 where they are of everyday size", () => {
  fc.assert(
    fc.property(looks, fc.integer({ min: 1, max: 64 }), (all, count) => {
      expect(looksIn(trailOf(all.slice(0, 50)))).toEqual(all.slice(0, 50));
      const everyday = Array.from({ length: count }, (_, index) => ({ atMs: STARTED_MS + index * 10_000, canary: { requests: 9_999, bad: 99 }, stable: { requests: 99_999, bad: 999 } }));
      expect(looksIn(trailOf(everyday))).toEqual(everyday);
    }),
  );
});

test("however long the run, no request is lost, and the last look is the last", () => {
  fc.assert(
    fc.property(looks, (all) => {
      const kept = looksIn(trailOf(all));
      expect(sumsOf(kept)).toEqual(sumsOf(all));
      expect(kept.at(-1)?.atMs).toBe(all.at(-1)?.atMs);
    }),
  );
});

test("looks stay in their order, at times that looks had", () => {
  fc.assert(
    fc.property(looks, (all) => {
      const times = looksIn(trailOf(all)).map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(all.map(({ atMs }) => atMs)).toEqual(expect.arrayContaining(times));
    }),
  );
});

test("a trail has at most 64 looks and 1,500 characters, even where counts are as large as numbers go", () => {
  const huge = { requests: Number.MAX_SAFE_INTEGER, bad: Number.MAX_SAFE_INTEGER };
  fc.assert(
    fc.property(looks, fc.boolean(), (all, isHuge) => {
      const trail = trailOf(isHuge ? all.map((look) => ({ ...look, canary: huge, stable: huge })) : all);
      expect(trail.length).toBeLessThanOrEqual(1_500);
      expect(looksIn(trail).length).toBeLessThanOrEqual(64);
    }),
  );
});

test("zeros cost nothing", () => {
  expect(appended(appended("", { atMs: 36, canary: { requests: 37, bad: 0 }, stable: { requests: 0, bad: 0 } }), { atMs: 10_036, canary: { requests: 0, bad: 0 }, stable: { requests: 36, bad: 0 } })).toBe("10,11 7ps,,,10");
});

test.each(["", "?", "1,2,3,4,5,6", "1 ", "1.5,2"])("what is no trail has no looks: %j, and the next look begins one", (text) => {
  expect(looksIn(text)).toEqual([]);
  expect(appended(text, { atMs: 36, canary: { requests: 1, bad: 0 }, stable: { requests: 0, bad: 0 } })).toBe("10,1");
});
