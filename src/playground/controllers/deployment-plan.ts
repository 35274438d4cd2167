/** What a Deployment's controller does next: at most one step of the roll, and a status that says what was seen. */
import { isDeepStrictEqual } from "node:util";
import { deploymentStatus, isRolledOut, msUntilLate } from "./deployment-status.ts";
import { claim, ownerReferenceTo } from "./ownership.ts";
import type { Plan, Write } from "./plan.ts";
import { isSameTemplate, TEMPLATE_HASH, templateHashOf, withTemplateHash } from "./pod-template.ts";
import { allOf, asItIs, latestSize, oldSizes, scaledSizes, type Sets, type Size } from "./replica-set-sizes.ts";
import { annotationsFor, DESIRED_REPLICAS, MAX_REPLICAS, nextRevision, REVISION, revisionOf } from "./revisions.ts";
import { boundsOf } from "./rolling-bounds.ts";
import { DeploymentStatus, isGoing, type Deployment, type ReplicaSet } from "./workloads.ts";

export interface DeploymentSeen {
  readonly deployment: Deployment;
  /** All of its namespace that are not known to be deleted. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Whether pods of this ReplicaSet are left, going ones too. */
  readonly hasPods: (replicaSet: ReplicaSet) => boolean;
  readonly nowMs: number;
}

interface Look extends DeploymentSeen {
  readonly sets: Sets;
  readonly claiming: readonly Write[];
}

interface Step {
  readonly writes: readonly Write[];
  /** Of a ReplicaSet that is created by it. */
  readonly created?: string;
  /** While it is paused or only scaled nothing is said about progress. */
  readonly isRolling: boolean;
}

export function planDeployment(seen: DeploymentSeen): Plan {
  if (isGoing(seen.deployment)) return { writes: [] };
  const { owned, writes: claiming } = claim(seen.deployment, "Deployment", seen.replicaSets);
  const look = { ...seen, claiming, sets: setsOf(seen.deployment, owned) };
  const step = STEPS.map((next) => next(look)).find((found) => found !== undefined) ?? { writes: [], isRolling: true };
  return told(look, step);
}

/** What a Deployment may need, in this order; the first that it does need is what happens. */
const STEPS: readonly ((look: Look) => Step | undefined)[] = [
  claimed, // it takes ReplicaSets that nobody controls, and lets go of those that its selector does not want
  numbered, // the ReplicaSet with its template has the highest revision, and the Deployment says the same
  scaled, // its replicas were changed, or it is paused: what is there is sized, no roll goes on
  emptied, // Recreate: everything old goes before anything new comes
  collided, // somebody else has the name that the new ReplicaSet would get: another hash
  created, // no ReplicaSet has its template yet
  grown, // the new ReplicaSet takes what the surge leaves room for
  shrunk, // the old ones give up what may be missing
  forgotten, // rolled out: only so many old ReplicaSets are kept
];

function setsOf({ spec }: Deployment, owned: readonly ReplicaSet[]): Sets {
  const byAge = owned.toSorted((one, other) => Date.parse(one.metadata.creationTimestamp) - Date.parse(other.metadata.creationTimestamp) || (one.metadata.name < other.metadata.name ? -1 : 1));
  const latest = byAge.find((set) => isSameTemplate(set.spec.template, spec.template));
  return { latest, old: byAge.filter((set) => set !== latest) };
}

/** The step, and the status where it says something new; but one write to the Deployment at a time. */
function told(look: Look, step: Step): Plan {
  const { deployment, sets, nowMs } = look;
  if (step.writes.some((write) => write.verb !== "create" && write.object === deployment)) return { writes: step.writes };
  const isRolling = step.isRolling && !deployment.spec.paused;
  const status = deploymentStatus({ deployment, sets, nowMs, created: step.created, isRolling });
  const writes = [...step.writes, ...(isDeepStrictEqual(DeploymentStatus.parse(status), deployment.status) ? [] : [statusWrite(deployment, status)])];
  const lookAgainInMs = isRolling ? msUntilLate(deployment, status.conditions, nowMs) : undefined;
  return { writes, ...(lookAgainInMs !== undefined && { lookAgainInMs }) };
}

function statusWrite(deployment: Deployment, status: object): Write {
  return { verb: "setStatus", kind: "deployments", object: deployment, status };
}

function rolling(writes: readonly Write[]): Step | undefined {
  return writes.length > 0 ? { writes, isRolling: true } : undefined;
}

function claimed({ claiming }: Look): Step | undefined {
  return rolling(claiming);
}

function numbered({ deployment, sets: { latest, old } }: Look): Step | undefined {
  if (!latest) return undefined;
  const annotations = annotationsFor(deployment, latest, nextRevision(old));
  const { minReadySeconds } = deployment.spec;
  if (!isDeepStrictEqual(annotations, latest.metadata.annotations) || latest.spec.minReadySeconds !== minReadySeconds) {
    return rolling([{ verb: "change", kind: "replicaSets", object: latest, body: { metadata: { annotations }, spec: { minReadySeconds } } }]);
  }
  const revision = `${revisionOf(latest)}`;
  if (deployment.metadata.annotations[REVISION] === revision) return undefined;
  return rolling([{ verb: "change", kind: "deployments", object: deployment, body: { metadata: { annotations: { [REVISION]: revision } } } }]);
}

