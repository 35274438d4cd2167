/** Waits for a condition, not for a time. */

const LOOK_EVERY_MS = 5;

/** Settles when `condition` holds; rejects after `limitMs`. */
export async function until(condition: () => unknown, limitMs = 10_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
