/** Which sequential tests a built-in metric is put to, against what, and how much of the run's error rate each of them may spend. */
import type { Analysis, Metric } from "../spec.ts";
import type { Evidence } from "../status.ts";
import { fractionOf } from "../units.ts";
import type { ProcessSettings } from "./e-process.ts";
import type { Tolerance } from "./increment.ts";
import { capFor } from "./pool.ts";
import { FIRST_STAKE, LATER_STAKE, REGRESSIONS, SHARES, SOUND } from "./settings.ts";
import { advanceLatencyTolerance, advanceTolerance, limitTolerance, oddsTolerance, TOLERANCES } from "./tolerances.ts";

export type Kind = "errors" | "latency";

/** The tests of one metric, each with its part of the pool that the metric belongs to. */
export interface Tests {
  /** Against stable: for latency one for each bound; empty where nothing is compared, or no bound is chosen yet. */
  readonly againstStable: readonly ProcessSettings[];
  readonly againstLimit?: ProcessSettings;
  /** Of all comparisons of this metric together, and of its limit. */
  readonly shares: Shares;
}

interface Shares {
  readonly compare: number;
  readonly limit: number;
}

/** Of the same p95 to p98 that evidence for advancing looks at. */
const ADVANCE_FRACTION = 0.03;

/** Undefined for a custom query. */
export function kindOf(metric: Metric): Kind | undefined {
  if (metric.errorRate) return "errors";
  return metric.latency ? "latency" : undefined;
}

export function isCompared(metric: Metric): boolean {
  return (metric.errorRate ?? metric.latency)?.compare !== "none" && kindOf(metric) !== undefined;
}

/** The share of requests that may be bad by the metric's own limit; undefined where it has none. */
export function limitOf({ errorRate, latency }: Metric): number | undefined {
  if (errorRate) return errorRate.max === undefined ? undefined : fractionOf(errorRate.max);
  // 1 - 99/100 is not 0.01 in binary: take the nearest number that people mean.
  return latency?.max === undefined ? undefined : Number((1 - latency.percentile / 100).toFixed(6));
}

/** How likely, at most, a version within its limits is taken back over a whole run: α. */
export function falseRollbackOf(analysis: Pick<Analysis, "falseRollback">): number {
  return fractionOf(analysis.falseRollback);
}

export function testsFor(metric: Metric, analysis: Pick<Analysis, "falseRollback" | "metrics">, evidence: Pick<Evidence, "dispersion" | "slowerBefore">): Tests {
  const shares = sharesOf(metric, analysis.metrics);
  const tolerances = comparisons(metric, evidence.slowerBefore);
  const limit = limitOf(metric);
  const settings = (tolerance: Tolerance, share: number): ProcessSettings => ({
    tolerance,
    grid: REGRESSIONS,
    dispersion: evidence.dispersion,
    cap: capFor(falseRollbackOf(analysis), share, REGRESSIONS.length),
    firstStake: FIRST_STAKE,
    laterStake: LATER_STAKE,
  });
  return {
    shares,
    againstStable: tolerances.map((tolerance) => settings(tolerance, shares.compare / tolerances.length)),
    ...(limit === undefined ? {} : { againstLimit: settings(limitTolerance(limit), shares.limit) }),
  };
}

/** That the canary's share of bad requests is below stable's. */
export function betterTest(evidence: Pick<Evidence, "dispersion">): ProcessSettings {
  return soundTest({ rho: 1, delta: 0 }, evidence);
}

/** That the canary is safe at the next weight: by the errors, or by the bound nearest to the p95 to p98. */
export function safeTest(metric: Metric, evidence: Pick<Evidence, "dispersion" | "slowerBefore">, nextShare: number): { readonly settings: ProcessSettings; readonly row: number } | undefined {
  if (metric.errorRate) return { settings: soundTest(advanceTolerance(nextShare), evidence), row: 0 };
  const { slowerBefore = [] } = evidence;
  const distance = (fraction: number): number => Math.abs(Math.log(fraction / ADVANCE_FRACTION));
  const [nearest] = [...slowerBefore.keys()].sort((a, b) => distance(slowerBefore[a]!) - distance(slowerBefore[b]!));
  return nearest === undefined ? undefined : { settings: soundTest(advanceLatencyTolerance(slowerBefore[nearest]!), evidence), row: nearest + 1 };
}

/** Everything is staked at once, and one look may decide: being too careful harms nobody. */
function soundTest(tolerance: Tolerance, { dispersion }: Pick<Evidence, "dispersion">): ProcessSettings {
  return { tolerance, grid: SOUND, dispersion, cap: Infinity, firstStake: 1, laterStake: 0 };
}

/** Metrics that ask for the same when they fail share one error rate; what none of them uses is divided among them. */
function sharesOf(metric: Metric, metrics: readonly Metric[]): Shares {
  const pool = metrics.filter(({ onFail }) => onFail === metric.onFail).map(rawShares);
  const total = pool.reduce((sum, { compare, limit }) => sum + compare + limit, 0);
  const { compare, limit } = rawShares(metric);
  return { compare: compare / total, limit: limit / total };
}

function rawShares(metric: Metric): Shares {
  const kind = kindOf(metric);
  if (kind === undefined) return { compare: 0, limit: 0 };
  const [compare, limit] = kind === "errors" ? [SHARES.errors, SHARES.errorLimit] : [SHARES.latency, SHARES.latencyLimit];
  return { compare: isCompared(metric) ? compare : 0, limit: limitOf(metric) === undefined ? 0 : limit };
}

function comparisons(metric: Metric, slowerBefore: readonly number[] = []): Tolerance[] {
  if (!isCompared(metric)) return [];
  if (metric.errorRate) return [errorTolerance(metric.errorRate.compare)];
  const { oddsRatio, delta } = latencyTolerance(metric.latency!.compare);
  return slowerBefore.map((fraction) => oddsTolerance(fraction, oddsRatio, delta));
}

/** `normal`, or `1.25x+0.05%`. */
function errorTolerance(compare: string): Tolerance {
  const { errors } = isPreset(compare) ? TOLERANCES[compare] : TOLERANCES.normal;
  const own = numbersIn(compare);
  return { rho: own?.factor ?? errors.rho, delta: own?.points ?? errors.delta };
}

function latencyTolerance(compare: string): (typeof TOLERANCES)["normal" | "strict" | "lenient"]["latency"] {
  const { latency } = isPreset(compare) ? TOLERANCES[compare] : TOLERANCES.normal;
  const own = numbersIn(compare);
  return { oddsRatio: own?.factor ?? latency.oddsRatio, delta: own?.points ?? latency.delta } as typeof latency;
}

function isPreset(compare: string): compare is keyof typeof TOLERANCES {
  return compare in TOLERANCES;
}

/** Points that are not given are those of `normal`. */
function numbersIn(compare: string): { readonly factor: number; readonly points: number | undefined } | undefined {
  const [, factor, points] = /^([\d.]+)x(?:\+([\d.]+)%)?$/.exec(compare) ?? [];
  return factor === undefined ? undefined : { factor: Number(factor), points: points === undefined ? undefined : Number(points) / 100 };
}
