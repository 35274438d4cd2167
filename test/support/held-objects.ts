/** A Deployment that Weir holds, its ReplicaSets and its canary, as a cluster has them: reviews in bookinfo, at v1, and a new template v2. */
import type { KubernetesObject, ObjectMetadata } from "../../src/kubernetes/client.ts";
import { Template, versionOf } from "../../src/workload/deployment/template-version.ts";
import { aPod, NAMESPACE } from "./istio-objects.ts";

export type HeldTemplate = Readonly<Record<string, unknown>> & { readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> } };

const LABELS = { app: "reviews", team: "books" };
/** What each ReplicaSet's controller would have called it. */
const HASHES: Readonly<Record<string, string>> = { v1: "aaa", v2: "bbb", v3: "ccc" };

/** `image`: the tag; the annotation is one that a template may have. */
export function aTemplateOf(image: string): HeldTemplate {
  return { metadata: { labels: LABELS, annotations: { "prometheus.io/scrape": "true" } }, spec: { containers: [{ name: "app", image: `registry.example/reviews:${image}`, ports: [{ containerPort: 9080 }] }] } };
}

/** `v1-…`: what the template of the image is called. */
export function revisionOfImage(image: string): { readonly version: string; readonly revision: string } {
  return versionOf(Template.parse(aTemplateOf(image)));
}

export function versionOfImage(image: string): string {
  return revisionOfImage(image).version;
}

export interface DeploymentChanges {
  readonly metadata?: Partial<ObjectMetadata>;
  readonly spec?: object;
  readonly status?: object;
}

/** Four pods of v1, rolled and at rest. */
export function aDeployment({ metadata = {}, spec = {}, status = {} }: DeploymentChanges = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "reviews", namespace: NAMESPACE, uid: "uid-reviews", generation: 3, labels: { team: "books" }, annotations: { "deployment.kubernetes.io/revision": "1" }, ...metadata },
    spec: { replicas: 4, selector: { matchLabels: { app: "reviews" } }, strategy: { type: "RollingUpdate" }, template: aTemplateOf("v1"), ...spec },
    status: { observedGeneration: 3, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4, conditions: [ROLLED], ...status },
  };
}

export const ROLLED = { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: 'ReplicaSet "reviews-aaa" has successfully progressed.' };

/** With the label by which its pods are told apart, as Weir makes it. */
export function aCanary(image = "v2", { metadata = {}, spec = {} }: DeploymentChanges = {}): KubernetesObject {
  const hash = hashIn(versionOfImage(image));
  const labels = { ...LABELS, "weir.dev/canary": hash };
  const { annotations: _, labels: _labels, ...rest } = aDeployment().metadata;
  return {
    ...aDeployment({ spec: { replicas: 1, selector: { matchLabels: { app: "reviews", "weir.dev/canary": hash } }, template: { ...aTemplateOf(image), metadata: { ...aTemplateOf(image).metadata, labels } }, ...spec } }),
    metadata: { ...rest, name: `reviews-canary-${hash}`, uid: `uid-canary-${image}`, labels: { "weir.dev/rollout": "reviews" }, ...metadata },
  };
}

/** The end of `v1-35dcc5d`. */
export function hashIn(version: string): string {
  return version.slice(version.lastIndexOf("-") + 1);
}

export interface SetChanges {
  readonly owner?: KubernetesObject;
  readonly revision?: number;
  readonly replicas?: number;
  readonly status?: object;
  readonly uid?: string;
}

/** Of a Deployment, for a template of it. */
export function aSet(image: string, { owner = aDeployment(), revision = 1, replicas = 4, status = {}, uid = `uid-${owner.metadata.name}-${image}` }: SetChanges = {}): KubernetesObject {
  const { template, selector } = owner.spec as { template: HeldTemplate; selector: { matchLabels: object } };
  const labels = { ...template.metadata.labels, "pod-template-hash": HASHES[image]! };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${owner.metadata.name}-${HASHES[image]!}`, namespace: NAMESPACE, uid, labels, annotations: { "deployment.kubernetes.io/revision": `${revision}` },
      ownerReferences: [{ kind: "Deployment", name: owner.metadata.name, uid: owner.metadata.uid!, controller: true }],
    },
    spec: { replicas, selector: { matchLabels: { ...selector.matchLabels, "pod-template-hash": HASHES[image]! } }, template: { ...aTemplateOf(image), metadata: { ...aTemplateOf(image).metadata, labels } } },
    status: { replicas, readyReplicas: replicas, ...status },
  };
}

/** Of a ReplicaSet, with its labels; the first `ready` are ready. */
export function podsOf(set: KubernetesObject, count: number, ready = count): readonly KubernetesObject[] {
  const { labels } = set.metadata;
  return Array.from({ length: count }, (_, index) => aPod({ owner: set, ready: index < ready, name: `${set.metadata.name}-${index}`, metadata: { labels } }));
}
