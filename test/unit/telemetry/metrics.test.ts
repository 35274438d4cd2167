/** What `/metrics` tells, and that its labels stay bounded. */
import { describe, expect, it } from "vitest";
import { createMetrics, type RolloutSample } from "../../../src/telemetry/metrics.ts";

const reviews: RolloutSample = { namespace: "shop", name: "reviews", phase: "Progressing", weightPercent: 25 };

function aRegistry(rollouts: () => Iterable<RolloutSample> = () => [reviews]) {
  return createMetrics({ version: "1.2.3", rollouts, processMetrics: false });
}

describe("metrics", () => {
  it("show the phase and the weight of each Rollout, and forget one that went", async () => {
    let rollouts = [reviews, { ...reviews, name: "ratings", phase: "Healthy", weightPercent: 0 }];
    const metrics = aRegistry(() => rollouts);
    const before = await metrics.text();
    expect(before).toContain('weir_rollout_phase{namespace="shop",name="reviews",phase="Progressing"} 1');
    expect(before).toContain('weir_rollout_weight_percent{namespace="shop",name="reviews"} 25');
    expect(before).toContain('weir_rollouts{phase="Healthy"} 1');
    rollouts = [{ ...reviews, phase: "Degraded", weightPercent: 0 }];
    const after = await metrics.text();
    expect(after).toContain('weir_rollout_phase{namespace="shop",name="reviews",phase="Degraded"} 1');
    expect(after).not.toMatch(/ratings|Progressing|Healthy/);
  });

  it("count what the daemon does, in seconds and classes", async () => {
    const metrics = aRegistry();
    metrics.tick("queue", "done", 120, 30);
    metrics.decision("harmful");
    metrics.apiRequest("patch", "virtualservices", 409);
    metrics.apiRequest("get", "rollouts", undefined);
    metrics.prometheusQuery("ok", 12);
    metrics.notification("slack", "RolledBack", "delivered");
    metrics.redisUp(true);
    metrics.resynced(3);
    const text = await metrics.text();
    for (const line of [
      'weir_tick_duration_seconds_sum{source="queue",result="done"} 0.12',
      'weir_tick_lag_seconds_sum{source="queue"} 0.03',
      'weir_decisions_total{reason="harmful"} 1',
      'weir_api_requests_total{verb="patch",resource="virtualservices",status_class="4xx"} 1',
      'weir_api_requests_total{verb="get",resource="rollouts",status_class="none"} 1',
      'weir_prometheus_query_duration_seconds_count{result="ok"} 1',
      'weir_notifications_total{notifier="slack",event="RolledBack",result="delivered"} 1',
      "weir_redis_up 1",
      "weir_resynced_ticks_total 3",
      'weir_build_info{version="1.2.3"} 1',
    ]) expect(text).toContain(line);
  });

  it("count a flood of label values as one", async () => {
    const metrics = aRegistry();
    for (let index = 0; index < 1_000; index += 1) metrics.decision(`reason-${index}`);
    const series = (await metrics.text()).split("\n").filter((line) => line.startsWith("weir_decisions_total{"));
    expect(series).toHaveLength(65);
    expect(series).toContain('weir_decisions_total{reason="other"} 936');
  });

  it("are apart for each registry", async () => {
    const [one, other] = [aRegistry(), aRegistry()];
    one.decision("held");
    expect(await other.text()).not.toContain('reason="held"');
  });
});
