/** The numbers of a Deployment's templates, kept in annotations, and what else a Deployment copies to its ReplicaSets. */
import type { Deployment, ReplicaSet } from "./workloads.ts";

export const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
/** The Deployment's replicas, and the most that it may have in a roll, when the ReplicaSet was last sized. */
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

const NOT_COPIED = ["kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to", REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS];

type Annotations = Readonly<Record<string, string>>;

export function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations[REVISION] ?? 0) || 0;
}

export function nextRevision(old: readonly ReplicaSet[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1;
}

/** Of a ReplicaSet that is to have at least this revision; the one that it had goes to its history. */
export function annotationsFor(deployment: Deployment, existing: ReplicaSet | undefined, revision: number): Annotations {
  const present = existing?.metadata.annotations ?? {};
  const copied = Object.fromEntries(Object.entries(deployment.metadata.annotations).filter(([key]) => !NOT_COPIED.includes(key)));
  return { ...present, ...copied, ...raised(present, existing ? revisionOf(existing) : 0, revision) };
}

function raised(present: Annotations, had: number, revision: number): Annotations {
  if (had >= revision) return {};
  const history = had === 0 ? [] : [...(present[REVISION_HISTORY]?.split(",") ?? []), `${had}`];
  return { [REVISION]: `${revision}`, ...(history.length > 0 && { [REVISION_HISTORY]: history.join(",") }) };
}
