/** The places in which the contract of a traffic router is kept: objects in memory, and API servers behind our client and caches. */
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import type { ObjectCache } from "../../src/kubernetes/object-cache.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createTrafficRouter } from "../../src/traffic/registry.ts";
import type { TrafficRouter } from "../../src/traffic/traffic-router.ts";
import type { ApiObject } from "./api-request.ts";
import { NAMESPACE } from "./istio-objects.ts";
import { kubernetesApis, type TestApi } from "./kubernetes-apis.ts";
import { createMemoryCluster } from "./memory-cluster.ts";
import type { Dialect, Part } from "./route-dialects.ts";
import { createSilentLog } from "./silent-log.ts";
import { until } from "./until.ts";

/** One test's own route `reviews`, with something behind v1, v2 and v3. */
export interface Scene {
  readonly namespace: string;
  readonly router: TrafficRouter;
  /** A router that goes on seeing what there is now, whatever happens: a frozen daemon. */
  freeze(): TrafficRouter;
  /** A foreign write of the routes; settles when `router` sees it. */
  editRoutes(manager: string, parts: readonly Part[]): Promise<void>;
  /** The object as the server has it. */
  stored(): Promise<KubernetesObject>;
}

export interface RouterWorld {
  begin(dialect: Dialect, parts: readonly Part[], annotations?: Readonly<Record<string, string>>): Promise<Scene>;
  close(): Promise<void>;
}

export interface RouterWorldAtHand {
  readonly world: string;
  open(): Promise<RouterWorld>;
}

/** For `describe.each`. */
export function routerWorldsAtHand(): readonly RouterWorldAtHand[] {
  const apis = kubernetesApis().map(({ name, open }) => ({ world: `the ${name} API`, open: async () => openApiWorld(await open()) }));
  return [{ world: "objects in memory", open: async () => openMemoryWorld() }, ...apis];
}

function openMemoryWorld(): RouterWorld {
  return {
    async begin(dialect, parts, annotations) {
      const { kind } = dialect;
      const { caches, client, edit, put } = createMemoryCluster({ nowMs: Date.now });
      for (const object of dialect.beside()) put(object.kind === "Service" ? "services" : "destinationRules", object);
      put(kind, dialect.object(parts, { annotations }));
      const stored = (): KubernetesObject => caches[kind].get(NAMESPACE, "reviews")!;
      return {
        namespace: NAMESPACE,
        router: createTrafficRouter({ caches, client }),
        freeze: () => createTrafficRouter({ caches: { ...caches, [kind]: snapshot(stored()) }, client }),
        editRoutes: async (manager, edited) => void edit(kind, NAMESPACE, "reviews", manager, (object) => ({ ...object, spec: { ...(object.spec as object), ...dialect.spec(edited) } })),
        stored: async () => stored(),
      };
    },
    close: async () => undefined,
  };
}

/** An API server, through the daemon's own client and caches. */
async function openApiWorld(api: TestApi): Promise<RouterWorld> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "weir-contract/1" });
  const caches = createCaches({ client: createKubernetesClient(transport), logger: createSilentLog() });
  caches.start();
  return {
    begin: async (dialect, parts, annotations) => beginScene(api, caches, await api.createNamespace(), { dialect, object: dialect.object(parts, { annotations }) }),
    close: async () => {
      caches.stop();
      transport.close();
      await api.close();
    },
  };
}

async function beginScene(api: TestApi, caches: Caches, namespace: string, { dialect, object }: { readonly dialect: Dialect; readonly object: KubernetesObject }): Promise<Scene> {
  const { objects, client } = caches;
  const path = `${dialect.collection(namespace)}/reviews`;
  const stored = (): Promise<KubernetesObject> => api.request<KubernetesObject & ApiObject>("GET", path);
  const routes = objects[dialect.kind];
  const beside = dialect.beside();
  const untilCached = async (): Promise<void> => {
    const { metadata } = await stored();
    await until(() => routes.get(namespace, "reviews")?.metadata.resourceVersion === metadata.resourceVersion);
    await until(() => beside.every(({ kind, metadata: { name } }) => objects[kind === "Service" ? "services" : "destinationRules"].get(namespace, name)));
  };
  const given = [...beside, object].map((each) => ({ ...each, metadata: { ...each.metadata, namespace } }));
  await api.apply(given as unknown as readonly ApiObject[]);
  await untilCached();
  return {
    namespace,
    stored,
    router: createTrafficRouter({ caches: objects, client }),
    freeze: () => createTrafficRouter({ caches: { ...objects, [dialect.kind]: snapshot(routes.get(namespace, "reviews")!) }, client }),
    editRoutes: async (manager, parts) => {
      await api.request("PATCH", `${path}?fieldManager=${manager}`, { spec: dialect.spec(parts) });
      await untilCached();
    },
  };
}

function snapshot(object: KubernetesObject): ObjectCache {
  return { get: () => object, list: () => [object], all: () => [object] };
}
