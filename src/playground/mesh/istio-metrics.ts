/** Istio's standard metrics as the client's proxy reports them (`reporter="source"`); pods here have no proxies of their own, so what only those could tell stands beside it. */
import { Counter, Histogram, Registry } from "prom-client";
import type { Endpoint } from "./endpoint.ts";
import type { ServiceName } from "./routing-table.ts";

/** The workload that a proxy sends for. */
export interface Caller {
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
}

export interface FinishedRequest {
  /** Absent where no Service took the request. */
  readonly service: ServiceName | undefined;
  /** The Host header, which names the Service where none is known. */
  readonly host: string;
  /** Absent where no pod was reached. */
  readonly endpoint: Endpoint | undefined;
  /** 0: the client went away before an answer. */
  readonly code: number;
  /** Envoy's response flags, `-` for none. */
  readonly flags: string;
  /** Of a call by gRPC, empty where none was told; absent for other requests. */
  readonly grpcStatus?: string | undefined;
  readonly durationMs: number;
}

/** A connection that was led somewhere, or nowhere. */
export type OpenedConnection = Pick<FinishedRequest, "service" | "host" | "endpoint" | "flags">;

export interface IstioMetrics {
  record(request: FinishedRequest): void;
  /** A copy of a request, which no caller knows of: reported as by the pod that got it (`reporter="destination"`). */
  recordShadow(request: FinishedRequest): void;
  /** Of a tls or tcp route; returns how to say that it is over. */
  opened(connection: OpenedConnection): () => void;
  /** In Prometheus' text format; a series appears with its first request, as in Envoy. */
  text(): Promise<string>;
}

/** Envoy's default bounds, in milliseconds. */
export const boundsMs = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000];

const labelNames = [
  "reporter", "source_workload", "source_workload_namespace", "source_principal", "source_app", "source_version", "source_cluster",
  "source_canonical_service", "source_canonical_revision", "destination_workload", "destination_workload_namespace",
  "destination_principal", "destination_app", "destination_version", "destination_cluster", "destination_canonical_service",
  "destination_canonical_revision", "destination_service", "destination_service_name", "destination_service_namespace",
  "request_protocol", "response_code", "grpc_response_status", "response_flags", "connection_security_policy",
] as const;

export function createIstioMetrics(caller: Caller): IstioMetrics {
  const registry = new Registry();
  const shared = { labelNames, registers: [registry] };
  const requests = new Counter({ name: "istio_requests_total", help: "Requests.", ...shared });
  const durations = new Histogram({
    name: "istio_request_duration_milliseconds",
    help: "Duration of requests in milliseconds.",
    buckets: boundsMs,
    ...shared,
  });
  const opened = new Counter({ name: "istio_tcp_connections_opened_total", help: "Connections that were opened.", ...shared });
  const closed = new Counter({ name: "istio_tcp_connections_closed_total", help: "Connections that are over.", ...shared });
  const source = sourceLabels(caller);
  const record = (reporter: "source" | "destination", request: FinishedRequest): void => {
    const labels = { ...source, reporter, ...destinationLabels(request), ...protocolLabels(request), response_code: String(request.code), response_flags: request.flags };
    requests.inc(labels);
    durations.observe(labels, request.durationMs);
  };
  return {
    record: (request) => record("source", request),
    recordShadow: (request) => record("destination", request),
    opened: (connection) => {
      const labels = { ...source, reporter: "source", ...destinationLabels(connection), request_protocol: "tcp", response_flags: connection.flags };
      opened.inc(labels);
      return () => closed.inc(labels);
    },
    text: () => registry.metrics(),
  };
}

function sourceLabels({ workload, namespace, app, version }: Caller) {
  return {
    source_workload: workload,
    source_workload_namespace: namespace,
    source_principal: principalOf(namespace, app),
    source_app: app,
    source_version: version,
    source_cluster: "Kubernetes",
    source_canonical_service: app,
    source_canonical_revision: version,
    connection_security_policy: "unknown",
  };
}

function protocolLabels({ grpcStatus }: FinishedRequest) {
  return { request_protocol: grpcStatus === undefined ? "http" : "grpc", grpc_response_status: grpcStatus ?? "" };
}

function destinationLabels({ service, host, endpoint }: OpenedConnection) {
  const app = endpoint?.labels.app ?? "unknown";
  const version = endpoint?.labels.version ?? "unknown";
  return {
    destination_workload: endpoint?.workload ?? "unknown",
    destination_workload_namespace: endpoint?.namespace ?? "unknown",
    destination_principal: endpoint ? principalOf(endpoint.namespace, app) : "unknown",
    destination_app: app,
    destination_version: version,
    destination_cluster: endpoint ? "Kubernetes" : "unknown",
    destination_canonical_service: app,
    destination_canonical_revision: endpoint ? version : "latest",
    destination_service: service?.host ?? host,
    destination_service_name: service?.name ?? host,
    destination_service_namespace: service?.namespace ?? "unknown",
  };
}

function principalOf(namespace: string, account: string): string {
  return `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
}
