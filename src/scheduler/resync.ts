/** Puts back into the queue what Redis may have lost: unfinished Rollouts every few seconds, those at rest rarely. */
import type { Schedule, Schedules } from "./schedule.ts";
import { untilNextLookMs } from "./schedule.ts";
import type { SchedulerMetrics } from "./scheduler-metrics.ts";
import type { TickQueue } from "./tick-queue.ts";
import type { Cancel, TimeSource } from "./time.ts";

export interface Resync {
  start(): void;
  stop(): void;
}

export interface ResyncOptions {
  readonly queue: TickQueue;
  readonly schedules: Schedules;
  readonly time: TimeSource;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly metrics: Pick<SchedulerMetrics, "resynced">;
  /** Rollouts at rest whose turn it is, while Redis accepts nothing. */
  readonly onRefused: (atRest: readonly Schedule[]) => void;
}

export const RESYNC_EVERY_MS = 5_000;
const JITTER_MS = 1_000;
export const LOOK_AT_REST_EVERY_MS = 300_000;
/** Rollouts at rest are spread over this time. */
const SPREAD_AT_REST_MS = 60_000;

export function createResync({ queue, schedules, time, random, metrics, onRefused }: ResyncOptions): Resync {
  let cancel: Cancel = () => {};
  let stopped = false;
  let lookedAtRestMs = 0;
  return { start, stop };

  function start(): void {
    lookedAtRestMs = time.nowMs();
    arm();
  }

  function stop(): void {
    stopped = true;
    cancel();
  }

  function arm(): void {
    if (!stopped) cancel = time.after(RESYNC_EVERY_MS + random() * JITTER_MS, () => void pass().finally(arm));
  }

  async function pass(): Promise<void> {
    const all = [...schedules.list()];
    const unfinished = all.filter((schedule) => schedule.unfinished);
    const isFilled = await queue.fill(unfinished.map((schedule) => ({ schedule, delayMs: dueInMs(schedule) })));
    if (isFilled) metrics.resynced(unfinished.length);
    if (time.nowMs() - lookedAtRestMs >= LOOK_AT_REST_EVERY_MS) await lookAtRest(all.filter((schedule) => !schedule.unfinished));
  }

  async function lookAtRest(atRest: readonly Schedule[]): Promise<void> {
    lookedAtRestMs = time.nowMs();
    const isFilled = await queue.fill(atRest.map((schedule) => ({ schedule, delayMs: random() * SPREAD_AT_REST_MS })));
    if (!isFilled) onRefused(atRest);
  }

  /** At the committed next look; what is overdue is spread, for after a loss everything is. */
  function dueInMs(schedule: Schedule): number {
    return untilNextLookMs(schedule, time.nowMs()) || random() * JITTER_MS;
  }
}
