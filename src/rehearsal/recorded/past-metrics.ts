/** What one Prometheus recorded, read as the live provider would have read it then. */
import type { MetricProvider } from "../../metrics/metric-provider.ts";
import { createRecordedMetricProvider } from "../../metrics/registry.ts";

/** Long spans of old data take longer than what is in memory. */
const DEADLINE_MS = 30_000;

/** Stable's past, and who reported before, are read from the hour before the span. */
const BEFORE_MS = 3_600_000;

/** `url`: without /api/v1. Nobody else asks, so questions need not wait for each other. */
export function createPastMetrics(url: string, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): MetricProvider {
  const prometheus = { own: { url }, readSecret: () => Promise.reject(new Error("a backtest reads no Secrets")), isAllowedHost: () => false, collectMs: 0, deadlineMs: DEADLINE_MS };
  return createRecordedMetricProvider({ prometheus }, { fromMs: fromMs - BEFORE_MS, toMs });
}
