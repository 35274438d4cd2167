/** Figures of many runs, and whether a published one is within their sampling error. */
import type { Outcome } from "./delivery.ts";

/** Two-sided, 99.9 %: of several hundred comparisons hardly one is out by chance. */
const QUANTILE = 3.29;

export interface Figures {
  readonly runs: number;
  readonly taken: number;
  /** Seconds to rollback, ascending; of those taken back. */
  readonly seconds: readonly number[];
  /** Seconds to the end, whichever it is, ascending. */
  readonly lasted: readonly number[];
  /** Harmed requests, ascending; of all runs. */
  readonly harmed: readonly number[];
}

export function figuresOf(outcomes: readonly Outcome[]): Figures {
  const taken = outcomes.filter(({ isRolledBack }) => isRolledBack);
  const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
  return {
    runs: outcomes.length,
    taken: taken.length,
    seconds: ascending(taken.map(({ seconds }) => seconds)),
    lasted: ascending(outcomes.map(({ seconds }) => seconds)),
    harmed: ascending(outcomes.map(({ harmed }) => harmed)),
  };
}

export function percentTaken({ taken, runs }: Figures): number {
  return (100 * taken) / runs;
}

/** Whether more were taken back than chance lets it happen (1 in 1,000) where the probability is `percent`. */
export function isBeyondChance({ taken, runs }: Figures, percent: number): boolean {
  const mean = (runs * percent) / 100;
  let [term, below] = [Math.exp(-mean), 0]; // Poisson's tail, which is heavier than the binomial one
  for (let count = 0; count < taken; count++) {
    below += term;
    term *= mean / (count + 1);
  }
  return 1 - below < 0.001;
}

export function quantileOf(ascending: readonly number[], fraction: number): number | undefined {
  return ascending[Math.min(ascending.length - 1, Math.floor(fraction * ascending.length))];
}

/** Whether `percent`, from so many runs and printed to `resolution`, could be the same probability as the measured one. Agresti, Caffo (2000): two of each kind are added. */
export function isSamePercent(measured: Figures, percent: number, publishedRuns: number, resolution: number): boolean {
  const one = (measured.taken + 1) / (measured.runs + 2);
  const other = ((percent / 100) * publishedRuns + 1) / (publishedRuns + 2);
  const error = Math.sqrt((one * (1 - one)) / (measured.runs + 2) + (other * (1 - other)) / (publishedRuns + 2));
  return Math.abs(one - other) <= QUANTILE * error + resolution / 200;
}

/** Whether `value` could be the quantile: between the order statistics that enclose it, where there are such. Values come in lumps (scrapes, whole requests). */
export function isSameQuantile(ascending: readonly number[], fraction: number, value: number, lump: number): boolean {
  const reach = QUANTILE * Math.sqrt(ascending.length * fraction * (1 - fraction)) + 1;
  const at = fraction * ascending.length;
  const [low, high] = [ascending[Math.floor(at - reach)] ?? -Infinity, ascending[Math.ceil(at + reach)] ?? Infinity];
  return value >= low - lump && value <= high + lump;
}
