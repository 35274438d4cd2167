/** A Deployment of the user's that Weir holds: its pods are the stable version, and a temporary canary beside it runs the new template. */
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import { isOlder } from "../../rollout/case.ts";
import { deploymentOf } from "../../rollout/deployment.ts";
import type { AutoscalerSeen, Backend, CanarySeen, DeploymentAbsent, DeploymentSeen, VersionSeen } from "../../rollout/observation.ts";
import { CANARY_LABEL, HELD_ANNOTATION, OWNER_LABEL, type RolloutRef, type ValidRollout } from "../../rollout/rollout.ts";
import type { RolloutStatus, VersionRevision } from "../../rollout/status.ts";
import { podProblemOf } from "../pod-problem.ts";
import { controllerOf, isReady, isTerminating, newestReadyMs, podOf, type Pod } from "../pods.ts";
import type { Workload } from "../workload.ts";
import { autoscalerOf } from "./autoscaler.ts";
import { changeDeployment } from "./deployment-changes.ts";
import { byRevision, hashOf, type ParsedDeployment, type ParsedReplicaSet, parseDeployment, parseReplicaSet } from "./deployment-object.ts";
import { isSelected } from "../../kubernetes/label-selector.ts";
import { versionOf } from "./template-version.ts";

export interface DeploymentWorkloadOptions {
  readonly caches: Pick<ObjectCaches, "deployments" | "replicaSets" | "pods">;
  /** One that puts its answers into the caches. */
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete" | "list">;
  /** Whether the API server holds a new template by itself. */
  readonly isGuarded: () => boolean;
  /** The Rollout that a Deployment belongs to, where several name it. */
  readonly ownerOf?: ((namespace: string, name: string) => RolloutRef | undefined) | undefined;
}

/** As the API server says where a Deployment says nothing. */
const DEADLINE_SECONDS = 600;

export function createDeploymentWorkload(options: DeploymentWorkloadOptions): Workload {
  return {
    named: (rollout) => named(options, rollout),
    deployment: (rollout) => deploymentSeen(options, rollout),
    see: (version, backend, rollout) => see(options, rollout, version, backend),
    autoscaler: (rollout) => autoscalerSeen(options, rollout),
    change: (rollout, change) => changeDeployment(options, rollout.metadata, change),
  };
}

function named({ caches }: DeploymentWorkloadOptions, rollout: ValidRollout): ValidRollout {
  const { spec, status, metadata } = rollout;
  const deployment = spec.deployment && found(caches, metadata.namespace, spec.deployment.name);
  const release = deployment ? releaseIn(deployment, status) : (status?.observedRevision?.version ?? "");
  return spec.deployment ? { ...rollout, spec: { ...spec, release } } : rollout;
}

/** A template from before the one that the last run was begun for is nobody's will any more: it was seen by a cache that lags. */
function releaseIn({ object: { metadata }, spec }: ParsedDeployment, { run }: Partial<RolloutStatus> = {}): string {
  const isBehind = run?.deployment === metadata.name && run.templateAt !== undefined && isOlder(metadata.resourceVersion ?? "", run.templateAt);
  return isBehind ? run.release : versionOf(spec.template).version;
}

type Caches = DeploymentWorkloadOptions["caches"];

function found({ deployments }: Caches, namespace: string, name: string): ParsedDeployment | undefined {
  const object = deployments.get(namespace, name);
  return object && parseDeployment(object);
}

function deploymentSeen(options: DeploymentWorkloadOptions, rollout: ValidRollout): DeploymentSeen | DeploymentAbsent | undefined {
  const name = deploymentOf(rollout);
  if (name === undefined) return undefined;
  const { caches } = options;
  const { namespace } = rollout.metadata;
  const present = canariesOf(caches, rollout.metadata);
  const canaries = present.map(canarySeen);
  const deployment = found(caches, namespace, name);
  const pods = canaryPods(caches, namespace, canaries, deployment);
  const label = `Deployment ${namespace}/${name}`;
  if (!deployment) return { kind: "absent", message: `there is no ${label}`, canaries, canaryPods: pods.length };
  const readyCanaryPods = Math.max(pods.filter((pod) => isReady(pod) && !isTerminating(pod)).length, ...present.map(({ status }) => status.readyReplicas));
  return { ...seenOf(options, rollout, deployment), label, canaries, canaryPods: pods.length, readyCanaryPods };
}

