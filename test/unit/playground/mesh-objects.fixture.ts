/** Istio and Kubernetes objects for tests of the mesh, as small as they may be. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { Endpoint } from "../../../src/playground/mesh/endpoint.ts";
import type { MeshObjects } from "../../../src/playground/mesh/routing-table.ts";

export function aVirtualService(spec: { hosts?: string[]; gateways?: string[]; http?: unknown[]; tls?: unknown[]; tcp?: unknown[] }, metadata: Partial<KubernetesObject["metadata"]> = {}): KubernetesObject {
  return { metadata: { name: "reviews", namespace: "bookinfo", ...metadata }, spec: { hosts: ["reviews"], ...spec } };
}

export function toSubset(subset: string | undefined, weight?: number, host = "reviews") {
  return { destination: { host, ...(subset === undefined ? {} : { subset }) }, ...(weight === undefined ? {} : { weight }) };
}

export function aDestinationRule(name: string, versions: readonly string[]): KubernetesObject {
  return {
    metadata: { name, namespace: "bookinfo" },
    spec: { host: name, subsets: versions.map((version) => ({ name: version, labels: { version } })) },
  };
}

export function aKubernetesService(name: string, selector: Record<string, string> = { app: name }): KubernetesObject {
  return { metadata: { name, namespace: "bookinfo" }, spec: { selector } };
}

export function aServiceEntry(host: string, labels?: Record<string, string>): KubernetesObject {
  return { metadata: { name: "entry", namespace: "bookinfo" }, spec: { hosts: [host], ...(labels && { workloadSelector: { labels } }) } };
}

export function theMeshObjects(...virtualServices: KubernetesObject[]): MeshObjects {
  return {
    virtualServices,
    destinationRules: [aDestinationRule("reviews", ["v1", "v2", "v3"])],
    services: [aKubernetesService("reviews"), aKubernetesService("ratings"), aKubernetesService("reviews-v9", { app: "reviews", version: "v9" })],
  };
}

export function anEndpoint(app: string, version: string, port = 1): Endpoint {
  return { pod: `${app}-${version}-0`, namespace: "bookinfo", workload: `${app}-${version}`, labels: { app, version }, port };
}
