/** The queue of ticks in Redis: at most one waiting and one active per Rollout, whoever asks. */
import { Queue } from "bullmq";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Logger } from "../telemetry/logger.ts";
import { PREFIX, type RedisLink } from "./redis-link.ts";
import { refOf, type Schedule } from "./schedule.ts";
import { succeedsWithin, type TimeSource } from "./time.ts";

export interface TickQueue {
  /** Whether Redis answers and the queue can be used. */
  isOpen(): boolean;
  /** Sets the Rollout's next tick to `delayMs` from now, in place of one that is delayed; while one is active, it follows that. False: Redis did not accept it in time. */
  put(schedule: Schedule, delayMs: number): Promise<boolean>;
  /** Adds ticks where there is none at all. False: Redis did not accept all of them in time. */
  fill(missing: readonly { readonly schedule: Schedule; readonly delayMs: number }[]): Promise<boolean>;
}

export const TICK_QUEUE = "tick";
const ACCEPT_LIMIT_MS = 250;
const FILL_LIMIT_MS = 2_000;
const FILL_AT_ONCE = 500;

export function createTickQueue({ link, time, logger }: { link: RedisLink; time: TimeSource; logger: Logger }): TickQueue {
  let open: Queue<RolloutRef> | undefined;
  link.whenReady(link.commands, async () => {
    const queue = new Queue<RolloutRef>(TICK_QUEUE, { connection: link.commands, prefix: PREFIX, streams: { events: { maxLen: 1_000 } } });
    queue.on("error", (error) => logger.debug({ error }, "the tick queue reports trouble"));
    await queue.waitUntilReady();
    open = queue;
  });
  const usable = () => (link.isReady() ? open : undefined);
  return {
    isOpen: () => usable() !== undefined,
    async put(schedule, delayMs) {
      const queue = usable();
      if (!queue) return false;
      const deduplication = { id: schedule.uid, keepLastIfActive: true, replace: true };
      return succeedsWithin(time, ACCEPT_LIMIT_MS, queue.add("tick", refOf(schedule), { ...leavingNothing, delay: Math.max(0, Math.round(delayMs)), deduplication }));
    },
    async fill(missing) {
      for (let start = 0; start < missing.length; start += FILL_AT_ONCE) {
        const queue = usable();
        if (!queue || !(await succeedsWithin(time, FILL_LIMIT_MS, queue.addBulk(missing.slice(start, start + FILL_AT_ONCE).map(asJob))))) return false;
      }
      return true;
    },
  };
}

/** A finished job that stayed would block the next one and fill Redis. */
const leavingNothing = { removeOnComplete: true, removeOnFail: true };

/** Neither `replace` nor `keepLastIfActive`: a tick that waits or runs already is left as it is. */
function asJob({ schedule, delayMs }: { readonly schedule: Schedule; readonly delayMs: number }) {
  return { name: "tick", data: refOf(schedule), opts: { ...leavingNothing, delay: Math.round(delayMs), deduplication: { id: schedule.uid } } };
}
