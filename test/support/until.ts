/** Waits for a condition, not for a time. */

export interface Patience {
  readonly limitMs?: number;
  /** Longer where each look is a request. */
  readonly everyMs?: number;
}

/** Settles when `condition` holds; rejects after the limit, which a number alone sets, too. */
export async function until(condition: () => unknown, patience: number | Patience = {}): Promise<void> {
  const { limitMs = 10_000, everyMs = 5 } = typeof patience === "number" ? { limitMs: patience } : patience;
  const endMs = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
