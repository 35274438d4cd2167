/** The scheduler on a real Redis: shared between daemons, killed, emptied, stopped, or never there. */
import { afterEach, describe, expect, it } from "vitest";
import { Redis } from "ioredis";
import { startRedis, type RedisServer } from "../../src/playground/processes/redis.ts";
import type { RolloutRef } from "../../src/rollout/rollout.ts";
import { connectRedis } from "../../src/scheduler/redis-link.ts";
import { keyOf, type Schedule } from "../../src/scheduler/schedule.ts";
import { createScheduler, type Scheduler } from "../../src/scheduler/scheduler.ts";
import { systemTime } from "../../src/scheduler/time.ts";
import { aSchedule, createCountingMetrics, createKeptLog, createSchedules, type FakeSchedules } from "../support/fake-scheduling.ts";
import { until } from "../support/until.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function aRedis(): Promise<RedisServer> {
  const redis = await startRedis();
  closing.push(() => redis.close());
  return redis;
}

/** Rollouts as all daemons see them, and what was done to them. */
interface World {
  readonly schedules: FakeSchedules;
  readonly ticks: { readonly key: string; readonly daemon: number; readonly atMs: number }[];
  readonly overlaps: string[];
  readonly daemons: Scheduler[];
  /** Each tick takes so long. */
  workMs: number;
}

function aWorld(...schedules: readonly Schedule[]): World {
  return { schedules: createSchedules(...schedules), ticks: [], overlaps: [], daemons: [], workMs: 5 };
}

/** A daemon whose ticks commit the next look, which every daemon's watch then sees. */
function aDaemon(world: World, url: string) {
  const number = world.daemons.length;
  const [metrics, logger] = [createCountingMetrics(), createKeptLog()];
  const link = connectRedis({ url, time: systemTime, logger, onState: (up) => metrics.redisUp(up) });
  const scheduler = createScheduler({ redis: link, reconcile: (ref, signal) => tickOnce(world, number, ref, signal), schedules: world.schedules, metrics, logger, concurrency: 16 });
  world.daemons.push(scheduler);
  scheduler.start();
  for (const schedule of world.schedules.list()) scheduler.rearm(schedule);
  const close = async () => {
    await scheduler.close();
    link.close();
  };
  closing.push(close);
  return { scheduler, metrics, logger, close };
}

const running = new Set<string>();

async function tickOnce(world: World, daemon: number, ref: RolloutRef, signal: AbortSignal): Promise<{ requeueAtMs?: number }> {
  const key = keyOf(ref);
  const schedule = world.schedules.find(ref);
  if (!schedule) return {};
  if (running.has(key)) world.overlaps.push(key);
  running.add(key);
  try {
    await lasting(world.workMs, signal);
  } finally {
    running.delete(key);
  }
  world.ticks.push({ key, daemon, atMs: Date.now() });
  const nextLookAtMs = Date.now() + schedule.intervalMs;
  world.schedules.set({ ...schedule, nextLookAtMs });
  for (const each of world.daemons) each.rearm(ref);
  return schedule.unfinished ? { requeueAtMs: nextLookAtMs } : {};
}

function lasting(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(new Error("interrupted")); }, { once: true });
  });
}

const many = (count: number, intervalMs: number) => Array.from({ length: count }, (_, index) => aSchedule({ name: `r${index}`, intervalMs }));
const ticksOf = (world: World, key: string) => world.ticks.filter((tick) => tick.key === key);
const everyRolloutTicked = (world: World, times: number, sinceMs = 0) => () =>
  [...world.schedules.list()].every((schedule) => ticksOf(world, keyOf(schedule)).filter(({ atMs }) => atMs >= sinceMs).length >= times);

