/** Channels of one run as one number: their average, which is valid evidence however they depend on each other. */
import { logSumExp } from "./log-space.ts";
import { FIRST_STAKE, SCRAPES_TO_DECIDE } from "./settings.ts";

/** ln Σ share * E, in nats. Shares add up to 1. Vovk, Wang, "E-values: calibration, combination and applications" (Annals of Statistics, 2021). */
export function lnPooled(channels: readonly { readonly share: number; readonly lnE: number }[]): number {
  return logSumExp(channels.map(({ share, lnE }) => Math.log(share) + lnE));
}

/** What ln E has to reach, in nats: ln(1/α). Ville's inequality. */
export function lnThreshold(alpha: number): number {
  return -Math.log(alpha);
}

/**
 * The most that one scrape may add to one alternative, in nats, so that no channel decides in fewer than `scrapesToDecide`:
 *
 *     cap = (ln(1/α) + ln(alternatives / firstStake) - ln(share)) / scrapesToDecide
 *
 * A cut-off increment is no larger than the increment, so it costs no validity; it is what makes clocks that differ between two scrapes harmless.
 */
export function capFor(alpha: number, share: number, alternatives: number, scrapesToDecide = SCRAPES_TO_DECIDE, firstStake = FIRST_STAKE): number {
  return (lnThreshold(alpha) + Math.log(alternatives / firstStake) - Math.log(share)) / scrapesToDecide;
}
