/** The queue of ticks in a simulated Redis, as BullMQ keeps it: one tick per Rollout waits, one is under way, and what comes meanwhile follows. */
import type { RolloutRef } from "../../../src/rollout/rollout.ts";
import type { Schedule } from "../../../src/scheduler/schedule.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";
import type { WorldClock } from "./world-clock.ts";

export interface Ticks {
  /** A daemon that takes ticks; the newest of a name takes the place of the one before. */
  work(process: Process, tick: Take): void;
  put(schedule: Schedule, delayMs: number): void;
  /** Only where none waits and none is under way. */
  fill(schedule: Schedule, delayMs: number): void;
  clear(): void;
}

export interface TicksOptions {
  readonly clock: WorldClock;
  readonly dice: Dice;
  readonly isUp: () => boolean;
  readonly isLate: () => boolean;
  /** True while a tick is handed to two daemons. */
  readonly isDoubled: () => boolean;
}

type Take = (ref: RolloutRef, dueAtMs: number) => Promise<void>;

interface Slot {
  readonly ref: RolloutRef;
  /** When the tick that waits is due. */
  dueMs?: number | undefined;
  /** The tick under way: a job's lock. */
  active?: object | undefined;
  /** The delay of what was put meanwhile. */
  following?: number | undefined;
  /** False once Redis has forgotten it. */
  isStanding: boolean;
}

interface Worker {
  readonly process: Process;
  readonly take: Take;
}

/** BullMQ finds a job whose worker died when its lock is over, at its next check. */
const LOCK_MS = 30_000;
const MOST_STALLED_MS = 45_000;
const NOBODY_WORKS_MS = 1_000;
const MOST_LATE_MS = 20_000;

export function createTicks(options: TicksOptions): Ticks {
  const workers = new Map<string, Worker>();
  const slots = new Map<string, Slot>();
  const { wait } = createSlots(options, workers);
  const slotOf = ({ uid, namespace, name }: Schedule): Slot => {
    const slot = slots.get(uid) ?? { ref: { namespace, name }, isStanding: true };
    slots.set(uid, slot);
    return slot;
  };
  return {
    work: (process, take) => void workers.set(process.name, { process, take }),
    put(schedule, delayMs) {
      const slot = slotOf(schedule);
      if (slot.active) slot.following = delayMs;
      else wait(slot, delayMs);
    },
    fill(schedule, delayMs) {
      const slot = slotOf(schedule);
      if (!slot.active && slot.dueMs === undefined) wait(slot, delayMs);
    },
    clear() {
      for (const slot of slots.values()) slot.isStanding = false;
      slots.clear();
    },
  };
}

function createSlots({ clock, dice, isUp, isLate, isDoubled }: TicksOptions, workers: ReadonlyMap<string, Worker>) {
  return { wait };

  function wait(slot: Slot, delayMs: number): void {
    const dueMs = clock.nowMs + delayMs;
    slot.dueMs = dueMs;
    const lateMs = isLate() ? dice.between(0, MOST_LATE_MS) : dice.between(0, 20);
    clock.after(delayMs + lateMs, () => void (slot.dueMs === dueMs && slot.isStanding && handOut(slot, dueMs)));
  }

  function handOut(slot: Slot, dueMs: number): void {
    if (slot.active) return;
    const able = [...workers.values()].filter(({ process }) => !process.isDead() && !process.isFrozen());
    if (able.length === 0 || !isUp()) return wait(slot, NOBODY_WORKS_MS);
    const first = dice.pick(able);
    const lock = {};
    Object.assign(slot, { dueMs: undefined, active: lock });
    const giveUp = clock.after(dice.between(LOCK_MS, MOST_STALLED_MS), () => release(slot, lock, true));
    const done = (): void => {
      giveUp();
      release(slot, lock, false);
    };
    begin(first, slot, dueMs, done);
    const second = able.find((worker) => worker !== first);
    if (second && isDoubled()) begin(second, slot, dueMs, () => undefined);
  }

  /** Whoever took over a stalled job does not care for its first worker any more. */
  function release(slot: Slot, lock: object, isStalled: boolean): void {
    if (slot.active !== lock) return;
    const { following } = slot;
    Object.assign(slot, { active: undefined, following: undefined });
    if (isStalled) wait(slot, 0);
    else if (following !== undefined) wait(slot, following);
  }
}

function begin({ process, take }: Worker, { ref }: Slot, dueMs: number, done: () => void): void {
  process.enter(() => void take(ref, dueMs).then(done, done));
}
