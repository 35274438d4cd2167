/** A short soak: what `npm run soak` does for hours, for less than a minute. */
import { expect, it } from "vitest";
import { openEmbeddedApi } from "../soak/fleet-api.ts";
import { textOf } from "../soak/report-text.ts";
import { runSoak } from "../soak/soak.ts";

it("twenty Rollouts in good and bad runs break no law while everything around them breaks", { timeout: 600_000 }, async () => {
  const api = await openEmbeddedApi();
  try {
    const report = await runSoak({ api, minutes: 0.75, rollouts: 20, seed: 1, intervalSeconds: 2, faultGapMs: 1_000, restMs: 5_000 });
    expect(report.violations, textOf(report)).toEqual([]);
    expect(report.counts.ended).toMatchObject({ Succeeded: expect.any(Number), RolledBack: expect.any(Number) });
    expect(report.faults.size).toBeGreaterThan(3);
  } finally {
    await api.close();
  }
});
