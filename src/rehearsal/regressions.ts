/** What a new version may do wrong, from nothing at all to losing every request. */
import { isWeightStep } from "../rollout/ladder.ts";
import type { RolloutSpec } from "../rollout/spec.ts";
import { msOf } from "../rollout/units.ts";
import { medianFor } from "./draws.ts";
import type { Quality, TrafficModel } from "./traffic.ts";

export interface Circumstances {
  /** Of both versions together. */
  readonly requestsPerSecond: number;
  /** Fraction of stable's requests that fail. */
  readonly baselineErrors: number;
}

export interface Regression {
  readonly name: string;
  /** `A version ...`: what it does, in words. */
  readonly said: string;
  readonly isHealthy: boolean;
  readonly model: TrafficModel;
}

/** Istio's own, in milliseconds. */
const ISTIO_BOUNDS_MS: readonly number[] = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];
const USUAL_MEDIAN_MS = 40;
/** A service that keeps its limit well: half as many requests are beyond it as may be. */
const WITHIN_LIMIT = 0.5;

const ERRORS: readonly number[] = [0.003, 0.01, 0.05, 0.5];
const LATE_ERRORS = 0.05;
const SLOWER: readonly number[] = [1.5, 3];

/** Those that the Rollout's own metrics could see, in the order in which they hurt. */
export function regressionsFor(spec: RolloutSpec, circumstances: Circumstances): readonly Regression[] {
  const { baselineErrors, requestsPerSecond } = circumstances;
  const stable: Quality = { errors: baselineErrors, medianMs: usualMedianMs(spec) };
  const isTimed = spec.analysis.metrics.some(({ latency }) => latency);
  const model = { requestsPerSecond, stable, boundsMs: isTimed ? ISTIO_BOUNDS_MS : [] };
  const regression = (name: string, said: string, change: Partial<Quality>, fromMs = 0): Regression => ({
    name, said, isHealthy: Object.keys(change).length === 0,
    model: { ...model, canary: (sinceMs) => (sinceMs >= fromMs ? { ...stable, ...change } : stable) },
  });
  const lateMs = Math.round(ladderMs(spec) / 2);
  return [
    regression("healthy", "is as good as stable", {}),
    ...ERRORS.filter((errors) => errors > 2 * baselineErrors).map((errors) => regression(`errors ${percent(errors)}`, `fails ${percent(errors)} of its requests`, { errors })),
    ...(isTimed ? SLOWER.map((times) => regression(`latency x${times}`, `takes ${times} times as long`, { medianMs: times * stable.medianMs })) : []),
    ...(LATE_ERRORS > 2 * baselineErrors ? [regression(`errors ${percent(LATE_ERRORS)}, late`, `begins to fail ${percent(LATE_ERRORS)} of its requests halfway up the ladder`, { errors: LATE_ERRORS }, lateMs)] : []),
    regression("no traffic", "answers none of the requests that are sent to it (it hangs, or is not routed to)", { isGone: true }),
  ];
}

/** From the first weight to the end, as long as the holds alone take. */
function ladderMs({ strategy: { steps, propagation } }: Pick<RolloutSpec, "strategy">): number {
  return steps.filter(isWeightStep).filter(({ weight }) => weight !== undefined).reduce((sum, { hold }) => sum + msOf(hold) + msOf(propagation), 0);
}

/** A median at which stable keeps the strictest of the limits, or what services usually take. */
function usualMedianMs({ analysis: { metrics } }: RolloutSpec): number {
  const medians = metrics.flatMap(({ latency }) => (latency?.max === undefined ? [] : medianFor(roundedUp(msOf(latency.max)), WITHIN_LIMIT * (1 - latency.percentile / 100))));
  return medians.length > 0 ? Math.min(...medians) : USUAL_MEDIAN_MS;
}

function roundedUp(ms: number): number {
  return ISTIO_BOUNDS_MS.find((boundMs) => boundMs >= ms) ?? ms;
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`;
}
