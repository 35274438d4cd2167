/** What one scrape says about a canary and a stable version: the increment of an e-process, from four counts. */

/** A version's part of one scrape: requests that finished, and how many of them were bad. 0 <= bad <= requests. */
export interface Side {
  readonly requests: number;
  readonly bad: number;
}

export interface Counts {
  readonly canary: Side;
  readonly stable: Side;
}

/**
 * The line that a canary's proportion of bad requests is held against: `rho * stable + delta`, as fractions.
 * `rho` = 0 makes it a limit that does not ask about the stable version.
 */
export interface Tolerance {
  readonly rho: number;
  readonly delta: number;
}

/** A version under the Poisson increment: bad events, and what they are proportional to (requests, or a share of traffic). */
export interface Exposed {
  readonly exposure: number;
  readonly bad: number;
}

const LEAST_GUESS = 1e-6;
const LEAST_BOUNDARY = 1e-9;
const MOST = 1 - 1e-6;
const LEAST_NULL = 1e-12;
/** Newton squares the error in each step: a step this small leaves none that a double could hold. */
const CONVERGED = 1e-12;
const MOST_STEPS = 200;

/**
 * ln S of the two-sample Bernoulli increment with a linear tolerance ("K3"), in nats.
 *
 *     c0 = rho*guess + delta       q: odds(q) = oddsMultiplier * odds(c0)        c* = rho*p* + delta
 *     ln S = bad_c ln(q/c*) + good_c ln((1-q)/(1-c*)) + bad_b ln(guess/p*) + good_b ln((1-guess)/(1-p*))
 *
 * p* is the stable proportion of the null nearest to the alternative (q, guess): it minimises n_c KL(q || rho*p+delta) + n_b KL(guess || p),
 * the reverse information projection. Whatever the true proportions: E[S] <= 1 if oddsMultiplier > 1 and p_c <= rho*p_b + delta,
 * or oddsMultiplier < 1 and p_c >= rho*p_b + delta. `guess` is a guess at the stable proportion (0..1) made before this scrape; it decides how much is
 * learnt, never whether the bound holds. 0 where nothing can be learnt: no canary requests, no stable ones to compare with, or a boundary above 1.
 *
 * Turner, Ly, Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for optional stopping" (2021);
 * Turner, Grünwald, "Exact anytime-valid confidence intervals for contingency tables and beyond" (2022).
 */
export function lnIncrement(counts: Counts, tolerance: Tolerance, guess: number, oddsMultiplier: number): number {
  const { canary, stable } = counts;
  const { rho, delta } = tolerance;
  if (!(canary.requests > 0) || (rho > 0 && !(stable.requests > 0))) return 0;
  const expected = clamp(guess, LEAST_GUESS, 1 - LEAST_GUESS);
  if (!isBelowOne(rho * expected, delta, oddsMultiplier)) return 0;
  const boundary = clamp(rho * expected + delta, LEAST_BOUNDARY, MOST);
  const alternative = (boundary * oddsMultiplier) / (1 - boundary + boundary * oddsMultiplier);
  if (rho === 0) return lnLikelihoodRatio(canary, alternative, boundary);
  const nearest = nearestNull(canary.requests, stable.requests, tolerance, expected, alternative);
  return lnLikelihoodRatio(canary, alternative, rho * nearest + delta) + lnLikelihoodRatio(stable, expected, nearest);
}

/**
 * Whether there is a proportion beyond the boundary. A stable version that is guessed to be nearly always bad leaves none above it: the alternative would lie
 * within the null, and a healthy canary's good requests would count against it.
 */
function isBelowOne(relative: number, delta: number, oddsMultiplier: number): boolean {
  return delta < MOST && (oddsMultiplier <= 1 || relative + delta < MOST);
}

/** Of `bad` among `requests`: proportion `one` against proportion `other`. The difference of log1p is exact to 1e-9 at 1e7 requests; log of a quotient is not. */
function lnLikelihoodRatio({ requests, bad }: Side, one: number, other: number): number {
  const good = requests - bad;
  return (bad > 0 ? bad * Math.log(one / other) : 0) + (good > 0 ? good * (Math.log1p(-one) - Math.log1p(-other)) : 0);
}

