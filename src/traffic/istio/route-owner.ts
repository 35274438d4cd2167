/** Who else steers this route: Flagger, Argo Rollouts, or another Rollout of ours. */
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { RouteWriter } from "../../rollout/observation.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import type { DestinationRule } from "./destination-rule.ts";

const FLAGGER_BACKUP = "flagger.kubernetes.io/original-configuration";
const ARGO_RULE = "argo-rollouts.argoproj.io/managed-by-rollouts";
/** Field managers are the binaries' names; both write the whole object, so the newest writer is the one that would write again. */
const MANAGERS: Readonly<Record<string, string>> = {
  flagger: "Flagger",
  "argo-rollouts": "Argo Rollouts",
  "rollouts-controller": "Argo Rollouts",
};

export function peerOf({ metadata }: KubernetesObject, writers: readonly RouteWriter[], rules: readonly DestinationRule[]): string | undefined {
  if (metadata.ownerReferences?.some(({ kind }) => kind === "Canary")) return "Flagger";
  if (metadata.annotations?.[FLAGGER_BACKUP] !== undefined) return "Flagger";
  if (rules.some(({ annotations }) => annotations[ARGO_RULE] !== undefined)) return "Argo Rollouts";
  return MANAGERS[writers[0]?.manager ?? ""];
}

export function otherRollout(owner: RolloutRef | undefined, rollout: RolloutRef): string | undefined {
  if (!owner || (owner.namespace === rollout.namespace && owner.name === rollout.name)) return undefined;
  return `Rollout ${owner.namespace}/${owner.name}`;
}
