/** Draws from the distributions that traffic is made of. */
import type { Random } from "../../../src/playground/random.ts";

/** Below it is quicker to multiply uniform draws. */
const SMALL_MEAN = 12;

/** How many events there are of which `mean` are expected. */
export function poissonFrom(random: Random, mean: number): number {
  if (!(mean > 0)) return 0;
  return mean < SMALL_MEAN ? countedPoisson(random, mean) : rejectedPoisson(random, mean);
}

function countedPoisson(random: Random, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count++;
  return count;
}

/** PTRS: W. Hörmann, "The transformed rejection method for generating Poisson random variables", 1993. */
function rejectedPoisson(random: Random, mean: number): number {
  const spread = 0.931 + 2.53 * Math.sqrt(mean);
  const tail = -0.059 + 0.02483 * spread;
  const inverseAlpha = 1.1239 + 1.1328 / (spread - 3.4);
  const quick = 0.9277 - 3.6224 / (spread - 2);
  for (;;) {
    const uniform = random() - 0.5;
    const height = random();
    const shifted = 0.5 - Math.abs(uniform);
    const count = Math.floor(((2 * tail) / shifted + spread) * uniform + mean + 0.43);
    if (shifted >= 0.07 && height <= quick) return count;
    if (count < 0 || (shifted < 0.013 && height > shifted)) continue;
    const density = count * Math.log(mean) - mean - lnFactorial(count);
    if (Math.log((height * inverseAlpha) / (tail / (shifted * shifted) + spread)) <= density) return count;
  }
}

const EXACT = Array.from({ length: 20 }, (_, n) => Array.from({ length: n }, (_unused, index) => Math.log(index + 1)).reduce((sum, one) => sum + one, 0));

function lnFactorial(n: number): number {
  if (n < EXACT.length) return EXACT[n]!;
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3); // Stirling
}

/** 1, 2, 3 ... with this mean. */
export function geometricFrom(random: Random, mean: number): number {
  return mean > 1 ? 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - 1 / mean)) : 1;
}

/** P(Z > z) of the standard normal distribution, to 1e-7: Abramowitz, Stegun, "Handbook of Mathematical Functions" (1964), 26.2.17. */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

