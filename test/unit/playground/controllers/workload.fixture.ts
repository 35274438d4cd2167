/** Deployments, ReplicaSets and pods for the tests of the playground's controllers. */
import { Deployment, Pod, ReplicaSet } from "../../../../src/playground/controllers/workloads.ts";

export const NOW_MS = Date.parse("2026-01-01T00:01:00Z");
const CREATED = "2026-01-01T00:00:00Z";

export function aTemplate(version = "v1", labels: object = {}): object {
  return { metadata: { labels: { app: "web", ...labels } }, spec: { containers: [{ name: "app", image: `app:${version}` }] } };
}

export function aDeployment(spec: object = {}, rest: { readonly metadata?: object; readonly status?: object } = {}): Deployment {
  return Deployment.parse({
    metadata: { name: "web", namespace: "default", uid: "web-uid", resourceVersion: "1", creationTimestamp: CREATED, annotations: { "deployment.kubernetes.io/revision": "1" }, ...rest.metadata },
    spec: { replicas: 4, selector: { matchLabels: { app: "web" } }, template: aTemplate(), ...spec },
    ...(rest.status && { status: rest.status }),
  });
}

interface Given {
  readonly version?: string;
  readonly revision?: number;
  readonly replicas?: number;
  /** Of its pods, those that are available; default: all. */
  readonly available?: number;
  readonly owner?: string;
  readonly annotations?: object;
  readonly metadata?: object;
}

/** Of the Deployment above; the higher its revision, the later it was created. */
export function aReplicaSet({ version = "v1", revision = 1, replicas = 4, available = replicas, owner = "web-uid", annotations = {}, metadata = {} }: Given = {}): ReplicaSet {
  const labels = { app: "web", "pod-template-hash": version };
  return ReplicaSet.parse({
    metadata: {
      name: `web-${version}`, namespace: "default", uid: `${version}-uid`, resourceVersion: "1", creationTimestamp: new Date(Date.parse(CREATED) + revision * 1_000).toISOString(), labels,
      annotations: { "deployment.kubernetes.io/revision": `${revision}`, ...annotations },
      ownerReferences: owner === "" ? [] : [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: owner, controller: true }],
      ...metadata,
    },
    spec: { replicas, selector: { matchLabels: labels }, template: aTemplate(version, { "pod-template-hash": version }) },
    status: { observedGeneration: 1, replicas, readyReplicas: available, availableReplicas: available, fullyLabeledReplicas: replicas },
  });
}

/** Of the ReplicaSet above. */
export function aPod(name: string, given: { readonly ready?: boolean; readonly metadata?: object; readonly spec?: object; readonly status?: object; readonly sinceMs?: number } = {}): Pod {
  const { ready = true, sinceMs = NOW_MS - 30_000 } = given;
  return Pod.parse({
    metadata: {
      name, namespace: "default", uid: `${name}-uid`, resourceVersion: "1", creationTimestamp: CREATED, labels: { app: "web", "pod-template-hash": "v1" },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-v1", uid: "v1-uid", controller: true }],
      ...given.metadata,
    },
    spec: { nodeName: "playground", containers: [{ name: "app", image: "app:v1" }], ...given.spec },
    status: { phase: "Running", podIP: "10.244.0.2", conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: new Date(sinceMs).toISOString() }], ...given.status },
  });
}
