/** A ready pod as the mesh reaches it: by a port on loopback instead of a pod address. */
export interface Endpoint {
  readonly pod: string;
  readonly namespace: string;
  /** The Deployment that it belongs to. */
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number;
}

export function isSelected(endpoint: Endpoint, namespace: string, selector: Readonly<Record<string, string>>): boolean {
  return endpoint.namespace === namespace && Object.entries(selector).every(([label, value]) => endpoint.labels[label] === value);
}
