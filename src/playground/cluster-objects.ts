/** What the playground writes into the embedded Kubernetes API: what a cluster's controllers and its users would have written there. */
import { createHash } from "node:crypto";
import { RESOURCES, type KubernetesClient, type KubernetesObject, type Resource } from "../kubernetes/client.ts";
import { podIpOf, readyStatus } from "./pod-status.ts";
import { createNamedRandom } from "./random.ts";
import type { SampleApp } from "./samples/sample-apps.ts";

const namespaces: Resource = { group: "", version: "v1", plural: "namespaces" };

/** Field manager of what people or their tools write; the daemon is another one. */
const fieldManager = "playground";
const replicas = 2;

/** Weir's parameters for `app`: a whole delivery takes less than a minute. */
export function rolloutOf(app: SampleApp, namespace: string, release: string): KubernetesObject {
  return {
    apiVersion: "weir.dev/v1alpha1",
    kind: "Rollout",
    metadata: { name: app.name, namespace },
    spec: {
      ...(app.isHeld ? { deployment: { name: app.name } } : { release }),
      traffic: { istio: { virtualServices: [{ name: app.name, ...(app.routes ? { routes: app.routes } : {}), ...(app.tcpRoutes ? { tcpRoutes: app.tcpRoutes } : {}) }] } },
      strategy: { propagation: "1s", progressDeadline: "1m", steps: app.ladder.map((weight) => ({ weight, hold: "10s" })) },
      analysis: {
        interval: "2s",
        settle: "500ms",
        warmup: "3s",
        metrics: app.metrics ?? [
          { name: "errors", errorRate: { max: "1%" } },
          { name: "latency", latency: { percentile: 95, max: "1s" } },
        ],
      },
    },
  };
}

/** Where `deploy/` puts the daemon. */
export const daemonNamespace = "weir-system";
export const daemonName = "weir";

/** The daemon's Service, by which the CLI finds it; the daemon itself runs as a process beside the API. */
export async function installDaemonService(client: KubernetesClient): Promise<void> {
  await installNamespace(client, daemonNamespace);
  const labels = { "app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "daemon" };
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: daemonName, namespace: daemonNamespace, labels },
    spec: { selector: labels, ports: [{ name: "http", port: 8080 }] },
  };
  await client.create(RESOURCES.services, daemonNamespace, object, { fieldManager });
}

async function installNamespace(client: KubernetesClient, name: string): Promise<void> {
  await client.create(namespaces, undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name } }, { fieldManager });
}

/** Creates a namespace with every version of the apps running in it, their Services, DestinationRules and VirtualServices. */
export async function installApps(client: KubernetesClient, namespace: string, apps: readonly SampleApp[], seed: number): Promise<void> {
  await installNamespace(client, namespace);
  for (const app of apps) {
    if (app.isHeld) await installHeld(client, namespace, app);
    else await installVersions(client, namespace, app, seed);
    await client.create(RESOURCES.services, namespace, kubernetesServiceOf(app, namespace), { fieldManager });
    await client.create(RESOURCES.virtualServices, namespace, virtualServiceOf(app, namespace), { fieldManager });
  }
}

async function installVersions(client: KubernetesClient, namespace: string, app: SampleApp, seed: number): Promise<void> {
  for (const version of app.versions) await installVersion(client, namespace, app, version, seed);
  await client.create(RESOURCES.destinationRules, namespace, destinationRuleOf(app, namespace), { fieldManager });
}

/** Its pods are for the cluster's controllers to make. */
async function installHeld(client: KubernetesClient, namespace: string, app: SampleApp): Promise<void> {
  const labels = { app: app.name };
  const template = { metadata: { labels }, spec: { containers: containersOf(app, app.versions[0]!) } };
  const { metadata, ...deployment } = deploymentOf(app.name, namespace, labels, template);
  const { annotations: _, ...written } = metadata; // how many revisions there have been is for a controller to say
  await client.create(RESOURCES.deployments, namespace, { ...deployment, metadata: written }, { fieldManager });
}

