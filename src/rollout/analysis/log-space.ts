/** Sums of numbers that are kept as their logarithms, since evidence overflows and underflows quickly. */

/** ln(e^a + e^b); -Infinity stands for nothing. */
export function logAdd(a: number, b: number): number {
  if (a === -Infinity) return b;
  if (b === -Infinity) return a;
  const larger = Math.max(a, b);
  return larger === Infinity ? Infinity : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
}

/** ln Σ e^x; -Infinity for no summands. */
export function logSumExp(summands: readonly number[]): number {
  let total = -Infinity;
  for (const one of summands) total = logAdd(total, one);
  return total;
}
