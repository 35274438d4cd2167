/** Stands in for metrics-server: resource metrics of pods, as the test says, served to a real API server's aggregator. */
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { ApiObject, ApiRequest } from "./api-request.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "./loopback-tls.ts";

export interface FakeMetrics {
  close(): Promise<void>;
}

export interface MeteredPod extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly namespace: string; readonly labels: Readonly<Record<string, string>>; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const GROUP_VERSION = "metrics.k8s.io/v1beta1";
const POD_METRICS = { kind: "PodMetrics", name: "pods", singularName: "", namespaced: true, verbs: ["get", "list"] };
/** Of which a sample tells; samples of pods that have been ready for less are left out by the autoscaler. */
const WINDOW = "1s";

/** `millicoresOf`: what all ready pods of a selector use, in their order. Settles when the API server serves it. */
export async function serveMetrics(request: ApiRequest, millicoresOf: (pods: readonly MeteredPod[]) => readonly number[] | Promise<readonly number[]>): Promise<FakeMetrics> {
  const answer = async (url: URL): Promise<object> => {
    const [, namespace] = /\/namespaces\/([^/]+)\/pods$/.exec(url.pathname) ?? [];
    if (namespace === undefined) return { kind: "APIResourceList", apiVersion: "v1", groupVersion: GROUP_VERSION, resources: [POD_METRICS] };
    const { items } = await request<{ items: readonly MeteredPod[] }>("GET", `/api/v1/namespaces/${namespace}/pods${url.search}`);
    const pods = items.filter(isServing);
    const used = await millicoresOf(pods);
    return { kind: "PodMetricsList", apiVersion: GROUP_VERSION, metadata: {}, items: pods.map((pod, index) => metricsOf(pod, used[index] ?? 0)) };
  };
  const server = https.createServer({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE }, ({ url = "/" }, response) => {
    const send = (status: number, body: object): void => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    answer(new URL(url, "https://localhost")).then((body) => send(200, body), (error: Error) => send(500, { kind: "Status", apiVersion: "v1", status: "Failure", message: error.message, code: 500 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await register(request, (server.address() as AddressInfo).port);
  return { close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))) };
}

function isServing({ metadata, status }: MeteredPod): boolean {
  return metadata.deletionTimestamp === undefined && (status.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");
}

function metricsOf({ metadata: { name, namespace, labels }, spec }: MeteredPod, millicores: number): object {
  const containers = spec.containers.map((container, index) => ({ name: container.name, usage: { cpu: `${index === 0 ? Math.round(millicores * 1_000_000) : 0}n`, memory: "16Mi" } }));
  return { metadata: { name, namespace, labels }, timestamp: new Date().toISOString(), window: WINDOW, containers };
}

/** By a name, not by an address: endpoints on the loopback are refused. */
async function register(request: ApiRequest, port: number): Promise<void> {
  const service = { name: "metrics", namespace: "kube-system", port };
  const [group, version] = GROUP_VERSION.split("/");
  await request("POST", "/api/v1/namespaces/kube-system/services", { apiVersion: "v1", kind: "Service", metadata: { name: service.name }, spec: { type: "ExternalName", externalName: "localhost", ports: [{ port }] } });
  await request("POST", "/apis/apiregistration.k8s.io/v1/apiservices", { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", metadata: { name: `${version}.${group}` }, spec: { service, group, version, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100 } });
}
