/** When a good version reaches which step, at the earliest: played with the daemon's own rules, so that waiting for proxies, looks and verdicts is in it. */
import { isPauseStep } from "../rollout/ladder.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import type { Step } from "../rollout/spec-steps.ts";
import { regressionsFor } from "./regressions.ts";
import { simulated, type Outcome } from "./simulation.ts";

export interface Timeline {
  /** In the order of the ladder. */
  readonly steps: readonly Reached[];
  /** Since the beginning: when the last step is over and the old version is only kept. Absent where it is not kept. */
  readonly keptAtMs?: number;
  readonly ending: Outcome["ending"];
  /** From the beginning to the end; endless pauses take no time. */
  readonly lastedMs: number;
}

interface Reached {
  readonly step: Step;
  /** Since the beginning. Absent for a pause that waits for a person, for a step that waits for testers, and for what was not reached. */
  readonly atMs?: number;
}

/** Enough to prove whatever can be proven. */
const PLENTY = { requestsPerSecond: 1_000, baselineErrors: 0, seed: 1 };

export function timelineOf(rollout: ValidRollout): Timeline {
  const healthy = regressionsFor(rollout.spec, PLENTY).find(({ isHealthy }) => isHealthy)!;
  const times: number[] = [];
  const kept: number[] = [];
  const { ending, lastedMs } = simulated(rollout, healthy, PLENTY, 0, ({ decision }, sinceMs) => {
    if (decision.kind === "begin" || decision.kind === "enter") times.push(sinceMs);
    if (decision.kind === "keep") kept.push(sinceMs);
  });
  const [keptAtMs] = kept;
  return { steps: rollout.spec.strategy.steps.map((step) => reachedAt(step, times)), ...(keptAtMs === undefined ? {} : { keptAtMs }), ending, lastedMs };
}

/** Takes the next time, unless it is a step that was left out of the play. */
function reachedAt(step: Step, times: number[]): Reached {
  const isLeftOut = isPauseStep(step) ? step.pause.duration === undefined : step.weight === undefined;
  const atMs = isLeftOut ? undefined : times.shift();
  return { step, ...(atMs === undefined ? {} : { atMs }) };
}
