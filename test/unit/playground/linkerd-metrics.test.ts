/** The mesh's requests, as Linkerd tells of them. */
import { expect, test } from "vitest";
import type { FinishedRequest } from "../../../src/playground/mesh/istio-metrics.ts";
import { createLinkerdMetrics } from "../../../src/playground/mesh/linkerd-metrics.ts";
import { anEndpoint } from "./mesh-objects.fixture.ts";

const caller = { workload: "productpage-v1", namespace: "bookinfo", app: "productpage", version: "v1" };
const service = { name: "reviews", namespace: "bookinfo", host: "reviews.bookinfo.svc.cluster.local" };

async function linesOf(...requests: readonly Partial<FinishedRequest>[]): Promise<readonly string[]> {
  const metrics = createLinkerdMetrics(caller);
  for (const request of requests) metrics.record({ service, host: "reviews", endpoint: anEndpoint("reviews", "v3"), code: 200, flags: "-", durationMs: 7, ...request });
  return (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("an answer is counted with both ends and its class, as the caller's proxy does", async () => {
  const responses = (await linesOf({}, {}, { code: 404 }, { code: 503 })).filter((line) => line.startsWith("response_total"));
  expect(responses.map((line) => [/status_code="(\d+)"/.exec(line)?.[1], /classification="(\w+)"/.exec(line)?.[1], line.split(" ").at(-1)])).toEqual([["200", "success", "2"], ["404", "success", "1"], ["503", "failure", "1"]]);
  expect(responses[0]).toContain('direction="outbound",namespace="bookinfo",pod="productpage-v1-0",deployment="productpage-v1",authority="reviews",dst_namespace="bookinfo",dst_deployment="reviews-v3"');
});

test("a request without an answer from a pod is no response", async () => {
  expect(await linesOf({ endpoint: undefined, code: 503, flags: "UH" }, { code: 0, flags: "DC" })).toEqual([]);
});

test("its histogram has Linkerd's bounds, and agrees with its count", async () => {
  const lines = await linesOf({ durationMs: 7 }, { durationMs: 45 });
  const at = (le: string): string | undefined => lines.find((line) => line.includes(`le="${le}"`))?.split(" ").at(-1);
  expect([at("5"), at("10"), at("40"), at("50"), at("+Inf")]).toEqual(["0", "1", "1", "2", "2"]);
});
