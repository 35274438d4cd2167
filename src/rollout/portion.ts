/** What a version gets, in words: a share of the traffic, requests that are picked out, or shadows of requests that others answer. */
import { type Given, isGiven, isPickedOut } from "./ladder.ts";
import { percent } from "./rules/rule.ts";
import type { WeightStep } from "./spec-steps.ts";

/** Requests that were picked out or copied are no sample that stable's could be a measure for. */
export function isComparable({ mirrored = 0, ...given }: Omit<Given, "weight">): boolean {
  return !isPickedOut(given) && mirrored === 0;
}

/** `10%`, `the matched requests`, `the requests for HOST`, several of them, or `shadows of 20%`. */
export function portionSaid(given: Given): string {
  return [...shareSaid(given, ""), ...pickedSaid(given), ...shadowsSaid(given)].join(" and ");
}

/** `at 10%`, `with the matched requests`, `previewed at HOST`, several of them, or `with shadows of 20%`. */
export function standingSaid({ previewed, ...given }: Given): string {
  const isAlone = previewed !== undefined && !isGiven(given);
  const others = isAlone ? [] : [...shareSaid(given, "at "), ...[...pickedSaid(given), ...shadowsSaid(given)].map((each) => `with ${each}`)];
  return [...others, ...(previewed === undefined ? [] : [`previewed at ${previewed}`])].join(" and ");
}

/** The requests that go to it whatever its weight; empty where there are none. */
export function pickedSaid({ matched, previewed }: Pick<Given, "matched" | "previewed">): string[] {
  return [...(matched ? ["the matched requests"] : []), ...(previewed === undefined ? [] : [`the requests for ${previewed}`])];
}

/** 0% is said where there is nothing else to say. */
function shareSaid(given: Given, before: string): string[] {
  return given.weight > 0 || !isGiven(given) ? [`${before}${percent(given.weight)}`] : [];
}

function shadowsSaid({ mirrored = 0 }: Given): string[] {
  return mirrored > 0 ? [`shadows of ${percent(mirrored)}`] : [];
}

/** What a step gives to the new version. */
export function stepPortionSaid({ weight = 0, match, mirror, preview }: WeightStep): string {
  return portionSaid({ weight, matched: match, mirrored: mirror, previewed: preview });
}
