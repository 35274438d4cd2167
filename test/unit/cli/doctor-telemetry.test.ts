/** What the doctor says of the requests that Prometheus has of a version, by the source that the Rollout names. */
import { expect, test } from "vitest";
import { telemetryOf, whyNotSeen } from "../../../src/cli/doctor/telemetry.ts";
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import { aRollout } from "../../support/rollouts.ts";

const counters = { istio: "istio_requests_total", linkerd: "response_total", envoy: "envoy_cluster_upstream_rq_xx" };
const look = { version: "v3", points: 10, pods: [{ namespace: "bookinfo", name: "reviews-v3-abc-1", isReady: true, state: "Running", restarts: 0, createdAt: "2026-01-01T00:00:00Z" }] };
const seenBy = (source: string, requestsPerSecond: number, workload = "reviews-v3", namespace = "bookinfo") => ({ source, namespace, workload, requestsPerSecond });
const readFrom = (analysis: RolloutSpecInput["analysis"]) => aRollout({ spec: { analysis } });

test.each([
  ["istio's, by default", undefined, [seenBy("istio", 4.5)], "ok", "telemetry of v3: 4.5 requests a second"],
  ["Linkerd's", { source: "linkerd" }, [seenBy("istio", 0), seenBy("linkerd", 2)], "ok", "telemetry of v3: 2 requests a second"],
  ["another source's alone", undefined, [seenBy("linkerd", 2)], "bad", "telemetry of v3 (10% of the traffic): Prometheus has no istio_requests_total of it, but response_total: write analysis.source: linkerd"],
  ["nobody's", { source: "linkerd" }, [seenBy("linkerd", 9, "reviews-v2")], "bad", "telemetry of v3 (10% of the traffic): Prometheus has no response_total of it: does it scrape the proxies, and are callers in the mesh?"],
  ["silent ones", { source: "linkerd" }, [seenBy("linkerd", 0)], "bad", "telemetry of v3 (10% of the traffic): no request in the last five minutes, so there is nothing to judge: does anybody call it?"],
  ["those of a cluster of Envoy", { source: "envoy", envoyCluster: "$(namespace)_$(version)_80" }, [seenBy("envoy", 7, "bookinfo_v3_80", ""), seenBy("envoy", 70, "bookinfo_v2_80", "")], "ok", "telemetry of v3: 7 requests a second"],
] as const)("%s", (_, analysis, traffic, level, message) => {
  expect(telemetryOf(look, readFrom(analysis), { traffic: [...traffic], counters })).toEqual({ level, subject: "bookinfo/reviews", message });
});

const steering = (routes: object): RolloutSpecInput["traffic"] => ({ istio: { virtualServices: [{ name: "reviews", ...routes }] } });

test.each<[whose: string, spec: Partial<RolloutSpecInput>, expected: string | undefined]>([
  ["of a tcp route alone", { traffic: steering({ tcpRoutes: [{ port: 9000 }] }), analysis: { metrics: [] } }, "it moves connections, in which nobody counts requests"],
  ["of a tcp route beside an http route", { traffic: steering({ routes: ["primary"], tcpRoutes: [{ port: 9000 }] }) }, undefined],
  ["of a route by the Gateway API", { traffic: { gatewayApi: { grpcRoutes: [{ name: "reviews" }] } } }, undefined],
])("whether requests %s are to be seen", (_, spec, expected) => {
  expect(whyNotSeen(aRollout({ spec }))).toBe(expected);
});
