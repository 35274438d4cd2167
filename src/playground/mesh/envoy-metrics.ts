/** The same requests as Envoy's statistics of upstream clusters, one cluster for each Service. */
import { Counter, Histogram, Registry } from "prom-client";
import { boundsMs, type FinishedRequest } from "./istio-metrics.ts";

export interface EnvoyMetrics {
  record(request: FinishedRequest): void;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

/** Clusters are called `NAMESPACE/SERVICE`. */
export function createEnvoyMetrics(): EnvoyMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: "envoy_cluster_upstream_rq_xx", help: "Answers by class.", labelNames: ["envoy_cluster_name", "envoy_response_code_class"], registers });
  const times = new Histogram({ name: "envoy_cluster_upstream_rq_time", help: "Request time in milliseconds.", buckets: boundsMs, labelNames: ["envoy_cluster_name"], registers });
  return {
    record: ({ service, endpoint, code, durationMs }) => {
      if (!service || code === 0) return; // without a cluster, or cancelled by the client: another counter's
      const cluster = { envoy_cluster_name: `${service.namespace}/${service.name}` };
      requests.inc({ ...cluster, envoy_response_code_class: String(Math.floor(code / 100)) });
      if (endpoint) times.observe(cluster, durationMs);
    },
    text: () => registry.metrics(),
  };
}
