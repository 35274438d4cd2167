/** A clock that stands still while this process does: what the machine has no time for is no latency of the sample applications. */

export interface ProcessClock {
  /** Milliseconds in which this process ran, from an arbitrary origin; never goes back. */
  nowMs(): number;
  /** Settles when the clock has gone on by `durationMs`; keeps no process alive. */
  wait(durationMs: number): Promise<void>;
}

/** Where the clock's time comes from. */
export interface TimeSource {
  nowMs(): number;
  /** Calls `act` again and again, at most once in a turn of the event loop. */
  every(periodMs: number, act: () => void): void;
  sleep(durationMs: number): Promise<void>;
}

const TICK_MS = 10;
/** What one turn of the event loop may take before the process counts as standing still. */
const MOST_IN_ONE_TURN_MS = 50;

const systemSource: TimeSource = {
  nowMs: () => performance.now(),
  every: (periodMs, act) => void setInterval(act, periodMs).unref(),
  sleep: (durationMs) => new Promise((resolve) => void setTimeout(resolve, durationMs).unref()),
};

export function createProcessClock(source: TimeSource = systemSource): ProcessClock {
  let turn = { startedMs: source.nowMs(), clockMs: 0 };
  const nowMs = (): number => turn.clockMs + Math.min(source.nowMs() - turn.startedMs, MOST_IN_ONE_TURN_MS);
  source.every(TICK_MS, () => (turn = { clockMs: nowMs(), startedMs: source.nowMs() }));
  return {
    nowMs,
    wait: async (durationMs) => {
      const dueMs = nowMs() + durationMs;
      for (let leftMs = durationMs; leftMs > 0; leftMs = dueMs - nowMs()) await source.sleep(leftMs);
    },
  };
}

/** A process has one event loop, and so one clock: the load, the mesh and the sample applications go by it together. */
export const processClock = createProcessClock();
