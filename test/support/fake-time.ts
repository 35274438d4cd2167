/** A clock that moves only when a test says so. */
import type { TimeSource } from "../../src/scheduler/time.ts";

export interface FakeTime extends TimeSource {
  /** Moves on by `ms`, firing in order what falls due; everything that is ready to run in between runs. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  pending(): number;
}

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export function createFakeTime(startMs = Date.parse("2026-01-01T00:00:00Z")): FakeTime {
  let nowMs = startMs;
  let timers: Timer[] = [];
  const nextBefore = (limitMs: number) => timers.filter((timer) => timer.atMs <= limitMs).sort((one, other) => one.atMs - other.atMs)[0];
  return {
    nowMs: () => nowMs,
    pending: () => timers.length,
    after(delayMs, run) {
      const timer = { atMs: nowMs + Math.max(0, delayMs), run };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await settled();
      for (let timer = nextBefore(endMs); timer; timer = nextBefore(endMs)) {
        nowMs = timer.atMs;
        timers = timers.filter((other) => other !== timer);
        timer.run();
        await settled();
      }
      nowMs = endMs;
    },
  };
}

/** When every promise that can settle has. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