function scaled(look: Look): Step | undefined {
  const { deployment, sets } = look;
  const wasSized = ({ metadata }: ReplicaSet): string | undefined => metadata.annotations[DESIRED_REPLICAS];
  const isScaling = allOf(sets).some((set) => set.spec.replicas > 0 && wasSized(set) !== undefined && wasSized(set) !== `${deployment.spec.replicas}`);
  if (!isScaling && !deployment.spec.paused) return undefined;
  const writes = scaledSizes(deployment, sets).flatMap((size) => sizeWrite(deployment, size));
  if (deployment.spec.paused) return { writes: writes.length > 0 ? writes : surplus(look), isRolling: false };
  return writes.length > 0 ? { writes, isRolling: false } : undefined;
}

function emptied({ deployment, sets, hasPods }: Look): Step | undefined {
  if (deployment.spec.strategy.type !== "Recreate") return undefined;
  const writes = sets.old.filter(({ spec }) => spec.replicas > 0).flatMap((set) => sizeWrite(deployment, { set, replicas: 0 }));
  const isWaiting = sets.old.some((set) => set.status.replicas > 0 || hasPods(set));
  return rolling(writes) ?? (isWaiting ? { writes: [], isRolling: true } : undefined);
}

function collided({ deployment, sets, replicaSets }: Look): Step | undefined {
  if (sets.latest || !replicaSets.some(({ metadata }) => metadata.name === nameOf(deployment))) return undefined;
  return rolling([statusWrite(deployment, { ...deployment.status, collisionCount: deployment.status.collisionCount + 1 })]);
}

function created({ deployment, sets }: Look): Step | undefined {
  if (sets.latest) return undefined;
  const { namespace } = deployment.metadata;
  return { writes: [{ verb: "create", kind: "replicaSets", namespace, object: replicaSetOf(deployment, sets) }], created: nameOf(deployment), isRolling: true };
}

function hashOf({ spec, status }: Deployment): string {
  return templateHashOf(spec.template, status.collisionCount);
}

function nameOf(deployment: Deployment): string {
  return `${deployment.metadata.name}-${hashOf(deployment)}`;
}

function replicaSetOf(deployment: Deployment, sets: Sets): object {
  const { metadata, spec } = deployment;
  const hash = hashOf(deployment);
  const template = withTemplateHash(spec.template, hash);
  const selector = { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [TEMPLATE_HASH]: hash } };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: nameOf(deployment),
      namespace: metadata.namespace,
      labels: template.metadata?.labels,
      annotations: { ...annotationsFor(deployment, undefined, nextRevision(sets.old)), ...sizedAnnotations(deployment) },
      ownerReferences: [ownerReferenceTo(deployment, "Deployment")],
    },
    spec: { replicas: latestSize(deployment, sets), minReadySeconds: spec.minReadySeconds, selector, template },
  };
}

function sizedAnnotations(deployment: Deployment) {
  const { replicas } = deployment.spec;
  return { [DESIRED_REPLICAS]: `${replicas}`, [MAX_REPLICAS]: `${replicas + boundsOf(deployment).maxSurge}` };
}

function grown({ deployment, sets }: Look): Step | undefined {
  if (!sets.latest) return undefined;
  const size = { set: sets.latest, replicas: latestSize(deployment, sets) };
  return size.replicas === sets.latest.spec.replicas ? undefined : rolling(sizeWrite(deployment, size));
}

function shrunk({ deployment, sets }: Look): Step | undefined {
  const sizes = oldSizes(deployment, sets).filter((size) => size.replicas !== asItIs(size.set).replicas);
  return rolling(sizes.flatMap((size) => sizeWrite(deployment, size)));
}

function forgotten(look: Look): Step | undefined {
  return isRolledOut(look.deployment, look.sets) ? rolling(surplus(look)) : undefined;
}

/** The lowest revisions beyond the limit; one that still has pods stays. */
function surplus({ deployment, sets }: Look): readonly Write[] {
  const kept = sets.old.filter((set) => !isGoing(set)).toSorted((one, other) => revisionOf(one) - revisionOf(other));
  const beyond = kept.slice(0, Math.max(0, kept.length - deployment.spec.revisionHistoryLimit));
  return beyond.filter(isEmpty).map((object) => ({ verb: "delete", kind: "replicaSets", object }));
}

function isEmpty({ metadata, spec, status }: ReplicaSet): boolean {
  return spec.replicas === 0 && status.replicas === 0 && metadata.generation <= status.observedGeneration;
}

/** Also where what the size was meant for has changed; one that says nothing about that is as good. */
function sizeWrite(deployment: Deployment, { set, replicas }: Size): readonly Write[] {
  const annotations = sizedAnnotations(deployment);
  const isAsIs = replicas === set.spec.replicas && Object.entries(annotations).every(([key, value]) => (set.metadata.annotations[key] ?? value) === value);
  return isAsIs ? [] : [{ verb: "change", kind: "replicaSets", object: set, body: { metadata: { annotations }, spec: { replicas } } }];
}
