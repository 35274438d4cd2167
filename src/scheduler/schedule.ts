/** What the scheduler knows of a Rollout: when it is to be looked at, as its cached status says. */
import type { RolloutRef } from "../rollout/rollout.ts";

export interface Schedule extends RolloutRef {
  readonly uid: string;
  /** A run goes on, a deletion or a notification waits: somebody must look again although nothing changes. */
  readonly unfinished: boolean;
  readonly intervalMs: number;
  /** The committed next look; absent: as soon as possible. */
  readonly nextLookAtMs?: number;
}

/** Rollouts as the informer cache has them. */
export interface Schedules {
  list(): Iterable<Schedule>;
  find(ref: RolloutRef): Schedule | undefined;
}

export function keyOf({ namespace, name }: RolloutRef): string {
  return `${namespace}/${name}`;
}

export function refOf({ namespace, name }: RolloutRef): RolloutRef {
  return { namespace, name };
}

/** Milliseconds until the committed next look; 0 where it has passed. */
export function untilNextLookMs({ nextLookAtMs }: Schedule, nowMs: number): number {
  return Math.max(0, (nextLookAtMs ?? nowMs) - nowMs);
}
