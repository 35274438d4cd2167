/** Questions about a canary, with what a test does not care about filled in. */
import type { Question } from "../../src/rollout/analysis/measurement.ts";
import type { Metric } from "../../src/rollout/spec.ts";

export const ERROR_RATE: Metric = { name: "errors", errorRate: { max: "1%", compare: "normal" }, failures: 2, onFail: "rollback" };

export function latencyMetric(percentile: number, max: string): Metric {
  return { name: "slow", latency: { percentile, max, compare: "normal" }, failures: 2, onFail: "rollback" };
}

export function queryMetric(query: string): Metric {
  return { name: "own", query, failures: 2, onFail: "rollback" };
}

export function aQuestion(given: Partial<Question> = {}): Question {
  return {
    rollout: { namespace: "bookinfo", name: "reviews", uid: "u-1" },
    metric: ERROR_RATE,
    source: "istio",
    canary: { namespace: given.rollout?.namespace ?? "bookinfo", version: "v3", workloads: ["reviews-v3"], pods: ["reviews-v3-a"] },
    stable: { namespace: given.rollout?.namespace ?? "bookinfo", version: "v2", workloads: ["reviews-v2"], pods: ["reviews-v2-a"] },
    instantMs: 60_000,
    inForceAtMs: 0,
    windowMs: 60_000,
    minRequests: 20,
    ...given,
  };
}
