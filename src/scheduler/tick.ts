/** One tick of one Rollout: bounded in time, and the only place that decides when to look again after trouble. */
import { Conflict } from "../kubernetes/errors.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Logger } from "../telemetry/logger.ts";
import { backoffMs, type Backoff } from "./backoff.ts";
import { keyOf } from "./schedule.ts";
import type { SchedulerMetrics } from "./scheduler-metrics.ts";
import type { TimeSource } from "./time.ts";

/** `signal` ends the looking; it never cuts a write. */
export type Reconcile = (ref: RolloutRef, signal: AbortSignal) => Promise<{ readonly requeueAtMs?: number }>;

export type TickSource = "queue" | "command" | "event" | "timer";

export type TickOutcome =
  | { readonly kind: "done"; readonly requeueAtMs?: number }
  /** `conflict`: the world moved on, nothing was done; `failed`: the world is broken. */
  | { readonly kind: "conflict" | "failed"; readonly requeueAtMs: number }
  /** Somebody wants to look anew, or the daemon ends. */
  | { readonly kind: "interrupted" };

export type Tick = (ref: RolloutRef, source: TickSource, dueAtMs: number, controller: AbortController) => Promise<TickOutcome>;

export interface TickOptions {
  readonly reconcile: Reconcile;
  readonly time: TimeSource;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly metrics: SchedulerMetrics;
  readonly logger: Logger;
}

/** The reason of an abort that is no failure. */
export const INTERRUPTED = Symbol("interrupted");

/** When looking ends. */
export const DEADLINE_MS = 20_000;
/** When even writing is no longer waited for; below the lock's duration. */
export const HARD_LIMIT_MS = 27_000;
const AFTER_CONFLICT: Backoff = { firstMs: 50, factor: 2, capMs: 2_000 };
const AFTER_FAILURE: Backoff = { firstMs: 1_000, factor: 2, capMs: 10_000 };

export function createTick({ reconcile, time, random, metrics, logger }: TickOptions): Tick {
  const failures = new Map<string, number>();

  return async (ref, source, dueAtMs, controller) => {
    const startedAtMs = time.nowMs();
    const outcome = await attempt(ref, controller);
    metrics.tick(source, outcome.kind, time.nowMs() - startedAtMs, startedAtMs - dueAtMs);
    return outcome;
  };

  async function attempt(ref: RolloutRef, controller: AbortController): Promise<TickOutcome> {
    try {
      const result = await bounded(time, controller, () => reconcile(ref, controller.signal));
      if (failures.delete(keyOf(ref))) logger.info({ rollout: keyOf(ref) }, "ticks succeed again");
      return { kind: "done", ...result };
    } catch (error) {
      return controller.signal.reason === INTERRUPTED ? { kind: "interrupted" } : afterTrouble(ref, error);
    }
  }

  function afterTrouble(ref: RolloutRef, error: unknown): TickOutcome {
    const inARow = (failures.get(keyOf(ref)) ?? 0) + 1;
    failures.set(keyOf(ref), inARow);
    const isConflict = error instanceof Conflict;
    const delayMs = backoffMs(isConflict ? AFTER_CONFLICT : AFTER_FAILURE, inARow, random());
    const isNews = !isConflict && inARow === 1;
    logger[isNews ? "warn" : "debug"]({ rollout: keyOf(ref), inARow, delayMs, error }, "a tick failed; it will be tried again");
    return { kind: isConflict ? "conflict" : "failed", requeueAtMs: time.nowMs() + delayMs };
  }
}

async function bounded<T>(time: TimeSource, controller: AbortController, work: () => Promise<T>): Promise<T> {
  const endLooking = time.after(DEADLINE_MS, () => controller.abort(new Error(`the tick took longer than ${DEADLINE_MS / 1_000}s`)));
  let endWaiting = () => {};
  const overdue = new Promise<never>((_, reject) => {
    endWaiting = time.after(HARD_LIMIT_MS, () => reject(new Error(`the tick did not end within ${HARD_LIMIT_MS / 1_000}s, nor by its signal`)));
  });
  try {
    return await Promise.race([work(), overdue]);
  } finally {
    endLooking();
    endWaiting();
  }
}
