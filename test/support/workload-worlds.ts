/** The places in which the contract of a workload is kept: objects in memory, API servers behind our client and caches, and the simulations' world. */
import { createCaches } from "../../src/kubernetes/caches.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import type { ValidRollout } from "../../src/rollout/rollout.ts";
import { createVersionsWorkload, type VersionsWorkload } from "../../src/workload/versions/versions-workload.ts";
import { aPod, aReplicaSet, NAMESPACE } from "./istio-objects.ts";
import type { TestApi } from "./kubernetes-apis.ts";
import { createMemoryCluster } from "./memory-cluster.ts";
import { createSilentLog } from "./silent-log.ts";
import { until } from "./until.ts";
import { aWorld } from "./world.ts";

/** One test's own namespace. */
export interface WorkloadScene {
  readonly namespace: string;
  readonly workload: VersionsWorkload;
  /** A ReplicaSet of a version that asks for so many pods, and these of them; settles when `workload` can see it. */
  run(version: string, wanted: number, ready: number, image?: string): Promise<void>;
}

export interface WorkloadWorld {
  begin(): Promise<WorkloadScene>;
  close(): Promise<void>;
}

export function openMemoryWorkloads(): WorkloadWorld {
  return {
    async begin() {
      const { caches, put } = createMemoryCluster({ nowMs: Date.now });
      return {
        namespace: NAMESPACE,
        workload: createVersionsWorkload({ caches }),
        async run(version, wanted, ready, image) {
          const replicaSet = put("replicaSets", replicaSetOf(version, wanted, ready, image));
          for (const pod of podsOf(version, wanted, ready, replicaSet)) put("pods", pod);
        },
      };
    },
    close: async () => undefined,
  };
}

export async function openApiWorkloads(api: TestApi): Promise<WorkloadWorld> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "weir-contract/1" });
  const caches = createCaches({ client: createKubernetesClient(transport), logger: createSilentLog() });
  caches.start();
  const store = async (path: string, { status, ...object }: KubernetesObject, namespace: string): Promise<KubernetesObject> => {
    const given = { ...object, metadata: { ...object.metadata, namespace } };
    const { metadata } = await api.request<KubernetesObject & { kind: string; apiVersion: string }>("POST", path, given);
    return api.request("PATCH", `${path}/${metadata.name}/status`, { status });
  };
  return {
    async begin() {
      const namespace = await api.createNamespace();
      return {
        namespace,
        workload: createVersionsWorkload({ caches: caches.objects }),
        async run(version, wanted, ready, image) {
          const replicaSet = await store(`/apis/apps/v1/namespaces/${namespace}/replicasets`, replicaSetOf(version, wanted, ready, image), namespace);
          for (const pod of podsOf(version, wanted, ready, { ...replicaSet, apiVersion: "apps/v1", kind: "ReplicaSet" })) {
            const { metadata } = await store(`/api/v1/namespaces/${namespace}/pods`, pod, namespace);
            await until(() => caches.objects.pods.get(namespace, metadata.name)?.metadata.resourceVersion === metadata.resourceVersion);
          }
          await until(() => caches.objects.replicaSets.get(namespace, replicaSet.metadata.name)?.metadata.resourceVersion === replicaSet.metadata.resourceVersion);
        },
      };
    },
    async close() {
      caches.stop();
      transport.close();
      await api.close();
    },
  };
}

/** It keeps counts and revisions only, which is all that rules look at. */
export function openSimulatedWorkloads(): WorkloadWorld {
  return {
    async begin() {
      const world = aWorld();
      return {
        namespace: NAMESPACE,
        workload: { ...world.ports.workload, see: (version, backend) => world.ports.workload.see(version, backend, world.rollout() as ValidRollout) },
        run: async (version, wanted, ready, image = version) => void (world.pods[version] = { ready, wanted, revision: ready > 0 ? `r1-${image}` : "" }),
      };
    },
    close: async () => undefined,
  };
}

/** Nobody's: the collector of a cluster would take one along whose Deployment is not there. */
function replicaSetOf(version: string, replicas: number, readyReplicas: number, image = `reviews:${version}`): KubernetesObject {
  const { metadata, ...rest } = aReplicaSet({ version, replicas, readyReplicas, image, deployment: null, name: `reviews-${version}` });
  const { uid: _, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

function podsOf(version: string, wanted: number, ready: number, owner: KubernetesObject): readonly KubernetesObject[] {
  const labels = { "pod-template-hash": "reviews1" };
  return Array.from({ length: wanted }, (_, index) => aPod({ version, owner, labels, ready: index < ready, name: `reviews-${version}-${index}` }));
}
