/** Istio's standard metrics. */
import { workloadNames, type Dialect, type ReportForm } from "../dialect.ts";
import { BAD_GRPC_STATUSES } from "../error-rate.ts";
import { histogramOf } from "../latency.ts";

/** A waypoint (ambient mode) stands between all callers and the pods, and tells of each request as a caller does: https://github.com/istio/istio/issues/51313. */
const FORMS: readonly ReportForm[] = [
  { teller: { label: "reporter", as: { source: "source", waypoint: "source", destination: "destination" } }, namespace: "destination_workload_namespace", workload: "destination_workload" },
];

export const ISTIO: Dialect = {
  requests: {
    id: "istio/requests",
    metric: "istio_requests_total",
    forms: FORMS,
    labels: ["response_code", "request_protocol", "grpc_response_status"],
    thin: "",
    groupOf: (series) => series,
    /** 5xx, 0 (no answer came), and the gRPC statuses whose response code is 200. */
    isBad: (series) => {
      const [, responseCode = "", protocol, grpcStatus = ""] = series.split("\n");
      return /^(?:5\d\d|0)$/.test(responseCode) || (protocol === "grpc" && BAD_GRPC_STATUSES.includes(grpcStatus));
    },
  },
  durations: {
    id: "istio/durations",
    metric: "istio_request_duration_milliseconds_bucket",
    forms: FORMS,
    labels: ["le"],
    thin: ',le="+Inf"',
    groupOf: histogramOf,
  },
  namesOf: workloadNames,
};
