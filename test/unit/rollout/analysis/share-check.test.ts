/** The check for missing traffic. */
import { describe, expect, test } from "vitest";
import { lnEvidence, type Stakes } from "../../../../src/rollout/analysis/e-process.ts";
import { lnThreshold } from "../../../../src/rollout/analysis/pool.ts";
import { FALSE_SHARE_ALARM } from "../../../../src/rollout/analysis/settings.ts";
import { newShareCheck, updatedShareCheck, type ShareCounts } from "../../../../src/rollout/analysis/share-check.ts";

/** Scrapes until the alarm; undefined where there is none in 60. */
function scrapesToAlarm(counts: ShareCounts): number | undefined {
  let check: Stakes = newShareCheck();
  for (let scrape = 1; scrape <= 60; scrape++) {
    check = updatedShareCheck(check, counts);
    if (lnEvidence(check) >= lnThreshold(FALSE_SHARE_ALARM)) return scrape;
  }
  return undefined;
}

describe("the share check", () => {
  test.each([
    ["100 rps", 1_000, 2],
    ["10 rps", 100, 4],
  ])("finds a canary that answers nothing, at %s", (_, requests, scrapes) => {
    expect(scrapesToAlarm({ canaryWeight: 0.1, canary: 0, stable: 0.9 * requests })).toBeLessThanOrEqual(scrapes);
  });

  test("lets a canary be that sees its share, or half of it, or more", () => {
    for (const part of [0.5, 1, 2]) expect(scrapesToAlarm({ canaryWeight: 0.1, canary: part * 100, stable: 900 })).toBeUndefined();
  });

  test("learns nothing at weight 0, at weight 100 and without traffic", () => {
    for (const counts of [{ canaryWeight: 0, canary: 0, stable: 1_000 }, { canaryWeight: 1, canary: 0, stable: 0 }, { canaryWeight: 0.1, canary: 0, stable: 0 }]) {
      expect(lnEvidence(updatedShareCheck(newShareCheck(), counts))).toBeCloseTo(0, 12);
    }
  });

  test("goes on from what was kept as JSON", () => {
    const check = updatedShareCheck(newShareCheck(), { canaryWeight: 0.1, canary: 3, stable: 90 });
    expect(JSON.parse(JSON.stringify(check))).toEqual(check);
  });
});
