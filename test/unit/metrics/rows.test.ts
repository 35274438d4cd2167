/** Rows of an answer: what is no number is no evidence. */
import { expect, test } from "vitest";
import { ISTIO } from "../../../src/metrics/prometheus/dialects/istio.ts";
import { sortRows } from "../../../src/metrics/prometheus/rows.ts";

const sample = (workload: string, value: number) => ({ labels: { destination_workload_namespace: "shop", destination_workload: workload }, value });

test.each([Number.NaN, Infinity, -Infinity])("a counter at %d is an error for those who ask for it, and for nobody else", (value) => {
  const rows = sortRows({ type: "vector", samples: [sample("cart-v2", 7), sample("cart-v3", value)] }, ISTIO.requests);
  expect(rows("shop", ["cart-v2"], "counter")).toHaveLength(1);
  expect(() => rows("shop", ["cart-v2", "cart-v3"], "counter")).toThrow("Prometheus answered NaN or an infinity where requests are counted");
});
