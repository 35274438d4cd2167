/** Linkerd's proxy metrics, with the labels that its own Prometheus configuration gives them. */
import { workloadNames, type Dialect, type ReportForm } from "../dialect.ts";
import { BAD_GRPC_STATUSES } from "../error-rate.ts";
import { histogramOf } from "../latency.ts";

/** A label for each kind of owner. */
const OWNERS = ["deployment", "statefulset", "daemonset"];

/** Callers name where a request went; a pod's own report carries the pod's own labels, and would count the kubelet's probes and the scrapes of its proxy as well. */
const FORMS: readonly ReportForm[] = [
  ...OWNERS.map((owner): ReportForm => ({ teller: { label: "direction", as: { outbound: "source" } }, namespace: "dst_namespace", workload: `dst_${owner}` })),
  ...OWNERS.map((owner): ReportForm => ({ teller: { label: "direction", as: { inbound: "destination" } }, namespace: "namespace", workload: owner, besides: 'route_name!="probe",srv_port!="4191"' })),
];

export const LINKERD: Dialect = {
  requests: {
    id: "linkerd/requests",
    metric: "response_total",
    forms: FORMS,
    labels: ["classification", "grpc_status"],
    thin: "",
    groupOf: (series) => series,
    /** What Linkerd classifies so (5xx and broken streams, or what a ServiceProfile says), and the gRPC statuses that count as failures with every source. */
    isBad: (series) => {
      const [, classification, grpcStatus = ""] = series.split("\n");
      return classification === "failure" || BAD_GRPC_STATUSES.includes(grpcStatus);
    },
  },
  durations: {
    id: "linkerd/durations",
    metric: "response_latency_ms_bucket",
    forms: FORMS,
    labels: ["le"],
    thin: ',le="+Inf"',
    groupOf: histogramOf,
  },
  namesOf: workloadNames,
};
