/** Links an abort signal to a controller and lets go again; AbortSignal.any would leak on a signal that lives long. */
export function link(signal: AbortSignal, controller: AbortController): () => void {
  const abort = (): void => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