/**
 * p*: where g(p) = n_c rho (c - q) p (1-p) + n_b (p - guess) c (1-c), c = rho*p + delta, changes its sign, which it does once, between the guess and
 * (q - delta) / rho. Newton's method inside a bracket: where a step leaves it, or does not halve the one before, the bracket is bisected.
 */
function nearestNull(canaryRequests: number, stableRequests: number, { rho, delta }: Tolerance, guess: number, alternative: number): number {
  const opposite = clamp((alternative - delta) / rho, LEAST_NULL, 1);
  let low = Math.min(guess, opposite);
  let high = Math.min(Math.max(guess, opposite), ((1 - delta) / rho) * (1 - LEAST_NULL));
  let p = clamp(rareNull(canaryRequests * rho, stableRequests, rho, delta, guess, alternative), low, high);
  let lastStep = Infinity;
  for (let left = MOST_STEPS; left > 0 && high - low > 1e-16 * high; left--) {
    const c = rho * p + delta;
    const variance = p * (1 - p);
    const boundaryVariance = c * (1 - c);
    const pull = canaryRequests * rho * (c - alternative);
    const push = stableRequests * (p - guess);
    const value = pull * variance + push * boundaryVariance;
    const slope = canaryRequests * rho * rho * variance + pull * (1 - 2 * p) + stableRequests * boundaryVariance + push * rho * (1 - 2 * c);
    if (value > 0) high = p;
    else low = p;
    const newton = p - value / slope;
    const next = newton >= low && newton <= high && Math.abs(newton - p) < lastStep / 2 ? newton : (low + high) / 2;
    lastStep = Math.abs(next - p);
    p = next;
    if (lastStep <= CONVERGED * p) break;
  }
  return p;
}

/** p* where bad requests are rare, so that 1-p and 1-c count as 1: the positive root of a quadratic. Near enough to begin with. */
function rareNull(canaryWeight: number, stableRequests: number, rho: number, delta: number, guess: number, alternative: number): number {
  const a = rho * (canaryWeight + stableRequests);
  const b = canaryWeight * (delta - alternative) + stableRequests * (delta - guess * rho);
  const product = stableRequests * guess * delta;
  const root = Math.sqrt(b * b + 4 * a * product);
  return b > 0 ? (2 * product) / (b + root) : (root - b) / (2 * a);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/**
 * ln S of the Poisson increment ("K1"), in nats: events per exposure n, with the canary's rate held against `rho * stable rate + delta`.
 *
 *     D = rho*n_c + n_b      a = r D / (r rho n_c + n_b)      b = D / (r rho n_c + n_b)      (rho = 0: a = r, b = 1)
 *     ln S = bad_c ln a + bad_b ln b - delta n_c (a - 1)
 *
 * E[S] <= 1 on the same null as `lnIncrement`, for Poisson events and, by 1 + x <= e^x, for independent requests at every proportion; it learns less than
 * that one where bad requests are not rare. Scale-free in the exposures only with delta = 0.
 *
 * The conditional test of two Poisson rates; Lindon, Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 2022).
 */
export function lnPoissonIncrement(counts: { readonly canary: Exposed; readonly stable: Exposed }, { rho, delta }: Tolerance, multiplier: number): number {
  const { canary, stable } = counts;
  if (!(canary.exposure > 0) || (rho > 0 && !(stable.exposure > 0))) return 0;
  const nullWeight = rho * canary.exposure + stable.exposure;
  const alternativeWeight = multiplier * rho * canary.exposure + stable.exposure;
  const a = rho > 0 ? (multiplier * nullWeight) / alternativeWeight : multiplier;
  const b = rho > 0 ? nullWeight / alternativeWeight : 1;
  const observed = (canary.bad > 0 ? canary.bad * Math.log(a) : 0) + (stable.bad > 0 ? stable.bad * Math.log(b) : 0);
  return observed - delta * canary.exposure * (a - 1);
}
