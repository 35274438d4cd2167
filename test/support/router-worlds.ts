/** The places in which the contract of a traffic router is kept: objects in memory, and API servers behind our client and caches. */
import { vi } from "vitest";
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import type { ObjectCache } from "../../src/kubernetes/object-cache.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createIstioRouter } from "../../src/traffic/istio/istio-router.ts";
import type { TrafficRouter } from "../../src/traffic/traffic-router.ts";
import { createApiRequest, type ApiAddress, type ApiObject } from "./api-request.ts";
import { applyObjects } from "./apply.ts";
import { createFakeRouter } from "./fake-router.ts";
import { aDestinationRule, aKubernetesService, aVirtualService, NAMESPACE, type KubernetesRoute } from "./istio-objects.ts";

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
  close(): void;
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
    close: () => undefined,
  };
}

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** An API server, through the daemon's own client and caches. `kubeconfig`: a path. */
export async function openApiWorld(address: ApiAddress, kubeconfig: string): Promise<RouterWorld> {
  const transport = createTransport(loadConnection({ kubeconfig }), { userAgent: "weir-contract/1" });
  const client = createKubernetesClient(transport);
  const caches = createCaches({ client, logger: QUIET });
  caches.start();
  const { virtualServices, destinationRules, services } = caches.objects;
  await Promise.all([virtualServices.synced, destinationRules.synced, services.synced]);
  let scenes = 0;
  return {
    begin: (http, annotations) => beginScene(address, caches, `contract-${process.pid}-${(scenes += 1)}`, aVirtualService({ http, metadata: { annotations } })),
    close: () => {
      caches.stop();
      transport.close();
    },
  };
}

async function beginScene(address: ApiAddress, caches: Caches, namespace: string, virtualService: KubernetesObject): Promise<Scene> {
  const request = createApiRequest(address);
  const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/reviews`;
  const stored = (): Promise<KubernetesObject> => request<KubernetesObject & ApiObject>("GET", path);
  const cached = (): KubernetesObject | undefined => caches.objects.virtualServices.get(namespace, "reviews");
  const untilCached = async (): Promise<void> => {
    const { metadata } = await stored();
    await vi.waitFor(() => {
      if (cached()?.metadata.resourceVersion !== metadata.resourceVersion) throw new Error("the cache has not caught up");
    }, 10_000);
  };
  const objects = [aKubernetesService(), aDestinationRule(), virtualService].map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
  await applyObjects(request, [{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, ...(objects as unknown as ApiObject[])]);
  await untilCached();
  await vi.waitFor(() => {
    if (!caches.objects.services.get(namespace, "reviews") || !caches.objects.destinationRules.get(namespace, "reviews")) throw new Error("the caches have not caught up");
  }, 10_000);
  return {
    namespace,
    stored,
    router: createIstioRouter({ caches: caches.objects, client: caches.client }),
    freeze: () => createIstioRouter({ caches: { ...caches.objects, virtualServices: snapshot(cached()!) }, client: caches.client }),
    editRoutes: async (manager, http) => {
      await request("PATCH", `${path}?fieldManager=${manager}`, { spec: { http } });
      await untilCached();
    },
  };
}

function snapshot(object: KubernetesObject): ObjectCache {
  return { get: () => object, list: () => [object] };
}
