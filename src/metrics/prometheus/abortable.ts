/** Leaves a promise alone as soon as a signal aborts. */

/** The promise's outcome, or the signal's reason if that comes first. The listener is taken off again, so long-lived signals gather none. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
