/** How many requests more: told where more of the same would decide, and not where it never will. */
import { describe, expect, it } from "vitest";
import { requestsToSafety } from "../../../../src/rollout/analysis/forecast.ts";
import { nextEvidence } from "../../../../src/rollout/analysis/gather.ts";
import { safety } from "../../../../src/rollout/analysis/weigh.ts";
import type { Evidence } from "../../../../src/rollout/status.ts";
import { aRollout } from "../../../support/rollouts.ts";

const NEXT_SHARE = 0.25;
const { analysis } = aRollout().spec;
const metric = analysis.metrics[0]!;

function lookedAt(looks: number, badOf: (look: number) => number): Evidence {
  let evidence: Evidence | undefined;
  for (let look = 1; look <= looks; look++) {
    const growth = { sinceMs: 0, reporter: "source" as const, inStep: true, canary: { requests: 50, bad: badOf(look) }, stable: { requests: 450, bad: 1 } };
    evidence = nextEvidence(evidence, metric, { name: metric.name, instantMs: look * 10_000, query: "", kind: "base", growth }, { analysis, definition: "d", isWarmingUp: false, isComparable: true, canaryPods: 3, nextShare: NEXT_SHARE });
  }
  return evidence!;
}

describe("the forecast of safety", () => {
  it("is what it then takes", () => {
    const more = requestsToSafety(metric, { evidence: [lookedAt(3, () => 0)] }, analysis, NEXT_SHARE)!;
    const isSafeAfter = (looks: number): boolean => {
      const { lnE, lnThreshold } = safety(metric, lookedAt(looks, () => 0), NEXT_SHARE)!;
      return lnE >= lnThreshold;
    };
    const looks = 3 + more / 50;
    expect(Number.isInteger(looks)).toBe(true);
    expect(isSafeAfter(looks + 2)).toBe(true);
    expect(isSafeAfter(looks - 2)).toBe(false);
  });

  it("is none where each look speaks against it, however far one looks ahead", () => {
    expect(requestsToSafety(metric, { evidence: [lookedAt(3, () => 2)] }, analysis, NEXT_SHARE)).toBeUndefined();
  });

  it("leaves what was looked at as it is", () => {
    const evidence = lookedAt(3, () => 0);
    const before = structuredClone(evidence);
    requestsToSafety(metric, { evidence: [evidence] }, analysis, NEXT_SHARE);
    expect(evidence).toEqual(before);
  });
});
