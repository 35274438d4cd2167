/** What the daemon tells `weir doctor`. */
import { afterEach, describe, expect, it } from "vitest";
import { createDoctor, type DoctorOptions } from "../../../src/telemetry/doctor.ts";
import { startScriptedServer, type ScriptedServer } from "../../support/scripted-server.ts";

let prometheus: ScriptedServer | undefined;
afterEach(() => prometheus?.close());

const options = (change: Partial<DoctorOptions> = {}): DoctorOptions => ({
  version: "1.2.3", prometheusUrl: "http://127.0.0.1:1", isShared: () => true, skewMs: () => 0, unready: () => [], namespaces: () => ["bookinfo"], sendTest: async () => [], ...change,
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
    const result = [{ metric: { destination_workload_namespace: "bookinfo", destination_workload: "reviews-v2" }, value: [1, "4.5"] }];
    prometheus = await startScriptedServer(({ response }) => response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } })));
    const report = await createDoctor(options({ prometheusUrl: `${prometheus.url}/` }))();
    expect(report.traffic).toEqual([{ namespace: "bookinfo", workload: "reviews-v2", requestsPerSecond: 4.5 }]);
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
