/** Small stand-ins for the controllers that a cluster has: Deployments get ReplicaSets, these get pods, and pods get ready, as on a real one. */
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import type { Logger } from "../../kubernetes/logger.ts";
import type { ObjectChange } from "../../kubernetes/object-store.ts";
import { systemTime, type Time } from "../../kubernetes/time.ts";
import { planDeployment } from "./deployment-plan.ts";
import { isSelected, LabelSelector } from "../../kubernetes/label-selector.ts";
import { isEnded } from "./ownership.ts";
import type { Plan, WrittenKind } from "./plan.ts";
import { planPod } from "./pod-plan.ts";
import { planReplicaSet } from "./replica-set-plan.ts";
import { createWorkQueue, type WorkQueue } from "./work-queue.ts";
import { createWorld, type World } from "./world.ts";

export interface Controllers {
  /** From now on pods with these labels become, or stay, unready. */
  holdUnready(labels: Labels): void;
  /** Takes the above back. */
  release(): void;
  /** Settles when nothing is under way any more. */
  stop(): Promise<void>;
}

type Labels = Readonly<Record<string, string>>;

export interface ControllersOptions {
  readonly client: KubernetesClient;
  readonly logger: Logger;
  readonly time?: Time;
  /** In [0, 1); for the names and addresses of pods. */
  readonly random?: () => number;
}

interface Course extends Required<ControllersOptions> {
  readonly world: World;
  held: Labels | undefined;
}

type Queues = Readonly<Record<WrittenKind, WorkQueue>>;

/** For all namespaces; settles when they have seen what is there. */
export async function startControllers({ client, logger, time = systemTime, random = Math.random }: ControllersOptions): Promise<Controllers> {
  const course: Course = { client, logger, time, random, held: undefined, world: createWorld({ client, logger, time, random }) };
  const caches = Object.values(course.world.caches);
  caches.forEach((cache) => cache.start());
  await Promise.all(caches.map((cache) => cache.synced)); // a Deployment that is known before its ReplicaSets would get another one
  const queues = startQueues(course);
  const hold = (labels: Labels | undefined): void => {
    course.held = labels;
    addAll(course.world, "pods", queues.pods);
  };
  return {
    holdUnready: hold,
    release: () => hold(undefined),
    async stop() {
      caches.forEach((cache) => cache.stop());
      await Promise.all(Object.values(queues).map((queue) => queue.stop()));
    },
  };
}

function startQueues(course: Course): Queues {
  const queueOf = (plan: (course: Course, key: string) => Plan | undefined, fieldManager: string): WorkQueue =>
    createWorkQueue({
      ...course,
      async look(key) {
        const planned = plan(course, key);
        await course.world.write(planned?.writes ?? [], fieldManager);
        return planned?.lookAgainInMs;
      },
    });
  const queues = {
    deployments: queueOf(deploymentPlan, "kube-controller-manager"),
    replicaSets: queueOf(replicaSetPlan, "kube-controller-manager"),
    pods: queueOf(podPlan, "kubelet"),
  };
  for (const kind of Object.keys(queues) as WrittenKind[]) {
    course.world.caches[kind].onChange((change) => CONCERNED[kind](change, queues, course.world));
    addAll(course.world, kind, queues[kind]);
  }
  return queues;
}

function addAll({ caches }: World, kind: WrittenKind, queue: WorkQueue): void {
  caches[kind].all().forEach((object) => queue.add(keyOf(object)));
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

// ── what is planned from ─────────────────────────────────────────────────────────────────────────────────────────────

function deploymentPlan({ world, time }: Course, key: string): Plan | undefined {
  const deployment = world.deployment(key);
  if (!deployment) return undefined;
  const { namespace } = deployment.metadata;
  const replicaSets = world.replicaSetsIn(namespace);
  const owners = new Set(world.podsIn(namespace).filter((pod) => !isEnded(pod)).flatMap(({ metadata }) => metadata.ownerReferences.map(({ uid }) => uid)));
  return planDeployment({ deployment, replicaSets, hasPods: ({ metadata }) => owners.has(metadata.uid), nowMs: time.nowMs() });
}

function replicaSetPlan({ world, time, random }: Course, key: string): Plan | undefined {
  const replicaSet = world.replicaSet(key);
  return replicaSet && planReplicaSet({ replicaSet, pods: world.podsIn(replicaSet.metadata.namespace), nowMs: time.nowMs(), newSuffix: () => suffixFrom(random) });
}

/** As the API server makes them for `generateName`. */
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

function suffixFrom(random: () => number): string {
  return Array.from({ length: 5 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join("");
}

function podPlan({ world, time, random, held }: Course, key: string): Plan | undefined {
  const pod = world.pod(key);
  return pod && planPod({ pod, isHeld: isHeld(pod.metadata.labels, held), nowMs: time.nowMs(), random });
}

function isHeld(labels: Labels, held: Labels | undefined): boolean {
  return held !== undefined && Object.entries(held).every(([key, value]) => labels[key] === value);
}

// ── who is concerned by a change ─────────────────────────────────────────────────────────────────────────────────────

type Concern = (change: ObjectChange, queues: Queues, world: World) => void;

const CONCERNED: Readonly<Record<WrittenKind, Concern>> = {
  deployments: ({ object }, { deployments }) => deployments.add(keyOf(object)),
  replicaSets(change, { deployments, replicaSets }, world) {
    replicaSets.add(keyOf(change.object));
    ownersOf(change, world, "deployments").forEach(deployments.add);
  },
  pods(change, { deployments, replicaSets, pods }, world) {
    pods.add(keyOf(change.object));
    const owners = ownersOf(change, world, "replicaSets");
    owners.forEach(replicaSets.add);
    if (change.kind === "deleted") owners.forEach((owner) => deploymentsOf(owner, world).forEach(deployments.add)); // one that recreates may have waited for it
  },
};

/** Whoever controls it, or did before; where nobody does, those that may want it. */
function ownersOf({ object, previous }: ObjectChange, world: World, kind: "deployments" | "replicaSets"): readonly string[] {
  const { namespace = "", labels = {} } = object.metadata;
  const controllers = [object, ...(previous ? [previous] : [])].map(({ metadata }) => metadata.ownerReferences?.find(({ controller }) => controller));
  const known = controllers.flatMap((controller) => (controller ? [`${namespace}/${controller.name}`] : []));
  if (controllers[0]) return known;
  return [...known, ...world.caches[kind].list(namespace).filter((owner) => isSelected(labels, selectorOf(owner))).map(keyOf)];
}

function selectorOf({ spec }: KubernetesObject): LabelSelector {
  return LabelSelector.parse((spec as { readonly selector?: unknown } | undefined)?.selector ?? {});
}

function deploymentsOf(replicaSet: string, world: World): readonly string[] {
  const [namespace = "", name = ""] = replicaSet.split("/");
  const object = world.caches.replicaSets.get(namespace, name);
  return object ? ownersOf({ kind: "modified", object }, world, "deployments") : [];
}
