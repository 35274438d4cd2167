/** Who may refer to an object in another namespace (law 14). */
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { RolloutRef } from "../rollout/rollout.ts";

const ALLOW_FROM_ANNOTATION = "weir.dev/allow-from";

/** Undefined where the Rollout may refer to the object; else a sentence. */
export function refusalOf(label: string, { metadata }: KubernetesObject, rollout: RolloutRef): string | undefined {
  if (metadata.namespace === rollout.namespace) return undefined;
  const allowed = (metadata.annotations?.[ALLOW_FROM_ANNOTATION] ?? "").split(",").map((each) => each.trim());
  if (allowed.includes("*") || allowed.includes(rollout.namespace)) return undefined;
  return `${label} is in another namespace and does not allow Rollouts of ${rollout.namespace}: its owner may annotate it with ${ALLOW_FROM_ANNOTATION}=${rollout.namespace}`;
}
