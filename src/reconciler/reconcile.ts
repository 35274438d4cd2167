/** One tick of one Rollout: observe, decide, commit, act. */
import { decide } from "../rollout/decide.ts";
import { effectsOf, isWorthCommitting, owedByLast } from "../rollout/effects.ts";
import type { Decision } from "../rollout/decision.ts";
import { nextStatus } from "../rollout/next-status.ts";
import { nextTickMs } from "../rollout/next-look.ts";
import type { Observation } from "../rollout/observation.ts";
import type { RolloutRef, ValidRollout } from "../rollout/rollout.ts";
import type { RolloutStatus } from "../rollout/status.ts";
import { asBegun, type InvalidRollout, invalidStatus, isValid, isWayBack } from "../rollout/validity.ts";
import { observe } from "./observe.ts";
import { perform } from "./perform.ts";
import type { Ports } from "./ports.ts";

export interface Result {
  /** When to look again, milliseconds since the epoch; absent: when something changes. */
  readonly requeueAtMs?: number | undefined;
  /** What was decided and said, for the metrics. */
  readonly status?: RolloutStatus;
  readonly decided?: Decision["kind"];
}

/** Throws `Conflict` where somebody else was faster (nothing has been done then), and what the world throws; the caller retries. */
export async function reconcile(ref: RolloutRef, ports: Ports, signal: AbortSignal): Promise<Result> {
  const stored = ports.rollouts.get(ref);
  if (!stored || stored.statusIsNewer) return {};
  if (!isValid(stored)) return refuse(stored as InvalidRollout, ports, signal);

  const rollout = ports.workload.named(stored);
  const seen = await observe(rollout, ports, signal);
  const decision = decide(rollout, seen);
  return carryOut(rollout, seen, decision, ports);
}

async function carryOut(rollout: ValidRollout, seen: Observation, decision: Decision, ports: Ports): Promise<Result> {
  const status = nextStatus(rollout, seen, decision);
  const effects = effectsOf(rollout, status, seen, decision);
  if (isWorthCommitting(rollout, status, effects)) {
    await perform(owedByLast(rollout, status, seen), rollout, ports).catch(() => undefined); // what fails is tried again, and the failure told, with all other effects
    const committed = await ports.rollouts.updateStatus(rollout, status, effects.length > 0); // the commit point: a conflict means nothing has been done yet
    await perform(effects, committed, ports);
  }
  return { requeueAtMs: nextTickMs(status), status, decided: decision.kind };
}

/** A spec that does not parse: only say so. A run that was begun is still taken back. */
async function refuse(rollout: InvalidRollout, ports: Ports, signal: AbortSignal): Promise<Result> {
  const begun = asBegun(rollout);
  if (begun) {
    const seen = await observe(begun, ports, signal);
    const decision = decide(begun, seen);
    if (isWayBack(decision, begun)) return carryOut(begun, seen, decision, ports);
  }
  const status = invalidStatus(rollout, ports.clock.nowMs());
  if (isWorthCommitting(rollout, status, [])) await ports.rollouts.updateStatus(rollout, status, false);
  return {};
}