function seenOf(options: DeploymentWorkloadOptions, rollout: ValidRollout, deployment: ParsedDeployment): Omit<DeploymentSeen, "label" | "canaries" | "canaryPods" | "readyCanaryPods"> {
  const { caches, isGuarded } = options;
  const { spec, object: { metadata } } = deployment;
  const sets = setsOf(caches, deployment);
  const present = sets.find((set) => isOf(set, versionOf(spec.template)));
  const serving = servingOf(caches, sets, rollout.status?.stable);
  const rollProblem = problemOf(deployment);
  const owner = otherOwner(options, rollout, metadata.name);
  return {
    kind: "found",
    resourceVersion: metadata.resourceVersion ?? "",
    template: versionOf(spec.template),
    podLabels: spec.template.metadata.labels,
    ...(serving ? { serving } : {}),
    ...(isGivenUp(sets, rollout.status?.stable) ? { stableIsGivenUp: true as const } : {}),
    remembered: sets.map((set) => versionOf(set.spec.template).version),
    replicas: spec.replicas,
    isPaused: spec.paused,
    isHeld: metadata.annotations?.[HELD_ANNOTATION] !== undefined,
    isGuarded: isGuarded(),
    isRolled: isRolled(deployment),
    rolledPods: present ? podsOf(caches, present).filter(isReady).length : 0,
    otherPods: sets.filter((set) => set !== present).flatMap((set) => podsOf(caches, set)).length,
    readyPodsOf: Object.fromEntries(sets.map((set) => [versionOf(set.spec.template).version, podsOf(caches, set).filter(isReady).length])),
    ...(rollProblem === undefined ? {} : { rollProblem }),
    rollLimitMs: (spec.progressDeadlineSeconds ?? DEADLINE_SECONDS) * 1_000,
    ...(owner === undefined ? {} : { managedBy: owner }),
  };
}

