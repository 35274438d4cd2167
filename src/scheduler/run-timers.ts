/** One timer per Rollout in this process; setting it again replaces it. */
import type { RolloutRef } from "../rollout/rollout.ts";
import { keyOf, refOf } from "./schedule.ts";
import type { Cancel, TimeSource } from "./time.ts";

export interface RunTimers {
  set(ref: RolloutRef, atMs: number): void;
  clear(ref: RolloutRef): void;
  clearAll(): void;
}

export function createRunTimers(time: TimeSource, fire: (ref: RolloutRef, dueAtMs: number) => void): RunTimers {
  const cancels = new Map<string, Cancel>();
  const clear = (ref: RolloutRef): void => {
    cancels.get(keyOf(ref))?.();
    cancels.delete(keyOf(ref));
  };
  return {
    clear,
    set(ref, atMs) {
      clear(ref);
      const own = refOf(ref);
      const cancel = time.after(atMs - time.nowMs(), () => {
        cancels.delete(keyOf(own));
        fire(own, atMs);
      });
      cancels.set(keyOf(own), cancel);
    },
    clearAll() {
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
    },
  };
}
