/** Ticks of one Rollout one after the other within this process; what comes while one runs collapses into one that follows. */
import type { RolloutRef } from "../rollout/rollout.ts";
import { keyOf } from "./schedule.ts";
import { INTERRUPTED, type Tick, type TickOutcome, type TickSource } from "./tick.ts";
import { succeedsWithin, type TimeSource } from "./time.ts";

export interface TickRequest {
  readonly ref: RolloutRef;
  readonly source: TickSource;
  readonly dueAtMs: number;
}

export interface Lanes {
  /** The outcome of a tick that begins after this call. `interrupts`: looking that goes on for this Rollout stops at once. */
  enter(request: TickRequest, interrupts: boolean): Promise<TickOutcome>;
  /** Stops all looking, admits nothing more, and waits for what is being written, at most `limitMs`. */
  drain(limitMs: number): Promise<void>;
}

interface Lane {
  readonly controller: AbortController;
  /** When the next may begin. */
  readonly free: Promise<void>;
  readonly vacate: () => void;
  following?: Promise<TickOutcome>;
}

/** How long an interrupted tick may go on writing before the next begins beside it; two at once are harmless (laws 2 and 3), waiting is not. */
const INTERRUPTED_GRACE_MS = 500;

export function createLanes(tick: Tick, time: TimeSource): Lanes {
  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<unknown>>();
  let draining = false;
  return { enter, drain };

  async function enter(request: TickRequest, interrupts: boolean): Promise<TickOutcome> {
    const lane = lanes.get(keyOf(request.ref));
    if (!lane) return begin(request);
    if (interrupts) interrupt(lane);
    lane.following ??= lane.free.then(() => begin(request));
    return lane.following;
  }

  async function begin(request: TickRequest): Promise<TickOutcome> {
    if (draining) return { kind: "interrupted" };
    const lane = newLane();
    const key = keyOf(request.ref);
    lanes.set(key, lane);
    const outcome = tick(request.ref, request.source, request.dueAtMs, lane.controller);
    running.add(outcome);
    try {
      return await outcome;
    } finally {
      running.delete(outcome);
      if (lanes.get(key) === lane && !lane.following) lanes.delete(key);
      lane.vacate();
    }
  }

  function interrupt(lane: Lane): void {
    if (lane.controller.signal.aborted) return;
    lane.controller.abort(INTERRUPTED);
    const cancel = time.after(INTERRUPTED_GRACE_MS, lane.vacate);
    void lane.free.then(cancel);
  }

  async function drain(limitMs: number): Promise<void> {
    draining = true;
    for (const lane of lanes.values()) lane.controller.abort(INTERRUPTED);
    await succeedsWithin(time, limitMs, Promise.allSettled(running));
  }
}

function newLane(): Lane {
  let vacate = () => {};
  const free = new Promise<void>((resolve) => (vacate = resolve));
  return { controller: new AbortController(), free, vacate };
}
