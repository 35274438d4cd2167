/** What the daemon tells `weir doctor`. */
import { afterEach, describe, expect, it } from "vitest";
import { createDoctor, type DoctorOptions } from "../../../src/telemetry/doctor.ts";
import { trafficQueries } from "../../../src/metrics/prometheus/traffic.ts";
import { startScriptedServer, type ScriptedServer } from "../../support/scripted-server.ts";

let prometheus: ScriptedServer | undefined;
afterEach(() => prometheus?.close());

const options = (change: Partial<DoctorOptions> = {}): DoctorOptions => ({
  version: "1.2.3", prometheusUrl: "http://127.0.0.1:1", isShared: () => true, skewMs: () => 0, unready: () => [], namespaces: () => ["bookinfo"], trafficQueries, sendTest: async () => [], ...change,
});

describe("the daemon's report", () => {
  it("says what is well", async () => {
    const { version, findings, traffic } = await createDoctor(options())();
    expect(version).toBe("1.2.3");
    expect(findings.map(({ check, ok }) => [check, ok])).toEqual([["daemon", true], ["redis", true], ["prometheus", false], ["clock", true]]);
    expect(traffic).toBeUndefined();
  });

  it("says what is not", async () => {
    const { findings } = await createDoctor(options({ isShared: () => false, skewMs: () => 5_000, unready: () => ["the caches are not filled yet"] }))();
    expect(findings.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual(["daemon", "redis", "prometheus", "clock"]);
    expect(findings[3]!.message).toContain("differs from the API server's by 5 s");
  });

  it("tells the requests of each workload in the namespaces that have Rollouts", async () => {
    const of = (reporter: string, rate: string) => ({ metric: { reporter, destination_workload_namespace: "bookinfo", destination_workload: "reviews-v2" }, value: [1, rate] });
    const linkerds = { metric: { direction: "outbound", dst_namespace: "bookinfo", dst_deployment: "reviews-v3" }, value: [1, "2"] };
    const envoys = { metric: { envoy_cluster_name: "bookinfo_reviews-v3_9080" }, value: [1, "3"] };
    prometheus = await startScriptedServer(({ body, response }) => {
      const query = new URLSearchParams(body).get("query") ?? "";
      const result = query.includes("istio_requests_total") ? [of("source", "4.5"), of("destination", "4")] : query.includes("response_total") ? [linkerds] : query.includes("envoy_cluster") ? [envoys] : [];
      response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
    });
    const report = await createDoctor(options({ prometheusUrl: `${prometheus.url}/` }))();
    expect(report.traffic).toEqual([
      { source: "istio", namespace: "bookinfo", workload: "reviews-v2", requestsPerSecond: 4.5 },
      { source: "linkerd", namespace: "bookinfo", workload: "reviews-v3", requestsPerSecond: 2 },
      { source: "envoy", namespace: "", workload: "bookinfo_reviews-v3_9080", requestsPerSecond: 3 },
    ]);
    expect(report.counters).toEqual({ istio: "istio_requests_total", linkerd: "response_total", envoy: "envoy_cluster_upstream_rq_xx" });
    expect(report.findings[2]).toMatchObject({ check: "prometheus", ok: true });
    expect(prometheus.asked.map(({ path, body }) => [path, new URLSearchParams(body).get("query")])).toContainEqual(["/api/v1/query", expect.stringContaining('destination_workload_namespace=~"bookinfo"')]);
  });

  it("sends a test message only where one is asked for", async () => {
    const asked: string[] = [];
    const doctor = createDoctor(options({ sendTest: async (rollout) => (asked.push(rollout), [{ ok: true, message: "delivered" }]) }));
    await doctor();
    expect(asked).toEqual([]);
    expect((await doctor("bookinfo/reviews")).findings.at(-1)).toEqual({ check: "test message", ok: true, message: "delivered" });
    expect(asked).toEqual(["bookinfo/reviews"]);
  });
});
