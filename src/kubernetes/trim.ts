/** What the caches keep of each kind: what decisions rest on, and no more, since a cluster may have thousands of each. */
import { z } from "zod";
import type { KubernetesObject, ManagedFieldsEntry, ObjectMetadata } from "./client.ts";

export type Trim = (object: KubernetesObject) => KubernetesObject;

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const DEPLOYMENT_REVISION = "deployment.kubernetes.io/revision";

/** Whole, with who wrote which part of the spec: routes, their rules, and Rollouts. */
export const trimWritten: Trim = (object) => ({
  ...object,
  metadata: { ...slim(object.metadata), managedFields: (object.metadata.managedFields ?? []).map(slimEntry) },
});

export const trimAddress: Trim = (object) => {
  const { metadata, spec } = trimWritten(object);
  return { metadata, spec };
};

/** For which hosts it is, who sees it and which pods answer, without the endpoints, of which there may be thousands. */
export const trimServiceEntry: Trim = (object) => {
  const { metadata, spec } = trimWritten(object);
  return { metadata, spec: picked(spec, ["hosts", "exportTo", "workloadSelector"]) };
};

export const trimPod: Trim = ({ metadata, status }) => ({
  metadata: without(slim(metadata), ["annotations", "finalizers"]),
  status: {
    ...picked(status, ["phase", "reason", "message", "podIP"]),
    conditions: each(status, "conditions", ["type", "status", "reason", "message", "lastTransitionTime"]),
    initContainerStatuses: each(status, "initContainerStatuses", CONTAINER_FIELDS),
    containerStatuses: each(status, "containerStatuses", CONTAINER_FIELDS),
  },
});

const CONTAINER_FIELDS = ["name", "image", "ready", "started", "restartCount", "state", "lastState"];

/** Whole, without who wrote it: a canary is made from its spec, and its status says how far it has rolled. */
export const trimDeployment: Trim = ({ metadata, spec, status }) => ({ metadata: slim(metadata), spec, status });

export const trimToName: Trim = ({ metadata: { name, resourceVersion } }) => ({ metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) } });

/** With its pod template, which the revision of a version is a hash of. */
export const trimReplicaSet: Trim = ({ metadata, spec, status }) => ({
  metadata: { ...slim(metadata), annotations: picked(metadata.annotations, [DEPLOYMENT_REVISION]) },
  spec: picked(spec, ["replicas", "template"]),
  status: picked(status, ["replicas", "readyReplicas", "conditions"]),
});

/** StatefulSets and DaemonSets: how many are wanted and ready, of which revision, and with which labels. */
export const trimWorkload: Trim = ({ metadata, spec, status }) => ({
  metadata: slim(metadata),
  spec: { ...picked(spec, ["replicas"]), template: { metadata: picked(under(under(spec, "template"), "metadata"), ["labels"]) } },
  status: picked(status, [
    "replicas", "readyReplicas", "currentRevision", "updateRevision",
    "desiredNumberScheduled", "numberReady", "updatedNumberScheduled", "observedGeneration",
  ]),
});

export const trimControllerRevision: Trim = ({ metadata, data, revision }) => ({ metadata: slim(metadata), data, revision });

function slim(metadata: ObjectMetadata): ObjectMetadata {
  const kept = without(metadata, ["managedFields"]);
  return kept.annotations ? { ...kept, annotations: without(kept.annotations, [LAST_APPLIED]) } : kept;
}

const WrittenFields = z.object({ "f:spec": z.record(z.string(), z.unknown()) });

/** Who, how and when, and of the fields only the names directly below `spec`. */
function slimEntry(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  const written = WrittenFields.safeParse(entry.fieldsV1).data;
  const kept = picked(entry, ["manager", "operation", "time", "subresource"]);
  return written ? { ...kept, fieldsV1: { "f:spec": emptied(written["f:spec"]) } } : kept;
}

function emptied(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(fields).map((field) => [field, {}]));
}

function each(from: unknown, list: string, fields: readonly string[]): Record<string, unknown>[] {
  const items = under(from, list);
  return Array.isArray(items) ? items.map((item) => picked(item, fields)) : [];
}

function under(from: unknown, field: string): unknown {
  return picked(from, [field])[field];
}

function picked<Value = unknown>(from: unknown, fields: readonly string[]): Record<string, Value> {
  if (typeof from !== "object" || from === null) return {};
  return Object.fromEntries(Object.entries(from as Record<string, Value>).filter(([field]) => fields.includes(field)));
}

function without<From extends object>(from: From, fields: readonly (keyof From & string)[]): From;
function without(from: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(from).filter(([field]) => !fields.includes(field)));
}
