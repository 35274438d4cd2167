/** Rows of an answer: what is no number is no evidence. */
import { describe, expect, test } from "vitest";
import { ISTIO } from "../../../src/metrics/prometheus/dialects/istio.ts";
import { sortRows } from "../../../src/metrics/prometheus/rows.ts";
import { droppedShape } from "../../../src/metrics/prometheus/shapes.ts";

const sample = (workload: string, value: number) => ({ labels: { destination_workload_namespace: "shop", destination_workload: workload }, value });

test.each([Number.NaN, Infinity, -Infinity])("a counter at %d is an error for those who ask for it, and for nobody else", (value) => {
  const rows = sortRows({ type: "vector", samples: [sample("cart-v2", 7), sample("cart-v3", value)] }, ISTIO.requests);
  expect(rows("shop", ["cart-v2"], "counter")).toHaveLength(1);
  expect(() => rows("shop", ["cart-v2", "cart-v3"], "counter")).toThrow("Prometheus answered NaN or an infinity where requests are counted");
});

describe("counters that are searched for what went out of sight", () => {
  const labels = { reporter: "destination", pod: "cart-v3-a", destination_workload_namespace: "shop", destination_workload: "cart-v3", response_code: "200" };
  const lastSeenMs = 9_500;
  const ranges = [{ labels, points: [[9_000, 40], [lastSeenMs, 47]] as const }];
  const droppedAt = (instantMs: number): readonly number[] => {
    const read = droppedShape(ISTIO.requests, 1_000).reader({ type: "matrix", samples: [], ranges }, instantMs);
    return [...read({ namespace: "shop", canary: ["cart-v3"], stable: ["cart-v2"] }).values()].flatMap((series) => [...series.values()]);
  };

  test("those that are there to the end have lost nothing", () => expect(droppedAt(lastSeenMs)).toEqual([]));

  test("the last one that goes is missed, though Prometheus tells of no instant at which nobody is there", () => expect(droppedAt(lastSeenMs + 500)).toEqual([47]));
});
