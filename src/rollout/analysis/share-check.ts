/** Whether the canary sees the traffic that its weight says: what crashes before its sidecar, hangs or is routed wrongly answers no request, so no error shows it. */
import { newStakes, restaked, type Stakes } from "./e-process.ts";
import { lnPoissonIncrement, type Tolerance } from "./increment.ts";
import { capFor } from "./pool.ts";
import { FALSE_SHARE_ALARM, FIRST_STAKE, LATER_STAKE, MISSING } from "./settings.ts";

/** Requests that each version answered since the scrape before, and the canary's weight then in force, as a fraction. */
export interface ShareCounts {
  readonly canaryWeight: number;
  readonly canary: number;
  readonly stable: number;
}

/** The canary must see at least half of its share. */
const LEAST_SHARE: Tolerance = { rho: 0.5, delta: 0 };
/** Clients send requests in bunches. */
const DISPERSION = 3;
const CAP = capFor(FALSE_SHARE_ALARM, 1, MISSING.length);

/** Evidence that the canary's traffic is missing; its size is `lnEvidence`, held against `lnThreshold(FALSE_SHARE_ALARM)`. */
export function newShareCheck(): Stakes {
  return newStakes(MISSING);
}

/** The check after one more scrape: a Poisson increment with the weights as exposures and requests as events. */
export function updatedShareCheck(check: Stakes, { canaryWeight, canary, stable }: ShareCounts): Stakes {
  const counts = { canary: { exposure: canaryWeight, bad: canary }, stable: { exposure: 1 - canaryWeight, bad: stable } };
  const lnGrowth = (k: number): number => Math.min(lnPoissonIncrement(counts, LEAST_SHARE, MISSING[k]!) / DISPERSION, CAP);
  return restaked(check, { firstStake: FIRST_STAKE, laterStake: LATER_STAKE }, lnGrowth);
}
