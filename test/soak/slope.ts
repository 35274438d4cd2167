/** Whether a gauge grows: a straight line through its samples, and how sure that is. */

export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

export interface Slope {
  readonly mean: number;
  readonly perHour: number;
  /** Standard error of `perHour`. */
  readonly error: number;
}

const HOUR_MS = 3_600_000;

/** Least squares; at least three samples. */
export function slopeOf(samples: readonly Sample[]): Slope {
  const hours = samples.map(({ atMs }) => atMs / HOUR_MS);
  const values = samples.map(({ value }) => value);
  const [middle, mean] = [meanOf(hours), meanOf(values)];
  const spread = sum(hours.map((hour) => (hour - middle) ** 2));
  const perHour = sum(hours.map((hour, index) => (hour - middle) * (values[index]! - mean))) / spread;
  const residues = hours.map((hour, index) => values[index]! - mean - perHour * (hour - middle));
  return { mean, perHour, error: Math.sqrt(sum(residues.map((one) => one ** 2)) / Math.max(1, samples.length - 2) / spread) };
}

/** Growth in an hour, in percent of the mean, that does not count. */
export const NEGLIGIBLE_PERCENT = 5;

/** Not more than chance, or so little that it does not matter. */
export function isFlat({ mean, perHour, error }: Slope): boolean {
  return perHour <= 2 * error || perHour <= (mean * NEGLIGIBLE_PERCENT) / 100;
}

function meanOf(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
