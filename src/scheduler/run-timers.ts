/** This process's own timers: at most one of each kind per Rollout, whatever Redis does. */
import type { RolloutRef } from "../rollout/rollout.ts";
import { keyOf, refOf, type Schedule } from "./schedule.ts";
import type { Cancel, TimeSource } from "./time.ts";

export interface OwnTimers {
  /** In the queue's place: fires at that instant. */
  setExact(ref: RolloutRef, atMs: number): void;
  clearExact(ref: RolloutRef): void;
  /** Beside the queue: fires one interval after the look that somebody should have taken (law 1). */
  setLate(schedule: Schedule, nextLookAtMs: number): void;
  forget(ref: RolloutRef): void;
  close(): void;
}

export type OnDue = (ref: RolloutRef, dueAtMs: number) => void;

/** Spreads the daemons' late timers, which would otherwise all fire at once. */
const SPREAD_MS = 250;

/** `random` is from 0 to 1. */
export function createOwnTimers(time: TimeSource, random: () => number, onDue: OnDue): OwnTimers {
  const exact = createTimers(time, onDue);
  const late = createTimers(time, onDue);
  return {
    setExact: exact.set,
    clearExact: exact.clear,
    setLate: (schedule, nextLookAtMs) => late.set(schedule, nextLookAtMs + schedule.intervalMs + random() * SPREAD_MS),
    forget(ref) {
      exact.clear(ref);
      late.clear(ref);
    },
    close() {
      exact.clearAll();
      late.clearAll();
    },
  };
}

/** One timer per Rollout; setting it again replaces it. */
function createTimers(time: TimeSource, fire: OnDue) {
  const cancels = new Map<string, Cancel>();
  const clear = (ref: RolloutRef): void => {
    cancels.get(keyOf(ref))?.();
    cancels.delete(keyOf(ref));
  };
  return {
    clear,
    set(ref: RolloutRef, atMs: number): void {
      clear(ref);
      const own = refOf(ref);
      const cancel = time.after(atMs - time.nowMs(), () => {
        cancels.delete(keyOf(own));
        fire(own, atMs);
      });
      cancels.set(keyOf(own), cancel);
    },
    clearAll(): void {
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
    },
  };
}
