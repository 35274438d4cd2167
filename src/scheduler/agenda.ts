/** Keeps each Rollout's next look: in the queue where Redis accepts it, else by a timer here; and by a late timer in any case (law 1). */
import type { RolloutRef } from "../rollout/rollout.ts";
import { createOwnTimers } from "./run-timers.ts";
import { keyOf, type Schedule, type Schedules } from "./schedule.ts";
import type { TickOutcome } from "./tick.ts";
import type { TickQueue } from "./tick-queue.ts";
import type { TimeSource } from "./time.ts";

export interface Agenda {
  /** Before a tick from the queue: puts the next one there first, so that a crash loses nothing. Returns the visit to end with `after`. */
  before(ref: RolloutRef): Promise<Visit>;
  /** After a tick: the next look, exactly. `visit` is absent for a tick that did not come from the queue. */
  after(ref: RolloutRef, outcome: TickOutcome, visit?: Visit): Promise<void>;
  /** Wants a look soon, by any daemon; false: Redis did not accept it. */
  wake(ref: RolloutRef): Promise<boolean>;
  /** The cache changed: arms the late timer anew. */
  rearm(ref: RolloutRef): void;
  close(): void;
}

/** A tick from the queue while it goes on. */
export interface Visit {
  /**
   * Somebody here asked for another look meanwhile; it stands in the queue and must not be put off. A wake of another daemon may be
   * put off: what woke it reaches this process's watch too, either before this tick looks or as a wake of its own.
   */
  woken: boolean;
}

export interface AgendaOptions {
  readonly queue: TickQueue;
  readonly schedules: Schedules;
  readonly time: TimeSource;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A timer of this process has fired. */
  readonly onDue: (ref: RolloutRef, dueAtMs: number) => void;
}

export function createAgenda({ queue, schedules, time, random, onDue }: AgendaOptions): Agenda {
  const timers = createOwnTimers(time, random, onDue);
  const visits = createVisits();
  return { before, after, wake, rearm, close: timers.close };

  async function before(ref: RolloutRef): Promise<Visit> {
    const visit = visits.begin(ref);
    const schedule = schedules.find(ref);
    if (schedule?.unfinished) await queue.put(schedule, schedule.intervalMs);
    return visit;
  }

  async function after(ref: RolloutRef, outcome: TickOutcome, visit?: Visit): Promise<void> {
    if (visit) visits.end(ref, visit);
    if (outcome.kind === "interrupted") return;
    const schedule = schedules.find(ref);
    const atMs = outcome.requeueAtMs ?? (schedule?.unfinished ? time.nowMs() + schedule.intervalMs : undefined);
    if (!schedule || atMs === undefined) return timers.forget(ref);
    timers.setLate(schedule, atMs);
    if (await isQueued(schedule, atMs, outcome, visit)) timers.clearExact(ref);
    else timers.setExact(ref, atMs);
  }

  /** What began past the queue and met trouble is tried again past it, for a command may not wait for another daemon's job (law 1). */
  async function isQueued(schedule: Schedule, atMs: number, outcome: TickOutcome, visit: Visit | undefined): Promise<boolean> {
    if (visit?.woken) return true;
    if (!visit && outcome.kind !== "done") return false;
    return queue.put(schedule, atMs - time.nowMs());
  }

  async function wake(ref: RolloutRef): Promise<boolean> {
    const schedule = schedules.find(ref);
    if (!schedule) return true;
    visits.wake(ref);
    return queue.put(schedule, 0);
  }

  function rearm(ref: RolloutRef): void {
    const schedule = schedules.find(ref);
    if (!schedule) timers.forget(ref);
    else if (schedule.unfinished) timers.setLate(schedule, schedule.nextLookAtMs ?? time.nowMs());
  }
}

/** The ticks from the queue that go on in this process. */
function createVisits() {
  const visits = new Map<string, Visit>();
  return {
    begin(ref: RolloutRef): Visit {
      const visit = { woken: false };
      visits.set(keyOf(ref), visit);
      return visit;
    },
    end(ref: RolloutRef, visit: Visit): void {
      if (visits.get(keyOf(ref)) === visit) visits.delete(keyOf(ref));
    },
    wake(ref: RolloutRef): void {
      const visit = visits.get(keyOf(ref));
      if (visit) visit.woken = true;
    },
  };
}
