/** How long to wait before the next attempt: doubling, bounded, and spread so that many clients do not come at once. */

export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Milliseconds before attempt `failures + 1`: half of the doubled span for certain, the other half by chance (`random` in [0, 1)). */
export function backOffMs(backOff: BackOff, failures: number, random: () => number): number {
  const span = Math.min(backOff.mostMs, backOff.firstMs * 2 ** Math.min(failures, 30));
  return span / 2 + (random() * span) / 2;
}
