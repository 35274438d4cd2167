/** The embedded mesh: proxies on loopback that route real HTTP by VirtualServices and export Istio's metrics. */
import { createNamedRandom } from "../random.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Entrance } from "./http-match.ts";
import type { Caller } from "./istio-metrics.ts";
import { createProxy, type Proxy } from "./proxy.ts";
import { createRoutingTable, type MeshObjects } from "./routing-table.ts";
import { createTally, type VersionCounts } from "./tally.ts";

export interface MeshOptions {
  /** One proxy each; the name is unique. */
  readonly callers: readonly (Caller & { readonly entrance: Entrance })[];
  /** Pods that are ready now, whatever address Kubernetes gives them. */
  readonly endpoints: () => readonly Endpoint[];
  readonly seed: number;
  /** From `push` to in force, as a mesh needs to reach its proxies: 0 (default) to 60,000. */
  readonly propagationMs?: number;
}

export interface Mesh {
  /** Tells the proxies the objects as they are now; in force after `propagationMs`, in the order of the calls. */
  push(objects: MeshObjects): void;
  /** Calls back with the objects in force now, and whenever others have come into force; returns how to stop. */
  onInForce(listener: (objects: MeshObjects) => void): () => void;
  /** The proxy of a caller's workload; throws a RangeError for one that is not there. */
  proxyOf(workload: string): Proxy;
  /** What really went where since the last reset, counted at the proxies. */
  routed(namespace: string, service: string): VersionCounts;
  /** The same of copies of requests, which answer nobody and are not among those. */
  shadowed(namespace: string, service: string): VersionCounts;
  resetRouted(namespace: string, service: string): void;
  /** Objects of the last push in force that could not be read, one sentence each. */
  rejected(): readonly string[];
  close(): Promise<void>;
}

export async function createMesh({ callers, endpoints, seed, propagationMs = 0 }: MeshOptions): Promise<Mesh> {
  const tally = createTally();
  const routes = createRoutesInForce(propagationMs);
  const proxies = new Map<string, Proxy>();
  for (const { entrance, ...caller } of callers) {
    const random = createNamedRandom(seed, caller.workload);
    proxies.set(caller.workload, await createProxy({ caller, entrance, endpoints, random, table: routes.table, tally }));
  }
  return {
    push: routes.push,
    onInForce: routes.onInForce,
    proxyOf: (workload) => known(proxies, workload),
    routed: tally.read,
    shadowed: tally.readShadows,
    resetRouted: tally.reset,
    rejected: () => routes.table().rejected,
    close: async () => {
      routes.close();
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    },
  };
}

function createRoutesInForce(propagationMs: number) {
  let current: MeshObjects = { virtualServices: [], destinationRules: [], services: [] };
  let table = createRoutingTable(current);
  const listeners = new Set<(objects: MeshObjects) => void>();
  const timers = new Set<NodeJS.Timeout>();
  const apply = (objects: MeshObjects) => {
    current = objects;
    table = createRoutingTable(objects);
    for (const listener of listeners) listener(objects);
  };
  const applyLater = (objects: MeshObjects) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      apply(objects);
    }, propagationMs);
    timers.add(timer);
  };
  return {
    table: () => table,
    push: propagationMs > 0 ? applyLater : apply,
    onInForce: (listener: (objects: MeshObjects) => void) => {
      listeners.add(listener);
      listener(current);
      return () => void listeners.delete(listener);
    },
    close: () => timers.forEach((timer) => clearTimeout(timer)),
  };
}

function known(proxies: ReadonlyMap<string, Proxy>, workload: string): Proxy {
  const proxy = proxies.get(workload);
  if (!proxy) throw new RangeError(`expected a caller of the mesh (${[...proxies.keys()].join(", ")}), got ${workload}`);
  return proxy;
}
