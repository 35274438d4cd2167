/** Kubernetes and Istio objects as the tutorials have them: reviews in bookinfo, one Service, a subset for each version. */
import type { KubernetesObject, ObjectMetadata } from "../../src/kubernetes/client.ts";
import type { Traffic } from "../../src/rollout/spec-traffic.ts";

export const NAMESPACE = "bookinfo";

/** Weight by subset; null leaves the weight out. */
export type Split = Readonly<Record<string, number | null>>;

export interface Named {
  readonly name?: string;
  readonly namespace?: string;
  readonly metadata?: Partial<ObjectMetadata>;
}

/** `spec.traffic` that names one VirtualService, and a route in it if one is given. */
export function aTarget(name = "reviews", route?: string): Traffic {
  return { istio: { virtualServices: [{ name, ...(route !== undefined && { routes: [route] }) }] } };
}

/** Destinations that are subsets of one host. */
export function subsets(split: Split, host = "reviews"): KubernetesRoute["route"] {
  return Object.entries(split).map(([subset, weight]) => weighed({ host, subset }, weight));
}

/** Destinations that are Services. */
export function hosts(split: Split): KubernetesRoute["route"] {
  return Object.entries(split).map(([host, weight]) => weighed({ host }, weight));
}

export interface KubernetesRoute {
  readonly name?: string;
  readonly route?: readonly { readonly destination: { readonly host: string; readonly subset?: string }; readonly weight?: number }[];
  readonly [field: string]: unknown;
}

/** `http` defaults to one route without name that leads to v2 with 90 and to v3 with 10. */
export function aVirtualService({ http = [{ route: subsets({ v2: 90, v3: 10 }) }], ...named }: Named & { readonly http?: readonly KubernetesRoute[] } = {}): KubernetesObject {
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: metadataOf(named, "reviews"), spec: { hosts: [named.name ?? "reviews"], http } };
}

export function aDestinationRule({ host = "reviews", versions = ["v1", "v2", "v3"], ...named }: Named & { readonly host?: string; readonly versions?: readonly string[] } = {}): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: metadataOf(named, "reviews"),
    spec: { host, subsets: versions.map((version) => ({ name: version, labels: { version } })) },
  };
}

export function aKubernetesService({ selector = { app: "reviews" }, ...named }: Named & { readonly selector?: Readonly<Record<string, string>> } = {}): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadataOf(named, "reviews"),
    spec: { ...(Object.keys(selector).length > 0 && { selector }), ports: [{ name: "http", port: 9080 }] },
  };
}

/** `selector`: of its pods; null: it is for endpoints elsewhere. */
export function aServiceEntry({ host = "reviews.internal", selector = { app: "reviews" }, exportTo, ...named }: Named & { readonly host?: string; readonly selector?: Readonly<Record<string, string>> | null; readonly exportTo?: readonly string[] } = {}): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: metadataOf(named, "reviews"),
    spec: {
      hosts: [host],
      ports: [{ number: 9080, name: "http", protocol: "HTTP" }],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      ...(selector ? { workloadSelector: { labels: selector } } : { endpoints: [{ address: "10.1.0.1" }] }),
      ...(exportTo && { exportTo }),
    },
  };
}

export interface PodOptions extends Named {
  readonly version?: string;
  readonly app?: string;
  readonly owner?: KubernetesObject;
  readonly ready?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Replaces or adds fields of the status. */
  readonly status?: Readonly<Record<string, unknown>>;
}

/** One that started at noon and became ready six seconds later. */
export function aPod({ version = "v3", app = "reviews", owner, ready = true, labels = {}, status = {}, ...named }: PodOptions = {}): KubernetesObject {
  const ownerReferences = owner && [{ apiVersion: owner.apiVersion, kind: owner.kind!, name: owner.metadata.name, uid: owner.metadata.uid!, controller: true }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadataOf({ ...named, metadata: { labels: { app, version, ...labels }, ownerReferences, ...named.metadata } }, `${app}-${version}-abc12`),
    spec: { containers: [{ name: app, image: `${app}:${version}` }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.1",
      conditions: [
        { type: "PodScheduled", status: "True", lastTransitionTime: "2026-11-21T12:00:00Z" },
        { type: "Initialized", status: "True", lastTransitionTime: "2026-11-21T12:00:01Z" },
        { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: ready ? "2026-11-21T12:00:06Z" : "2026-11-21T12:00:01Z" },
      ],
      containerStatuses: [{ name: app, ready, restartCount: 0, state: { running: { startedAt: "2026-11-21T12:00:02Z" } } }],
      ...status,
    },
  };
}

export interface ReplicaSetOptions extends Named {
  readonly version?: string;
  readonly app?: string;
  readonly image?: string;
  readonly replicas?: number;
  readonly readyReplicas?: number;
  /** The Deployment's revision that it is of; default 1. */
  readonly revision?: number;
  /** Default: the Deployment `app-version`. Null: none. */
  readonly deployment?: string | null;
}

export function aReplicaSet(options: ReplicaSetOptions = {}): KubernetesObject {
  const { version = "v3", app = "reviews", image = `${app}:${version}`, replicas = 1, readyReplicas = replicas, revision = 1, deployment = `${app}-${version}`, ...named } = options;
  const hash = `${deployment ?? app}${revision}`.replaceAll("-", "");
  const labels = { app, version, "pod-template-hash": hash };
  const owner = deployment === null ? {} : { ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: deployment, uid: `uid-of-${deployment}`, controller: true }] };
  const name = named.name ?? `${deployment ?? app}-${hash}`;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: metadataOf({ ...named, name, metadata: { uid: `uid-of-${name}`, labels, annotations: { "deployment.kubernetes.io/revision": `${revision}` }, ...owner, ...named.metadata } }, name),
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: app, image }] } } },
    status: { replicas, readyReplicas },
  };
}

/** Pods of one ReplicaSet, numbered from 0. */
export function pods(count: number, { owner = aReplicaSet(), ...options }: PodOptions = {}): readonly KubernetesObject[] {
  return Array.from({ length: count }, (_, index) => aPod({ ...options, owner, name: `${owner.metadata.name}-${index}` }));
}

function metadataOf({ name, namespace = NAMESPACE, metadata = {} }: Named, defaultName: string): ObjectMetadata {
  const defined = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
  return { name: name ?? defaultName, namespace, ...defined };
}

function weighed(destination: { readonly host: string; readonly subset?: string }, weight: number | null): { readonly destination: typeof destination; readonly weight?: number } {
  return weight === null ? { destination } : { destination, weight };
}
