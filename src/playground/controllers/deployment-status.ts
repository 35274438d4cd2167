/** What a Deployment's status says: counts over its ReplicaSets, whether it is available, and how its roll gets on. */
import { conditionOf, renewedCondition, withCondition, withoutCondition, type Statement } from "./conditions.ts";
import { withoutZeros } from "./counts.ts";
import { allOf, availableIn, wantedIn, type Sets } from "./replica-set-sizes.ts";
import { boundsOf } from "./rolling-bounds.ts";
import { timestampOf, type Condition, type Deployment, type ReplicaSet } from "./workloads.ts";

export interface Telling {
  readonly deployment: Deployment;
  readonly sets: Sets;
  readonly nowMs: number;
  /** The name of a ReplicaSet that is being created. */
  readonly created?: string | undefined;
  /** While it is paused or only scaled nothing is said about progress. */
  readonly isRolling: boolean;
}

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
}

export function deploymentStatus(telling: Telling) {
  const { deployment, sets } = telling;
  const counts = countsOf(sets);
  const unavailableReplicas = Math.max(0, wantedIn(allOf(sets)) - counts.availableReplicas);
  const { collisionCount } = deployment.status;
  const numbers = { ...counts, unavailableReplicas, collisionCount };
  return { observedGeneration: deployment.metadata.generation, ...withoutZeros(numbers), terminatingReplicas: terminatingIn(sets), conditions: conditionsOf(telling, counts) };
}

function countsOf(sets: Sets): Counts {
  const total = (count: (status: ReplicaSet["status"]) => number): number => allOf(sets).reduce((sum, { status }) => sum + count(status), 0);
  return {
    replicas: total(({ replicas }) => replicas),
    updatedReplicas: sets.latest?.status.replicas ?? 0,
    readyReplicas: total(({ readyReplicas }) => readyReplicas),
    availableReplicas: availableIn(allOf(sets)),
  };
}

function terminatingIn(sets: Sets): number {
  return allOf(sets).reduce((sum, { status }) => sum + Number(status["terminatingReplicas"] ?? 0), 0);
}

function conditionsOf(telling: Telling, counts: Counts): readonly Condition[] {
  const now = timestampOf(telling.nowMs);
  const conditions = withCondition(marked(telling.deployment, now), availability(telling.deployment, counts), now);
  if (!hasDeadline(telling.deployment)) return withoutCondition(conditions, "Progressing");
  if (!telling.isRolling) return withFound(conditions, telling.sets, now);
  const said = telling.created === undefined ? withFound(conditions, telling.sets, now) : withCondition(conditions, creationOf(telling.created), now);
  return withProgress(said, telling, counts);
}

/** That it is paused, or no longer; a deadline that has passed outlives both. */
function marked({ spec, status: { conditions } }: Deployment, now: string): readonly Condition[] {
  const reason = conditionOf(conditions, "Progressing")?.reason;
  if (reason === "ProgressDeadlineExceeded") return conditions;
  if (spec.paused) return withCondition(conditions, { type: "Progressing", status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" }, now);
  return reason === "DeploymentPaused" ? withCondition(conditions, { type: "Progressing", status: "Unknown", reason: "DeploymentResumed", message: "Deployment is resumed" }, now) : conditions;
}

function availability(deployment: Deployment, { availableReplicas }: Counts): Statement {
  return availableReplicas >= deployment.spec.replicas - boundsOf(deployment).maxUnavailable
    ? { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." }
    : { type: "Available", status: "False", reason: "MinimumReplicasUnavailable", message: "Deployment does not have minimum availability." };
}

const NO_DEADLINE = 2 ** 31 - 1;

function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== NO_DEADLINE;
}

function progressing(reason: string, message: string): Statement {
  return { type: "Progressing", status: "True", reason, message };
}

function creationOf(name: string): Statement {
  return progressing("NewReplicaSetCreated", `Created new replica set "${name}"`);
}

/** A Deployment that has never said anything about progress begins with what it has. */
function withFound(conditions: readonly Condition[], { latest }: Sets, now: string): readonly Condition[] {
  if (!latest || conditionOf(conditions, "Progressing")) return conditions;
  return withCondition(conditions, progressing("FoundNewReplicaSet", `Found new replica set "${latest.metadata.name}"`), now);
}

function withProgress(conditions: readonly Condition[], { deployment, sets, nowMs }: Telling, counts: Counts): readonly Condition[] {
  const now = timestampOf(nowMs);
  const present = conditionOf(conditions, "Progressing");
  const subject = sets.latest ? `ReplicaSet "${sets.latest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (counts.replicas === counts.updatedReplicas && present?.reason === "NewReplicaSetAvailable") return conditions;
  if (isComplete(deployment, counts)) return withCondition(conditions, progressing("NewReplicaSetAvailable", `${subject} has successfully progressed.`), now);
  if (hasProgressed(deployment.status, counts)) return renewedCondition(conditions, progressing("ReplicaSetUpdated", `${subject} is progressing.`), now);
  if (!present || !isLate(deployment, present, nowMs)) return conditions;
  return withCondition(conditions, { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: `${subject} has timed out progressing.` }, now);
}

function isComplete({ spec: { replicas } }: Deployment, counts: Counts): boolean {
  return counts.updatedReplicas === replicas && counts.replicas === replicas && counts.availableReplicas === replicas;
}

function hasProgressed(before: Counts, after: Counts): boolean {
  return (
    after.updatedReplicas > before.updatedReplicas ||
    after.replicas - after.updatedReplicas < before.replicas - before.updatedReplicas ||
    after.readyReplicas > before.readyReplicas ||
    after.availableReplicas > before.availableReplicas
  );
}

/** A roll that was done before cannot be late. */
function isLate(deployment: Deployment, { reason, lastUpdateTime }: Condition, nowMs: number): boolean {
  if (reason === "NewReplicaSetAvailable" || reason === "ProgressDeadlineExceeded") return reason === "ProgressDeadlineExceeded";
  return nowMs > lateAtMs(deployment, lastUpdateTime);
}

function lateAtMs({ spec }: Deployment, lastUpdateTime: string | undefined): number {
  return Date.parse(lastUpdateTime ?? "") + spec.progressDeadlineSeconds * 1_000;
}

/** Whether the roll to its template has come to its end, by what its ReplicaSets say now. */
export function isRolledOut(deployment: Deployment, sets: Sets): boolean {
  return isComplete(deployment, countsOf(sets));
}

/** When this status will have to say that the roll is late; undefined where no time will change it. */
export function msUntilLate(deployment: Deployment, conditions: readonly Condition[], nowMs: number): number | undefined {
  const present = conditionOf(conditions, "Progressing");
  if (!present?.lastUpdateTime || !hasDeadline(deployment)) return undefined;
  if (["NewReplicaSetAvailable", "ProgressDeadlineExceeded"].includes(present.reason)) return undefined;
  return Math.max(0, lateAtMs(deployment, present.lastUpdateTime) - nowMs) + 1_000; // times are whole seconds
}
