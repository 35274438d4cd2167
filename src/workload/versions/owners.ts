/** The workloads whose pods a selector selects: what each asks for, and the pod templates it has run. */
import { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import { controllerOf, hasBeenReady, selects, type Pod } from "../pods.ts";

const Template = z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }).default({ labels: {} }) });
type Template = z.infer<typeof Template>;

const ReplicaSet = z.looseObject({
  spec: z.looseObject({ replicas: z.int().default(1), template: Template }),
  status: z.looseObject({ readyReplicas: z.int().default(0), conditions: z.array(z.looseObject({ type: z.string(), status: z.string(), message: z.string().optional() })).default([]) }).prefault({}),
});
const StatefulSet = z.looseObject({ spec: z.looseObject({ replicas: z.int().default(1) }) });
const DaemonSet = z.looseObject({ status: z.looseObject({ desiredNumberScheduled: z.int().default(0) }).prefault({}) });
const ControllerRevision = z.looseObject({
  revision: z.int(),
  data: z.looseObject({ spec: z.looseObject({ template: Template }) }),
});

/** One pod template of a workload. */
export interface Generation {
  readonly template: Template;
  readonly hasBeenReady: boolean;
}

export interface Owner {
  /** As Istio's telemetry has it: the Deployment's name, not the ReplicaSet's. */
  readonly name: string;
  readonly wantedPods: number;
  /** Newest first. */
  readonly generations: readonly Generation[];
  /** Why the API server refuses its pods. */
  readonly refusal?: string;
}

export type OwnerCaches = Pick<ObjectCaches, "replicaSets" | "statefulSets" | "daemonSets" | "controllerRevisions">;

export interface Selection {
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
  /** Terminating ones too: they tell what has been ready. */
  readonly pods: readonly Pod[];
}

/** In the order of their names. */
export function ownersOf(caches: OwnerCaches, selection: Selection): readonly Owner[] {
  const owners = [...deployed(caches, selection), ...stateful(caches, selection), ...daemons(caches, selection)];
  return owners.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** ReplicaSets with one owner are generations of one workload; a ReplicaSet without owner is a workload by itself. */
function deployed({ replicaSets }: OwnerCaches, { namespace, selector, pods }: Selection): readonly Owner[] {
  const byOwner = new Map<string, ParsedReplicaSet[]>();
  for (const set of replicaSets.list(namespace).flatMap((object) => parseReplicaSet(object) ?? [])) {
    if (!selects(selector, labelsOf(set.value.spec.template))) continue;
    const uid = controllerOf(set.object.metadata)?.uid ?? set.object.metadata.uid ?? set.object.metadata.name;
    byOwner.set(uid, [...(byOwner.get(uid) ?? []), set]);
  }
  return [...byOwner.values()].map((sets) => deploymentOwner(sets.sort(newestFirst), pods));
}

function deploymentOwner(sets: readonly ParsedReplicaSet[], pods: readonly Pod[]): Owner {
  const { metadata } = sets[0]!.object;
  const failure = sets[0]!.value.status.conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  return {
    name: controllerOf(metadata)?.name ?? metadata.name,
    wantedPods: sets.reduce((sum, { value }) => sum + value.spec.replicas, 0),
    generations: sets.map(({ object, value }) => ({
      template: value.spec.template,
      hasBeenReady: value.status.readyReplicas > 0 || podsOf(object, pods).some(hasBeenReady),
    })),
    refusal: failure?.message,
  };
}

function stateful(caches: OwnerCaches, selection: Selection): readonly Owner[] {
  const sets = caches.statefulSets.list(selection.namespace).flatMap((object) => parseStatefulSet(object) ?? []);
  return sets.flatMap(({ object, value }) => revisedOwner(object, value.spec.replicas, caches, selection));
}

function daemons(caches: OwnerCaches, selection: Selection): readonly Owner[] {
  const sets = caches.daemonSets.list(selection.namespace).flatMap((object) => parseDaemonSet(object) ?? []);
  return sets.flatMap(({ object, value }) => revisedOwner(object, value.status.desiredNumberScheduled, caches, selection));
}

/** Empty where the selector does not select the pods of the newest template. */
function revisedOwner(owner: KubernetesObject, wantedPods: number, { controllerRevisions }: OwnerCaches, selection: Selection): readonly Owner[] {
  const revisions = controllerRevisions
    .list(selection.namespace)
    .filter(({ metadata }) => controllerOf(metadata)?.uid === owner.metadata.uid)
    .flatMap((object) => parseControllerRevision(object) ?? [])
    .sort((one, other) => other.value.revision - one.value.revision);
  const [newest] = revisions;
  if (!newest || !selects(selection.selector, labelsOf(newest.value.data.spec.template))) return [];
  const proven = podsOf(owner, selection.pods).filter(hasBeenReady);
  const generations = revisions.map(({ object, value }) => ({
    template: value.data.spec.template,
    hasBeenReady: proven.some((pod) => isOfRevision(pod, object.metadata.name)),
  }));
  return [{ name: owner.metadata.name, wantedPods, generations }];
}

/** A StatefulSet's pods are labelled with the revision's name, a DaemonSet's with the hash at its end. */
function isOfRevision({ metadata }: Pod, revision: string): boolean {
  const hash = metadata.labels?.["controller-revision-hash"];
  return hash !== undefined && (revision === hash || revision.endsWith(`-${hash}`));
}

function podsOf({ metadata }: KubernetesObject, pods: readonly Pod[]): readonly Pod[] {
  return pods.filter((pod) => controllerOf(pod.metadata)?.uid === metadata.uid);
}

interface Parsed<T> {
  readonly object: KubernetesObject;
  readonly value: T;
}

type ParsedReplicaSet = Parsed<z.infer<typeof ReplicaSet>>;

function labelsOf({ metadata }: Template): Readonly<Record<string, string>> {
  return metadata.labels;
}

const parseReplicaSet = parserOf(ReplicaSet);
const parseStatefulSet = parserOf(StatefulSet);
const parseDaemonSet = parserOf(DaemonSet);
const parseControllerRevision = parserOf(ControllerRevision);

/** Cached objects are replaced, never changed, so one parse of each is enough. */
function parserOf<T>(schema: z.ZodType<T>): (object: KubernetesObject) => Parsed<T> | undefined {
  const known = new WeakMap<KubernetesObject, Parsed<T> | undefined>();
  return (object) => {
    if (!known.has(object)) {
      const { data } = schema.safeParse(object);
      known.set(object, data && { object, value: data });
    }
    return known.get(object);
  };
}

function newestFirst(one: ParsedReplicaSet, other: ParsedReplicaSet): number {
  return revisionNumber(other) - revisionNumber(one) || createdAtMs(other) - createdAtMs(one);
}

function revisionNumber({ object }: ParsedReplicaSet): number {
  return Number(object.metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
}

function createdAtMs({ object }: ParsedReplicaSet): number {
  return Date.parse(object.metadata.creationTimestamp ?? "") || 0;
}
