/** The sources of numbers about requests, one line each. */
import type { MetricProvider } from "./metric-provider.ts";
import { createPrometheusProvider, createRecordedProvider, type PrometheusOptions } from "./prometheus/prometheus-provider.ts";

export interface MetricsOptions {
  readonly prometheus: PrometheusOptions;
}

/** One provider for every question, wherever its numbers come from. */
export function createMetricProvider(options: MetricsOptions): MetricProvider {
  const providers = {
    prometheus: createPrometheusProvider(options.prometheus),
  };
  return providers.prometheus; // every question is Prometheus' until a second line stands above
}

/** The same about a span of the past, whose raw samples are fetched once: milliseconds since the epoch. */
export function createRecordedMetricProvider(options: MetricsOptions, span: { readonly fromMs: number; readonly toMs: number }): MetricProvider {
  return createRecordedProvider(options.prometheus, span);
}
