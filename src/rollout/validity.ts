/** What is said of a Rollout whose spec does not parse. */
import { blankStatus } from "./read-case.ts";
import type { Rollout, ValidRollout } from "./rollout.ts";
import type { Condition, RolloutStatus } from "./status.ts";
import { timeOf } from "./units.ts";

export type InvalidRollout = Rollout & { readonly spec: { readonly invalid: string } };

export function isValid(rollout: Rollout): rollout is ValidRollout {
  return !("invalid" in rollout.spec);
}

/** The run stays as it is: nothing can be decided without a spec. */
export function invalidStatus({ status, spec, metadata }: InvalidRollout, nowMs: number): RolloutStatus {
  const message = `${spec.invalid}; weir lint says the same before it is applied`;
  const before = status?.conditions ?? [];
  const condition = (type: Condition["type"], value: Condition["status"]): Condition => {
    const last = before.find((one) => one.type === type);
    return { type, status: value, reason: "InvalidSpec", message, lastTransitionTime: last?.status === value ? last.lastTransitionTime : timeOf(nowMs), observedGeneration: metadata.generation };
  };
  return {
    ...(status ?? blankStatus()),
    phase: "Degraded",
    reason: "InvalidSpec",
    message,
    observedGeneration: metadata.generation,
    conditions: [condition("Ready", "False"), condition("Reconciling", "False"), condition("Stalled", "True")],
  };
}