/** What runs in a pod of a version. */
export function containersOf(app: SampleApp, version: string): readonly object[] {
  return [{ name: app.name, image: app.image(version), ports: [{ containerPort: app.port, protocol: "TCP" }] }];
}

function kubernetesServiceOf(app: SampleApp, namespace: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: app.name, namespace, labels: { app: app.name } },
    spec: { selector: { app: app.name }, ports: [{ name: "http", port: app.port }] },
  };
}

function destinationRuleOf(app: SampleApp, namespace: string): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: app.name, namespace },
    spec: { host: app.name, subsets: app.versions.map((version) => ({ name: version, labels: { version } })) },
  };
}

export function virtualServiceOf(app: Pick<SampleApp, "name" | "virtualService">, namespace: string): KubernetesObject {
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: app.name, namespace }, spec: app.virtualService };
}

/** A Deployment that has rolled out: its ReplicaSet and its ready pods, each owned by the one before. */
async function installVersion(client: KubernetesClient, namespace: string, app: SampleApp, version: string, seed: number): Promise<void> {
  const labels = { app: app.name, version };
  const template = { metadata: { labels }, spec: { containers: containersOf(app, version) } };
  const hash = createHash("sha256").update(JSON.stringify(template)).digest("hex").slice(0, 10);
  const create = async (resource: Resource, object: KubernetesObject, status: unknown) => {
    const created = await client.create(resource, namespace, object, { fieldManager });
    await client.patch(resource, namespace, object.metadata.name, { type: "merge", body: { status } }, { subresource: "status", fieldManager });
    return created;
  };
  const deployment = await create(RESOURCES.deployments, deploymentOf(`${app.name}-${version}`, namespace, labels, template), deploymentStatus());
  const replicaSet = await create(RESOURCES.replicaSets, replicaSetOf(deployment, hash, template), replicaSetStatus());
  const random = createNamedRandom(seed, replicaSet.metadata.name);
  for (let index = 0; index < replicas; index += 1) {
    const suffix = Math.floor(random() * 36 ** 5).toString(36).padStart(5, "0");
    await create(RESOURCES.pods, podOf(replicaSet, suffix, template.spec), podStatus(app, version, podIpOf(random())));
  }
}

interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: object;
}

function deploymentOf(name: string, namespace: string, labels: Readonly<Record<string, string>>, template: Template): KubernetesObject {
  const annotations = { "deployment.kubernetes.io/revision": "1" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels, annotations },
    spec: { replicas, selector: { matchLabels: labels }, template },
  };
}

function replicaSetOf(deployment: KubernetesObject, hash: string, template: Template): KubernetesObject {
  const labels = { ...template.metadata.labels, "pod-template-hash": hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      ...ownedBy(deployment, "apps/v1", "Deployment"),
      name: `${deployment.metadata.name}-${hash}`,
      labels,
      annotations: { "deployment.kubernetes.io/revision": "1" },
    },
    spec: { replicas, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
  };
}

function podOf(replicaSet: KubernetesObject, suffix: string, spec: object): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...ownedBy(replicaSet, "apps/v1", "ReplicaSet"),
      name: `${replicaSet.metadata.name}-${suffix}`,
      labels: replicaSet.metadata.labels ?? {},
    },
    spec: { ...spec, nodeName: "playground" },
  };
}

function ownedBy({ metadata }: KubernetesObject, apiVersion: string, kind: string) {
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true, blockOwnerDeletion: true };
  return { ...(metadata.namespace ? { namespace: metadata.namespace } : {}), ownerReferences: [owner] };
}

function deploymentStatus() {
  const conditions = [
    { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." },
    { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "The ReplicaSet has successfully progressed." },
  ];
  return { observedGeneration: 1, replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas, conditions };
}

function replicaSetStatus() {
  return { observedGeneration: 1, replicas, fullyLabeledReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
}

function podStatus(app: SampleApp, version: string, podIP: string) {
  return readyStatus({ containers: [{ name: app.name, image: app.image(version) }], podIP, now: `${new Date().toISOString().slice(0, 19)}Z` });
}
