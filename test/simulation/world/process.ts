/** The process that a daemon runs in: it may freeze and go on much later with what it had decided, or die. */
import type { Time } from "../../../src/kubernetes/time.ts";
import type { WorldClock } from "./world-clock.ts";

export interface Process {
  readonly name: string;
  /** Its own clock and timers; neither goes on while it is frozen. */
  readonly time: Time;
  /** Lets something happen to it: now, when it wakes, or never where it has died. */
  enter(event: () => void): void;
  isFrozen(): boolean;
  isDead(): boolean;
  freeze(forMs: number): void;
  kill(): void;
}

export function createProcess(name: string, clock: WorldClock, skewMs: number): Process {
  let held: (() => void)[] | undefined;
  let dead = false;
  let frozen = 0;
  const enter = (event: () => void): void => {
    if (dead) return;
    if (held) held.push(event);
    else event();
  };
  /** One after the other, each with what it sets off, as an event loop does. */
  const wake = (): void => {
    const waiting = held ?? [];
    held = undefined;
    for (const event of waiting) clock.after(0, () => enter(event));
  };
  return {
    name,
    enter,
    isFrozen: () => held !== undefined,
    isDead: () => dead,
    time: {
      nowMs: () => clock.nowMs + skewMs,
      after(delayMs, act) {
        let cancelled = false;
        const cancel = clock.after(delayMs, () => enter(() => void (cancelled || act())));
        return () => {
          cancelled = true;
          cancel();
        };
      },
    },
    freeze(forMs) {
      held ??= [];
      const mine = ++frozen;
      clock.after(forMs, () => void (mine === frozen && wake()));
    },
    kill: () => void (dead = true),
  };
}
