/** Time as the scheduler uses it: given from outside, so that a test can be its own clock. */

export interface TimeSource {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Runs `run` once, `delayMs` from now (at least 0). */
  after(delayMs: number, run: () => void): Cancel;
}

export type Cancel = () => void;

/** What a Node timer can hold; a later instant fires early, and whoever is called looks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemTime: TimeSource = {
  nowMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** The value of `work`, or undefined where it fails or takes longer than `limitMs`; it is not stopped, only no longer waited for. */
export async function within<T>(time: TimeSource, limitMs: number, work: Promise<T>): Promise<T | undefined> {
  let cancel: Cancel = () => {};
  const late = new Promise<undefined>((resolve) => (cancel = time.after(limitMs, () => resolve(undefined))));
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    cancel();
  }
}

/** Whether `work` succeeded within `limitMs`. */
export async function succeedsWithin(time: TimeSource, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  return (await within(time, limitMs, work.then(() => true))) ?? false;
}
