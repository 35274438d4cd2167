/** Fakes around the scheduler: a log that keeps nothing, metrics that count, Rollouts to look at, a reconciler that a test holds back. */
import type { RolloutRef } from "../../src/rollout/rollout.ts";
import { keyOf, type Schedule, type Schedules } from "../../src/scheduler/schedule.ts";
import type { SchedulerMetrics } from "../../src/scheduler/scheduler-metrics.ts";
import type { Reconcile } from "../../src/scheduler/tick.ts";
import type { TickQueue } from "../../src/scheduler/tick-queue.ts";
import type { Logger } from "../../src/telemetry/logger.ts";

export interface KeptLog extends Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
}

export function createKeptLog(): KeptLog {
  const lines: KeptLog["lines"] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => void lines.push({ level, message, fields });
  const log: KeptLog = { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}

export interface CountingMetrics extends SchedulerMetrics {
  readonly ticks: { readonly source: string; readonly result: string; readonly durationMs: number; readonly lagMs: number }[];
  redis: boolean | undefined;
  resyncedTicks: number;
}

export function createCountingMetrics(): CountingMetrics {
  return {
    ticks: [],
    redis: undefined,
    resyncedTicks: 0,
    tick(source, result, durationMs, lagMs) { this.ticks.push({ source, result, durationMs, lagMs }); },
    redisUp(up) { this.redis = up; },
    resynced(count) { this.resyncedTicks += count; },
  };
}

export function aSchedule(fields: Partial<Schedule> = {}): Schedule {
  const name = fields.name ?? "reviews";
  return { namespace: "shop", name, uid: `uid-${name}`, unfinished: true, intervalMs: 10_000, ...fields };
}

export interface FakeSchedules extends Schedules {
  set(schedule: Schedule): void;
  delete(ref: RolloutRef): void;
}

export function createSchedules(...schedules: readonly Schedule[]): FakeSchedules {
  const known = new Map(schedules.map((schedule) => [keyOf(schedule), schedule]));
  return {
    list: () => known.values(),
    find: (ref) => known.get(keyOf(ref)),
    set: (schedule) => void known.set(keyOf(schedule), schedule),
    delete: (ref) => void known.delete(keyOf(ref)),
  };
}

/** Keeps what it is given; refuses while `accepts` is false. */
export interface FakeQueue extends TickQueue {
  accepts: boolean;
  readonly puts: { readonly key: string; readonly delayMs: number }[];
  readonly fills: { readonly key: string; readonly delayMs: number }[];
}

export function createFakeQueue(): FakeQueue {
  return {
    accepts: true,
    isOpen() { return this.accepts; },
    puts: [],
    fills: [],
    async put(schedule, delayMs) {
      if (this.accepts) this.puts.push({ key: keyOf(schedule), delayMs });
      return this.accepts;
    },
    async fill(missing) {
      if (this.accepts) this.fills.push(...missing.map(({ schedule, delayMs }) => ({ key: keyOf(schedule), delayMs })));
      return this.accepts;
    },
  };
}

/** A reconciler whose ticks end only when the test says so. */
export interface HeldReconcile {
  readonly reconcile: Reconcile;
  readonly begun: { readonly ref: RolloutRef; readonly signal: AbortSignal; finish(requeueAtMs?: number): void; fail(error: Error): void }[];
}

/** `heeds`: whether a tick rejects as soon as its signal aborts, as one does that is looking. */
export function createHeldReconcile({ heeds = true }: { readonly heeds?: boolean } = {}): HeldReconcile {
  const begun: HeldReconcile["begun"] = [];
  const reconcile: Reconcile = (ref, signal) =>
    new Promise((resolve, reject) => {
      if (heeds) signal.addEventListener("abort", () => reject(new Error("interrupted")), { once: true });
      begun.push({ ref, signal, finish: (requeueAtMs) => resolve(requeueAtMs === undefined ? {} : { requeueAtMs }), fail: reject });
    });
  return { reconcile, begun };
}
