/** The mesh's metrics, read as Prometheus reads them. */
import { describe, expect, test } from "vitest";
import { createIstioMetrics, type FinishedRequest } from "../../../src/playground/mesh/istio-metrics.ts";
import { anEndpoint } from "./mesh-objects.fixture.ts";

const caller = { workload: "productpage-v1", namespace: "bookinfo", app: "productpage", version: "v1" };
const service = { name: "reviews", namespace: "bookinfo", host: "reviews.bookinfo.svc.cluster.local" };

function aFinishedRequest(request: Partial<FinishedRequest> = {}): FinishedRequest {
  return { service, host: "reviews", endpoint: anEndpoint("reviews", "v3"), code: 200, flags: "-", durationMs: 7, ...request };
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function samplesOf(text: string): readonly Sample[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [, name, labels, value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line)!;
    const pairs = [...labels!.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label!, text!] as const);
    return { name: name!, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

describe("istio_requests_total", () => {
  test("has no series before the first request", async () => {
    expect(samplesOf(await createIstioMetrics(caller).text())).toEqual([]);
  });

  test("names both ends as a client's proxy does", async () => {
    const metrics = createIstioMetrics(caller);
    metrics.record(aFinishedRequest());
    metrics.record(aFinishedRequest());
    const [sample] = samplesOf(await metrics.text()).filter(({ name }) => name === "istio_requests_total");
    expect(sample).toMatchObject({
      value: 2,
      labels: {
        reporter: "source",
        source_workload: "productpage-v1",
        source_workload_namespace: "bookinfo",
        destination_workload: "reviews-v3",
        destination_workload_namespace: "bookinfo",
        destination_app: "reviews",
        destination_version: "v3",
        destination_service: "reviews.bookinfo.svc.cluster.local",
        destination_service_name: "reviews",
        destination_service_namespace: "bookinfo",
        request_protocol: "http",
        response_code: "200",
        response_flags: "-",
      },
    });
  });

  test("the series of a response code is born with its first answer", async () => {
    const metrics = createIstioMetrics(caller);
    const codes = async () => samplesOf(await metrics.text()).filter(({ name }) => name === "istio_requests_total").map(({ labels }) => labels.response_code);
    metrics.record(aFinishedRequest());
    expect(await codes()).toEqual(["200"]);
    metrics.record(aFinishedRequest({ code: 500 }));
    expect(await codes()).toEqual(["200", "500"]);
  });

  test("a request that reached no pod is of an unknown workload, with Envoy's flags", async () => {
    const metrics = createIstioMetrics(caller);
    metrics.record(aFinishedRequest({ endpoint: undefined, code: 503, flags: "UH" }));
    const [sample] = samplesOf(await metrics.text());
    expect(sample!.labels).toMatchObject({ destination_workload: "unknown", destination_service_name: "reviews", response_flags: "UH" });
  });
});

describe("istio_request_duration_milliseconds", () => {
  test("has Envoy's bounds, is cumulative, and agrees with its sum and count", async () => {
    const metrics = createIstioMetrics(caller);
    for (const durationMs of [0.2, 7, 250, 251, 9e6]) metrics.record(aFinishedRequest({ durationMs }));
    const samples = samplesOf(await metrics.text());
    const buckets = samples.filter(({ name }) => name === "istio_request_duration_milliseconds_bucket");
    const at = (le: string) => buckets.find(({ labels }) => labels.le === le)?.value;
    expect(buckets.map(({ labels }) => labels.le)).toEqual(
      "0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 300000 600000 1800000 3600000 +Inf".split(" "),
    );
    expect([at("0.5"), at("5"), at("10"), at("100"), at("250"), at("500"), at("3600000"), at("+Inf")]).toEqual([1, 1, 2, 2, 3, 4, 4, 5]);
    expect(samples.find(({ name }) => name.endsWith("_count"))?.value).toBe(5);
    expect(samples.find(({ name }) => name.endsWith("_sum"))?.value).toBeCloseTo(9e6 + 508.2);
  });
});
