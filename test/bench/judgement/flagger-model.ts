/** Flagger's judgement: a success rate and a 99th percentile of the last minute against fixed limits, and a count of failed checks. */
import type { Judge } from "./delivery.ts";
import { BOUNDS_MS, LIMIT_MS, SCRAPE_SECONDS, type Scrape } from "./traffic.ts";

export interface FlaggerSettings {
  readonly intervalSeconds: number;
  /** Failed checks, in all, before it takes the traffic back. */
  readonly threshold: number;
}

/** Of the built-in metrics, unless another one is asked for. */
const WINDOW_SECONDS = 60;
const MOST_ERRORS = 0.01;
const MOST_SLOWER = 0.01;
const LIMIT = BOUNDS_MS.indexOf(LIMIT_MS);

/**
 * At each interval: if `threshold` checks have failed before, back; else it checks, and goes on by a step if the check passes. No traffic is a failed check.
 * So what is bad from the beginning is taken back after (threshold + 1) intervals.
 */
export function createFlaggerJudge({ intervalSeconds, threshold }: FlaggerSettings): Judge {
  const window: Scrape[] = [];
  let failedChecks = 0;
  return (scrape) => {
    window.push(scrape);
    if (window.length > WINDOW_SECONDS / SCRAPE_SECONDS) window.shift();
    if (scrape.second % intervalSeconds !== 0) return "stay";
    if (failedChecks >= threshold) return "rollBack";
    if (passes(window)) return "advance";
    failedChecks += 1;
    return "stay";
  };
}

function passes(window: readonly Scrape[]): boolean {
  const total = (of: (scrape: Scrape) => number): number => window.reduce((sum, scrape) => sum + of(scrape), 0);
  const requests = total(({ canary }) => canary.requests);
  if (requests === 0) return false;
  return total(({ canary }) => canary.errors) <= MOST_ERRORS * requests && total(({ canary }) => canary.slower[LIMIT]!) <= MOST_SLOWER * requests;
}
