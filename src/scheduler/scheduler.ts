/** Who looks at which Rollout when: ticks shared over Redis, and this daemon's own clock for whatever may not wait for it. */
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createAgenda } from "./agenda.ts";
import { createLanes } from "./lanes.ts";
import { createLocalTicks } from "./local-ticks.ts";
import type { RedisLink } from "./redis-link.ts";
import { createResync } from "./resync.ts";
import type { Schedules } from "./schedule.ts";
import type { SchedulerMetrics } from "./scheduler-metrics.ts";
import { createTick, type Reconcile } from "./tick.ts";
import { createTickQueue } from "./tick-queue.ts";
import { systemTime, type TimeSource } from "./time.ts";
import { createWatchdog } from "./watchdog.ts";
import { createTickWorker, type ClosableWorker } from "./worker.ts";

export interface SchedulerOptions {
  readonly redis: RedisLink;
  readonly reconcile: Reconcile;
  readonly schedules: Schedules;
  readonly metrics: SchedulerMetrics;
  readonly logger: Logger;
  /** Ticks from the queue at once, and as many again by own timers; 1 to 200. Commands are never held back. */
  readonly concurrency: number;
  readonly time?: TimeSource;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export interface Scheduler {
  /** Never waits for Redis. */
  start(): void;
  /** For commands, spec changes and deletions: past the queue, in this process, at once. */
  tickNow(ref: RolloutRef): void;
  /** For what else changed (routes, pods, rules): by the queue, or here if Redis does not accept it within 250 ms. */
  wake(ref: RolloutRef): void;
  /** For each change of a Rollout in the cache: arms its late timer. */
  rearm(ref: RolloutRef): void;
  /** Whether ticks are shared over Redis just now; for doctor and metrics, never for readiness (law 1). */
  isShared(): boolean;
  /** Why this process should be restarted; empty: it is well. */
  unhealthy(): readonly string[];
  /** Ends within 10 s, also without Redis; what is being written is finished, what is being looked at is left to others. */
  close(): Promise<void>;
}

const DRAIN_LIMIT_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { redis: link, schedules, metrics, logger, concurrency, time = systemTime, random = Math.random } = options;
  const inBackground = backgroundOf(logger);
  const queue = createTickQueue({ link, time, logger });
  const watchdog = createWatchdog(schedules, time);
  const lanes = createLanes(withWatchdog(createTick({ ...options, time, random }), watchdog.saw), time);
  const agenda = createAgenda({ queue, schedules, time, random, onDue: (ref, dueAtMs) => inBackground(local.soon(ref, "timer", dueAtMs)) });
  const local = createLocalTicks(lanes, agenda, concurrency);
  const resync = createResync({ queue, schedules, time, random, metrics, onRefused: (atRest) => atRest.forEach((ref) => inBackground(local.soon(ref, "timer", time.nowMs()))) });
  let worker: ClosableWorker | undefined;
  let isClosing = false;

  return {
    start() {
      worker = createTickWorker({ link, time, logger, concurrency, work: workOnQueued });
      resync.start();
    },
    tickNow: (ref) => inBackground(local.now(ref, time.nowMs())),
    wake: (ref) => inBackground(wake(ref)),
    rearm: agenda.rearm,
    isShared: queue.isOpen,
    unhealthy: watchdog.reasons,
    async close() {
      isClosing = true;
      resync.stop();
      agenda.close();
      await lanes.drain(DRAIN_LIMIT_MS);
      await worker?.close(CLOSE_LIMIT_MS);
      agenda.close();
    },
  };

  async function workOnQueued(ref: RolloutRef, dueAtMs: number): Promise<void> {
    const visit = await agenda.before(ref);
    const outcome = await lanes.enter({ ref, source: "queue", dueAtMs }, false);
    await agenda.after(ref, outcome, visit);
    if (isClosing && outcome.kind === "interrupted") await agenda.wake(ref); // another daemon goes on at once
  }

  async function wake(ref: RolloutRef): Promise<void> {
    if (!(await agenda.wake(ref))) await local.soon(ref, "event", time.nowMs());
  }
}

/** Nothing that runs so may reject: an escaped error is a broken invariant, and says so. */
function backgroundOf(logger: Logger): (work: Promise<void>) => void {
  return (work) => void work.catch((error: unknown) => logger.error({ error }, "the scheduler broke an invariant"));
}

function withWatchdog(tick: ReturnType<typeof createTick>, saw: (ref: RolloutRef) => void): ReturnType<typeof createTick> {
  return (request, ...rest) => {
    saw(request);
    return tick(request, ...rest);
  };
}
