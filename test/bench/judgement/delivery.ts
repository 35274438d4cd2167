/** One rollout from its first weight to its end, as a judge of the counters takes it. */
import { BOUNDS_MS, SCRAPE_SECONDS, slowerFractions, type Scenario, type Scrape, type Traffic } from "./traffic.ts";

/** What a judge wants after a scrape. */
export type Wish = "stay" | "advance" | "rollBack";

/** Sees every scrape, in order. */
export type Judge = (scrape: Scrape) => Wish;

export interface Outcome {
  readonly isRolledBack: boolean;
  readonly seconds: number;
  /** Requests that failed, or were slow, and with the stable version would not have. */
  readonly harmed: number;
}

/** From the scrape to the traffic being back: query, decision, route, proxies. */
const TAKING_BACK_SECONDS = 2;
/** A judge that never ends is a bug of the bench. */
const MOST_SCRAPES = 10_000;
/** The bound at which a slow request counts as harmed: near the 98th percentile. */
const HARM_BOUND = BOUNDS_MS.indexOf(250);

export function deliver(scenario: Scenario, traffic: Traffic, weights: readonly number[], judge: Judge): Outcome {
  let [stage, harmed] = [0, 0];
  for (let scrape = 1; scrape <= MOST_SCRAPES; scrape++) {
    const [from, to] = [(scrape - 1) * SCRAPE_SECONDS, scrape * SCRAPE_SECONDS];
    const seen = traffic(from, to, weights[stage]!);
    harmed += seen.canary.requests * excess(scenario, (from + to) / 2);
    const wish = judge(seen);
    if (wish === "rollBack") {
      const late = traffic(to, to + TAKING_BACK_SECONDS, weights[stage]!);
      return { isRolledBack: true, seconds: to, harmed: harmed + late.canary.requests * excess(scenario, to) };
    }
    if (wish === "advance") stage += 1;
    if (stage === weights.length) return { isRolledBack: false, seconds: to, harmed };
  }
  throw new Error(`expected ${scenario.name} to end within ${MOST_SCRAPES} scrapes`);
}

/** The probability that a request is harmed by being the canary's. */
function excess({ canary, stable }: Scenario, second: number): number {
  const [worse, usual] = [canary(second), stable(second)];
  if (worse.medianMs === usual.medianMs) return worse.errors - usual.errors;
  return slowerFractions(worse.medianMs)[HARM_BOUND]! - slowerFractions(usual.medianMs)[HARM_BOUND]!;
}
