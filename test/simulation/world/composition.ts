/** The tick of a simulated daemon: the real one, or the same steps with one of them replaced, as a planted bug asks for. */
import { decide } from "../../../src/rollout/decide.ts";
import { effectsOf, isWorthCommitting } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import { nextTickMs } from "../../../src/rollout/next-look.ts";
import type { RolloutRef, ValidRollout } from "../../../src/rollout/rollout.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import { isValid } from "../../../src/rollout/validity.ts";
import { observe } from "../../../src/reconciler/observe.ts";
import { perform } from "../../../src/reconciler/perform.ts";
import type { Ports } from "../../../src/reconciler/ports.ts";
import { reconcile, type Result } from "../../../src/reconciler/reconcile.ts";

export type Reconcile = (ref: RolloutRef, ports: Ports, signal: AbortSignal) => Promise<{ readonly requeueAtMs?: number }>;

/** The pure functions that a tick is made of, and the order of commit and act. */
export interface TickSteps {
  readonly decide: typeof decide;
  readonly nextStatus: typeof nextStatus;
  readonly effectsOf: typeof effectsOf;
  readonly isWorthCommitting: typeof isWorthCommitting;
  /** Whether what is worth committing is really written before it is acted upon. */
  readonly isWritten: (rollout: ValidRollout, status: RolloutStatus) => boolean;
  readonly actsFirst: boolean;
}

const STEPS: TickSteps = { decide, nextStatus, effectsOf, isWorthCommitting, isWritten: () => true, actsFirst: false };

export const realReconcile: Reconcile = async (ref, ports, signal) => requeueOf(await reconcile(ref, ports, signal));

/** `reconcile` put together anew; without a change it does the same. */
export function composedOf(change: Partial<TickSteps>): Reconcile {
  const steps = { ...STEPS, ...change };
  return async (ref, ports, signal) => {
    const stored = ports.rollouts.get(ref);
    if (!stored || stored.statusIsNewer) return {};
    if (!isValid(stored)) return realReconcile(ref, ports, signal);
    const rollout = ports.workload.named(stored);
    const seen = await observe(rollout, ports, signal);
    const decision = steps.decide(rollout, seen);
    const status = steps.nextStatus(rollout, seen, decision);
    const effects = steps.effectsOf(rollout, status, seen, decision);
    if (steps.isWorthCommitting(rollout, status, effects)) {
      if (steps.actsFirst) await perform(effects, rollout, ports);
      const committed = steps.isWritten(rollout, status) ? await ports.rollouts.updateStatus(rollout, status, effects.length > 0) : rollout;
      if (!steps.actsFirst) await perform(effects, committed, ports);
    }
    return requeueOf({ requeueAtMs: nextTickMs(status) });
  };
}

function requeueOf({ requeueAtMs }: Pick<Result, "requeueAtMs">): { readonly requeueAtMs?: number } {
  return requeueAtMs === undefined ? {} : { requeueAtMs };
}
