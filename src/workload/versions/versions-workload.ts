/** What runs behind versions that exist side by side: pods, their workloads, and the revision, from informer caches. */
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { Backend, VersionSeen } from "../../rollout/observation.ts";
import type { Workload } from "../workload.ts";
import { ownersOf, type Owner, type OwnerCaches } from "./owners.ts";
import { podProblemOf } from "../pod-problem.ts";
import { controllerOf, isReady, newestReadyMs, isTerminating, podOf, selects, type Pod } from "../pods.ts";
import { revisionOf } from "../revision.ts";

export interface VersionsWorkloadOptions {
  readonly caches: OwnerCaches & Pick<ObjectCaches, "pods">;
}

type Found = Extract<Backend, { readonly kind: "found" }>;

/** Of a Rollout that names versions: there is no Deployment to hold. */
export const NO_DEPLOYMENT: Pick<Workload, "named" | "deployment" | "autoscaler" | "change"> = {
  named: (rollout) => rollout,
  deployment: () => undefined,
  autoscaler: async () => undefined,
  change: (rollout, { kind }) => Promise.reject(new Error(`expected a Rollout that delivers a Deployment, to ${kind} it, got ${rollout.metadata.namespace}/${rollout.metadata.name}`)),
};

export interface VersionsWorkload extends Workload {
  see(version: string, backend: Backend): VersionSeen;
}

export function createVersionsWorkload({ caches }: VersionsWorkloadOptions): VersionsWorkload {
  return { ...NO_DEPLOYMENT, see: (version, backend) => (backend.kind === "missing" ? nothing(version, backend) : see(version, backend, caches)) };
}

function nothing(version: string, backend: Backend): VersionSeen {
  return { version, backend, readyPods: 0, wantedPods: 0, revision: "", workloads: [], pods: [] };
}

function see(version: string, backend: Found, caches: VersionsWorkloadOptions["caches"]): VersionSeen {
  const { namespace, selector } = backend;
  const selected = caches.pods.list(namespace).filter(({ metadata }) => selects(selector, metadata.labels)).map(podOf);
  const owners = ownersOf(caches, { namespace, selector, pods: selected });
  const pods = selected.filter((pod) => !isTerminating(pod));
  const readySinceMs = newestReadyMs(pods);
  return {
    version,
    backend,
    readyPods: pods.filter(isReady).length,
    wantedPods: wantedPodsOf(owners),
    ...(readySinceMs === undefined ? {} : { readySinceMs }),
    podProblem: podProblemOf(pods) ?? absenceOf(pods, owners, backend),
    revision: revisionOfOwners(owners),
    workloads: workloadsOf(pods, owners, caches),
    pods: pods.map(({ metadata }) => metadata.name).sort(),
  };
}

function wantedPodsOf(owners: readonly Owner[]): number {
  return owners.reduce((sum, { wantedPods }) => sum + wantedPods, 0);
}

/** Why there is not one pod to look at. */
function absenceOf(pods: readonly Pod[], owners: readonly Owner[], { namespace, selector }: Found): string | undefined {
  if (pods.length > 0) return undefined;
  const refusal = owners.find((owner) => owner.refusal)?.refusal;
  if (refusal !== undefined) return `pods are refused: ${refusal.slice(0, 200)}`;
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`).join(",");
  if (owners.length === 0) return `no workload in namespace ${namespace} has pods with the labels ${labels}`;
  return wantedPodsOf(owners) === 0 ? `${owners.map(({ name }) => name).join(", ")} is scaled to 0` : undefined;
}

/**
 * Empty while an owner that asks for pods has never had a ready one: a part of the templates would be another
 * revision, and change by itself as soon as the rest gets ready. An owner scaled to 0 that never ran has no part in it.
 */
function revisionOfOwners(owners: readonly Owner[]): string {
  const proven = owners.map(({ generations }) => generations.find(({ hasBeenReady }) => hasBeenReady)?.template);
  const isPartial = owners.some(({ wantedPods }, index) => wantedPods > 0 && !proven[index]);
  const templates = proven.flatMap((template) => template ?? []);
  return isPartial || templates.length === 0 ? "" : revisionOf(templates);
}

/** Of every pod, whoever owns it, and of owners that ask for pods. */
function workloadsOf(pods: readonly Pod[], owners: readonly Owner[], { replicaSets }: OwnerCaches): readonly string[] {
  const names = pods.map(({ metadata }) => {
    const controller = controllerOf(metadata);
    const replicaSet = controller?.kind === "ReplicaSet" ? replicaSets.get(metadata.namespace ?? "", controller.name) : undefined;
    return (replicaSet && controllerOf(replicaSet.metadata)?.name) ?? controller?.name ?? metadata.name;
  });
  const asking = owners.filter(({ wantedPods }) => wantedPods > 0).map(({ name }) => name);
  return [...new Set([...names, ...asking])].sort();
}
