/** The counters of both versions under made traffic: what Prometheus would show of it at each instant. */
import type { Random } from "../playground/random.ts";
import { LATENCY_SIGMA, poissonFrom, slowerThan } from "./draws.ts";

/** How a version answers. */
export interface Quality {
  /** Fraction of requests that fail. */
  readonly errors: number;
  readonly medianMs: number;
  /** Requests sent to it are lost: no proxy of its own counts them. */
  readonly isGone?: boolean;
}

export interface TrafficModel {
  readonly requestsPerSecond: number;
  readonly stable: Quality;
  /** By milliseconds since the rollout began. */
  readonly canary: (sinceMs: number) => Quality;
  /** Bounds of the latency histogram in milliseconds, rising; none where latency is not judged. */
  readonly boundsMs: readonly number[];
}

/** A version's counters since the beginning of time. */
export interface Counters {
  readonly requests: number;
  readonly errors: number;
  /** Requests slower than each of the model's bounds. */
  readonly slower: readonly number[];
}

export interface Sides {
  readonly canary: Counters;
  readonly stable: Counters;
}

export interface Traffic {
  /** Lets time go on, with this share of the requests (0 to 1) sent to the canary. Time never goes back. */
  advance(toMs: number, canaryShare: number): void;
  /** The counters at an instant of the grid; zeros where nothing was scraped yet. */
  at(instantMs: number): Sides;
  /** Requests that failed, were lost or were slow, and would not have been without the canary: the expected number. */
  harmed(): number;
}

export interface TrafficOptions {
  readonly startMs: number;
  /** Every so often both versions are scraped. */
  readonly scrapeMs: number;
  readonly random: Random;
}

export function createTraffic(model: TrafficModel, { startMs, scrapeMs, random }: TrafficOptions): Traffic {
  const zero: Counters = { requests: 0, errors: 0, slower: model.boundsMs.map(() => 0) };
  const scraped = new Map<number, Sides>();
  const usual = classesOf(model.stable.medianMs, model.boundsMs);
  let [nowMs, harmed, now] = [startMs, 0, { canary: zero, stable: zero } as Sides];

  function pass(toMs: number, share: number): void {
    const quality = model.canary((nowMs + toMs) / 2 - startMs);
    const requests = (model.requestsPerSecond * (toMs - nowMs)) / 1_000;
    const classes = quality.medianMs === model.stable.medianMs ? usual : classesOf(quality.medianMs, model.boundsMs);
    const canary = quality.isGone ? zero : drawn(random, requests * share, quality.errors, classes);
    now = { canary: sum(now.canary, canary), stable: sum(now.stable, drawn(random, requests * (1 - share), model.stable.errors, usual)) };
    harmed += (quality.isGone ? requests * share : canary.requests) * excessOf(quality, model.stable);
    nowMs = toMs;
  }

  return {
    advance(toMs, canaryShare) {
      while (nowMs < toMs) {
        const nextScrapeMs = (Math.floor(nowMs / scrapeMs) + 1) * scrapeMs;
        pass(Math.min(toMs, nextScrapeMs), canaryShare);
        if (nowMs === nextScrapeMs) scraped.set(nowMs, now);
      }
    },
    at: (instantMs) => scraped.get(instantMs) ?? { canary: zero, stable: zero },
    harmed: () => harmed,
  };
}

/** A version's counters after so many requests on average, all with the same quality. */
export function drawnCounters(model: TrafficModel, quality: Quality, requests: number, random: Random): Counters {
  return drawn(random, requests, quality.errors, classesOf(quality.medianMs, model.boundsMs));
}

/** Poisson arrivals, split by what becomes of each: independent Poisson counts. */
function drawn(random: Random, requests: number, errorFraction: number, classes: readonly number[]): Counters {
  const failed = classes.map((fraction) => poissonFrom(random, requests * errorFraction * fraction));
  const all = classes.map((fraction, at) => failed[at]! + poissonFrom(random, requests * (1 - errorFraction) * fraction));
  return { requests: total(all), errors: total(failed), slower: classes.slice(1).map((_, at) => total(all.slice(at + 1))) };
}

/** Fractions of requests between the bounds, from the fastest to those slower than all of them. */
function classesOf(medianMs: number, boundsMs: readonly number[]): readonly number[] {
  const slower = [1, ...boundsMs.map((boundMs) => slowerThan(boundMs, medianMs)), 0];
  return slower.slice(0, -1).map((fraction, at) => fraction - slower[at + 1]!);
}

/** A request slower than 99 of 100 used to be is one that people notice. */
const P99_OF_MEDIAN = Math.exp(LATENCY_SIGMA * 2.3263);

/** The probability that a request is harmed by being the canary's. */
function excessOf(canary: Quality, stable: Quality): number {
  if (canary.isGone) return 1;
  if (canary.medianMs === stable.medianMs) return canary.errors - stable.errors;
  return slowerThan(stable.medianMs * P99_OF_MEDIAN, canary.medianMs) - 0.01;
}

function sum(one: Counters, other: Counters): Counters {
  return { requests: one.requests + other.requests, errors: one.errors + other.errors, slower: one.slower.map((count, at) => count + other.slower[at]!) };
}

export function difference(later: Counters, earlier: Counters): Counters {
  return { requests: later.requests - earlier.requests, errors: later.errors - earlier.errors, slower: later.slower.map((count, at) => count - earlier.slower[at]!) };
}

function total(counts: readonly number[]): number {
  return counts.reduce((added, one) => added + one, 0);
}
