/** A real Prometheus scrapes the embedded mesh: what it read is what the mesh really sent. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Load } from "../../src/playground/arrivals.ts";
import { createLoad } from "../../src/playground/load.ts";
import { createMesh, type Mesh } from "../../src/playground/mesh/mesh.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import { createSamplePods } from "../../src/playground/samples/sample-pods.ts";
import { aVirtualService, anEndpoint, theMeshObjects, toSubset } from "../unit/playground/mesh-objects.fixture.ts";

const caller = { workload: "productpage-v1", namespace: "bookinfo", app: "productpage", version: "v1", entrance: "sidecar" as const };
const pods = createSamplePods({ seed: 11 });
let mesh: Mesh;
let prometheus: PrometheusServer;
let load: Load;

beforeAll(async () => {
  for (const version of ["v1", "v2", "v3"]) await pods.run(anEndpoint("reviews", version));
  pods.turn("reviews", "v2", { errorRate: 0.3 });
  pods.turn("reviews", "v3", { latencyMs: 300 });
  mesh = await createMesh({ callers: [caller], endpoints: pods.endpoints, seed: 11 });
  mesh.push(theMeshObjects(aVirtualService({ http: [{ route: [toSubset("v1", 70), toSubset("v2", 20), toSubset("v3", 10)] }] })));
  const { statsUrl, url } = mesh.proxyOf("productpage-v1");
  const { host: address, pathname: path } = new URL(statsUrl);
  prometheus = await startPrometheus({ scrapeIntervalMs: 200, targets: [{ job: "mesh", address, path }] });
  load = createLoad({ url: `${url}/reviews/0`, host: "reviews", requestsPerSecond: 300, seed: 11, drainMs: 30_000 });
  await vi.waitFor(() => expect(load.counts().sent).toBeGreaterThan(900), { timeout: 40_000 });
  await load.close();
}, 60_000);

afterAll(async () => {
  await load?.close();
  await prometheus?.close();
  await mesh?.close();
  await pods.close();
});

/** A query's values by one of its labels. */
async function asked(query: string, label: string): Promise<Record<string, number>> {
  const answer = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric[label] ?? "", Number(value[1])]));
}

const ours = 'reporter="source",destination_service_name="reviews",destination_service_namespace="bookinfo"';

describe("Prometheus and the mesh agree", () => {
  it("on how many requests each version got", async () => {
    const routed = mesh.routed("bookinfo", "reviews");
    const requests = Object.fromEntries(Object.entries(routed).map(([version, count]) => [version, count.requests]));
    expect(Object.values(requests).reduce((sum, count) => sum + count, 0)).toBe(load.counts().sent);
    await expect.poll(() => asked(`sum by (destination_version) (istio_requests_total{${ours}})`, "destination_version"), { timeout: 5_000 }).toEqual(requests);
  });

  it("on how many of them failed, by workload", async () => {
    const { v2 } = mesh.routed("bookinfo", "reviews");
    expect(v2!.bad).toBeGreaterThan(0);
    expect(await asked(`sum by (destination_workload) (istio_requests_total{${ours},response_code=~"5.."})`, "destination_workload")).toEqual({ "reviews-v2": v2!.bad });
  });

  it("on which version is slow", async () => {
    const slower = await asked(
      `sum by (destination_version) (istio_request_duration_milliseconds_count{${ours}}) - sum by (destination_version) (istio_request_duration_milliseconds_bucket{${ours},le="100"})`,
      "destination_version",
    );
    const routed = mesh.routed("bookinfo", "reviews");
    expect(slower.v3).toBeGreaterThan(0.95 * routed.v3!.requests);
    // How many of the others were slow is the machine's doing, but never as large a share.
    expect(slower.v1! / routed.v1!.requests).toBeLessThan(slower.v3! / routed.v3!.requests);
  });
});
