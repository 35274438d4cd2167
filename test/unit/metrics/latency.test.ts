/** How many requests were slower than a limit, and what a percentile is about. */
import { describe, expect, it } from "vitest";
import { histogramOf, latencyCountsOf, slownessOf } from "../../../src/metrics/prometheus/latency.ts";
import { readWindow } from "../../../src/metrics/prometheus/istio-counters.ts";
import { createScrapedMesh, reporter } from "../../support/scraped-mesh.ts";

/** Cumulative counts by bound. */
type Buckets = Readonly<Record<string, number>>;

function counters(...reporters: readonly Buckets[]) {
  return new Map(reporters.map((buckets, index) => [reporter("destination", `pod-${index}`), new Map(Object.entries(seriesOf(buckets)))]));
}

function seriesOf(buckets: Buckets): Record<string, number> {
  return Object.fromEntries(Object.entries(buckets).map(([le, count]) => [`v3\n${le}`, count]));
}

describe("slow requests", () => {
  const buckets = { "100": 50, "250": 80, "500": 90, "1000": 99, "+Inf": 100 };

  it.each([
    { maxMs: 500, boundMs: 500, bad: 10 },
    { maxMs: 300, boundMs: 500, bad: 10 },
    { maxMs: 501, boundMs: 1_000, bad: 1 },
    { maxMs: 1, boundMs: 100, bad: 50 },
    { maxMs: 5_000, boundMs: Infinity, bad: 0 },
  ])("are those above $boundMs ms where the limit is $maxMs ms", ({ maxMs, boundMs, bad }) => {
    expect(latencyCountsOf(counters(buckets), maxMs, 99)).toMatchObject({ requests: 100, boundMs, bad });
  });

  it("are added up over pods and read with bounds written as 500 and as 500.0", () => {
    expect(latencyCountsOf(counters(buckets, { "500.0": 5, "1000.0": 6, "+Inf": 8 }), 500, 99)).toMatchObject({ requests: 108, bad: 13, boundMs: 500 });
  });

  it("are judged at a bound that every pod has", () => {
    expect(latencyCountsOf(counters(buckets, { "1000": 6, "+Inf": 8 }), 500, 99)).toMatchObject({ requests: 108, bad: 3, boundMs: 1_000 });
  });

  it("are none where there was no request", () => {
    expect(latencyCountsOf(new Map(), 500, 99)).toEqual({ requests: 0, bad: 0, boundMs: Infinity });
  });
});

describe("the percentile shown", () => {
  const buckets = { "100": 50, "250": 80, "500": 90, "1000": 99, "+Inf": 100 };

  it.each([
    { percentile: 50, expected: 100 },
    { percentile: 25, expected: 50 },
    { percentile: 65, expected: 175 },
    { percentile: 99, expected: 1_000 },
    { percentile: 99.9, expected: Infinity },
  ])("p$percentile is interpolated to $expected ms", ({ percentile, expected }) => {
    expect(latencyCountsOf(counters(buckets), 500, percentile).percentileMs).toBeCloseTo(expected, 6);
  });
});

describe("a histogram that was started again", () => {
  it("counts from 0 in all its buckets, also in those that have overtaken their old values", async () => {
    const mesh = createScrapedMesh();
    const pod = reporter("destination", "v3-a");
    mesh.scrape(pod, 10_000, seriesOf({ "500": 3, "1000": 3, "+Inf": 1_000 }));
    mesh.scrape(pod, 15_000, seriesOf({ "500": 4, "1000": 4, "+Inf": 5 }));
    const reading = await readWindow({ instantMs: 20_000, inForceAtMs: 10_000, sinceMs: 10_000 }, mesh, histogramOf);
    if (reading.kind !== "grown") throw new Error(reading.kind);
    expect(latencyCountsOf(reading.increases, 500, 50)).toMatchObject({ requests: 5, bad: 1 });
  });
});

describe("both sides' slow requests", () => {
  const canary = counters({ "100": 50, "250": 80, "500": 90, "1000": 99, "+Inf": 100 });
  const stable = counters({ "100": 600, "250": 900, "500": 990, "1000": 998, "+Inf": 1_000 });

  it("are those above the bound that the limit is rounded up to, and above each bound that is asked for", () => {
    expect(slownessOf([canary, stable], { maxMs: 300, boundsMs: [100, 1_000] })).toEqual([
      { requests: 100, bad: 10, slower: [50, 1] },
      { requests: 1_000, bad: 10, slower: [400, 2] },
    ]);
  });

  it("are none without a limit, and without requests", () => {
    expect(slownessOf([canary, new Map()], { boundsMs: [250] })).toEqual([
      { requests: 100, bad: 0, slower: [20] },
      { requests: 0, bad: 0, slower: [0] },
    ]);
  });

  it("are compared at a bound that both have, though one of them has a finer one", () => {
    expect(slownessOf([canary, counters({ "500": 7, "+Inf": 8 })], { maxMs: 200, boundsMs: [100] })).toEqual([
      { requests: 100, bad: 10, slower: [10] },
      { requests: 8, bad: 1, slower: [1] },
    ]);
  });
});
