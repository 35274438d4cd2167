/** The fields of Deployments and their ReplicaSets that Weir reads; all others are kept as they are. */
import { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { LabelSelector } from "../../kubernetes/label-selector.ts";
import { HASH_LABEL } from "../../rollout/rollout.ts";
import { Template, versionOf } from "./template-version.ts";

const Condition = z.looseObject({ type: z.string(), status: z.string(), reason: z.string().optional(), message: z.string().optional() });

const DeploymentSpec = z.looseObject({
  replicas: z.int().default(1),
  paused: z.boolean().default(false),
  progressDeadlineSeconds: z.int().optional(),
  selector: LabelSelector,
  template: Template,
});

const DeploymentStatus = z.looseObject({
  observedGeneration: z.int().default(0),
  replicas: z.int().default(0),
  updatedReplicas: z.int().default(0),
  readyReplicas: z.int().default(0),
  availableReplicas: z.int().default(0),
  conditions: z.array(Condition).default([]),
});

const Deployment = z.looseObject({ spec: DeploymentSpec, status: DeploymentStatus.prefault({}) });

const ReplicaSet = z.looseObject({
  spec: z.looseObject({ replicas: z.int().default(1), template: Template }),
  status: z.looseObject({ conditions: z.array(Condition).default([]) }).prefault({}),
});

export interface ParsedDeployment extends z.infer<typeof Deployment> {
  readonly object: KubernetesObject;
}

export interface ParsedReplicaSet extends z.infer<typeof ReplicaSet> {
  readonly object: KubernetesObject;
}

const deployments = new WeakMap<KubernetesObject, ParsedDeployment | undefined>();
const replicaSets = new WeakMap<KubernetesObject, ParsedReplicaSet | undefined>();

/** Cached objects are replaced, never changed, so one parse of each is enough. */
export function parseDeployment(object: KubernetesObject): ParsedDeployment | undefined {
  return parsed(deployments, Deployment, object);
}

export function parseReplicaSet(object: KubernetesObject): ParsedReplicaSet | undefined {
  return parsed(replicaSets, ReplicaSet, object);
}

function parsed<T extends object>(known: WeakMap<KubernetesObject, (T & { readonly object: KubernetesObject }) | undefined>, schema: z.ZodType<T>, object: KubernetesObject): (T & { readonly object: KubernetesObject }) | undefined {
  if (!known.has(object)) {
    const { data } = schema.safeParse(object);
    known.set(object, data && { ...data, object });
  }
  return known.get(object);
}

/** As its Deployment's controller has set it. */
export function hashOf({ object: { metadata } }: ParsedReplicaSet): string | undefined {
  return metadata.labels?.[HASH_LABEL];
}

/** Newest first. */
export function byRevision(one: ParsedReplicaSet, other: ParsedReplicaSet): number {
  return revisionNumber(other) - revisionNumber(one);
}

function revisionNumber({ object: { metadata } }: ParsedReplicaSet): number {
  return Number(metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
}

/** What the template of a Deployment is called; undefined where it cannot be read. */
export function versionIn(object: KubernetesObject): string | undefined {
  const deployment = parseDeployment(object);
  return deployment && versionOf(deployment.spec.template).version;
}
