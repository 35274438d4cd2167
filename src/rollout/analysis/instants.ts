/** The common grid of instants: Rollouts that share an interval look at the same times and so share queries. */

/** The newest instant whose samples may be asked for: a multiple of the interval, at least `settleMs` ago. */
export function dueInstant(nowMs: number, intervalMs: number, settleMs: number): number {
  return Math.floor((nowMs - settleMs) / intervalMs) * intervalMs;
}

/** When to look next: the first instant after the newest due one, plus the time its samples need to settle. */
export function nextLook(nowMs: number, intervalMs: number, settleMs: number): number {
  return dueInstant(nowMs, intervalMs, settleMs) + intervalMs + settleMs;
}
