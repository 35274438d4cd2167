/** Channels pooled into one number, the threshold it is held against, and the cap that lets no scrape decide alone. */
import { describe, expect, test } from "vitest";
import { lnEvidence, newProcess, updated } from "../../../../src/rollout/analysis/e-process.ts";
import { capFor, lnPooled, lnThreshold } from "../../../../src/rollout/analysis/pool.ts";
import { FALSE_ROLLBACK, FIRST_STAKE, LATER_STAKE, REGRESSIONS, SHARES } from "../../../../src/rollout/analysis/settings.ts";
import { limitTolerance, TOLERANCES } from "../../../../src/rollout/analysis/tolerances.ts";

const SCRAPES = [[100, 0, 900, 1], [98, 1, 905, 0], [104, 3, 880, 1], [95, 4, 910, 2], [201, 9, 790, 0]] as const;
const POOLED = [-0.203975557, -0.066488682, 1.6522333, 5.391738034, 9.39117168];

describe("the pool", () => {
  test("of errors against stable and the limit decides at the fourth scrape, and not before", () => {
    const common = { grid: REGRESSIONS, dispersion: 1, firstStake: FIRST_STAKE, laterStake: LATER_STAKE };
    const relative = { ...common, tolerance: TOLERANCES.normal.errors, cap: capFor(FALSE_ROLLBACK, SHARES.errors, 6) };
    const limit = { ...common, tolerance: limitTolerance(0.01), cap: capFor(FALSE_ROLLBACK, SHARES.errorLimit, 6) };
    let [errors, limited] = [newProcess(REGRESSIONS, { guess: 0.001, requests: 600 }), newProcess(REGRESSIONS, { guess: 0.001, requests: 600 })];
    const course = SCRAPES.map(([nc, ec, nb, eb]) => {
      const counts = { canary: { requests: nc, bad: ec }, stable: { requests: nb, bad: eb } };
      [errors, limited] = [updated(errors, counts, relative), updated(limited, counts, limit)];
      return lnPooled([{ share: SHARES.errors, lnE: lnEvidence(errors) }, { share: SHARES.errorLimit, lnE: lnEvidence(limited) }, { share: 0.4, lnE: 0 }]);
    });
    course.forEach((lnE, index) => expect(Math.abs(lnE - POOLED[index]!)).toBeLessThan(1e-9));
    expect(course.findIndex((lnE) => lnE >= lnThreshold(FALSE_ROLLBACK))).toBe(3);
  });

  test("of channels without evidence is no evidence", () => {
    expect(lnPooled(Object.values(SHARES).map((share) => ({ share, lnE: 0 })))).toBeCloseTo(0, 15);
  });

  test("lives through a channel that has lost all", () => {
    expect(lnPooled([{ share: 0.5, lnE: -Infinity }, { share: 0.5, lnE: 3 }])).toBeCloseTo(3 - Math.LN2, 12);
    expect(lnPooled([{ share: 0.5, lnE: -2_000 }, { share: 0.5, lnE: 2_000 }])).toBeCloseTo(2_000 - Math.LN2, 9);
  });
});

test("the cap is half of what decides", () => {
  expect(Math.abs(capFor(0.01, 0.4, 6, 2, 0.5) - 4.003183783825123)).toBeLessThan(1e-12);
  expect(Math.abs(capFor(0.01, 0.2, 6) - 4.349757374)).toBeLessThan(1e-9);
  expect(lnThreshold(0.01)).toBeCloseTo(4.60517018599, 11);
});
