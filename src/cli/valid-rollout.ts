/** A Rollout that this command line can reason about. */
import type { KubernetesObject } from "../kubernetes/client.ts";
import { rolloutOf } from "../kubernetes/rollout-object.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import { asBegun, asItsRunKnows, isValid } from "../rollout/validity.ts";
import { EXIT, Failure } from "./failure.ts";

/** Throws a `Failure` where the spec does not parse, or a later Weir wrote the status. */
export function validRolloutOf(object: KubernetesObject): ValidRollout {
  const rollout = rolloutOf(object);
  const { name, namespace } = rollout.metadata;
  if (rollout.statusIsNewer) throw new Failure(`the status of Rollout ${name} in namespace ${namespace} was written by a later Weir; use a weir command of that version`, EXIT.error);
  if (!isValid(rollout)) throw new Failure(`the spec of Rollout ${name} in namespace ${namespace} cannot be read: ${"invalid" in rollout.spec ? rollout.spec.invalid : ""}`, EXIT.error);
  return rollout;
}

/** One whose run can be taken back: valid, or as it was begun. */
export function abortableRolloutOf(object: KubernetesObject): ValidRollout {
  const rollout = rolloutOf(object);
  return (rollout.statusIsNewer || isValid(rollout) ? undefined : asBegun(rollout)) ?? validRolloutOf(object);
}

/** The same of a run that may be over, to look at only. */
export function lookableRolloutOf(object: KubernetesObject): ValidRollout {
  const rollout = rolloutOf(object);
  const run = rollout.status?.run;
  return run && !isValid(rollout) ? asItsRunKnows(rollout, run) : validRolloutOf(object);
}
