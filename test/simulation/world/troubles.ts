/** When something was amiss last: laws with a bound hold only while all is well. */
import type { WorldClock } from "./world-clock.ts";

export interface Troubles {
  /** A daemon, a watch or the API server. */
  control(forMs: number): void;
  prometheus(forMs: number): void;
  /** A deed that may well lose or mislead requests, until the daemons can have seen it. */
  disturb(): void;
  isDisturbed(): boolean;
  controlForMs(): number;
  wellForMs(): number;
}

/** And put right: with new pods where it takes any. */
const SEEN_WITHIN_MS = 45_000;

export function createTroubles(clock: WorldClock): Troubles {
  const until = { controlMs: clock.nowMs, prometheusMs: clock.nowMs };
  let disturbedAtMs: number | undefined;
  const controlForMs = (): number => Math.max(0, clock.nowMs - until.controlMs);
  return {
    disturb: () => void (disturbedAtMs = clock.nowMs),
    isDisturbed() {
      if (disturbedAtMs !== undefined && Math.min(clock.nowMs - disturbedAtMs, controlForMs()) > SEEN_WITHIN_MS) disturbedAtMs = undefined;
      return disturbedAtMs !== undefined;
    },
    controlForMs,
    control: (forMs) => void (until.controlMs = Math.max(until.controlMs, clock.nowMs + forMs)),
    prometheus: (forMs) => void (until.prometheusMs = Math.max(until.prometheusMs, clock.nowMs + forMs)),
    wellForMs: () => Math.max(0, clock.nowMs - Math.max(until.controlMs, until.prometheusMs)),
  };
}