async function autoscalerSeen({ client, caches }: DeploymentWorkloadOptions, rollout: ValidRollout): Promise<AutoscalerSeen | string | undefined> {
  const { namespace } = rollout.metadata;
  const deployment = found(caches, namespace, deploymentOf(rollout) ?? "");
  if (!deployment) return undefined;
  try {
    const autoscaler = await autoscalerOf(client, namespace, deployment.object.metadata.name);
    return autoscaler && { ...autoscaler, readySinceMs: readySinceMs(caches, namespace, deployment) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return `Weir may not list horizontalpodautoscalers in namespace ${namespace}: apply deploy/`;
  }
}

/** Of every pod that an autoscaler averages over, whoever owns it. */
function readySinceMs({ pods }: Caches, namespace: string, { spec: { selector } }: ParsedDeployment): readonly number[] {
  const selected = pods.list(namespace).filter(({ metadata: { labels = {} } }) => isSelected(labels, selector)).map(podOf);
  return selected.filter(isReady).map((pod) => newestReadyMs([pod]) ?? 0);
}

/** All pods are of the template, none of another one is left, and all are available: said by a controller that has seen the template, for a stale status may still say so of the one before. */
function isRolled({ spec: { replicas, paused }, status, object: { metadata } }: ParsedDeployment): boolean {
  const isSeen = status.observedGeneration >= (metadata.generation ?? 0);
  const isDone = status.conditions.some(({ type, reason }) => type === "Progressing" && reason === "NewReplicaSetAvailable");
  return isSeen && isDone && !paused && status.updatedReplicas === replicas && status.replicas === replicas && status.availableReplicas === replicas;
}

function problemOf({ status: { conditions } }: ParsedDeployment): string | undefined {
  const late = conditions.find(({ type, status, reason }) => type === "Progressing" && status === "False" && reason === "ProgressDeadlineExceeded");
  return late && (late.message ?? "its progress deadline is over");
}

function otherOwner({ ownerOf }: DeploymentWorkloadOptions, { metadata: { namespace, name } }: ValidRollout, deployment: string): string | undefined {
  const owner = ownerOf?.(namespace, deployment);
  return owner && owner.name !== name ? `Rollout ${owner.namespace}/${owner.name}` : undefined;
}

/** Its ReplicaSet has handed over to another one. */
function isGivenUp(sets: readonly ParsedReplicaSet[], stable: VersionRevision | undefined): boolean {
  return sets.some((one) => stable !== undefined && isOf(one, stable) && one.spec.replicas === 0);
}

/** Stable while it has a ready pod; else what has one. */
function servingOf(caches: Caches, sets: readonly ParsedReplicaSet[], stable: VersionRevision | undefined): VersionRevision | undefined {
  const ready = sets.filter((set) => podsOf(caches, set).some(isReady));
  const set = ready.find((one) => stable && isOf(one, stable)) ?? ready[0];
  return set && versionOf(set.spec.template);
}

function isOf({ spec: { template } }: ParsedReplicaSet, { version }: Pick<VersionRevision, "version">): boolean {
  return versionOf(template).version === version;
}

/** The ReplicaSets of a Deployment, newest first. */
function setsOf({ replicaSets }: Caches, { object: { metadata } }: ParsedDeployment): readonly ParsedReplicaSet[] {
  const owned = replicaSets.list(metadata.namespace ?? "").filter((set) => controllerOf(set.metadata)?.uid === metadata.uid);
  return owned.flatMap((set) => parseReplicaSet(set) ?? []).sort(byRevision);
}

function podsOf({ pods }: Caches, { object: { metadata } }: ParsedReplicaSet): readonly Pod[] {
  return pods.list(metadata.namespace ?? "").filter((pod) => controllerOf(pod.metadata)?.uid === metadata.uid).map(podOf);
}

function canariesOf({ deployments }: Caches, { namespace, name }: RolloutRef): readonly ParsedDeployment[] {
  return deployments.list(namespace).filter(({ metadata }) => metadata.labels?.[OWNER_LABEL] === name).flatMap((object) => parseDeployment(object) ?? []);
}

function canarySeen({ object: { metadata }, spec }: ParsedDeployment): CanarySeen {
  return { name: metadata.name, uid: metadata.uid ?? "", resourceVersion: metadata.resourceVersion ?? "", version: versionOf(spec.template).version, replicas: spec.replicas, ...(metadata.deletionTimestamp === undefined ? {} : { isGoing: true }) };
}

/** Those that are going away are endpoints for a moment still. */
function canaryPods({ pods }: Caches, namespace: string, canaries: readonly CanarySeen[], deployment?: ParsedDeployment): readonly Pod[] {
  const selector = deployment?.spec.selector;
  const isTheirs = ({ labels = {} }: { readonly labels?: Readonly<Record<string, string>> }): boolean => labels[CANARY_LABEL] !== undefined && (selector ? isSelected(labels, selector) : canaries.some(({ name }) => name.endsWith(`-${labels[CANARY_LABEL]}`)));
  return pods.list(namespace).filter(({ metadata }) => isTheirs(metadata)).map(podOf);
}

/** The new template of a run is looked for on its canary, everything else on the Deployment itself. */
function see({ caches }: DeploymentWorkloadOptions, rollout: ValidRollout, version: string, backend: Backend): VersionSeen {
  const { run } = rollout.status ?? {};
  const name = deploymentOf(rollout);
  const deployment = name === undefined ? undefined : found(caches, rollout.metadata.namespace, name);
  const isCanary = run !== undefined && !run.outcome && version === run.to.version;
  const holder = isCanary ? canariesOf(caches, rollout.metadata).find(({ spec }) => versionOf(spec.template).version === version) : deployment;
  const set = holder && setsOf(caches, holder).find((one) => isOf(one, { version }));
  const wantedPods = wantedOf(rollout, deployment, isCanary);
  const scaledAway = !isCanary && deployment?.spec.replicas === 0 ? { podProblem: "the Deployment is scaled to 0" } : {};
  return { version, backend, ...standing(caches, set), ...scaledAway, wantedPods, revision: revisionOf(deployment, set, version), workloads: holder ? [holder.object.metadata.name] : [] };
}

function wantedOf({ spec }: ValidRollout, deployment: ParsedDeployment | undefined, isCanary: boolean): number {
  const replicas = deployment?.spec.replicas ?? 0;
  return isCanary ? Math.min(replicas, spec.deployment?.maxCanaryReplicas ?? Infinity) : replicas;
}

/** Known from the template alone, before any pod has run it. */
function revisionOf(deployment: ParsedDeployment | undefined, set: ParsedReplicaSet | undefined, version: string): string {
  const template = set?.spec.template ?? deployment?.spec.template;
  const known = template && versionOf(template);
  return known?.version === version ? known.revision : "";
}

function standing(caches: Caches, set: ParsedReplicaSet | undefined): Pick<VersionSeen, "readyPods" | "readySinceMs" | "podProblem" | "pods" | "podTemplateHash"> {
  if (!set) return { readyPods: 0, pods: [] };
  const pods = podsOf(caches, set).filter((pod) => !isTerminating(pod));
  const readySinceMs = newestReadyMs(pods);
  const podTemplateHash = hashOf(set);
  const podProblem = podProblemOf(pods) ?? refusalOf(set);
  return {
    readyPods: pods.filter(isReady).length,
    pods: pods.map(({ metadata }) => metadata.name).sort(),
    ...(readySinceMs === undefined ? {} : { readySinceMs }),
    ...(podProblem === undefined ? {} : { podProblem }),
    ...(podTemplateHash === undefined ? {} : { podTemplateHash }),
  };
}

/** Why the API server refuses its pods: a quota, a policy. */
function refusalOf({ status: { conditions } }: ParsedReplicaSet): string | undefined {
  const failure = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  return failure && `pods are refused: ${(failure.message ?? "no reason was given").slice(0, 200)}`;
}
