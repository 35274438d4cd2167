/** One look after the other at what has changed, by name: however often a name is added while it waits, it is looked at once; trouble leads to another look a little later. */
import { backOffMs } from "../../kubernetes/back-off.ts";
import { Conflict } from "../../kubernetes/errors.ts";
import type { Logger } from "../../kubernetes/logger.ts";
import type { Time } from "../../kubernetes/time.ts";

export interface WorkQueue {
  add(key: string): void;
  /** Settles when the look that is under way has ended; no other begins. */
  stop(): Promise<void>;
}

export interface WorkQueueOptions {
  /** Says after how many milliseconds to look again, if time alone matters. */
  readonly look: (key: string) => Promise<number | undefined>;
  readonly time: Time;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

const BACK_OFF = { firstMs: 50, mostMs: 5_000 };
/** Timers of Node fire at once when they are set for too long. */
const MOST_WAIT_MS = 3_600_000;

export function createWorkQueue({ look, time, random, logger }: WorkQueueOptions): WorkQueue {
  const waiting = new Set<string>();
  const failures = new Map<string, number>();
  const timers = createTimers(time, (key) => add(key));
  let isStopped = false;
  let working: Promise<void> | undefined;

  function add(key: string): void {
    if (!isStopped) waiting.add(key);
    working ??= work();
  }

  async function work(): Promise<void> {
    await Promise.resolve(); // whoever adds goes on first
    for (const key of waiting) {
      waiting.delete(key); // when it is added again meanwhile it comes once more
      if (!isStopped) await attend(key);
    }
    working = undefined; // at once: what is added from here on needs another worker
  }

  async function attend(key: string): Promise<void> {
    try {
      const lookAgainInMs = await look(key);
      failures.delete(key);
      timers.set(key, lookAgainInMs);
    } catch (error) {
      const inARow = failures.get(key) ?? 0;
      failures.set(key, inARow + 1);
      timers.set(key, backOffMs(BACK_OFF, inARow, random));
      if (!(error instanceof Conflict) && !isStopped) logger.warn({ error, key }, "a controller could not do its work; it looks again");
    }
  }

  return {
    add,
    async stop() {
      isStopped = true;
      timers.clear();
      await working;
      timers.clear();
    },
  };
}

/** At most one for each key. */
function createTimers(time: Time, onDue: (key: string) => void) {
  const cancels = new Map<string, () => void>();
  const cancel = (key: string): void => {
    cancels.get(key)?.();
    cancels.delete(key);
  };
  return {
    set(key: string, delayMs: number | undefined): void {
      cancel(key);
      if (delayMs === undefined) return;
      const due = (): void => void (cancels.delete(key), onDue(key));
      cancels.set(key, time.after(Math.min(delayMs, MOST_WAIT_MS), due));
    },
    clear: () => [...cancels.keys()].forEach(cancel),
  };
}
