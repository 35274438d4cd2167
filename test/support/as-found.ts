/** An object as people see it, to compare what is not ours byte for byte. */
import type { KubernetesObject } from "../../src/kubernetes/client.ts";

/** Without the server's book-keeping, and with keys in order, as servers store them. */
export function asFound({ metadata, status: _, ...rest }: KubernetesObject): string {
  const { resourceVersion: _version, generation: _generation, managedFields: _fields, ...kept } = metadata;
  return JSON.stringify(sorted({ ...rest, metadata: kept }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, each]) => [key, sorted(each)]));
}
