/** A traffic router on objects in memory: what simulations use in place of a cluster. It keeps the port's contract. */
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import type { TrafficRouter } from "../../src/traffic/traffic-router.ts";
import { createIstioRouter, type IstioRouterOptions } from "../../src/traffic/istio/istio-router.ts";
import { aDestinationRule, aKubernetesService, aVirtualService } from "./istio-objects.ts";
import { createMemoryCluster, type MemoryCluster, type MemoryClusterOptions } from "./memory-cluster.ts";

export interface FakeRouter extends TrafficRouter {
  /** For foreign writes, removals, and the objects as they are stored. */
  readonly cluster: MemoryCluster;
}

export interface FakeRouterOptions extends MemoryClusterOptions, Pick<IstioRouterOptions, "ownerOf"> {
  readonly virtualService?: KubernetesObject;
  readonly destinationRule?: KubernetesObject;
  readonly service?: KubernetesObject;
}

/** Begins with the VirtualService, DestinationRule and Service of reviews, unless others are given. */
export function createFakeRouter({ nowMs, ownerOf, virtualService, destinationRule, service }: FakeRouterOptions): FakeRouter {
  const cluster = createMemoryCluster({ nowMs });
  cluster.put("services", service ?? aKubernetesService());
  cluster.put("destinationRules", destinationRule ?? aDestinationRule());
  cluster.put("virtualServices", virtualService ?? aVirtualService());
  return { cluster, ...createIstioRouter({ caches: cluster.caches, client: cluster.client, ownerOf }) };
}
