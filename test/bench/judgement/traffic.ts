/** A service under a rollout as its counters show it: what each version answers between two scrapes. */
import type { Random } from "../../../src/playground/random.ts";
import type { PodSeries } from "../../../src/rollout/analysis/dispersion.ts";
import type { Side } from "../../../src/rollout/analysis/increment.ts";
import { geometricFrom, normalTail, poissonFrom } from "./draws.ts";

export const SCRAPE_SECONDS = 10;
/** Bucket bounds that tell something of a service as fast as this one. */
export const BOUNDS_MS: readonly number[] = [50, 100, 250, 500];
/** What the latency limit asks about: the 99th percentile is to be below. */
export const LIMIT_MS = 500;
export const USUAL: Quality = { errors: 0.001, medianMs: 40 };
/** Of the logarithm of the latency, which is normal. */
const SIGMA = 0.9;
const USUAL_PODS = 10;
const HISTORY_SCRAPES = 180;

/** How a version answers. */
export interface Quality {
  /** Fraction of requests that fail. */
  readonly errors: number;
  readonly medianMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly stable: (second: number) => Quality;
  readonly canary: (second: number) => Quality;
  /** Requests that fail together, on one pod, on average; 1 unless said. */
  readonly burst?: number;
  /** Errors come from single pods that are bad for a while, instead of from anywhere. */
  readonly flaky?: Flakiness;
}

export interface Flakiness {
  readonly stablePods: number;
  readonly canaryPods: number;
  /** Fraction of a bad pod's requests that fail; of a well one's none does. */
  readonly errors: number;
  /** How long a bad spell lasts, on average. */
  readonly badScrapes: number;
  /** Of all time. */
  readonly badFraction: number;
}

/** Counter deltas of one version. */
export interface Answered {
  readonly requests: number;
  readonly errors: number;
  /** Requests slower than each of BOUNDS_MS. */
  readonly slower: readonly number[];
}

/** What was counted between two scrapes. `second`: of the later one, from the start of the rollout. */
export interface Scrape {
  readonly second: number;
  /** Fraction of requests sent to the canary. */
  readonly weight: number;
  readonly canary: Answered;
  readonly stable: Answered;
}

/** Draws what happens between two instants at a weight. Instants never go back. */
export type Traffic = (fromSecond: number, toSecond: number, weight: number) => Scrape;

export function createTraffic(scenario: Scenario, random: Random): Traffic {
  const { requestsPerSecond, burst = 1, flaky } = scenario;
  const spells = flaky && { canary: createSpells(flaky, flaky.canaryPods, random), stable: createSpells(flaky, flaky.stablePods, random) };
  return (fromSecond, toSecond, weight) => {
    const requests = requestsPerSecond * (toSecond - fromSecond);
    const of = (version: "canary" | "stable", share: number): Answered => {
      const usual = scenario[version]((fromSecond + toSecond) / 2);
      const quality = spells ? { ...usual, errors: meanOf(spells[version]()) } : usual;
      return answered(random, requests * share, quality, burst);
    };
    return { second: toSecond, weight, canary: of("canary", weight), stable: of("stable", 1 - weight) };
  };
}

/** Poisson arrivals, split by what becomes of each: independent Poisson counts. */
function answered(random: Random, expected: number, quality: Quality, burst: number): Answered {
  const classes = classFractions(quality.medianMs);
  const failed = failedByClass(random, expected * quality.errors, classes, burst);
  const byClass = classes.map((fraction, index) => failed[index]! + poissonFrom(random, expected * fraction * (1 - quality.errors)));
  return { requests: sumOf(byClass), errors: sumOf(failed), slower: BOUNDS_MS.map((_, index) => sumOf(byClass.slice(index + 1))) };
}

function failedByClass(random: Random, expected: number, classes: readonly number[], burst: number): readonly number[] {
  if (burst === 1) return classes.map((fraction) => poissonFrom(random, expected * fraction));
  const failed = classes.map(() => 0);
  for (let left = burstsFrom(random, expected, burst); left > 0; left--) failed[classFrom(random, classes)]! += 1;
  return failed;
}

/** Requests that failed, in bursts whose sizes are geometric with this mean. */
function burstsFrom(random: Random, expected: number, burst: number): number {
  if (burst === 1) return poissonFrom(random, expected);
  let failed = 0;
  for (let left = poissonFrom(random, expected / burst); left > 0; left--) failed += geometricFrom(random, burst);
  return failed;
}

function classFrom(random: Random, classes: readonly number[]): number {
  let left = random();
  return Math.max(0, classes.findIndex((fraction) => (left -= fraction) < 0));
}

/** Fractions of requests between the bounds, from the fastest to those slower than all of them. */
function classFractions(medianMs: number): readonly number[] {
  const slower = [1, ...slowerFractions(medianMs), 0];
  return slower.slice(0, -1).map((fraction, index) => fraction - slower[index + 1]!);
}

/** Fractions of requests slower than each of BOUNDS_MS. */
export function slowerFractions(medianMs: number): readonly number[] {
  const known = FRACTIONS.get(medianMs);
  if (known) return known;
  const fractions = BOUNDS_MS.map((boundMs) => normalTail(Math.log(boundMs / medianMs) / SIGMA));
  FRACTIONS.set(medianMs, fractions);
  return fractions;
}

const FRACTIONS = new Map<number, readonly number[]>();

/** The fraction of requests that fail on each of some pods, from one scrape to the next. */
type Spells = () => readonly number[];

/** Bad spells of a geometric number of scrapes. */
function createSpells({ errors, badScrapes, badFraction }: Flakiness, pods: number, random: Random): Spells {
  const ends = 1 / badScrapes;
  const begins = (badFraction / (1 - badFraction)) * ends;
  let areBad = Array.from({ length: pods }, () => random() < badFraction);
  return () => {
    areBad = areBad.map((isBad) => (isBad ? random() >= ends : random() < begins));
    return areBad.map((isBad) => (isBad ? errors : 0));
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0);
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

/** The stable version's errors per pod and scrape in the half hour before the rollout. */
export function podHistory({ requestsPerSecond, burst = 1, flaky, stable }: Scenario, random: Random): PodSeries {
  const pods = flaky?.stablePods ?? USUAL_PODS;
  const spells = flaky && createSpells(flaky, pods, random);
  const expected = (requestsPerSecond * SCRAPE_SECONDS) / pods;
  const oneScrape = (): Side[] => {
    const failing = spells?.();
    return Array.from({ length: pods }, (_, pod) => {
      const errors = failing?.[pod] ?? stable(0).errors;
      const bad = burstsFrom(random, expected * errors, burst);
      return { requests: bad + poissonFrom(random, expected * (1 - errors)), bad };
    });
  };
  const scrapes = Array.from({ length: HISTORY_SCRAPES }, oneScrape);
  return Array.from({ length: pods }, (_, pod) => scrapes.map((scrape) => scrape[pod]!));
}
