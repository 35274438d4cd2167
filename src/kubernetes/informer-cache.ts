/** A cache of one kind that keeps itself up to date: a store, and a reflector that feeds it. */
import type { KubernetesClient, Resource } from "./client.ts";
import type { Logger } from "./logger.ts";
import { createObjectStore, type ObjectStore } from "./object-store.ts";
import { createReflector, type Reflector } from "./reflector.ts";
import type { Time } from "./time.ts";
import type { Trim } from "./trim.ts";

export interface InformerCache extends Pick<ObjectStore, "get" | "list" | "all" | "put" | "onChange">, Reflector {}

export interface InformerCacheOptions {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  readonly trim: Trim;
  readonly logger: Logger;
  readonly time: Time;
  readonly random: () => number;
}

export function createInformerCache(options: InformerCacheOptions): InformerCache {
  const { get, list, all, put, onChange, ...sink } = createObjectStore(options.logger);
  const { start, stop, synced } = createReflector({ ...options, sink });
  return { get, list, all, put: (object) => put(options.trim(object)), onChange, start, stop, synced };
}
