/** When something was amiss last: laws with a bound hold only while all is well. */
import type { WorldClock } from "./world-clock.ts";

export interface Troubles {
  /** A daemon, a watch or the API server. */
  control(forMs: number): void;
  prometheus(forMs: number): void;
  controlForMs(): number;
  wellForMs(): number;
}

export function createTroubles(clock: WorldClock): Troubles {
  const until = { controlMs: clock.nowMs, prometheusMs: clock.nowMs };
  return {
    control: (forMs) => void (until.controlMs = Math.max(until.controlMs, clock.nowMs + forMs)),
    prometheus: (forMs) => void (until.prometheusMs = Math.max(until.prometheusMs, clock.nowMs + forMs)),
    controlForMs: () => Math.max(0, clock.nowMs - until.controlMs),
    wellForMs: () => Math.max(0, clock.nowMs - Math.max(until.controlMs, until.prometheusMs)),
  };
}
