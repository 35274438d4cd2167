/** What the caches keep of an object, and what they let go. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { trimAddress, trimControllerRevision, trimPod, trimReplicaSet, trimServiceEntry, trimWorkload, trimWritten, type Trim } from "../../../src/kubernetes/trim.ts";

const LAST_APPLIED = { "kubectl.kubernetes.io/last-applied-configuration": "{…}" };
const owner = { kind: "ReplicaSet", name: "reviews-1", uid: "u", controller: true };
const metadata = {
  name: "reviews",
  namespace: "shop",
  uid: "u1",
  resourceVersion: "7",
  creationTimestamp: "2026-01-01T00:00:00Z",
  labels: { app: "reviews" },
  annotations: { ...LAST_APPLIED, kept: "yes" },
  ownerReferences: [owner],
  managedFields: [
    { manager: "weir", operation: "Update", apiVersion: "v1", time: "2026-01-02T00:00:00Z", fieldsType: "FieldsV1", fieldsV1: { "f:metadata": { "f:annotations": { "f:weir.dev/epoch": {} } }, "f:spec": { "f:http": { "f:route": {} } } } },
    { manager: "weir-stamp", operation: "Update", time: "2026-01-03T00:00:00Z", fieldsV1: { "f:metadata": { "f:annotations": {} } } },
    { manager: "istiod", operation: "Update", time: "2026-01-04T00:00:00Z", subresource: "status", fieldsV1: { "f:status": {} } },
  ],
};

describe("a route, a rule or a Rollout", () => {
  const spec = { hosts: ["reviews"], http: [{ route: [{ weight: 90 }] }], unknown: { kept: true } };

  test("keeps spec and status whole, and of managedFields who wrote which part of the spec when", () => {
    expect(trimWritten({ apiVersion: "x/v1", kind: "VirtualService", metadata, spec, status: { a: 1 } })).toEqual({
      apiVersion: "x/v1",
      kind: "VirtualService",
      metadata: {
        ...metadata,
        annotations: { kept: "yes" },
        managedFields: [
          { manager: "weir", operation: "Update", time: "2026-01-02T00:00:00Z", fieldsV1: { "f:spec": { "f:http": {} } } },
          { manager: "weir-stamp", operation: "Update", time: "2026-01-03T00:00:00Z" },
          { manager: "istiod", operation: "Update", time: "2026-01-04T00:00:00Z", subresource: "status" },
        ],
      },
      spec,
      status: { a: 1 },
    });
  });

  test("tells an owner of the whole spec from one of nothing in it", () => {
    const entries = [{ manager: "whole", fieldsV1: { "f:spec": {} } }, { manager: "none", fieldsV1: {} }, { manager: "odd" }];
    expect(trimWritten({ metadata: { name: "a", managedFields: entries } }).metadata.managedFields).toEqual([{ manager: "whole", fieldsV1: { "f:spec": {} } }, { manager: "none" }, { manager: "odd" }]);
  });
});

test("a Service keeps its spec and who wrote it", () => {
  const trimmed = trimAddress({ metadata, spec: { selector: { app: "reviews" } }, status: { loadBalancer: {} } });
  expect(Object.keys(trimmed)).toEqual(["metadata", "spec"]);
  expect(trimmed.metadata.managedFields).toHaveLength(3);
});

test("a ServiceEntry keeps its hosts, who sees it, which pods answer and who wrote it, and lets go of its endpoints", () => {
  const kept = { hosts: ["reviews.internal"], exportTo: ["."], workloadSelector: { labels: { app: "reviews" } } };
  const trimmed = trimServiceEntry({ metadata, spec: { ...kept, ports: [{ number: 80 }], endpoints: [{ address: "10.0.0.1" }] }, status: { addresses: [] } });
  expect(Object.keys(trimmed)).toEqual(["metadata", "spec"]);
  expect(trimmed["spec"]).toEqual(kept);
  expect(trimmed.metadata.managedFields).toHaveLength(3);
});

test("a pod keeps its labels, owners and why it is not ready, and lets go of its spec", () => {
  const state = { waiting: { reason: "ImagePullBackOff", message: "no such image" } };
  const pod = {
    metadata: { ...metadata, finalizers: ["x/y"], deletionTimestamp: "2026-01-05T00:00:00Z" },
    spec: { containers: [{ name: "reviews", env: [{ name: "SECRET", value: "s" }] }] },
    status: {
      phase: "Pending",
      podIP: "10.0.0.1",
      hostIP: "10.0.0.2",
      conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady", message: "m", lastProbeTime: null, lastTransitionTime: "2026-01-01T00:00:00Z" }],
      containerStatuses: [{ name: "reviews", ready: false, restartCount: 2, state, lastState: {}, image: "i", imageID: "id", containerID: "c" }],
    },
  };
  const { managedFields, annotations, ...kept } = pod.metadata;
  expect(trimPod(pod)).toEqual({
    metadata: { ...kept, finalizers: undefined },
    status: {
      phase: "Pending",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady", message: "m", lastTransitionTime: "2026-01-01T00:00:00Z" }],
      initContainerStatuses: [],
      containerStatuses: [{ name: "reviews", image: "i", ready: false, restartCount: 2, state, lastState: {} }],
    },
  });
  expect([managedFields.length, Object.keys(annotations).length]).toEqual([3, 2]);
});

test("a ReplicaSet keeps its template, its size and its number in the Deployment", () => {
  const template = { metadata: { labels: { app: "reviews" } }, spec: { containers: [{ image: "reviews:v3" }] } };
  const annotations = { ...metadata.annotations, "deployment.kubernetes.io/revision": "4" };
  const trimmed = trimReplicaSet({ metadata: { ...metadata, annotations }, spec: { replicas: 2, template, selector: {} }, status: { replicas: 2, readyReplicas: 1, observedGeneration: 9 } });
  expect(trimmed.metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "4" });
  expect(trimmed["spec"]).toEqual({ replicas: 2, template });
  expect(trimmed["status"]).toEqual({ replicas: 2, readyReplicas: 1 });
});

test("a StatefulSet or DaemonSet keeps sizes, revisions and its template's labels", () => {
  const template = { metadata: { labels: { app: "reviews" }, annotations: { a: "b" } }, spec: { containers: [] } };
  const status = { replicas: 3, readyReplicas: 2, currentRevision: "r1", updateRevision: "r2", collisionCount: 0 };
  const trimmed = trimWorkload({ metadata, spec: { replicas: 3, template, serviceName: "x" }, status });
  expect(trimmed["spec"]).toEqual({ replicas: 3, template: { metadata: { labels: { app: "reviews" } } } });
  expect(trimmed["status"]).toEqual({ replicas: 3, readyReplicas: 2, currentRevision: "r1", updateRevision: "r2" });
});

test("a ControllerRevision keeps its data and its number", () => {
  expect(trimControllerRevision({ metadata, data: { spec: { template: {} } }, revision: 3 })).toMatchObject({ data: { spec: { template: {} } }, revision: 3, metadata: { ownerReferences: [owner] } });
});

const trims: Readonly<Record<string, Trim>> = { trimAddress, trimControllerRevision, trimPod, trimReplicaSet, trimServiceEntry, trimWorkload, trimWritten };

test.each(Object.entries(trims))("%s keeps what identifies an object, drops what kubectl wrote last, and takes an object that has nothing else", (_, trim) => {
  const bare: KubernetesObject = { metadata: { name: "a", namespace: "b", uid: "c", resourceVersion: "1" } };
  expect(trim(bare).metadata).toMatchObject(bare.metadata);
  expect(JSON.stringify(trim({ metadata }))).not.toContain("last-applied");
  expect(() => trim({ metadata: { name: "a" }, spec: null, status: "odd" })).not.toThrow();
});
