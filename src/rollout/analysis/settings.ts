/** The figures of the comparison of canary and stable that a Rollout without its own ones is judged by. */

/** Probability, over a whole run and however often one looks, that a canary within its tolerances is taken back. */
export const FALSE_ROLLBACK = 0.01;
/** The same, of advancing early with a canary that is out of the tolerance for it. */
export const FALSE_ADVANCE = 0.05;
/** Of the share check. */
export const FALSE_SHARE_ALARM = 0.01;

/** Alternatives: by how much the odds of a bad request may have grown, as multipliers of the tolerated odds. */
export const REGRESSIONS: readonly number[] = [1.3, 2, 4, 10, 40, 400];
/** Alternatives of the evidence for advancing: a canary whose odds are this small a part of what is tolerated. */
export const SOUND: readonly number[] = [0.02, 0.2, 0.5];
/** Alternatives of the share check: the part of the least share that the canary sees. */
export const MISSING: readonly number[] = [0.02, 0.2, 0.5];

/** A run's evidence is an average over its channels: their parts, which add up to 1. Latency's is divided among its bounds. */
export const SHARES = { errors: 0.4, latency: 0.3, errorLimit: 0.2, latencyLimit: 0.1 } as const;

/** Part of the capital staked on the first scrape, and of the reserve on each later one: 1 / scrapes that a run is expected to last. */
export const FIRST_STAKE = 0.5;
export const LATER_STAKE = 1 / 30;
/** Scrapes it takes at least to decide anything: none can alone. */
export const SCRAPES_TO_DECIDE = 2;

/** The guess at the stable proportion fades with this factor per scrape, a time constant of 20 scrapes. */
export const FADING = 0.95;
/** Requests before the run that the guess may stand on at most. */
export const MOST_PRIOR_REQUESTS = 5_000;

/** Limits where the Rollout has none: bad requests of all, and requests slower than its 99th percentile may be. */
export const ERROR_LIMIT = 0.01;
export const SLOW_LIMIT = 0.01;

/** Points of the service-wide error rate that an undetected regression may add after advancing early, as a fraction. */
export const ADVANCE_HARM = 0.002;

/** Pods that have just become ready are cold: all but the error limit is skipped for as long. */
export const WARM_UP_MS = 30_000;
export const LEAST_STAGE_MS = 20_000;
export const MOST_STAGE_MS = 5 * 60_000;
