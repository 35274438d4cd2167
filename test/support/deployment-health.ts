/** What other tools say of a Deployment, by the rules that each of them has published. */

/** `Current` is done; `Failed` and `Degraded` end a wait; everything else goes on waiting. */
export interface Shown {
  readonly kubectl: "done" | "waits" | "fails";
  readonly kstatus: "Terminating" | "InProgress" | "Failed" | "Current";
  readonly helm3: "done" | "waits";
  readonly argoCd: "Healthy" | "Progressing" | "Suspended" | "Degraded";
}

interface Judged {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly spec: { readonly replicas: number; readonly paused?: boolean; readonly strategy?: { readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string } } };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
  };
}

/** The ReplicaSet of the present template, where there is one. */
export interface NewestSet {
  readonly metadata: { readonly generation?: number };
  readonly status: { readonly observedGeneration?: number; readonly readyReplicas?: number };
}

export function shownOf(object: unknown, newest: NewestSet | undefined): Shown {
  const deployment = object as Judged;
  return { kubectl: kubectlOf(deployment), kstatus: kstatusOf(deployment), helm3: helm3Of(deployment, newest), argoCd: argoCdOf(deployment) };
}

function conditionOf({ status: { conditions = [] } }: Judged, type: string): { readonly status: string; readonly reason?: string } | undefined {
  return conditions.find((one) => one.type === type);
}

function isLate(deployment: Judged): boolean {
  return conditionOf(deployment, "Progressing")?.reason === "ProgressDeadlineExceeded";
}

function isObserved({ metadata: { generation = 0 }, status: { observedGeneration = 0 } }: Judged): boolean {
  return generation <= observedGeneration;
}

/** `kubectl rollout status`, which does not ask whether it is paused. */
function kubectlOf(deployment: Judged): Shown["kubectl"] {
  if (!isObserved(deployment)) return "waits";
  if (isLate(deployment)) return "fails";
  const { spec, status: { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } } = deployment;
  return updatedReplicas < spec.replicas || replicas > updatedReplicas || availableReplicas < updatedReplicas ? "waits" : "done";
}

/** sigs.k8s.io/cli-utils: Flux, and `helm --wait` from version 4. Paused, a Deployment's Progressing is Unknown, and that is not done. */
function kstatusOf(deployment: Judged): Shown["kstatus"] {
  const { metadata, spec, status } = deployment;
  if (metadata.deletionTimestamp) return "Terminating";
  if (status.observedGeneration !== metadata.generation) return "InProgress";
  if (isLate(deployment)) return "Failed";
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const counts = [replicas >= spec.replicas, updatedReplicas >= spec.replicas, replicas <= spec.replicas, availableReplicas >= updatedReplicas, readyReplicas >= spec.replicas];
  const progressing = conditionOf(deployment, "Progressing");
  const isDone = counts.every(Boolean) && progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable" && conditionOf(deployment, "Available")?.status === "True";
  return isDone ? "Current" : "InProgress";
}

/** `helm --wait` before version 4: what is paused is done, else enough pods of the newest ReplicaSet are to be ready. */
function helm3Of(deployment: Judged, newest: NewestSet | undefined): Shown["helm3"] {
  if (deployment.spec.paused) return "done";
  if (!newest || !isObserved(deployment) || (newest.status.observedGeneration ?? 0) < (newest.metadata.generation ?? 0)) return "waits";
  return (newest.status.readyReplicas ?? 0) >= deployment.spec.replicas - mayBeMissing(deployment) ? "done" : "waits";
}

/** A percentage is rounded down; where neither more nor fewer pods are allowed one may be missing. */
function mayBeMissing({ spec: { replicas, strategy } }: Judged): number {
  if (replicas === 0 || !strategy?.rollingUpdate) return 0;
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy.rollingUpdate;
  const missing = countOf(maxUnavailable, replicas, Math.floor);
  return Math.min(replicas, missing === 0 && countOf(maxSurge, replicas, Math.ceil) === 0 ? 1 : missing);
}

function countOf(given: number | string, replicas: number, round: (count: number) => number): number {
  return typeof given === "number" ? given : round((replicas * Number.parseInt(given)) / 100);
}

/** Argo CD's own rule for Deployments. */
function argoCdOf(deployment: Judged): Shown["argoCd"] {
  if (deployment.spec.paused) return "Suspended";
  return ({ done: "Healthy", waits: "Progressing", fails: "Degraded" } as const)[kubectlOf(deployment)];
}
