/** The live metric provider, for one Prometheus that is asked about the past. */
import type { MetricProvider } from "../../metrics/metric-provider.ts";
import { createMetricProvider } from "../../metrics/registry.ts";

/** Long spans of old data take longer than what is in memory. */
const DEADLINE_MS = 30_000;

/** `url`: without /api/v1. Nobody else asks, so questions need not wait for each other. */
export function createPastMetrics(url: string): MetricProvider {
  return createMetricProvider({
    prometheus: { own: { url }, readSecret: () => Promise.reject(new Error("a backtest reads no Secrets")), isAllowedHost: () => false, collectMs: 0, deadlineMs: DEADLINE_MS },
  });
}
