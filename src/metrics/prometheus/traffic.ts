/** How many requests each workload gets, by every kind of proxy that tells of any: what `weir doctor` looks for. */
import { promqlString, regexOf } from "../../rollout/analysis/query-variables.ts";
import type { TelemetrySource } from "../../rollout/spec.ts";
import type { Sample } from "./answer.ts";
import { inSharedWords, type CounterMetric, type ReportForm } from "./dialect.ts";
import { DIALECTS } from "./dialects/registry.ts";

export interface WorkloadTraffic {
  /** Empty where the workload's name says all (Envoy's clusters). */
  readonly namespace: string;
  readonly workload: string;
  readonly requestsPerSecond: number;
}

export interface TrafficQuery {
  readonly source: TelemetrySource;
  /** The counter that is looked for. */
  readonly metric: string;
  readonly promql: string;
  read(samples: readonly Sample[]): readonly WorkloadTraffic[];
}

/** Over the last five minutes; one query for each source. */
export function trafficQueries(namespaces: readonly string[]): readonly TrafficQuery[] {
  return Object.entries(DIALECTS).map(([source, { requests }]) => ({
    source: source as TelemetrySource,
    metric: requests.metric,
    promql: requests.forms.map((form) => rateBy(form, requests.metric, namespaces)).join(" or "),
    read: (samples) => trafficIn(samples, requests),
  }));
}

function rateBy({ teller, namespace, workload, besides }: ReportForm, metric: string, namespaces: readonly string[]): string {
  const tellers = teller && `${teller.label}=~"${Object.keys(teller.as).join("|")}"`;
  const matchers = [tellers, namespace && `${namespace}=~${promqlString(regexOf(namespaces))}`, `${workload}!=""`, besides].filter(Boolean);
  return `sum by (${[teller?.label, namespace, workload].filter(Boolean).join(",")}) (rate(${metric}{${matchers.join(",")}}[5m]))`;
}

/** Callers and callees may both report a request: the larger count is the whole. */
function trafficIn(samples: readonly Sample[], counter: CounterMetric): readonly WorkloadTraffic[] {
  const found = new Map<string, WorkloadTraffic>();
  for (const { labels, value } of samples) {
    const { destination_workload_namespace: namespace = "", destination_workload: workload = "" } = inSharedWords(labels, counter);
    const known = found.get(`${namespace}/${workload}`)?.requestsPerSecond ?? 0;
    found.set(`${namespace}/${workload}`, { namespace, workload, requestsPerSecond: Math.max(known, value) });
  }
  return [...found.values()];
}
