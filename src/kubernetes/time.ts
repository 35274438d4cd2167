/** Clock and timers as a value, so that tests turn them by hand. */

export interface Time {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Calls `act` once after `delayMs`; the function returned cancels that. */
  after(delayMs: number, act: () => void): () => void;
}

export const systemTime: Time = {
  nowMs: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Settles after `delayMs`, or as soon as the signal aborts; never rejects. */
export function sleep(time: Time, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = time.after(delayMs, wake);
    signal?.addEventListener("abort", wake, { once: true });
  });
}
