/** The mesh's requests, as Envoy's clusters tell of them. */
import { expect, test } from "vitest";
import { createEnvoyMetrics } from "../../../src/playground/mesh/envoy-metrics.ts";
import { anEndpoint } from "./mesh-objects.fixture.ts";

const service = { name: "reviews-v3", namespace: "bookinfo", host: "reviews-v3.bookinfo.svc.cluster.local" };

test("answers are counted by cluster and class, those that Envoy gives in a pod's stead included, and timed where there was one", async () => {
  const metrics = createEnvoyMetrics();
  const request = { service, host: "reviews", endpoint: anEndpoint("reviews", "v3"), code: 200, flags: "-", durationMs: 7 };
  for (const change of [{}, {}, { code: 404 }, { code: 503, endpoint: undefined }, { code: 0 }, { service: undefined, code: 404 }]) metrics.record({ ...request, ...change });
  const lines = (await metrics.text()).split("\n");
  expect(lines.filter((line) => line.startsWith("envoy_cluster_upstream_rq_xx"))).toEqual(
    [["2", 2], ["4", 1], ["5", 1]].map(([digit, count]) => `envoy_cluster_upstream_rq_xx{envoy_cluster_name="bookinfo/reviews-v3",envoy_response_code_class="${digit}"} ${count}`),
  );
  expect(lines).toContain('envoy_cluster_upstream_rq_time_count{envoy_cluster_name="bookinfo/reviews-v3"} 3');
});
