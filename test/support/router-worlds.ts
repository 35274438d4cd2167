/** The places in which the contract of a traffic router is kept: objects in memory, and API servers behind our client and caches. */
import { cacheOf } from "../../src/cli/route-look.ts";
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createTrafficRouter } from "../../src/traffic/registry.ts";
import type { TrafficRouter } from "../../src/traffic/traffic-router.ts";
import type { ApiObject } from "./api-request.ts";
import { NAMESPACE } from "./istio-objects.ts";
import { kubernetesApis, type TestApi } from "./kubernetes-apis.ts";
import { createMemoryCluster, type CachedKind } from "./memory-cluster.ts";
import type { Dialect, Part } from "./route-dialects.ts";
import { createSilentLog } from "./silent-log.ts";
import { until } from "./until.ts";

/** One test's own route `reviews`, with something behind v1, v2 and v3. */
export interface Scene {
  readonly namespace: string;
  readonly router: TrafficRouter;
  /** A router that goes on seeing what there is now, whatever happens: a frozen daemon. */
  freeze(): TrafficRouter;
  /** A foreign write of the routes; settles when `router` sees it. `name`: of another object. */
  editRoutes(manager: string, parts: readonly Part[], name?: string): Promise<void>;
  /** The object as the server has it. */
  stored(name?: string): Promise<KubernetesObject>;
}

export interface Beside {
  readonly annotations?: Readonly<Record<string, string>>;
  /** More objects of the same kind, by name. */
  readonly others?: Readonly<Record<string, readonly Part[]>>;
}

export interface RouterWorld {
  begin(dialect: Dialect, parts: readonly Part[], beside?: Beside): Promise<Scene>;
  close(): Promise<void>;
}

export interface RouterWorldAtHand {
  readonly world: string;
  open(): Promise<RouterWorld>;
}

const KIND_BESIDE: Readonly<Record<string, CachedKind>> = { Service: "services", DestinationRule: "destinationRules", ServiceEntry: "serviceEntries" };

/** For `describe.each`. */
export function routerWorldsAtHand(): readonly RouterWorldAtHand[] {
  const apis = kubernetesApis().map(({ name, open }) => ({ world: `the ${name} API`, open: async () => openApiWorld(await open()) }));
  return [{ world: "objects in memory", open: async () => openMemoryWorld() }, ...apis];
}

function openMemoryWorld(): RouterWorld {
  return {
    async begin(dialect, parts, beside) {
      const { kind } = dialect;
      const { caches, client, edit, put } = createMemoryCluster({ nowMs: Date.now });
      for (const object of dialect.beside()) put(KIND_BESIDE[object.kind!]!, object);
      for (const object of routesOf(dialect, parts, beside)) put(kind, object);
      return {
        namespace: NAMESPACE,
        router: createTrafficRouter({ caches, client }),
        freeze: () => createTrafficRouter({ caches: { ...caches, [kind]: cacheOf([...caches[kind].all()]) }, client }),
        editRoutes: async (manager, edited, name = "reviews") => void edit(kind, NAMESPACE, name, manager, (object) => ({ ...object, spec: { ...(object.spec as object), ...dialect.spec(edited) } })),
        stored: async (name = "reviews") => caches[kind].get(NAMESPACE, name)!,
      };
    },
    close: async () => undefined,
  };
}

function routesOf(dialect: Dialect, parts: readonly Part[], { annotations, others = {} }: Beside = {}): readonly KubernetesObject[] {
  return [dialect.object(parts, { annotations }), ...Object.entries(others).map(([name, each]) => dialect.object(each, { name, annotations }))];
}

/** An API server, through the daemon's own client and caches. */
async function openApiWorld(api: TestApi): Promise<RouterWorld> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "weir-contract/1" });
  const caches = createCaches({ client: createKubernetesClient(transport), logger: createSilentLog() });
  caches.start();
  return {
    begin: async (dialect, parts, beside) => beginScene(api, caches, await api.createNamespace(), { dialect, all: routesOf(dialect, parts, beside) }),
    close: async () => {
      caches.stop();
      transport.close();
      await api.close();
    },
  };
}

async function beginScene(api: TestApi, caches: Caches, namespace: string, { dialect, all }: { readonly dialect: Dialect; readonly all: readonly KubernetesObject[] }): Promise<Scene> {
  const { objects, client } = caches;
  const pathOf = (name: string): string => `${dialect.collection(namespace)}/${name}`;
  const stored = (name = "reviews"): Promise<KubernetesObject> => api.request<KubernetesObject & ApiObject>("GET", pathOf(name));
  const routes = objects[dialect.kind];
  const beside = dialect.beside();
  const untilCached = async (): Promise<void> => {
    const present = await Promise.all(all.map(({ metadata: { name } }) => stored(name)));
    await until(() => present.every(({ metadata: { name, resourceVersion } }) => routes.get(namespace, name)?.metadata.resourceVersion === resourceVersion));
    await until(() => beside.every(({ kind, metadata: { name } }) => objects[KIND_BESIDE[kind!]!].get(namespace, name)));
  };
  const given = [...beside, ...all].map((each) => ({ ...each, metadata: { ...each.metadata, namespace } }));
  await api.apply(given as unknown as readonly ApiObject[]);
  await untilCached();
  return {
    namespace,
    stored,
    router: createTrafficRouter({ caches: objects, client }),
    freeze: () => createTrafficRouter({ caches: { ...objects, [dialect.kind]: cacheOf([...routes.list(namespace)]) }, client }),
    editRoutes: async (manager, parts, name = "reviews") => {
      await api.request("PATCH", `${pathOf(name)}?fieldManager=${manager}`, { spec: dialect.spec(parts) });
      await untilCached();
    },
  };
}
