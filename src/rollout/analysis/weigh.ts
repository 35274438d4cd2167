/** What the evidence of a run amounts to: for each metric whether it is proven to hurt, looks like it, or cannot be told because stable is broken itself. */
import type { Analysis, Metric, OnFail } from "../spec.ts";
import type { Evidence, Run } from "../status.ts";
import { lnOf } from "./gather.ts";
import { lnPooled, lnThreshold } from "./pool.ts";
import { FALSE_ADVANCE } from "./settings.ts";
import { betterTest, falseRollbackOf, kindOf, safeTest, testsFor } from "./tests.ts";

/** One test's share of its pool, and its ln E, in nats. */
export interface Weighed {
  readonly metric: string;
  readonly test: "stable" | "limit";
  /** Latency against stable: which of the bounds. */
  readonly boundMs?: number;
  readonly share: number;
  readonly lnE: number;
}

/** Where a metric stands. All evidence in nats. */
export interface Standing {
  /** Evidence of the whole pool against ln(1/α). */
  readonly lnE: number;
  readonly lnThreshold: number;
  /** What this metric says most about. */
  readonly leading: Weighed;
  /** The pool has reached the threshold, and this metric carries it. */
  readonly isProven: boolean;
  /** Half of what a proof needs, as this metric says: nobody goes up with that at hand. */
  readonly isSuspect: boolean;
  /** Stable breaks the limit itself, and the canary is not shown to be better. */
  readonly isMuted: boolean;
}

type Weighing = Pick<Analysis, "falseRollback" | "metrics">;

/** By name, for every built-in metric; what has no evidence yet counts as 1, which says nothing. */
export function standings(run: Pick<Run, "evidence">, analysis: Weighing): ReadonlyMap<string, Standing> {
  const pools = new Map<OnFail, readonly Weighed[]>();
  for (const { onFail } of analysis.metrics) if (!pools.has(onFail)) pools.set(onFail, poolOf(run, analysis, onFail));
  const builtIns = analysis.metrics.filter((metric) => kindOf(metric) !== undefined);
  return new Map(builtIns.map((metric) => [metric.name, standingOf(metric, pools.get(metric.onFail)!, run, analysis)]));
}

/** Every test of the metrics that ask for `onFail`. Its shares add up to 1. */
export function poolOf(run: Pick<Run, "evidence">, analysis: Weighing, onFail: OnFail): readonly Weighed[] {
  return analysis.metrics.filter((metric) => metric.onFail === onFail && kindOf(metric) !== undefined).flatMap((metric) => weighedIn(metric, evidenceOf(run, metric), analysis));
}

export function evidenceOf(run: Pick<Run, "evidence">, metric: Pick<Metric, "name">): Evidence | undefined {
  return run.evidence?.find(({ name }) => name === metric.name);
}

function weighedIn(metric: Metric, evidence: Evidence | undefined, analysis: Weighing): Weighed[] {
  const tests = testsFor(metric, analysis, evidence ?? { dispersion: 1 });
  const count = tests.againstStable.length;
  const compared = tests.againstStable.map((settings, at) => ({
    metric: metric.name,
    test: "stable" as const,
    ...(metric.latency ? { boundMs: evidence!.boundsMs![at]! } : {}),
    share: tests.shares.compare / count,
    lnE: lnOf(evidence?.againstStable?.[at], evidence?.compared ?? 0, settings),
  }));
  const unbegun = count === 0 && tests.shares.compare > 0 ? [{ metric: metric.name, test: "stable" as const, share: tests.shares.compare, lnE: 0 }] : [];
  const limited = tests.againstLimit ? [{ metric: metric.name, test: "limit" as const, share: tests.shares.limit, lnE: lnOf(evidence?.againstLimit, evidence?.looks ?? 0, tests.againstLimit) }] : [];
  return [...compared, ...unbegun, ...limited];
}

function standingOf(metric: Metric, pool: readonly Weighed[], run: Pick<Run, "evidence">, analysis: Weighing): Standing {
  const threshold = lnThreshold(falseRollbackOf(analysis));
  const lnE = lnPooled(pool);
  const leads = leadingOf(pool).metric === metric.name;
  return {
    lnE,
    lnThreshold: threshold,
    leading: leadingOf(pool.filter((one) => one.metric === metric.name)),
    isProven: lnE >= threshold && leads,
    isSuspect: lnE >= threshold / 2 && leads,
    isMuted: isMuted(metric, evidenceOf(run, metric), analysis),
  };
}

/** The one that contributes most. */
function leadingOf(tests: readonly Weighed[]): Weighed {
  const part = ({ share, lnE }: Weighed): number => Math.log(share) + lnE;
  return tests.reduce((best, one) => (part(one) > part(best) ? one : best));
}

/** A canary that is shown to be better than a broken stable is held by nothing: it may be the fix. */
function isMuted(metric: Metric, evidence: Evidence | undefined, analysis: Weighing): boolean {
  const { againstLimit } = testsFor(metric, analysis, evidence ?? { dispersion: 1 });
  if (!evidence || !againstLimit || lnOf(evidence.stableAgainstLimit, evidence.looks, againstLimit) <= 0) return false;
  return lnOf(evidence.better, evidence.looks, betterTest(evidence)) < lnThreshold(FALSE_ADVANCE);
}

/** ln E that the canary is safe at the next weight, in nats, and what it has to reach; undefined where nothing has to be shown. */
export function safety(metric: Metric, evidence: Evidence | undefined, nextShare: number): { readonly lnE: number; readonly lnThreshold: number } | undefined {
  const test = safeTest(metric, evidence ?? { dispersion: 1 }, nextShare);
  return test && { lnE: lnOf(evidence?.safe, evidence?.inStep ?? 0, test.settings), lnThreshold: lnThreshold(FALSE_ADVANCE) };
}
