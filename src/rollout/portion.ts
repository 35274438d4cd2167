/** What a version gets, in words: a share of the traffic, requests that are picked out, or both. */
import { percent } from "./rules/rule.ts";
import type { WeightStep } from "./spec-steps.ts";

/** As much as a question about what a version gets needs. */
interface Given {
  readonly weight: number;
  /** Alternatives; absent: no request is picked out. */
  readonly matched?: unknown;
}

/** `10%`, `the matched requests`, or both. */
export function portionSaid({ weight, matched }: Given): string {
  return [...(weight > 0 || !matched ? [percent(weight)] : []), ...(matched ? ["the matched requests"] : [])].join(" and ");
}

/** `at 10%`, `with the matched requests`, or both. */
export function standingSaid({ weight, matched }: Given): string {
  return [...(weight > 0 || !matched ? [`at ${percent(weight)}`] : []), ...(matched ? ["with the matched requests"] : [])].join(" and ");
}

/** What a step gives to the new version. */
export function stepPortionSaid({ weight = 0, match }: WeightStep): string {
  return portionSaid({ weight, matched: match });
}
