/** Notices a daemon whose Rollouts wait although nothing looks at them, from whatever source. */
import type { RolloutRef } from "../rollout/rollout.ts";
import { keyOf, type Schedule, type Schedules } from "./schedule.ts";
import type { TimeSource } from "./time.ts";

export interface Watchdog {
  /** A tick of this Rollout begins in this process. */
  saw(ref: RolloutRef): void;
  /** One sentence per Rollout that starves, at most five; empty: all is well. */
  reasons(): readonly string[];
}

/** Intervals without a tick after the late timer should have fired. */
const MISSED_INTERVALS = 3;
/** However short the interval: one tick alone may take nearly that long. */
const SHORTEST_PATIENCE_MS = 30_000;
const MOST_REASONS = 5;

export function createWatchdog(schedules: Schedules, time: TimeSource): Watchdog {
  let seenAtMs = new Map<string, number>();
  return {
    saw: (ref) => void seenAtMs.set(keyOf(ref), time.nowMs()),
    reasons() {
      const unfinished = [...schedules.list()].filter((schedule) => schedule.unfinished);
      seenAtMs = new Map(unfinished.map((schedule) => [keyOf(schedule), seenAtMs.get(keyOf(schedule)) ?? time.nowMs()]));
      return unfinished.flatMap((schedule) => reasonFor(schedule, seenAtMs.get(keyOf(schedule)) ?? 0, time.nowMs())).slice(0, MOST_REASONS);
    },
  };
}

function reasonFor(schedule: Schedule, seenAtMs: number, nowMs: number): readonly string[] {
  const dueAtMs = Math.max(seenAtMs, schedule.nextLookAtMs ?? 0) + schedule.intervalMs;
  const overdueMs = nowMs - dueAtMs;
  if (overdueMs <= Math.max(SHORTEST_PATIENCE_MS, MISSED_INTERVALS * schedule.intervalMs)) return [];
  return [`${keyOf(schedule)} has waited ${Math.round(overdueMs / 1_000)}s for a tick, by Redis or by this daemon's own timer; restart the daemon`];
}
