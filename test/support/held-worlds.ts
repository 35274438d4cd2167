/** The places in which the contract of a held Deployment is kept: objects in memory with a stand-in for the controllers, and API servers with theirs. */
import { createCaches } from "../../src/kubernetes/caches.ts";
import { RESOURCES, type KubernetesObject } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createDeploymentWorkload } from "../../src/workload/deployment/deployment-workload.ts";
import type { VersionRevision } from "../../src/rollout/status.ts";
import { Template, versionOf } from "../../src/workload/deployment/template-version.ts";
import type { Workload } from "../../src/workload/workload.ts";
import { controlledApis } from "./held.ts";
import { aDeployment, aTemplateOf, hashIn, podsOf, revisionOfImage, type HeldTemplate } from "./held-objects.ts";
import { aPod, NAMESPACE } from "./istio-objects.ts";
import type { TestApi } from "./kubernetes-apis.ts";
import { createMemoryCluster, type MemoryCluster } from "./memory-cluster.ts";
import { createSilentLog } from "./silent-log.ts";
import { until } from "./until.ts";

/** One test's own Deployment `reviews`, of four pods of v1, which have rolled. */
export interface HeldScene {
  readonly namespace: string;
  readonly workload: Workload;
  /** What the templates of its two images are called, with what the server adds to them. */
  readonly v1: VersionRevision;
  readonly v2: VersionRevision;
  /** As a person changes it; settles when `workload` sees it. */
  setImage(image: string): Promise<void>;
  /** A write of somebody else that means nothing; settles when `workload` sees it. */
  touch(): Promise<void>;
  /** Settles when controllers have made it so. */
  reached(isThere: () => boolean): Promise<void>;
  stored(name?: string): Promise<KubernetesObject>;
}

export interface HeldWorld {
  begin(): Promise<HeldScene>;
  close(): Promise<void>;
}

/** For `describe.each`. */
export function heldWorldsAtHand(): readonly { readonly world: string; open(): Promise<HeldWorld> }[] {
  const apis = controlledApis().map(({ name, open }) => ({ world: `the ${name} API`, open: async () => openApiWorld(await open()) }));
  return [{ world: "objects in memory", open: async () => openMemoryWorld() }, ...apis];
}

const WAIT_MS = 60_000;

function openMemoryWorld(): HeldWorld {
  return {
    async begin() {
      const cluster = createMemoryCluster({ nowMs: Date.now });
      cluster.put("deployments", { ...aDeployment(), status: undefined });
      control(cluster);
      const edit = (change: (object: KubernetesObject) => KubernetesObject) => void cluster.edit("deployments", NAMESPACE, "reviews", "kubectl", change);
      return {
        namespace: NAMESPACE,
        workload: createDeploymentWorkload({ ...cluster, isGuarded: () => false }),
        v1: revisionOfImage("v1"),
        v2: revisionOfImage("v2"),
        setImage: async (image) => edit((object) => withSpec(object, { template: aTemplateOf(image) })),
        touch: async () => edit((object) => ({ ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, touched: "yes" } } })),
        async reached(isThere) {
          control(cluster);
          if (!isThere()) throw new Error(`expected this of objects in memory: ${isThere.toString()}`);
        },
        stored: async (name = "reviews") => cluster.caches.deployments.get(NAMESPACE, name)!,
      };
    },
    close: async () => undefined,
  };
}

function templateIn({ spec }: KubernetesObject): VersionRevision {
  return versionOf(Template.parse((spec as { template: unknown }).template));
}

function withSpec(object: KubernetesObject, change: object): KubernetesObject {
  return { ...object, spec: { ...(object.spec as object), ...change } };
}

interface Spec {
  readonly replicas: number;
  readonly paused?: boolean;
  readonly template: HeldTemplate;
}

/** What controllers do in the end: a Deployment that is not paused has all pods of its template, one that is paused keeps what it has, and what nobody owns goes. */
function control(cluster: MemoryCluster): void {
  const { caches } = cluster;
  const deployments = caches.deployments.list(NAMESPACE);
  for (const deployment of deployments) roll(cluster, deployment);
  const uids = new Set(deployments.map(({ metadata }) => metadata.uid));
  const orphans = caches.replicaSets.list(NAMESPACE).filter(({ metadata }) => !uids.has(metadata.ownerReferences![0]!.uid));
  for (const set of orphans) cluster.remove("replicaSets", NAMESPACE, set.metadata.name);
  const sets = new Map(caches.replicaSets.list(NAMESPACE).map((set) => [set.metadata.uid, set]));
  for (const pod of caches.pods.list(NAMESPACE)) if (!sets.has(pod.metadata.ownerReferences![0]!.uid)) cluster.remove("pods", NAMESPACE, pod.metadata.name);
}

