/** Lets at most so many through at once; others wait in order, until they are no longer wanted. */

export type Limit = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** A waiter whose signal aborts leaves the queue and throws the signal's reason. */
export function createLimit(atOnce: number): Limit {
  const waiting = new Set<() => void>();
  let free = atOnce;

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        waiting.delete(go);
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        waiting.delete(go);
        reject(signal.reason as Error);
      };
      waiting.add(go);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  function giveBack(): void {
    const [next] = waiting;
    if (next) next();
    else free += 1;
  }

  return async (work, signal) => {
    signal.throwIfAborted();
    if (free > 0) free -= 1;
    else await turn(signal);
    try {
      return await work();
    } finally {
      giveBack();
    }
  };
}
