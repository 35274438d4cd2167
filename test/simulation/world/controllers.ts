/** The controllers of a simulated cluster: they know the truth, plan as those of the playground do, and act late. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { planDeployment } from "../../../src/playground/controllers/deployment-plan.ts";
import { isEnded } from "../../../src/playground/controllers/ownership.ts";
import type { Plan, Write } from "../../../src/playground/controllers/plan.ts";
import { planPod } from "../../../src/playground/controllers/pod-plan.ts";
import { planReplicaSet } from "../../../src/playground/controllers/replica-set-plan.ts";
import { Deployment, Pod, ReplicaSet } from "../../../src/playground/controllers/workloads.ts";
import type { ApiServer, Kind } from "./api-server.ts";
import type { Dice } from "./dice.ts";
import { DEPLOYMENT, endpointsIn, specOfDeployment } from "./deployment.ts";
import type { DeploymentScene } from "./history.ts";
import type { WorldClock } from "./world-clock.ts";

export interface Controllers {
  /** Pods with this tag of the image become, or stay, unready; or get ready. */
  hold(tag: string, isUnready: boolean): void;
  heldTags(): readonly string[];
  /** While somebody's deed keeps pods unready that were ready nobody may be able to answer. */
  isAnyHeldByDeed(): boolean;
}

interface Parts {
  readonly clock: WorldClock;
  readonly server: ApiServer;
  readonly dice: Dice;
  readonly scene: DeploymentScene;
  readonly held: Set<string>;
}

type Planned = Extract<Kind, "deployments" | "replicaSets" | "pods">;

const MANAGER = "kube-controller-manager";
/** Stands for the kubelet, who takes a pod away when its processes have ended. */
const KUBELET_FINALIZER = "sim/kubelet";

export function startControllers(options: Omit<Parts, "held">, unready: readonly string[] = []): Controllers {
  const parts: Parts = { ...options, held: new Set(unready) };
  settle(parts);
  const queue = createQueue(parts);
  parts.server.follow(({ kind, type, object }) => {
    if (kind !== "deployments" && kind !== "replicaSets" && kind !== "pods") return;
    if (type !== "deleted") queue(kind, object);
    if (kind === "pods" && type === "modified" && object.metadata.deletionTimestamp) endLater(parts, object);
    if (kind === "pods") parts.server.all("replicaSets").forEach((each) => queue("replicaSets", each));
    parts.server.all("deployments").forEach((each) => queue("deployments", each));
  });
  const byDeed = new Set<string>();
  return {
    heldTags: () => [...parts.held],
    isAnyHeldByDeed: () => byDeed.size > 0,
    hold(tag, isUnready) {
      for (const tags of [parts.held, byDeed]) tags[isUnready ? "add" : "delete"](tag);
      parts.server.all("pods").forEach((object) => queue("pods", object));
    },
  };
}

/** Everything that was there long before the world begins. */
function settle(parts: Parts): void {
  const kinds = ["deployments", "replicaSets", "pods"] as const;
  for (let turn = 0; turn < 100; turn++) {
    const writes = kinds.flatMap((kind) => parts.server.all(kind).flatMap((object) => planFor(parts, kind, object)?.writes ?? []));
    if (writes.length === 0) return;
    writes.slice(0, 1).forEach((write) => carryOut(parts, write));
  }
}

/** One look at a time for each object. */
function createQueue(parts: Parts): (kind: Planned, object: KubernetesObject) => void {
  const { clock, dice, scene, server } = parts;
  const waiting = new Set<string>();
  const add = (kind: Planned, name: string, delayMs: number, why = "change"): void => {
    const key = `${kind}/${name} ${why}`;
    if (waiting.has(key)) return;
    waiting.add(key);
    clock.after(delayMs, () => {
      waiting.delete(key);
      const object = server.get(kind, name);
      const plan = object && planFor(parts, kind, object);
      plan?.writes.forEach((write) => carryOut(parts, write));
      if (plan?.lookAgainInMs !== undefined) add(kind, name, plan.lookAgainInMs + 1, "time");
    });
  };
  return (kind, { metadata: { name } }) => add(kind, name, dice.between(2, kind === "pods" ? scene.mostStartMs : scene.mostControllerMs));
}

function planFor(parts: Parts, kind: Planned, object: KubernetesObject): Plan | undefined {
  const nowMs = parts.clock.nowMs;
  if (kind === "deployments") return planDeployment({ deployment: Deployment.parse(object), replicaSets: parts.server.all("replicaSets").map((each) => ReplicaSet.parse(each)), hasPods: hasPods(parts), nowMs });
  if (kind === "replicaSets") return planReplicaSet({ replicaSet: ReplicaSet.parse(object), pods: parts.server.all("pods").map((each) => Pod.parse(each)), nowMs, newSuffix: () => `${parts.dice.between(0, 1e9)}` });
  const pod = Pod.parse(object);
  return object.metadata.deletionTimestamp ? undefined : planPod({ pod, isHeld: parts.held.has(tagOfPod(object)), nowMs, random: parts.dice.next });
}

function hasPods({ server }: Parts): (set: ReplicaSet) => boolean {
  const owners = new Set(server.all("pods").map((each) => Pod.parse(each)).filter((pod) => !isEnded(pod)).flatMap(({ metadata }) => metadata.ownerReferences.map(({ uid }) => uid)));
  return ({ metadata }) => owners.has(metadata.uid);
}

function tagOfPod({ spec }: KubernetesObject): string {
  const { containers } = spec as { readonly containers: readonly { readonly image: string }[] };
  return containers[0]!.image.split(":").at(-1)!;
}

function carryOut({ server }: Parts, write: Write): void {
  if (write.verb === "create") return create(server, write);
  const { name } = write.object.metadata;
  const present = server.get(write.kind, name);
  if (!present) return;
  if (write.verb === "delete") return server.remove(write.kind, name, MANAGER);
  if (write.verb === "setStatus") return server.put(write.kind, { ...present, status: write.status }, MANAGER);
  server.patch({ kind: write.kind, name, patch: { type: "merge", body: write.body }, options: {} }, MANAGER);
}

function create(server: ApiServer, { kind, object }: Extract<Write, { readonly verb: "create" }>): void {
  const { metadata, ...rest } = object as KubernetesObject;
  if (server.get(kind, metadata.name)) return;
  server.create(kind, { ...rest, metadata: { ...metadata, ...(kind === "pods" ? { finalizers: [KUBELET_FINALIZER] } : {}) } }, MANAGER);
}

function endLater({ clock, server, dice, scene }: Parts, { metadata: { name } }: KubernetesObject): void {
  clock.after(dice.between(50, scene.mostStopMs), () => {
    const present = server.get("pods", name);
    if (present) server.put("pods", { ...present, metadata: { ...present.metadata, finalizers: [] } }, "kubelet");
  });
}

/** Every pod that the Deployment itself wants answers. */
export function isComplete(server: ApiServer): boolean {
  const deployment = server.get("deployments", DEPLOYMENT);
  return deployment !== undefined && endpointsIn(server).filter(({ isCanary }) => !isCanary).length >= specOfDeployment(deployment).replicas;
}
