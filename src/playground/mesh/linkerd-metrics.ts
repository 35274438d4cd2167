/** The same requests as Linkerd's proxy of the caller would report them, with the labels that its Prometheus configuration adds. */
import { Counter, Histogram, Registry } from "prom-client";
import type { Caller, FinishedRequest } from "./istio-metrics.ts";

export interface LinkerdMetrics {
  record(request: FinishedRequest): void;
  /** In Prometheus' text format; a series appears with its first request. */
  text(): Promise<string>;
}

/** Linkerd's bounds, in milliseconds. */
const boundsMs = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000, 20_000, 30_000];
/** gRPC's UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS. */
const FAILURES: ReadonlySet<string | undefined> = new Set(["2", "4", "13", "14", "15"]);
const placeNames = ["direction", "namespace", "pod", "deployment", "authority", "dst_namespace", "dst_deployment", "dst_pod", "dst_service"] as const;

export function createLinkerdMetrics({ workload, namespace }: Caller): LinkerdMetrics {
  const registry = new Registry();
  const registers = [registry];
  const responses = new Counter({ name: "response_total", help: "Responses.", labelNames: [...placeNames, "status_code", "grpc_status", "classification"], registers });
  const latencies = new Histogram({ name: "response_latency_ms", help: "Time to the first byte in milliseconds.", buckets: boundsMs, labelNames: [...placeNames, "status_code"], registers });
  const own = { direction: "outbound", namespace, pod: `${workload}-0`, deployment: workload };
  return {
    record: ({ service, host, endpoint, code, grpcStatus, durationMs }) => {
      if (!endpoint || code === 0) return; // without an answer from a pod it has no response to count
      const labels = { ...own, authority: host, dst_namespace: endpoint.namespace, dst_deployment: endpoint.workload, dst_pod: endpoint.pod, dst_service: service?.name ?? "", status_code: String(code) };
      responses.inc({ ...labels, ...(grpcStatus ? { grpc_status: grpcStatus } : {}), classification: code >= 500 || FAILURES.has(grpcStatus) ? "failure" : "success" });
      latencies.observe(labels, durationMs);
    },
    text: () => registry.metrics(),
  };
}
