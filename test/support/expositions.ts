/** What proxies of several kinds write on /metrics about requests to one workload. */
import type { TelemetrySource } from "../../src/rollout/spec.ts";
import { destinationLabels, durationsText, exposed, requestsText } from "./exporter.ts";

export interface Requests {
  readonly good: number;
  /** Failed with 503 after more than half a second. */
  readonly bad: number;
}

/** A caller's proxy, a pod's own, or Istio's waypoint between them. */
export type Teller = "source" | "destination" | "waypoint";

/** Who tells of whose requests. */
export interface Told {
  readonly reporter: Teller;
  /** The teller's. */
  readonly pod: string;
  readonly namespace: string;
  readonly workload: string;
  readonly workloadNamespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type Exposition = (told: Told, requests: Requests) => string;

export const EXPOSITIONS: Readonly<Record<TelemetrySource, Exposition>> = {
  istio: ({ reporter, pod, namespace, workload, workloadNamespace, labels: more }, { good, bad }) => {
    const labels = { ...destinationLabels(workload, pod, workloadNamespace), reporter, namespace, ...more };
    const byCode = { ...(good > 0 ? { "200": good } : {}), ...(bad > 0 ? { "503": bad } : {}) };
    return requestsText(labels, byCode) + durationsText(labels, { "100": good, "500": good, "1000": good + bad, "+Inf": good + bad });
  },
  linkerd: ({ reporter, pod, namespace, workload, workloadNamespace, labels: more }, { good, bad }) => {
    const place: Readonly<Record<string, string>> = reporter === "source" ? { direction: "outbound", dst_namespace: workloadNamespace, dst_deployment: workload, deployment: "caller" } : { direction: "inbound", deployment: workload, srv_port: "8080" };
    const labels = { ...place, namespace, pod, ...more };
    const succeeded = good > 0 ? exposed("response_total", { ...labels, status_code: "200", classification: "success" }, good) : "";
    const failed = bad > 0 ? exposed("response_total", { ...labels, status_code: "503", classification: "failure" }, bad) : "";
    return `${succeeded}${failed}${histogram("response_latency_ms", labels, { good, bad })}`;
  },
  envoy: ({ pod, namespace, workload, labels: more }, { good, bad }) => {
    const labels = { envoy_cluster_name: workload, namespace, pod, ...more };
    const byClass = [["2", good], ["5", bad]] as const;
    return `${byClass.map(([digit, count]) => exposed("envoy_cluster_upstream_rq_xx", { ...labels, envoy_response_code_class: digit }, count)).join("")}${histogram("envoy_cluster_upstream_rq_time", labels, { good, bad })}`;
  },
};

function histogram(name: string, labels: Readonly<Record<string, string>>, { good, bad }: Requests): string {
  const buckets = { "100": good, "500": good, "1000": good + bad, "+Inf": good + bad };
  return `${Object.entries(buckets).map(([le, count]) => exposed(`${name}_bucket`, { ...labels, le }, count)).join("")}${exposed(`${name}_count`, labels, good + bad)}`;
}
