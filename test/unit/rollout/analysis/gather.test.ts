/** What a run learns, look by look: state that is small and complete, the blame rule, cold pods, and shares that add up. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accountsOf, evidenceSaid } from "../../../../src/rollout/analysis/account.ts";
import { begunAnew, type Circumstances, lnMissing, nextEvidence, nextShareEvidence, wantsHistory } from "../../../../src/rollout/analysis/gather.ts";
import type { Growth, History, Measurement } from "../../../../src/rollout/analysis/measurement.ts";
import { poolOf, standings } from "../../../../src/rollout/analysis/weigh.ts";
import { parseSpec, type RolloutSpec, type RolloutSpecInput } from "../../../../src/rollout/spec.ts";
import { Evidence, type Run } from "../../../../src/rollout/status.ts";
import { aRun } from "../../../support/a-status.ts";

type Metrics = NonNullable<NonNullable<RolloutSpecInput["analysis"]>["metrics"]>;

function aSpec(metrics: Metrics, strategy: RolloutSpecInput["strategy"] = {}): RolloutSpec {
  const parsed = parseSpec({ release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } }, strategy, analysis: { metrics } });
  if ("invalid" in parsed) throw new Error(parsed.invalid);
  return parsed.spec;
}

const ERRORS: Metrics = [{ name: "errors", errorRate: { max: "1%" } }];
const SLOW: Metrics = [{ name: "slow", latency: { percentile: 99, max: "500ms" } }];
const HISTORY: History = { requests: 6_000, bad: 6, dispersion: 1, slower: [50, 100, 250, 500, 1_000, 2_500].map((boundMs, at) => ({ boundMs, slower: [2_500, 900, 200, 50, 20, 5][at]! })) };

const grew = (canary: readonly [requests: number, bad: number], stable: readonly [requests: number, bad: number], slower?: readonly [readonly number[], readonly number[]]): Growth => ({
  sinceMs: 0, reporter: "source", inStep: true,
  canary: { requests: canary[0], bad: canary[1], ...(slower ? { slower: slower[0] } : {}) },
  stable: { requests: stable[0], bad: stable[1], ...(slower ? { slower: slower[1] } : {}) },
});

/** The run after these looks, ten seconds apart; the state goes through JSON between any two, as it does in status. */
function after(spec: RolloutSpec, looks: readonly (readonly Growth[])[], change: Partial<Circumstances> = {}, history: History | undefined = HISTORY): Run {
  let evidence: Evidence[] = [];
  for (const [at, growths] of looks.entries()) {
    evidence = spec.analysis.metrics.flatMap((metric, index) => {
      const before = evidence.find(({ name }) => name === metric.name);
      const measured: Measurement = { name: metric.name, instantMs: (at + 1) * 10_000, query: "q", kind: "base", growth: growths[index]!, ...(wantsHistory(before, metric) && history ? { history } : {}) };
      const next = nextEvidence(before, metric, measured, { analysis: spec.analysis, definition: "d", isWarmingUp: false, isComparable: true, canaryPods: 3, ...change });
      return next ? [Evidence.parse(JSON.parse(JSON.stringify(next)))] : [];
    });
  }
  return aRun({ evidence });
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe("the error rate", () => {
  const spec = aSpec(ERRORS);
  const standing = (run: Run) => standings(run, spec.analysis).get("errors")!;

  test("of a healthy version proves nothing in a hundred looks", () => {
    expect(standing(after(spec, times(100, [grew([100, 0], [900, 1])])))).toMatchObject({ isProven: false, isSuspect: false, isMuted: false });
  });

  test("five in a hundred is proven in a few looks, and one look never suffices", () => {
    expect(standing(after(spec, [[grew([100, 100], [900, 1])]])).isProven).toBe(false);
    expect(standing(after(spec, times(4, [grew([100, 5], [900, 1])]))).isProven).toBe(true);
  });

  test("while stable itself breaks the limit, the limit blames nobody, and the step is held", () => {
    const run = after(spec, times(20, [grew([100, 20], [900, 180])]));
    expect(standing(run)).toMatchObject({ isProven: false, isMuted: true });
    expect(evidenceSaid(spec.analysis.metrics[0]!, run, spec)).toContain("stable itself is beyond the limit (3,600 of 18,000 of its requests failed, 20 %)");
  });

  test("a canary that is shown to be better than a broken stable is held by nothing", () => {
    expect(standing(after(spec, times(20, [grew([100, 0], [900, 180])])))).toMatchObject({ isProven: false, isMuted: false });
  });

  test("requests that were picked out are compared with nothing, and the limit decides, of latency as well", () => {
    const picked = after(spec, times(20, [grew([100, 5], [900, 1])]), { isComparable: false });
    expect(poolOf(picked, spec.analysis, "rollback").map(({ test, lnE }) => [test, lnE > 0])).toEqual([["stable", false], ["limit", true]]);
    expect(standing(picked).isProven).toBe(true);
    const slow = aSpec(SLOW);
    const pickedAndSlow = after(slow, times(20, [grew([100, 90], [900, 9], [times(5, 90), times(5, 9)])]), { isComparable: false });
    expect(poolOf(pickedAndSlow, slow.analysis, "rollback").filter(({ lnE }) => lnE > 0).map(({ test }) => test)).toEqual(["limit"]);
    const goesByEvidence = after(spec, times(20, [grew([100, 0], [900, 1])]), { isComparable: false, nextShare: 0.5 });
    expect(goesByEvidence.evidence![0]!.againstStable![0]!.every((capital) => capital <= 0)).toBe(true);
  });

  test("in the warm-up only the limit counts, and of latency nothing", () => {
    const cold = after(spec, times(20, [grew([100, 5], [900, 1])]), { isWarmingUp: true });
    expect(poolOf(cold, spec.analysis, "rollback").map(({ test, lnE }) => [test, lnE > 0])).toEqual([["stable", false], ["limit", true]]);
    const slow = aSpec(SLOW);
    const coldAndSlow = after(slow, times(20, [grew([100, 90], [900, 9], [times(5, 90), times(5, 9)])]), { isWarmingUp: true });
    expect(poolOf(coldAndSlow, slow.analysis, "rollback").every(({ lnE }) => Math.abs(lnE) < 1e-6)).toBe(true);
  });

  test("says what was counted and how rarely a healthy version would look like that", () => {
    const run = after(spec, [...times(9, [grew([20, 0], [211, 0])]), [grew([20, 4], [211, 1])], [grew([20, 4], [0, 1])], [grew([20, 4], [0, 1])]]);
    expect(evidenceSaid(spec.analysis.metrics[0]!, run, spec)).toMatch(/^canary 12 of 240 requests failed \(5\.0 %\), (?:stable 3 of 2,110 \(0\.14 %\)|and at most 1% may); a healthy version would look this bad in fewer than 1 of [\d,]+ rollouts$/);
  });

  test("tells how many more requests would decide what is open", () => {
    const run = after(spec, times(2, [grew([50, 1], [450, 0])]));
    expect(evidenceSaid(spec.analysis.metrics[0]!, run, spec)).toMatch(/canary 2 of 100 requests failed \(2\.0 %\).*: about [\d,]+ more requests like these to the canary would prove it$/);
  });
});

describe("latency", () => {
  const spec = aSpec(SLOW);

  test("is compared at no more than five bounds that stable's past makes interesting, chosen once", () => {
    const run = after(spec, times(3, [grew([100, 1], [900, 8], [times(5, 3), times(5, 20)])]));
    const [evidence] = run.evidence!;
    expect(evidence!.boundsMs!.length).toBeGreaterThan(2);
    expect(evidence!.boundsMs!.length).toBeLessThanOrEqual(5);
    expect(wantsHistory(evidence, spec.analysis.metrics[0]!)).toBe(false);
  });

  test("waits for a past to choose bounds by, and keeps to the limit meanwhile", () => {
    const run = after(spec, times(6, [grew([100, 60], [900, 8])]), {}, { ...HISTORY, requests: 20 });
    expect(run.evidence![0]!.boundsMs).toBeUndefined();
    expect(standings(run, spec.analysis).get("slow")).toMatchObject({ isProven: true, leading: { test: "limit" } });
  });

  test("half again as slow is proven, and the sentence names the bound", () => {
    const stable = [375, 135, 30, 8, 1];
    const run = after(spec, times(25, [grew([100, 5], [900, 8], [[70, 40, 14, 5, 1], stable])]));
    const account = accountsOf(run, spec)[0]!;
    expect(account.lnE).toBeGreaterThan(account.lnThreshold);
    expect(account.said).toMatch(/took longer than \d+ms/);
    expect(account.looks).toHaveLength(25);
  });
});

describe("the state of a run", () => {
  test("of errors and latency with evidence for the next step is smaller than 2 KiB, the trail apart", () => {
    const spec = aSpec([...ERRORS, ...SLOW], { pace: "evidence" });
    const looks = times(40, [grew([1_234, 1], [98_765, 98]), grew([1_234, 11], [98_765, 987], [[345, 123, 45, 12, 3], [34_567, 12_345, 4_567, 1_234, 321]])]);
    const run = after(spec, looks, { nextShare: 0.25 });
    const learnt = run.evidence!.map(({ trail: _, ...rest }) => rest);
    expect(JSON.stringify(learnt).length).toBeLessThan(2_048);
    expect(run.evidence!.every(({ safe }) => safe !== undefined)).toBe(true);
  });

  test("of an accepted failure begins anew and forgets no request", () => {
    const [evidence] = after(aSpec(ERRORS), times(4, [grew([100, 5], [900, 1])])).evidence!;
    expect(begunAnew(evidence!)).toMatchObject({ looks: 0, canary: { requests: 400, bad: [20] }, at: evidence!.at, trail: evidence!.trail });
    expect(begunAnew(evidence!)).not.toHaveProperty("againstLimit");
  });
});

const arbitraryMetric = fc.record({
  kind: fc.constantFrom("errors", "latency"),
  max: fc.boolean(),
  compare: fc.constantFrom("none", "strict", "normal", "lenient", "2x", "1.5x+0.5%"),
  onFail: fc.constantFrom("rollback", "pause", "ignore"),
});

test("the shares of each pool add up to one, whatever is judged", () => {
  fc.assert(
    fc.property(fc.array(arbitraryMetric, { minLength: 1, maxLength: 6 }), fc.boolean(), (metrics, isBegun) => {
      const given = metrics.map(({ kind, max, compare, onFail }, index) => ({
        name: `m${index}`, onFail,
        ...(kind === "errors" ? { errorRate: { compare, ...(max || compare === "none" ? { max: "1%" } : {}) } } : { latency: { compare, ...(max || compare === "none" ? { max: "500ms" } : {}) } }),
      })) as Metrics;
      const spec = aSpec(given);
      const run = isBegun ? after(spec, [given.map(() => grew([100, 1], [900, 1], [times(5, 1), times(5, 1)]))]) : aRun();
      for (const onFail of ["rollback", "pause", "ignore"] as const) {
        const pool = poolOf(run, spec.analysis, onFail);
        if (pool.length > 0) expect(pool.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      }
    }),
    { numRuns: 100 },
  );
});

describe("missing traffic", () => {
  const looked = (count: number, canary: number, stable: number) => Array.from({ length: count }).reduce<ReturnType<typeof nextShareEvidence> | undefined>((before) => nextShareEvidence(before, grew([canary, 0], [stable, 0]), 0.1), undefined);

  test("is proven in two looks at a hundred requests a second, and never of a canary with its share", () => {
    expect(lnMissing(looked(2, 0, 900))).toBeGreaterThan(Math.log(100));
    expect(lnMissing(looked(100, 10, 90))).toBeLessThan(0);
    expect(lnMissing(undefined)).toBe(0);
  });
});
