/** Deployments, ReplicaSets and pods, as far as the controllers read them; everything else about them is kept as it is. */
import { z } from "zod";
import { LabelSelector } from "../../kubernetes/label-selector.ts";

const Texts = z.record(z.string(), z.string());

const OwnerReference = z.looseObject({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().optional() });

const Metadata = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.int().default(1),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  labels: Texts.default({}),
  annotations: Texts.default({}),
  finalizers: z.array(z.string()).default([]),
  ownerReferences: z.array(OwnerReference).default([]),
});

const Container = z.looseObject({ name: z.string(), image: z.string() });
export type Container = z.infer<typeof Container>;

/** Without defaults: it is compared, and copied from one object to the next. */
const PodTemplate = z.looseObject({
  metadata: z.looseObject({ labels: Texts.optional(), annotations: Texts.optional() }).optional(),
  spec: z.looseObject({ containers: z.array(Container) }),
});
export type PodTemplate = z.infer<typeof PodTemplate>;

const Condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
  lastUpdateTime: z.string().optional(),
  lastTransitionTime: z.string().optional(),
});
export type Condition = z.infer<typeof Condition>;

/** A number, or a percentage of the replicas. */
const Amount = z.union([z.int(), z.string().regex(/^\d+%$/)]);
export type Amount = z.infer<typeof Amount>;

const Count = z.int().default(0);

/** Counts that are not there are none, so that two of these can be compared. */
export const DeploymentStatus = z.looseObject({
  observedGeneration: Count,
  replicas: Count,
  updatedReplicas: Count,
  readyReplicas: Count,
  availableReplicas: Count,
  unavailableReplicas: Count,
  terminatingReplicas: Count,
  collisionCount: Count,
  conditions: z.array(Condition).default([]),
});

export const Deployment = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    replicas: z.int().default(1),
    paused: z.boolean().default(false),
    minReadySeconds: Count,
    revisionHistoryLimit: z.int().default(10),
    progressDeadlineSeconds: z.int().default(600),
    strategy: z.looseObject({ type: z.string().default("RollingUpdate"), rollingUpdate: z.looseObject({ maxSurge: Amount.default("25%"), maxUnavailable: Amount.default("25%") }).prefault({}) }).prefault({}),
    selector: LabelSelector,
    template: PodTemplate,
  }),
  status: DeploymentStatus.prefault({}),
});
export type Deployment = z.infer<typeof Deployment>;

export const ReplicaSetStatus = z.looseObject({
  observedGeneration: Count,
  replicas: Count,
  fullyLabeledReplicas: Count,
  readyReplicas: Count,
  availableReplicas: Count,
  terminatingReplicas: Count,
});

export const ReplicaSet = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({ replicas: z.int().default(1), minReadySeconds: Count, selector: LabelSelector, template: PodTemplate }),
  status: ReplicaSetStatus.prefault({}),
});
export type ReplicaSet = z.infer<typeof ReplicaSet>;

const ContainerStatus = z.looseObject({ name: z.string(), state: z.looseObject({ waiting: z.looseObject({ reason: z.string().optional() }).optional() }).default({}) });

export const Pod = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({ nodeName: z.string().default(""), containers: z.array(Container) }),
  status: z.looseObject({ phase: z.string().default("Pending"), podIP: z.string().optional(), conditions: z.array(Condition).default([]), containerStatuses: z.array(ContainerStatus).default([]) }).prefault({}),
});
export type Pod = z.infer<typeof Pod>;

export type Workload = Deployment | ReplicaSet | Pod;

export function isGoing({ metadata }: Workload): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** As Kubernetes writes times: whole seconds. */
export function timestampOf(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}
