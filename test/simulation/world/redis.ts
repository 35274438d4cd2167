/** A Redis that all daemons share: the queue of ticks and the hashes of the outbox; it may be away, late, emptied, or hand out a tick twice. */
import type { RolloutRef } from "../../../src/rollout/rollout.ts";
import type { RedisLink } from "../../../src/scheduler/redis-link.ts";
import type { TickQueue } from "../../../src/scheduler/tick-queue.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";
import { createHashes } from "./redis-hashes.ts";
import { createTicks } from "./redis-queue.ts";
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

const ACCEPT_LIMIT_MS = 250;

export function createSharedRedis(clock: WorldClock, dice: Dice): SharedRedis {
  const trouble = { awayUntilMs: 0, lateUntilMs: 0, doubleUntilMs: 0 };
  const isUp = (): boolean => clock.nowMs >= trouble.awayUntilMs;
  const hashes = createHashes();
  const ticks = createTicks({ clock, dice, isUp, isLate: () => clock.nowMs < trouble.lateUntilMs, isDoubled: () => clock.nowMs < trouble.doubleUntilMs });

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
      put: (schedule, delayMs) => accepted(process, () => ticks.put(schedule, Math.max(0, Math.round(delayMs)))),
      fill: (missing) => accepted(process, () => missing.forEach(({ schedule, delayMs }) => ticks.fill(schedule, Math.round(delayMs)))),
    }),
    linkOf: (process) => hashes.linkOf(process, dice, isUp),
    work: ticks.work,
    goAway: (forMs) => void (trouble.awayUntilMs = clock.nowMs + forMs),
    dawdle: (forMs) => void (trouble.lateUntilMs = clock.nowMs + forMs),
    double: (forMs) => void (trouble.doubleUntilMs = clock.nowMs + forMs),
    flush() {
      ticks.clear();
      hashes.clear();
    },
  };
}
