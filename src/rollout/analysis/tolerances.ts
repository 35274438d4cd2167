/** How much worse than the stable version a canary may be: presets, lines for latency, limits, and which bucket bounds are looked at. */
import type { Tolerance } from "./increment.ts";
import { ADVANCE_HARM } from "./settings.ts";

/** Of latency: how much the odds of a request slower than a bound may grow, and a fraction of requests on top. */
export interface OddsTolerance {
  readonly oddsRatio: number;
  readonly delta: number;
}

interface Preset {
  readonly errors: Tolerance;
  readonly latency: OddsTolerance;
}

/**
 * `rho` and the odds ratio are what is accepted as noise or as a different mix of requests; `delta` keeps a service that never fails from being taken back for 3 errors in
 * 100,000. For a lognormal latency with sigma 0.9 an odds ratio of 1.1 is 4-6 % slower, 1.25 is 9-13 %, 1.5 is 16-26 %.
 */
export const TOLERANCES = {
  strict: { errors: { rho: 1.1, delta: 0.0002 }, latency: { oddsRatio: 1.1, delta: 0.0005 } },
  normal: { errors: { rho: 1.25, delta: 0.0005 }, latency: { oddsRatio: 1.25, delta: 0.001 } },
  lenient: { errors: { rho: 1.5, delta: 0.001 }, latency: { oddsRatio: 1.5, delta: 0.001 } },
} as const satisfies Record<string, Preset>;

const ADVANCE_RHO = 1.25;
const ADVANCE_LATENCY: OddsTolerance = { oddsRatio: 2, delta: 0.005 };
/** A next weight of almost nothing would tolerate everything; half of all requests is enough. */
const MOST_ADVANCE_DELTA = 0.5;

/** Fractions of requests slower than a bound between which it says something: rarer is noise, more frequent is a bound that no one asks about. */
const COMPARABLE = { least: 0.0005, most: 0.5 };
const MOST_BOUNDS = 5;
/** Between p95 and p98. */
const ADVANCE_FRACTION = Math.sqrt(0.05 * 0.02);

/** How many of the requests before the run were slower than a bucket's bound. */
export interface SlowerThan {
  readonly boundMs: number;
  readonly slower: number;
}

/**
 * The tangent at `guess` of the line of constant odds ratio, plus `extraDelta`:
 *
 *     rho = OR / (1 + (OR-1) guess)^2        delta = OR guess / (1 + (OR-1) guess) - rho guess + extraDelta
 *
 * The odds line is concave, so a canary within the odds ratio is below its tangent too, wherever the stable proportion goes.
 */
export function oddsTolerance(guess: number, oddsRatio: number, extraDelta: number): Tolerance {
  const scale = 1 + (oddsRatio - 1) * guess;
  const rho = oddsRatio / (scale * scale);
  return { rho, delta: (oddsRatio * guess) / scale - rho * guess + extraDelta };
}

/** An absolute limit on the canary's proportion of bad requests, whatever the stable version does. */
export function limitTolerance(max: number): Tolerance {
  return { rho: 0, delta: max };
}

/** Worse by more than this, an undetected regression at the next weight would add over ADVANCE_HARM to the service's error rate. */
export function advanceTolerance(nextWeightFraction: number): Tolerance {
  return { rho: ADVANCE_RHO, delta: Math.min(ADVANCE_HARM / nextWeightFraction, MOST_ADVANCE_DELTA) };
}

/** The same for requests slower than the bound of `advanceBound`, of which `guess` is the stable version's fraction. */
export function advanceLatencyTolerance(guess: number): Tolerance {
  return oddsTolerance(guess, ADVANCE_LATENCY.oddsRatio, ADVANCE_LATENCY.delta);
}

/** The bounds, in ms and ascending, at which latency is compared during the run: at most five, spread evenly over the log-odds of being slower. */
export function comparedBounds(history: readonly SlowerThan[], requests: number): number[] {
  const bounds = comparable(history, requests);
  if (bounds.length <= MOST_BOUNDS) return bounds.map(({ boundMs }) => boundMs);
  const [first, last] = [lnOdds(bounds[0]!, requests), lnOdds(bounds.at(-1)!, requests)];
  const targets = Array.from({ length: MOST_BOUNDS }, (_, index) => first + ((last - first) * index) / (MOST_BOUNDS - 1));
  const chosen = targets.map((target) => nearest(bounds, (bound) => lnOdds(bound, requests) - target).boundMs);
  return [...new Set(chosen)];
}

/** The bound nearest to the 95th to 98th percentile, at which a canary has to show that it may advance early; undefined where no bound says anything. */
export function advanceBound(history: readonly SlowerThan[], requests: number): number | undefined {
  const bounds = comparable(history, requests);
  if (bounds.length === 0) return undefined;
  return nearest(bounds, ({ slower }) => Math.log(slower / requests / ADVANCE_FRACTION)).boundMs;
}

/** Ascending, each with a fraction of its own: of bounds that as many are slower than, the lowest sees all that the others see. */
function comparable(history: readonly SlowerThan[], requests: number): SlowerThan[] {
  const { least, most } = COMPARABLE;
  const within = history.filter(({ slower }) => slower >= least * requests && slower <= most * requests && slower > 0);
  const ascending = within.toSorted((a, b) => a.boundMs - b.boundMs);
  return ascending.filter(({ slower }, index) => slower !== ascending[index - 1]?.slower);
}

function lnOdds({ slower }: SlowerThan, requests: number): number {
  return Math.log(slower / (requests - slower));
}

function nearest(bounds: readonly SlowerThan[], distance: (bound: SlowerThan) => number): SlowerThan {
  return bounds.reduce((best, one) => (Math.abs(distance(one)) < Math.abs(distance(best)) ? one : best));
}
