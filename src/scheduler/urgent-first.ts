/** Status writes in order of what depends on them: those that only tell what was seen wait, a few at a time, and never stand in the way of one that moves traffic. */
import type { Rollouts } from "../reconciler/ports.ts";
import { createLimit } from "./limit.ts";

/** So many looks may be told at once; the API server answers each within milliseconds. */
const TELLING_AT_ONCE = 4;

export function withUrgentFirst(rollouts: Rollouts): Rollouts {
  const inTurn = createLimit(TELLING_AT_ONCE);
  return {
    ...rollouts,
    updateStatus(rollout, status, isUrgent = true) {
      const write = () => rollouts.updateStatus(rollout, status, isUrgent);
      return isUrgent ? write() : inTurn(write);
    },
  };
}
