/** Counts what the mesh really sent where, independently of the metrics it exports. */
import type { FinishedRequest } from "./istio-metrics.ts";

export interface VersionCount {
  readonly requests: number;
  /** Answered with 5xx, or not at all. */
  readonly bad: number;
}

/** By the pods' `version` label; `-` counts requests that reached no pod. */
export type VersionCounts = Readonly<Record<string, VersionCount>>;

export interface Tally {
  add(request: FinishedRequest): void;
  /** Since the last reset, of the Service `name` in `namespace`. */
  read(namespace: string, name: string): VersionCounts;
  reset(namespace: string, name: string): void;
}

export function createTally(): Tally {
  const services = new Map<string, Map<string, VersionCount>>();
  return {
    add: (request) => {
      if (!request.service) return;
      const key = keyOf(request.service.namespace, request.service.name);
      const counts = services.get(key) ?? new Map<string, VersionCount>();
      services.set(key, counts.set(versionOf(request), counted(counts.get(versionOf(request)), request)));
    },
    read: (namespace, name) => Object.fromEntries(services.get(keyOf(namespace, name)) ?? []),
    reset: (namespace, name) => void services.delete(keyOf(namespace, name)),
  };
}

/** What share of the requests went to a version, 0 to 1; 0 where there was none. */
export function shareOf(counts: VersionCounts, version: string): number {
  const total = Object.values(counts).reduce((sum, { requests }) => sum + requests, 0);
  return total === 0 ? 0 : (counts[version]?.requests ?? 0) / total;
}

function counted(before: VersionCount = { requests: 0, bad: 0 }, { code }: FinishedRequest): VersionCount {
  return { requests: before.requests + 1, bad: before.bad + (code === 0 || code >= 500 ? 1 : 0) };
}

function versionOf({ endpoint }: FinishedRequest): string {
  return endpoint?.labels.version ?? "-";
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
