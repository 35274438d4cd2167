/** Who else steers this route: Flagger or Argo Rollouts. */
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { RouteWriter } from "../rollout/observation.ts";

const FLAGGER_BACKUP = "flagger.kubernetes.io/original-configuration";
/** Field managers are the binaries' names; both write the whole object, so the newest writer is the one that would write again. */
const MANAGERS: Readonly<Record<string, string>> = {
  flagger: "Flagger",
  "argo-rollouts": "Argo Rollouts",
  "rollouts-controller": "Argo Rollouts",
};

export function peerOf({ metadata }: KubernetesObject, writers: readonly RouteWriter[]): string | undefined {
  if (metadata.ownerReferences?.some(({ kind }) => kind === "Canary")) return "Flagger";
  if (metadata.annotations?.[FLAGGER_BACKUP] !== undefined) return "Flagger";
  return MANAGERS[writers[0]?.manager ?? ""];
}