function roll(cluster: MemoryCluster, deployment: KubernetesObject): void {
  const { replicas, paused } = deployment.spec as Spec;
  const owned = cluster.caches.replicaSets.list(NAMESPACE).filter(({ metadata }) => metadata.ownerReferences![0]!.uid === deployment.metadata.uid);
  const hash = hashIn(templateIn(deployment).version);
  const running = owned.find(({ spec }) => (spec as Spec).replicas > 0);
  const chosen = paused === true ? running : (owned.find(({ metadata }) => metadata.labels!["pod-template-hash"] === hash) ?? setOf(deployment, hash, owned.length + 1));
  for (const set of owned) if (set !== chosen) sized(cluster, set, 0);
  if (chosen) sized(cluster, chosen, replicas);
  const isRolled = paused !== true;
  const conditions = isRolled ? [{ type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" }] : [];
  const status = { observedGeneration: deployment.metadata.generation, replicas, updatedReplicas: isRolled ? replicas : 0, readyReplicas: replicas, availableReplicas: replicas, conditions };
  cluster.edit("deployments", NAMESPACE, deployment.metadata.name, "kube-controller-manager", (object) => ({ ...object, status }));
}

function setOf({ metadata: { name, uid }, spec }: KubernetesObject, hash: string, revision: number): KubernetesObject {
  const { template } = spec as Spec;
  const labels = { ...template.metadata.labels, "pod-template-hash": hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: `${name}-${hash}`, namespace: NAMESPACE, uid: `uid-${name}-${hash}`, labels, annotations: { "deployment.kubernetes.io/revision": `${revision}` }, ownerReferences: [{ kind: "Deployment", name, uid: uid!, controller: true }] },
    spec: { replicas: 0, template: { ...template, metadata: { ...template.metadata, labels } } },
  };
}

function sized(cluster: MemoryCluster, set: KubernetesObject, replicas: number): void {
  const stored = cluster.put("replicaSets", { ...withSpec(set, { replicas }), status: { replicas, readyReplicas: replicas } }, "kube-controller-manager");
  for (const pod of cluster.caches.pods.list(NAMESPACE)) if (pod.metadata.ownerReferences![0]!.uid === stored.metadata.uid) cluster.remove("pods", NAMESPACE, pod.metadata.name);
  for (const pod of podsOf(stored, replicas)) cluster.put("pods", { ...pod, status: aPod().status });
}

/** An API server, through the daemon's own client and caches. */
async function openApiWorld(api: TestApi): Promise<HeldWorld> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "weir-contract/1" });
  const caches = createCaches({ client: createKubernetesClient(transport), logger: createSilentLog() });
  caches.start();
  const { objects, client } = caches;
  const workload = createDeploymentWorkload({ caches: objects, client, isGuarded: () => false });
  return {
    async begin() {
      const namespace = await api.createNamespace();
      const stored = (name = "reviews"): Promise<KubernetesObject> => client.get(RESOURCES.deployments, namespace, name);
      const { status: _, metadata: { name, labels }, ...rest } = aDeployment();
      await client.create(RESOURCES.deployments, namespace, { ...rest, metadata: { name, labels, namespace } });
      const patch = (body: object, dryRun = false): Promise<KubernetesObject> => client.patch(RESOURCES.deployments, namespace, name, { type: "merge", body }, { fieldManager: "kubectl", dryRun });
      const called = async (image: string): Promise<VersionRevision> => templateIn(await patch({ spec: { template: aTemplateOf(image) } }, true));
      const reached = (isThere: () => boolean): Promise<void> => until(isThere, { limitMs: WAIT_MS, everyMs: 20 });
      await reached(() => objects.pods.list(namespace).length === 4 && JSON.stringify(objects.deployments.get(namespace, name)?.status ?? {}).includes("NewReplicaSetAvailable"));
      return {
        namespace, workload, reached, stored,
        v1: await called("v1"),
        v2: await called("v2"),
        setImage: async (image) => void (await patch({ spec: { template: aTemplateOf(image) } })),
        touch: async () => void (await patch({ metadata: { annotations: { touched: "yes" } } })),
      };
    },
    async close() {
      caches.stop();
      transport.close();
      await api.close();
    },
  };
}
