/** A Redis that all daemons share: the queue of ticks as BullMQ keeps it, and the hashes of the outbox; it may be away, late, emptied, or hand out a tick twice. */
import type { Redis } from "ioredis";
import type { RolloutRef } from "../../../src/rollout/rollout.ts";
import type { RedisLink } from "../../../src/scheduler/redis-link.ts";
import type { TickQueue } from "../../../src/scheduler/tick-queue.ts";
import type { Schedule } from "../../../src/scheduler/schedule.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";
import type { WorldClock } from "./world-clock.ts";

export interface SharedRedis {
  queueOf(process: Process): TickQueue;
  linkOf(process: Process): RedisLink;
  /** A daemon that takes ticks; the newest of a name takes the place of the one before. */
  work(process: Process, tick: (ref: RolloutRef, dueAtMs: number) => Promise<void>): void;
  /** Answers nobody. */
  goAway(forMs: number): void;
  /** Forgets everything. */
  flush(): void;
  /** Hands out ticks late, or each to two daemons. */
  dawdle(forMs: number): void;
  double(forMs: number): void;
}

interface Slot {
  readonly ref: RolloutRef;
  /** When the tick that waits is due. */
  dueMs?: number | undefined;
  /** The tick under way: a job's lock. */
  active?: object | undefined;
  /** The delay of what was put meanwhile. */
  following?: number | undefined;
}

interface Worker {
  readonly process: Process;
  readonly tick: (ref: RolloutRef, dueAtMs: number) => Promise<void>;
}

const ACCEPT_LIMIT_MS = 250;
/** BullMQ finds a job whose worker died when its lock is over, at its next check. */
const LOCK_MS = 30_000;
const MOST_STALLED_MS = 45_000;
const NOBODY_WORKS_MS = 1_000;
const MOST_LATE_MS = 20_000;

export function createSharedRedis(clock: WorldClock, dice: Dice): SharedRedis {
  const workers = new Map<string, Worker>();
  const slots = new Map<string, Slot>();
  const hashes = createHashes();
  const trouble = { awayUntilMs: 0, lateUntilMs: 0, doubleUntilMs: 0 };
  const isUp = (): boolean => clock.nowMs >= trouble.awayUntilMs;
  const slotOf = ({ uid, namespace, name }: Schedule): Slot => {
    const slot = slots.get(uid) ?? { ref: { namespace, name } };
    slots.set(uid, slot);
    return slot;
  };

  function wait(slot: Slot, delayMs: number): void {
    const dueMs = clock.nowMs + delayMs;
    slot.dueMs = dueMs;
    const lateMs = clock.nowMs < trouble.lateUntilMs ? dice.between(0, MOST_LATE_MS) : dice.between(0, 20);
    clock.after(delayMs + lateMs, () => void (slot.dueMs === dueMs && isStanding(slot) && handOut(slot, dueMs)));
  }

  const isStanding = (slot: Slot): boolean => [...slots.values()].includes(slot);

  function handOut(slot: Slot, dueMs: number): void {
    if (slot.active) return;
    const able = [...workers.values()].filter(({ process }) => !process.isDead() && !process.isFrozen());
    if (able.length === 0 || !isUp()) return wait(slot, NOBODY_WORKS_MS);
    const first = dice.pick(able);
    const lock = {};
    Object.assign(slot, { dueMs: undefined, active: lock });
    clock.after(dice.between(LOCK_MS, MOST_STALLED_MS), () => release(slot, lock, true));
    begin(first, slot, dueMs, () => release(slot, lock, false));
    const second = able.find((worker) => worker !== first);
    if (second && clock.nowMs < trouble.doubleUntilMs) begin(second, slot, dueMs, () => undefined);
  }

  function begin({ process, tick }: Worker, { ref }: Slot, dueMs: number, done: () => void): void {
    process.enter(() => void tick(ref, dueMs).then(done, done));
  }

  /** Whoever took over a stalled job does not care for its first worker any more. */
  function release(slot: Slot, lock: object, isStalled: boolean): void {
    if (slot.active !== lock) return;
    const { following } = slot;
    Object.assign(slot, { active: undefined, following: undefined });
    if (isStalled) wait(slot, 0);
    else if (following !== undefined) wait(slot, following);
  }

  function put(schedule: Schedule, delayMs: number): void {
    const slot = slotOf(schedule);
    if (slot.active) slot.following = delayMs;
    else wait(slot, delayMs);
  }

  function fill(schedule: Schedule, delayMs: number): void {
    const slot = slotOf(schedule);
    if (!slot.active && slot.dueMs === undefined) wait(slot, delayMs);
  }

  /** Settles as the daemon hears of it. */
  const accepted = ({ time }: Process, act: () => void): Promise<boolean> =>
    new Promise((resolve) => {
      time.after(isUp() ? dice.between(1, 5) : ACCEPT_LIMIT_MS, () => {
        if (isUp()) act();
        resolve(isUp());
      });
    });

  return {
    queueOf: (process) => ({
      isOpen: isUp,
      put: (schedule, delayMs) => accepted(process, () => put(schedule, Math.max(0, Math.round(delayMs)))),
      fill: (missing) => accepted(process, () => missing.forEach(({ schedule, delayMs }) => fill(schedule, Math.round(delayMs)))),
    }),
    linkOf: (process) => hashes.linkOf(process, dice, isUp),
    work: (process, tick) => void workers.set(process.name, { process, tick }),
    goAway: (forMs) => void (trouble.awayUntilMs = clock.nowMs + forMs),
    dawdle: (forMs) => void (trouble.lateUntilMs = clock.nowMs + forMs),
    double: (forMs) => void (trouble.doubleUntilMs = clock.nowMs + forMs),
    flush() {
      slots.clear();
      hashes.clear();
    },
  };
}

type Hash = Map<string, string>;

/** The few commands that the outbox knows. */
function createHashes() {
  const hashes = new Map<string, Hash>();
  const hashOf = (key: string): Hash => {
    const hash = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, hash);
    return hash;
  };
  const transaction = (answer: (act: () => void) => Promise<unknown>) => {
    const acts: (() => void)[] = [];
    const chain = {
      hset: (key: string, field: string, value: string) => queued(() => hashOf(key).set(field, value)),
      hdel: (key: string, ...fields: string[]) => queued(() => fields.forEach((field) => hashOf(key).delete(field))),
      expire: () => chain,
      exec: () => answer(() => acts.forEach((act) => act())),
    };
    const queued = (act: () => void) => {
      acts.push(act);
      return chain;
    };
    return chain;
  };
  return {
    clear: () => hashes.clear(),
    linkOf(process: Process, dice: Dice, isUp: () => boolean): RedisLink {
      const answer = <T>(act: () => T): Promise<T> =>
        new Promise((resolve, reject) => {
          process.time.after(dice.between(1, 5), () => (isUp() ? resolve(act()) : reject(new Error("Connection is closed."))));
        });
      const commands = {
        hgetall: (key: string) => answer(() => Object.fromEntries(hashOf(key))),
        hget: (key: string, field: string) => answer(() => hashOf(key).get(field) ?? null),
        multi: () => transaction(answer),
      } as unknown as Redis;
      return { commands, jobs: commands, isReady: isUp, whenReady: () => undefined, close: () => undefined };
    },
  };
}
