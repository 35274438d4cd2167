/** Status writes in order of what depends on them: those that only tell what was seen wait, a few at a time, and never stand in the way of one that moves traffic. */
import type { Rollouts } from "../reconciler/ports.ts";
import { createLimit } from "./limit.ts";

/** So many looks may be told at once; the API server answers each within milliseconds. */
const TELLING_AT_ONCE = 4;
/** Turns without a decision after which a burst of them is over. */
const QUIET_TURNS = 2;
/** Longer than any burst; then what was seen is told although others decide still. */
const MOST_TURNS = 500;

/** `turn`: settles in the next turn of the event loop. With it, looks are told when those that look at the same time have decided; absent: at once. */
export function withUrgentFirst(rollouts: Rollouts, turn?: () => Promise<void>): Rollouts {
  const inTurn = createLimit(TELLING_AT_ONCE);
  let decisions = 0;

  async function untilQuiet(pause: () => Promise<void>): Promise<void> {
    let [known, quiet] = [decisions, 0];
    for (let turns = 0; quiet < QUIET_TURNS && turns < MOST_TURNS; turns++) {
      await pause();
      quiet = known === decisions ? quiet + 1 : 0;
      known = decisions;
    }
  }

  return {
    ...rollouts,
    updateStatus(rollout, status, isUrgent = true) {
      decisions += 1;
      const write = () => rollouts.updateStatus(rollout, status, isUrgent);
      if (isUrgent) return write();
      return turn ? untilQuiet(turn).then(() => inTurn(write)) : inTurn(write);
    },
  };
}
