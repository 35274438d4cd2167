/** The places in which the contract of a traffic router is kept: objects in memory, and API servers behind our client and caches. */
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import type { ObjectCache } from "../../src/kubernetes/object-cache.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createIstioRouter } from "../../src/traffic/istio/istio-router.ts";
import type { TrafficRouter } from "../../src/traffic/traffic-router.ts";
import type { ApiObject } from "./api-request.ts";
import { createFakeRouter } from "./fake-router.ts";
import { aDestinationRule, aKubernetesService, aVirtualService, NAMESPACE, type KubernetesRoute } from "./istio-objects.ts";
import type { TestApi } from "./kubernetes-apis.ts";
import { createSilentLog } from "./silent-log.ts";
import { until } from "./until.ts";

/** One test's own VirtualService `reviews`, with a rule for v1, v2 and v3. */
export interface Scene {
  readonly namespace: string;
  readonly router: TrafficRouter;
  /** A router that goes on seeing what there is now, whatever happens: a frozen daemon. */
  freeze(): TrafficRouter;
  /** A foreign write of the routes; settles when `router` sees it. */
  editRoutes(manager: string, http: readonly KubernetesRoute[]): Promise<void>;
  /** The VirtualService as the server has it. */
  stored(): Promise<KubernetesObject>;
}

export interface RouterWorld {
  begin(http: readonly KubernetesRoute[], annotations?: Readonly<Record<string, string>>): Promise<Scene>;
  close(): Promise<void>;
}

export function openMemoryWorld(): RouterWorld {
  return {
    async begin(http, annotations) {
      const fake = createFakeRouter({ nowMs: Date.now, virtualService: aVirtualService({ http, metadata: { annotations } }) });
      const { caches, client, edit } = fake.cluster;
      const stored = (): KubernetesObject => caches.virtualServices.get(NAMESPACE, "reviews")!;
      return {
        namespace: NAMESPACE,
        router: fake,
        freeze: () => createIstioRouter({ caches: { ...caches, virtualServices: snapshot(stored()) }, client }),
        editRoutes: async (manager, routes) => void edit("virtualServices", NAMESPACE, "reviews", manager, (object) => ({ ...object, spec: { ...(object.spec as object), http: routes } })),
        stored: async () => stored(),
      };
    },
    close: async () => undefined,
  };
}

/** An API server, through the daemon's own client and caches. */
export async function openApiWorld(api: TestApi): Promise<RouterWorld> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "weir-contract/1" });
  const caches = createCaches({ client: createKubernetesClient(transport), logger: createSilentLog() });
  caches.start();
  return {
    begin: async (http, annotations) => beginScene(api, caches, await api.createNamespace(), aVirtualService({ http, metadata: { annotations } })),
    async close() {
      caches.stop();
      transport.close();
      await api.close();
    },
  };
}

async function beginScene(api: TestApi, caches: Caches, namespace: string, virtualService: KubernetesObject): Promise<Scene> {
  const { virtualServices, destinationRules, services } = caches.objects;
  const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/reviews`;
  const stored = (): Promise<KubernetesObject> => api.request<KubernetesObject & ApiObject>("GET", path);
  const untilCached = async (): Promise<void> => {
    const { metadata } = await stored();
    await until(() => virtualServices.get(namespace, "reviews")?.metadata.resourceVersion === metadata.resourceVersion);
    await until(() => services.get(namespace, "reviews") && destinationRules.get(namespace, "reviews"));
  };
  const objects = [aKubernetesService(), aDestinationRule(), virtualService].map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
  await api.apply(objects as unknown as readonly ApiObject[]);
  await untilCached();
  return {
    namespace,
    stored,
    router: createIstioRouter({ caches: caches.objects, client: caches.client }),
    freeze: () => createIstioRouter({ caches: { ...caches.objects, virtualServices: snapshot(virtualServices.get(namespace, "reviews")!) }, client: caches.client }),
    editRoutes: async (manager, http) => {
      await api.request("PATCH", `${path}?fieldManager=${manager}`, { spec: { http } });
      await untilCached();
    },
  };
}

function snapshot(object: KubernetesObject): ObjectCache {
  return { get: () => object, list: () => [object] };
}
