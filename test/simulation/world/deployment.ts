/** The Deployment of a simulated world: what it was applied as, what the API server makes of a change, and what of it stands behind a version. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { isEqual } from "../../../src/rollout/equal.ts";
import { CANARY_LABEL, HELD_ANNOTATION, OWNER_LABEL } from "../../../src/rollout/rollout.ts";
import { versionOf, type Template } from "../../../src/workload/deployment/template-version.ts";
import { isReady, isTerminating, podOf } from "../../../src/workload/pods.ts";
import { NAMESPACE } from "../../support/istio-objects.ts";
import type { ApiServer } from "./api-server.ts";
import type { DeploymentScene, Scene } from "./history.ts";

export const DEPLOYMENT = "reviews";
/** Our own rule. */
export const SIDES = "weir-reviews";
const FIRST_VERSION = "v2";

interface DeploymentSpec {
  readonly replicas: number;
  readonly paused?: boolean;
  readonly template: Template;
}

export function specOfDeployment(object: KubernetesObject): DeploymentSpec {
  return object["spec"] as DeploymentSpec;
}

export function templateOf(tag: string): Template {
  return { metadata: { labels: { app: "reviews" } }, spec: { containers: [{ name: "app", image: `registry.example/reviews:${tag}` }] } };
}

/** As its owner applies it. */
export function theDeployment({ replicas, progressDeadlineSeconds }: DeploymentScene, template: Template = templateOf(FIRST_VERSION)): KubernetesObject {
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { namespace: NAMESPACE, name: DEPLOYMENT }, spec: { replicas, progressDeadlineSeconds, selector: { matchLabels: { app: "reviews" } }, template } };
}

/** `v3` of `v3-e0b8f1d`. */
export function tagOf(version: string): string {
  return version.split("-")[0]!;
}

export function versionIn(object: KubernetesObject): string {
  return versionOf(specOfDeployment(object).template).version;
}

export function isHeld({ metadata }: KubernetesObject): boolean {
  return metadata.annotations?.[HELD_ANNOTATION] !== undefined;
}

export function isPaused(object: KubernetesObject): boolean {
  return specOfDeployment(object).paused ?? false;
}

/** Its owner's update, as deploy/hold.yaml has the API server change it, or refuse it: undefined then. */
export function admitted(server: ApiServer, { deployment }: Pick<Scene, "deployment">, before: KubernetesObject, after: KubernetesObject): KubernetesObject | undefined {
  const rollout = server.get("rollouts", "reviews");
  if (!deployment?.isGuarded || !rollout || rollout.metadata.deletionTimestamp) return after;
  const isNew = !isEqual(specOfDeployment(before).template, specOfDeployment(after).template);
  const held = isNew ? withHold(after) : after;
  const isLetGo = isHeld(before) && ((isPaused(before) && !isPaused(held)) || !isHeld(held));
  return isLetGo ? undefined : held;
}

function withHold(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [HELD_ANNOTATION]: "reviews" } }, spec: { ...specOfDeployment(object), paused: true } };
}

export interface Endpoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly isCanary: boolean;
}

/** Pods that answer. */
export function endpointsIn(server: Pick<ApiServer, "all">): readonly Endpoint[] {
  return server.all("pods").filter((object) => isReady(podOf(object))).map((object) => endpointOf(object as Parameters<typeof endpointOf>[0]));
}

function endpointOf({ metadata: { labels = {} }, spec: { nodeName: _, ...spec } }: KubernetesObject & { readonly spec: object & { readonly nodeName?: string } }): Endpoint {
  const { version } = versionOf({ metadata: { labels }, spec } as Template);
  return { labels, version, isCanary: labels[CANARY_LABEL] !== undefined };
}

/** Those that are going away are endpoints for a moment still. */
export function hasCanaryPods(server: Pick<ApiServer, "all">): boolean {
  return server.all("pods").some(({ metadata }) => metadata.labels?.[CANARY_LABEL] !== undefined);
}

export function canariesIn(server: Pick<ApiServer, "all">): readonly KubernetesObject[] {
  return server.all("deployments").filter(({ metadata }) => metadata.labels?.[OWNER_LABEL] !== undefined);
}

/** How many pods of each version are there and ready, and how many its owners want. */
export function standings(server: Pick<ApiServer, "all" | "get">): ReadonlyMap<string, { readonly ready: number; readonly wanted: number; readonly revision: string }> {
  const endpoints = endpointsIn(server);
  const found = new Map<string, { readonly ready: number; readonly wanted: number; readonly revision: string }>();
  for (const object of server.all("deployments")) {
    const { version, revision } = versionOf(specOfDeployment(object).template);
    found.set(version, { ready: 0, wanted: wantedIn(server), revision });
  }
  for (const { version } of endpoints) {
    const before = found.get(version) ?? { ready: 0, wanted: 0, revision: "" };
    found.set(version, { ...before, ready: before.ready + 1 });
  }
  return found;
}

/** Of a canary: as many as the Deployment has, or as it may have. */
function wantedIn(server: Pick<ApiServer, "get">): number {
  const deployment = server.get("deployments", DEPLOYMENT);
  const { maxCanaryReplicas = Infinity } = (server.get("rollouts", "reviews")?.["spec"] as { readonly deployment?: { readonly maxCanaryReplicas?: number } } | undefined)?.deployment ?? {};
  return Math.min(deployment ? specOfDeployment(deployment).replicas : 0, maxCanaryReplicas);
}

/** By its owner: nothing of it is to run. */
export function isScaledToNothing(server: Pick<ApiServer, "get">): boolean {
  const deployment = server.get("deployments", DEPLOYMENT);
  return deployment !== undefined && specOfDeployment(deployment).replicas === 0;
}

export function isGoing(object: KubernetesObject): boolean {
  return isTerminating(podOf(object));
}
