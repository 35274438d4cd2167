/** What a ReplicaSet's controller does next: pods that are missing, pods that are too many, and a status that counts them. */
import { isDeepStrictEqual } from "node:util";
import { withoutZeros } from "./counts.ts";
import { claim, isEnded, ownerReferenceTo } from "./ownership.ts";
import type { Plan, Write } from "./plan.ts";
import { isReady, msUntilAvailable, readySinceMs } from "./pod-readiness.ts";
import { isGoing, ReplicaSetStatus, type Pod, type ReplicaSet } from "./workloads.ts";

export interface ReplicaSetSeen {
  readonly replicaSet: ReplicaSet;
  /** All of its namespace that are not known to be deleted. */
  readonly pods: readonly Pod[];
  readonly nowMs: number;
  /** The last part of a new pod's name. */
  readonly newSuffix: () => string;
}

const MOST_AT_ONCE = 500;

export function planReplicaSet(seen: ReplicaSetSeen): Plan {
  const { replicaSet, nowMs } = seen;
  if (isGoing(replicaSet)) return { writes: [] };
  const { owned, writes } = claim(replicaSet, "ReplicaSet", seen.pods);
  const active = owned.filter((pod) => !isGoing(pod) && !isEnded(pod));
  const waits = active.flatMap((pod) => msUntilAvailable(pod, replicaSet.spec.minReadySeconds, nowMs) ?? []);
  const status = statusOf(replicaSet, owned, active, waits.filter((ms) => ms === 0).length);
  const isNew = !isDeepStrictEqual(ReplicaSetStatus.parse(status), replicaSet.status);
  const next = waits.filter((ms) => ms > 0).sort((one, other) => one - other)[0];
  return {
    writes: [...writes, ...podWrites(seen, active), ...(isNew ? [{ verb: "setStatus", kind: "replicaSets", object: replicaSet, status } as const] : [])],
    ...(next !== undefined && { lookAgainInMs: next }),
  };
}

function statusOf({ metadata, spec, status }: ReplicaSet, owned: readonly Pod[], active: readonly Pod[], availableReplicas: number): object {
  const labels = Object.entries(spec.template.metadata?.labels ?? {});
  const fullyLabeledReplicas = active.filter((pod) => labels.every(([key, value]) => pod.metadata.labels[key] === value)).length;
  return {
    ...("conditions" in status && { conditions: status["conditions"] }),
    replicas: active.length,
    ...withoutZeros({ fullyLabeledReplicas, readyReplicas: active.filter(isReady).length, availableReplicas }),
    terminatingReplicas: owned.filter((pod) => isGoing(pod) && !isEnded(pod)).length,
    observedGeneration: metadata.generation,
  };
}

function podWrites(seen: ReplicaSetSeen, active: readonly Pod[]): readonly Write[] {
  const missing = seen.replicaSet.spec.replicas - active.length;
  if (missing >= 0) return Array.from({ length: Math.min(missing, MOST_AT_ONCE) }, () => creation(seen));
  return active.toSorted(firstToGo).slice(0, Math.min(-missing, MOST_AT_ONCE)).map((object) => ({ verb: "delete", kind: "pods", object }));
}

function creation({ replicaSet, newSuffix }: ReplicaSetSeen): Write {
  const { metadata, spec: { template } } = replicaSet;
  const { labels, annotations } = template.metadata ?? {};
  const own = { name: `${metadata.name}-${newSuffix()}`, namespace: metadata.namespace, labels, annotations, ownerReferences: [ownerReferenceTo(replicaSet, "ReplicaSet")] };
  return { verb: "create", kind: "pods", namespace: metadata.namespace, object: { apiVersion: "v1", kind: "Pod", metadata: own, spec: template.spec } };
}

const PHASES = ["Pending", "Unknown", "Running"];

/** Those that nobody would miss: without a node, not running, not ready, ready for the shortest time, newest. */
function firstToGo(one: Pod, other: Pod): number {
  return (
    Number(one.spec.nodeName !== "") - Number(other.spec.nodeName !== "") ||
    PHASES.indexOf(one.status.phase) - PHASES.indexOf(other.status.phase) ||
    Number(isReady(one)) - Number(isReady(other)) ||
    (readySinceMs(other) ?? 0) - (readySinceMs(one) ?? 0) ||
    Date.parse(other.metadata.creationTimestamp) - Date.parse(one.metadata.creationTimestamp)
  );
}
