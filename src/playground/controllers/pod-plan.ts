/** What stands in for scheduler and kubelet does with a pod next: a node, then a status, and the end of one that is going. */
import { podIpOf, readyStatus, unpulledStatus, unreadyStatus } from "../pod-status.ts";
import { isEnded } from "./ownership.ts";
import type { Plan } from "./plan.ts";
import { isReady } from "./pod-readiness.ts";
import { isGoing, timestampOf, type Pod } from "./workloads.ts";

export interface PodSeen {
  readonly pod: Pod;
  /** Somebody wants it to stay unready. */
  readonly isHeld: boolean;
  readonly nowMs: number;
  /** In [0, 1); chooses its address. */
  readonly random: () => number;
}

const NODE = "playground";
/** An image whose name has this word in it cannot be pulled: so people see what a roll does that goes wrong. */
const BROKEN = "broken";

type Life = "ready" | "unready" | "unpulled";
const STATUS_OF = { ready: readyStatus, unready: unreadyStatus, unpulled: unpulledStatus };

export function planPod(seen: PodSeen): Plan {
  const { pod } = seen;
  if (isGoing(pod)) return { writes: pod.metadata.finalizers.length > 0 ? [] : [{ verb: "delete", kind: "pods", object: pod }] };
  if (isEnded(pod)) return { writes: [] };
  if (pod.spec.nodeName === "") return { writes: [{ verb: "change", kind: "pods", object: pod, body: { spec: { nodeName: NODE } } }] };
  const life = lifeOf(seen);
  return { writes: life === presentLife(pod) ? [] : [{ verb: "setStatus", kind: "pods", object: pod, status: statusOf(life, seen) }] };
}

function lifeOf({ pod, isHeld }: PodSeen): Life {
  if (pod.spec.containers.some(({ image }) => image.includes(BROKEN))) return "unpulled";
  return isHeld ? "unready" : "ready";
}

/** Undefined: nobody has said anything about it yet. */
function presentLife(pod: Pod): Life | undefined {
  if (isReady(pod)) return "ready";
  if (pod.status.containerStatuses.some(({ state }) => state.waiting?.reason === "ImagePullBackOff")) return "unpulled";
  return pod.status.conditions.some(({ type }) => type === "Ready") ? "unready" : undefined;
}

function statusOf(life: Life, { pod, nowMs, random }: PodSeen): object {
  const containers = pod.spec.containers.map(({ name, image }) => ({ name, image }));
  const told = STATUS_OF[life]({ containers, podIP: pod.status.podIP ?? podIpOf(random()), now: timestampOf(nowMs) });
  return { ...pod.status, ...told, startTime: pod.status["startTime"] ?? told.startTime };
}
