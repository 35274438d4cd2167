/** Draws that traffic is made of: how many requests there are, and how long they take. */
import type { Random } from "../playground/random.ts";

/** Below it is quicker to multiply uniform draws. */
const SMALL_MEAN = 12;

/** How many independent events there are of which `mean` are expected. */
export function poissonFrom(random: Random, mean: number): number {
  if (!(mean > 0)) return 0;
  return mean < SMALL_MEAN ? multiplied(random, mean) : rejected(random, mean);
}

function multiplied(random: Random, mean: number): number {
  const least = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > least; product *= random()) count += 1;
  return count;
}

/** Algorithm PTRS of W. Hörmann, "The transformed rejection method for generating Poisson random variables" (1993), without its shortcuts. */
function rejected(random: Random, mean: number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const scale = 1.1239 + 1.1328 / (b - 3.4);
  const lnMean = Math.log(mean);
  for (;;) {
    const u = random() - 0.5;
    const v = 1 - random();
    const us = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (count < 0 || us <= 0) continue;
    if (Math.log((v * scale) / (a / (us * us) + b)) <= count * lnMean - mean - lnFactorial(count)) return count;
  }
}

const EXACT_FACTORIALS = Array.from({ length: 16 }, (_, n) => Array.from({ length: n }, (_unused, at) => Math.log(at + 1)).reduce((sum, one) => sum + one, 0));

function lnFactorial(n: number): number {
  // Stirling's series beyond the table: to 1e-10 there.
  return EXACT_FACTORIALS[n] ?? (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5);
}

/** Of the logarithm of a latency, which is normal: what services usually show. */
export const LATENCY_SIGMA = 0.9;

/** The fraction of requests that take longer than a bound. */
export function slowerThan(boundMs: number, medianMs: number): number {
  return normalTail(Math.log(boundMs / medianMs) / LATENCY_SIGMA);
}

/** P(Z > z) of the standard normal distribution, to 1e-7: Abramowitz, Stegun, "Handbook of Mathematical Functions" (1964), 26.2.17. */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** The median at which this fraction of requests takes longer than a bound. */
export function medianFor(boundMs: number, slowerFraction: number): number {
  let [low, high] = [1e-3, boundMs * 1e3];
  for (let step = 0; step < 60; step++) {
    const middle = Math.sqrt(low * high);
    if (slowerThan(boundMs, middle) > slowerFraction) high = middle;
    else low = middle;
  }
  return low;
}
