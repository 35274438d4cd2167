/** Counts what the mesh really sent where, independently of the metrics it exports. */
import type { Endpoint } from "./endpoint.ts";
import type { ServiceName } from "./routing-table.ts";

export interface VersionCount {
  readonly requests: number;
  /** Answered with 5xx, or not at all. */
  readonly bad: number;
}

/** By the pods' `version` label; `-` counts requests that reached no pod. */
export type VersionCounts = Readonly<Record<string, VersionCount>>;

export interface Tally {
  /** Counts a request when it is sent on its way; the returned function says how it ended, for the same count even after a reset. */
  add(service: ServiceName | undefined, endpoint: Endpoint | undefined): (code: number) => void;
  /** The same of a copy, which answers nobody. */
  addShadow(service: ServiceName, endpoint: Endpoint): (code: number) => void;
  /** Since the last reset, of the Service `name` in `namespace`. */
  read(namespace: string, name: string): VersionCounts;
  readShadows(namespace: string, name: string): VersionCounts;
  reset(namespace: string, name: string): void;
}

interface Count {
  requests: number;
  bad: number;
}

export function createTally(): Tally {
  const answered = createCounts();
  const shadows = createCounts();
  return {
    add: (service, endpoint) => answered.add(service, endpoint?.labels.version ?? "-"),
    addShadow: (service, endpoint) => shadows.add(service, endpoint.labels.version ?? "-"),
    read: answered.read,
    readShadows: shadows.read,
    reset: (namespace, name) => {
      answered.reset(namespace, name);
      shadows.reset(namespace, name);
    },
  };
}

function createCounts() {
  const services = new Map<string, Map<string, Count>>();
  return {
    add: (service: ServiceName | undefined, version: string) => {
      const counts = entryOf(services, service ? `${service.namespace}/${service.name}` : "", () => new Map<string, Count>());
      const count = entryOf(counts, version, () => ({ requests: 0, bad: 0 }));
      count.requests += 1;
      return (code: number) => void (count.bad += code === 0 || code >= 500 ? 1 : 0);
    },
    read: (namespace: string, name: string): VersionCounts => Object.fromEntries([...(services.get(`${namespace}/${name}`) ?? [])].map(([version, count]) => [version, { ...count }])),
    reset: (namespace: string, name: string) => void services.delete(`${namespace}/${name}`),
  };
}

/** What share of the requests went to a version, 0 to 1; 0 where there was none. */
export function shareOf(counts: VersionCounts, version: string): number {
  const total = totalOf(counts);
  return total === 0 ? 0 : (counts[version]?.requests ?? 0) / total;
}

export function totalOf(counts: VersionCounts): number {
  return Object.values(counts).reduce((sum, { requests }) => sum + requests, 0);
}

function entryOf<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const entry = map.get(key) ?? create();
  map.set(key, entry);
  return entry;
}
