/** Statistics of Envoy's upstream clusters, where each version has a cluster of its own. */
import type { Dialect, ReportForm } from "../dialect.ts";
import { histogramOf } from "../latency.ts";

/** It is the callers' proxy that reports; a request that it tries again counts once, and one that reaches nobody is a 503. */
const FORMS: readonly ReportForm[] = [{ workload: "envoy_cluster_name" }];

export const ENVOY: Dialect = {
  requests: {
    id: "envoy/requests",
    metric: "envoy_cluster_upstream_rq_xx",
    forms: FORMS,
    labels: ["envoy_response_code_class"],
    thin: "",
    groupOf: (series) => series,
    isBad: (series) => series.endsWith("\n5"),
  },
  durations: {
    id: "envoy/durations",
    metric: "envoy_cluster_upstream_rq_time_bucket",
    forms: FORMS,
    labels: ["le"],
    thin: ',le="+Inf"',
    groupOf: histogramOf,
  },
  /** Whatever namespace the pods are in: the cluster's name is the whole address. */
  namesOf: (canary, stable) => ({ namespace: "", canary: canary.cluster === undefined ? [] : [canary.cluster], stable: stable.cluster === undefined ? [] : [stable.cluster] }),
};
