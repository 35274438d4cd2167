/** The fields of a Pod that Weir reads, and what they say about readiness. */
import { z } from "zod";
import type { KubernetesObject, ObjectMetadata } from "../kubernetes/client.ts";

const Condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().nullish(),
});

const Reasoned = z.looseObject({ reason: z.string().optional(), message: z.string().optional(), exitCode: z.int().optional() });

const ContainerStatus = z.looseObject({
  name: z.string(),
  ready: z.boolean().default(false),
  state: z.looseObject({ waiting: Reasoned.optional(), terminated: Reasoned.optional() }).default({}),
});
export type ContainerStatus = z.infer<typeof ContainerStatus>;

const PodStatus = z.looseObject({
  reason: z.string().optional(),
  message: z.string().optional(),
  phase: z.string().optional(),
  conditions: z.array(Condition).default([]),
  containerStatuses: z.array(ContainerStatus).default([]),
  initContainerStatuses: z.array(ContainerStatus).default([]),
});
export type PodStatus = z.infer<typeof PodStatus>;
export type PodCondition = z.infer<typeof Condition>;

export interface Pod {
  readonly metadata: ObjectMetadata;
  readonly status: PodStatus;
}

/** A Pod whose status cannot be read is one of which nothing is known yet. */
export function podOf({ metadata, status }: KubernetesObject): Pod {
  return { metadata, status: PodStatus.safeParse(status).data ?? PodStatus.parse({}) };
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isReady(pod: Pod): boolean {
  return !isTerminating(pod) && conditionOf(pod, "Ready")?.status === "True";
}

/** When the last of the ready pods became so, milliseconds since the epoch; undefined while none is, or none says when. */
export function newestReadyMs(pods: readonly Pod[]): number | undefined {
  const newest = Math.max(0, ...pods.filter(isReady).map((pod) => timeOf(conditionOf(pod, "Ready"))));
  return newest > 0 ? newest : undefined;
}

/**
 * Whether it is, or once was, ready. A pod that never was has had its Ready condition false since before its init
 * containers were done; a later transition to false can only come from true.
 */
export function hasBeenReady(pod: Pod): boolean {
  const ready = conditionOf(pod, "Ready");
  if (ready?.status === "True") return true;
  const initialized = conditionOf(pod, "Initialized");
  if (initialized?.status !== "True") return false;
  return timeOf(ready) > timeOf(initialized);
}

export function conditionOf({ status }: Pod, type: string): PodCondition | undefined {
  return status.conditions.find((condition) => condition.type === type);
}

export function controllerOf({ ownerReferences = [] }: ObjectMetadata): { readonly kind: string; readonly name: string; readonly uid: string } | undefined {
  return ownerReferences.find(({ controller }) => controller);
}

/** An empty selector selects nothing. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

function timeOf(condition: PodCondition | undefined): number {
  return Date.parse(condition?.lastTransitionTime ?? "") || 0;
}
