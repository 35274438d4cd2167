/** Evidence that grows over the scrapes of a run: a mixture over alternatives and beginnings, which stays a number to trust however often one looks. */
import { lnIncrement, type Counts, type Side, type Tolerance } from "./increment.ts";
import { logAdd, logSumExp } from "./log-space.ts";
import { FADING, MOST_PRIOR_REQUESTS } from "./settings.ts";

/** Money at stake: what has been put on each alternative and grown since, and what is still kept back. Begins with 1. */
export interface Stakes {
  /** ln of the capital on each alternative of the grid. */
  readonly capital: readonly number[];
  /** Not staked yet; linear. */
  readonly reserve: number;
}

/** One channel of a run. After its first update all its numbers are finite: it may be kept as JSON. */
export interface EProcess extends Stakes {
  /** Bad requests and requests of the stable version, fading: what the guess at its proportion stands on. */
  readonly bad: number;
  readonly requests: number;
}

/** What is staked: `firstStake` of 1 on the first scrape, `laterStake` of the reserve on each one after. */
export interface StakeSettings {
  readonly firstStake: number;
  readonly laterStake: number;
}

export interface ProcessSettings extends StakeSettings {
  readonly tolerance: Tolerance;
  /** Odds multipliers: the alternatives. */
  readonly grid: readonly number[];
  /** φ >= 1: how many requests fail together, as it were. Evidence is tempered by it. */
  readonly dispersion: number;
  /** The most that one scrape may add to an alternative, in nats; Infinity for no cap. */
  readonly cap: number;
}

/** The stable version before the run: its proportion of bad requests, and the number of requests that this stands on. */
export interface Prior {
  readonly guess: number;
  readonly requests: number;
}

/** What is taken for granted of a service that nobody has seen yet: few errors, believed as little as a hundred requests are. */
const UNSEEN: Side = { requests: 100, bad: 0.1 };

/** A prior from the ten minutes before the run. It decides how soon something is found, never whether the bound holds. */
export function priorOf({ requests, bad }: Side): Prior {
  return { guess: (bad + UNSEEN.bad) / (requests + UNSEEN.requests), requests: Math.min(requests + UNSEEN.requests, MOST_PRIOR_REQUESTS) };
}

export function newStakes(grid: readonly number[]): Stakes {
  return { capital: grid.map(() => -Infinity), reserve: 1 };
}

export function newProcess(grid: readonly number[], prior: Prior): EProcess {
  return { ...newStakes(grid), bad: prior.guess * prior.requests, requests: prior.requests };
}

/** The stable version's proportion of bad requests as known before the next scrape. */
export function guessOf({ bad, requests }: Pick<EProcess, "bad" | "requests">): number {
  return (bad + 0.1) / (requests + 0.2);
}

/**
 * The process after one more scrape.
 *
 *     w_1 = firstStake, w_i = laterStake * R;  R <- R - w;   A_k <- (A_k + w/K) * exp(min(ln S(r_k) / φ, cap))
 *
 * Products of increments with E[S] <= 1 are supermartingales, and so are S^(1/φ) with φ >= 1 (Jensen), min(S, cap), and mixtures of them: by Ville's inequality
 * P(E ever reaches 1/α) <= α. The reserve starts anew at every scrape, so a regression that begins late is found too.
 * `skip`: the scrape teaches the guess but is no evidence; whether to skip may not depend on the canary's own counts.
 *
 * Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change detection" (2022);
 * Vovk, Wang, "E-values: calibration, combination and applications" (Annals of Statistics, 2021).
 */
export function updated(process: EProcess, counts: Counts, settings: ProcessSettings, options: { readonly skip?: boolean } = {}): EProcess {
  const guess = guessOf(process);
  const { grid, tolerance, dispersion, cap } = settings;
  const { capital, reserve } = restaked(process, settings, (k) => (options.skip ? 0 : Math.min(lnIncrement(counts, tolerance, guess, grid[k]!) / dispersion, cap)));
  return {
    capital,
    reserve,
    bad: FADING * process.bad + counts.stable.bad,
    requests: FADING * process.requests + counts.stable.requests,
  };
}

/** One scrape's stake put on the alternatives, each of which then grows by `lnGrowth(k)` nats. */
export function restaked(stakes: Stakes, { firstStake, laterStake }: StakeSettings, lnGrowth: (k: number) => number): Stakes {
  const stake = isNew(stakes) ? firstStake : laterStake * stakes.reserve;
  const lnStake = Math.log(stake / stakes.capital.length);
  return { capital: stakes.capital.map((lnCapital, k) => logAdd(lnCapital, lnStake) + lnGrowth(k)), reserve: stakes.reserve - stake };
}

function isNew({ capital, reserve }: Stakes): boolean {
  return reserve === 1 && capital.every((lnCapital) => lnCapital === -Infinity);
}

/** ln E, in nats; 0 at the beginning. */
export function lnEvidence({ capital, reserve }: Stakes): number {
  return logAdd(logSumExp(capital), Math.log(reserve));
}