describe("the scheduler", () => {
  it("has each of ten Rollouts looked at by one of two daemons at a time, on the interval", async () => {
    const redis = await aRedis();
    const world = aWorld(...many(10, 2_000).map((schedule) => ({ ...schedule, nextLookAtMs: Date.now() + 10_000 })));
    world.workMs = 100;
    const daemons = [aDaemon(world, redis.url), aDaemon(world, redis.url)];
    await until(() => daemons.every(({ scheduler }) => scheduler.isShared()));
    for (const { scheduler } of daemons) for (const schedule of world.schedules.list()) scheduler.wake(schedule);
    await until(everyRolloutTicked(world, 5), 30_000);
    expect(world.overlaps).toEqual([]);
    expect(new Set(world.ticks.map(({ daemon }) => daemon)).size).toBe(2);
    const gaps = [...world.schedules.list()].flatMap((schedule) => {
      const at = ticksOf(world, keyOf(schedule)).map(({ atMs }) => atMs);
      return at.slice(3).map((atMs, index) => atMs - at[index + 2]!);
    });
    expect(Math.min(...gaps)).toBeGreaterThan(1_800);
    expect(daemons.flatMap(({ metrics }) => metrics.ticks).filter(({ source }) => source === "timer")).toEqual([]);
  });

  it("looks soon after a wake, also while the next look is far away, and loses none that comes during a tick", async () => {
    const redis = await aRedis();
    const world = aWorld(aSchedule({ intervalMs: 3_600_000 }));
    world.workMs = 200;
    const { scheduler, metrics } = aDaemon(world, redis.url);
    await until(() => scheduler.isShared());
    scheduler.wake(aSchedule());
    await until(() => running.size === 1);
    scheduler.wake(aSchedule());
    scheduler.wake(aSchedule());
    await until(() => world.ticks.length === 2);
    scheduler.wake(aSchedule());
    await until(() => world.ticks.length === 3);
    expect(metrics.ticks.map(({ source }) => source)).toEqual(["queue", "queue", "queue"]);
    expect(world.overlaps).toEqual([]);
  });

  it("brings everything back within seconds after Redis lost everything", async () => {
    const redis = await aRedis();
    const world = aWorld(...many(5, 60_000));
    const { scheduler, metrics } = aDaemon(world, redis.url);
    await until(() => scheduler.isShared());
    for (const schedule of world.schedules.list()) scheduler.wake(schedule);
    await until(everyRolloutTicked(world, 1));
    const client = new Redis(redis.url);
    closing.push(async () => client.disconnect());
    await client.flushall();
    for (const schedule of world.schedules.list()) world.schedules.set({ ...schedule, nextLookAtMs: Date.now() });
    await until(everyRolloutTicked(world, 2), 15_000);
    expect(metrics.ticks.every(({ source }) => source === "queue")).toBe(true);
  });

  it("keeps the interval without any Redis from the very start", async () => {
    const world = aWorld(aSchedule({ intervalMs: 300 }));
    const { scheduler, logger } = aDaemon(world, "redis://127.0.0.1:1");
    scheduler.wake(aSchedule());
    await until(() => world.ticks.length >= 10, 15_000);
    const at = world.ticks.map(({ atMs }) => atMs);
    const gaps = at.slice(1).map((atMs, index) => atMs - at[index]!).sort((one, other) => one - other);
    expect(gaps[0]).toBeGreaterThanOrEqual(290);
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThan(600); // by its exact timer, not by the late one
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(scheduler.unhealthy()).toEqual([]);
  });

  it.each([["killed", "stop", "start"], ["stopped in its tracks", "pause", "resume"]] as const)("goes on when Redis is %s, and shares ticks again when it is back", async (_how, away, back) => {
    const redis = await aRedis();
    const world = aWorld(...many(3, 400));
    const { scheduler, metrics } = aDaemon(world, redis.url);
    await until(() => scheduler.isShared());
    await until(everyRolloutTicked(world, 3), 15_000);
    await redis[away]();
    const awayAtMs = Date.now();
    await until(everyRolloutTicked(world, 5, awayAtMs), 15_000);
    await redis[back]();
    const backAt = metrics.ticks.length;
    await until(() => metrics.redis && metrics.ticks.slice(backAt).filter(({ source }) => source === "queue").length >= 6, 20_000);
  });

  it("obeys a command at once while Redis answers nothing and a tick looks", async () => {
    const redis = await aRedis();
    const world = aWorld(aSchedule({ intervalMs: 60_000 }));
    world.workMs = 60_000;
    const { scheduler } = aDaemon(world, redis.url);
    await until(() => scheduler.isShared());
    scheduler.wake(aSchedule());
    await until(() => running.size === 1);
    redis.pause();
    world.workMs = 1;
    const atMs = Date.now();
    scheduler.tickNow(aSchedule());
    await until(() => world.ticks.length === 1);
    expect(Date.now() - atMs).toBeLessThan(5_000); // the tick that looked would have taken its 20 s
    expect(world.overlaps).toEqual([]);
    redis.resume();
  });

  it("does not wait for a daemon that died with the job: the late timer looks", async () => {
    const redis = await aRedis();
    const world = aWorld(aSchedule({ intervalMs: 1_000 }));
    world.workMs = 600_000;
    const stuck = aDaemon(world, redis.url);
    await until(() => stuck.scheduler.isShared());
    stuck.scheduler.wake(aSchedule());
    await until(() => running.size === 1);
    running.clear();
    const heir = aWorld(aSchedule({ intervalMs: 1_000, nextLookAtMs: Date.now() }));
    const { metrics } = aDaemon(heir, redis.url);
    await until(() => heir.ticks.length >= 1, 10_000);
    expect(metrics.ticks[0]!.source).toBe("timer");
  });

  it("closes while a tick looks, and leaves the look to another daemon at once", async () => {
    const redis = await aRedis();
    const world = aWorld(aSchedule({ intervalMs: 60_000 }));
    world.workMs = 60_000;
    const { scheduler, close } = aDaemon(world, redis.url);
    await until(() => scheduler.isShared());
    scheduler.wake(aSchedule());
    await until(() => running.size === 1);
    await close();
    world.workMs = 1;
    aDaemon(world, redis.url);
    await until(() => world.ticks.length === 1, 5_000);
  });

  it("closes within ten seconds while Redis is stopped and a tick looks", async () => {
    const redis = await aRedis();
    const world = aWorld(aSchedule({ intervalMs: 60_000 }));
    world.workMs = 60_000;
    const { scheduler, close } = aDaemon(world, redis.url);
    await until(() => scheduler.isShared());
    scheduler.wake(aSchedule());
    await until(() => running.size === 1);
    redis.pause();
    const atMs = Date.now();
    await close();
    expect(Date.now() - atMs).toBeLessThan(10_000);
    redis.resume();
  });

  it("closes at once where there never was a Redis", async () => {
    const { close } = aDaemon(aWorld(aSchedule()), "redis://127.0.0.1:1");
    const atMs = Date.now();
    await close();
    expect(Date.now() - atMs).toBeLessThan(2_000);
  });
});
