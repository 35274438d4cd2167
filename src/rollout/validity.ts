/** What is said of a Rollout whose spec does not parse, and what can be done for it nevertheless. */
import type { Decision } from "./decision.ts";
import { blankStatus } from "./read-case.ts";
import { FINALIZER, type Rollout, type ValidRollout } from "./rollout.ts";
import { percent } from "./rules/rule.ts";
import { RolloutSpec } from "./spec.ts";
import type { Condition, RolloutStatus, Run } from "./status.ts";
import { timeOf } from "./units.ts";

export type InvalidRollout = Rollout & { readonly spec: { readonly invalid: string } };

export function isValid(rollout: Rollout): rollout is ValidRollout {
  return !("invalid" in rollout.spec);
}

/**
 * What was begun can be taken back although nobody can read the spec. Undefined where no weights of ours are on a route
 * (then there is no finalizer either).
 */
export function asBegun(rollout: Rollout): ValidRollout | undefined {
  const run = rollout.status?.run;
  return run && rollout.metadata.finalizers.includes(FINALIZER) ? asItsRunKnows(rollout, run) : undefined;
}

/** Route, versions and ladder of a run are in status. */
export function asItsRunKnows(rollout: Rollout, run: Run): ValidRollout {
  const delivered = run.deployment === undefined ? { release: run.release } : { deployment: { name: run.deployment } };
  const spec = RolloutSpec.parse({ ...delivered, traffic: run.target, analysis: { metrics: [] } });
  return { ...rollout, spec: { ...spec, release: run.release, strategy: { ...spec.strategy, steps: run.ladder } } };
}

/** Without a spec that can be read only one way is open: back. */
export function isWayBack(decision: Decision, { status }: ValidRollout): boolean {
  if (status?.run?.outcome) return decision.kind === "stay" || decision.kind === "repair";
  return decision.kind === "repair" || (decision.kind === "end" && (decision.outcome === "Aborted" || decision.outcome === "RolledBack"));
}

/** The run stays as it is: nothing can be decided without a spec. */
export function invalidStatus({ status, spec, metadata, statusIsForeign }: InvalidRollout, nowMs: number): RolloutStatus {
  const advice = status?.run && !status.run.outcome ? waitingSaid(status.run) : "weir lint says the same before it is applied";
  const message = statusIsForeign ? spec.invalid : `${spec.invalid}; ${advice}`;
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

function waitingSaid({ number, to, weight }: Run): string {
  return `run ${number} of ${to.version} waits at ${percent(weight)}, and abort takes it back`;
}
