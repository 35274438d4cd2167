/** How long to wait before trying again. */

export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly capMs: number;
}

/** Between half and the whole of the exponential delay after `failures` (1 or more) in a row; `random` is from 0 to 1. */
export function backoffMs({ firstMs, factor, capMs }: Backoff, failures: number, random: number): number {
  const fullMs = Math.min(capMs, firstMs * factor ** Math.min(failures - 1, 30));
  return Math.round(fullMs * (0.5 + random / 2));
}
