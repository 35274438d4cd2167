/** How effects follow each other where one of them fails. */
import type { Effect } from "../rollout/effects.ts";

/**
 * One after the other, up to the first that fails; of several objects each has its route written, whatever became of another's (law 5). Throws what failed first.
 */
export async function inOrder(effects: readonly Effect[], act: (effect: Effect) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const effect of effects) {
    if (failures.length > 0 && effect.kind !== "writeRoute") break;
    await act(effect).catch((error: unknown) => {
      if (effect.kind !== "writeRoute") throw error;
      failures.push(error);
    });
  }
  if (failures.length > 0) throw failures[0];
}
