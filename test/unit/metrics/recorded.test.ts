/** Raw samples of the past: how they are fetched, and what is told from them that they do not say themselves. */
import { describe, expect, it } from "vitest";
import type { Answer, Range } from "../../../src/metrics/prometheus/answer.ts";
import { PrometheusError } from "../../../src/metrics/prometheus/prometheus-error.ts";
import { createRecordedTelemetry } from "../../../src/metrics/prometheus/recorded.ts";
import { ISTIO } from "../../../src/metrics/prometheus/dialects/istio.ts";
import type { Telemetry } from "../../../src/metrics/prometheus/telemetry.ts";

const NAMES = { namespace: "shop", canary: ["v3"], stable: ["v2"] };
const FROM_MS = 1_000_000;
const MINUTE_MS = 60_000;

function counter(pod: string, workload: string, labels: Readonly<Record<string, string>>, points: Range["points"]): Range {
  const own = { reporter: "destination", namespace: "shop", pod, instance: pod, job: "pods", destination_workload: workload, destination_workload_namespace: "shop" };
  return { labels: { ...own, response_code: "200", request_protocol: "http", ...labels }, points };
}

function scrapes(pod: string, times: readonly number[]): Range {
  return { labels: { __name__: "up", instance: pod, job: "pods" }, points: times.map((atMs) => [atMs, 1]) };
}

/** A Prometheus that has these samples, and answers at most `mostMs` at once. */
function prometheusWith(counters: readonly Range[], ups: readonly Range[], mostMs = Infinity) {
  const asked: { lengthMs: number; endMs: number }[] = [];
  return {
    asked,
    query: async (promql: string, endMs: number): Promise<Answer> => {
      const lengthMs = Number(/\[(\d+)ms\]$/.exec(promql)?.[1]);
      asked.push({ lengthMs, endMs });
      if (lengthMs > mostMs) throw new PrometheusError("tooLarge");
      const within = ({ labels, points }: Range): Range => ({ labels, points: points.filter(([atMs]) => atMs >= endMs - lengthMs && atMs <= endMs) });
      return { type: "matrix", samples: [], ranges: (promql.startsWith("up") ? ups : counters).map(within).filter(({ points }) => points.length > 0) };
    },
  };
}

function recorded(counters: readonly Range[], ups: readonly Range[] = [], toMs = FROM_MS + 10 * MINUTE_MS): Promise<Telemetry> {
  return createRecordedTelemetry({ counter: ISTIO.requests, names: NAMES, fromMs: FROM_MS, toMs, query: prometheusWith(counters, ups).query, signal: new AbortController().signal });
}

function every(stepMs: number, count: number, startMs = FROM_MS): readonly number[] {
  return Array.from({ length: count }, (_, index) => startMs + index * stepMs);
}

const rising = (times: readonly number[]): Range["points"] => times.map((atMs, index) => [atMs, index * 10]);

async function podsAt(telemetry: Telemetry, offsetMs: number): Promise<readonly string[]> {
  const { scrapes: seen } = await telemetry.at(FROM_MS + offsetMs);
  return [...seen.keys()].map((reporter) => reporter.split("\n")[2]!);
}

describe("raw samples", () => {
  it("are fetched in parts, each once, and joined without doubling what two parts share", async () => {
    const points = rising(every(10_000, 181));
    const { query, asked } = prometheusWith([counter("a", "v3", {}, points)], []);
    const telemetry = await createRecordedTelemetry({ counter: ISTIO.requests, names: NAMES, fromMs: FROM_MS, toMs: FROM_MS + 30 * MINUTE_MS, query, signal: new AbortController().signal });
    expect(asked.map(({ endMs }) => (endMs - FROM_MS) / MINUTE_MS)).toEqual([10, 20, 30, 10, 20, 30]);
    for (const [atMs, value] of points) expect([...[...(await telemetry.at(atMs)).counters.values()][0]!.values()]).toEqual([value]);
  });

  it("are fetched in smaller parts where an answer is too large, and given up where the smallest is", async () => {
    const options = { counter: ISTIO.requests, names: NAMES, fromMs: FROM_MS, toMs: FROM_MS + 10 * MINUTE_MS, signal: new AbortController().signal };
    const { query, asked } = prometheusWith([counter("a", "v3", {}, rising(every(10_000, 61)))], [], 3 * MINUTE_MS);
    const telemetry = await createRecordedTelemetry({ ...options, query });
    expect(asked.slice(0, 7).map(({ lengthMs }) => lengthMs / MINUTE_MS)).toEqual([10, 5, 2.5, 2.5, 5, 2.5, 2.5]);
    expect(await podsAt(telemetry, 9 * MINUTE_MS)).toEqual(["a"]);
    await expect(createRecordedTelemetry({ ...options, query: prometheusWith([], [], 1_000).query })).rejects.toThrow(PrometheusError);
  });

  it("of series that differ in other labels only are added up", async () => {
    const telemetry = await recorded([counter("a", "v3", { source_app: "x" }, [[FROM_MS, 3]]), counter("a", "v3", { source_app: "y" }, [[FROM_MS, 4]])]);
    expect([...(await telemetry.at(FROM_MS + 1)).counters.values()].map((series) => [...series])).toEqual([[["v3\n200\nhttp\n", 7]]]);
  });
});

describe("what has gone away", () => {
  it("is a series that its target does not show any more, from that scrape on", async () => {
    const times = every(10_000, 5);
    const telemetry = await recorded([counter("a", "v2", {}, rising(times)), counter("a", "v3", {}, rising(times.slice(0, 3)))]);
    expect([...(await telemetry.at(FROM_MS + 29_999)).counters.values()][0]!.size).toBe(2);
    expect([...(await telemetry.at(FROM_MS + 30_000)).counters.values()][0]!.size).toBe(1);
  });

  it("is a pod whose scrape has failed, until the next succeeds", async () => {
    const times = every(10_000, 6);
    const telemetry = await recorded([counter("a", "v3", {}, rising(times.filter((_, index) => index !== 3)))], [scrapes("a", times)]);
    expect(await podsAt(telemetry, 29_999)).toEqual(["a"]);
    expect(await podsAt(telemetry, 30_000)).toEqual([]);
    expect(await podsAt(telemetry, 40_000)).toEqual(["a"]);
  });

  it("is a pod that nobody scrapes any more, while others are scraped", async () => {
    const [gone, alive] = [every(10_000, 6), every(10_000, 60)];
    const telemetry = await recorded([counter("a", "v3", {}, rising(gone)), counter("b", "v3", {}, rising(alive))], [scrapes("a", gone), scrapes("b", alive)]);
    expect(await podsAt(telemetry, 55_000)).toEqual(["a", "b"]);
    expect(await podsAt(telemetry, 70_000)).toEqual(["b"]);
  });

  it("is no pod that is only scraped late, while others are scraped in time", async () => {
    const [late, alive] = [every(10_000, 6).filter((_, index) => index !== 3), every(10_000, 6)];
    const telemetry = await recorded([counter("a", "v3", {}, rising(late)), counter("b", "v3", {}, rising(alive))], [scrapes("a", late), scrapes("b", alive)]);
    expect(await podsAt(telemetry, 37_000)).toEqual(["a", "b"]);
  });

  it("is nobody while Prometheus itself was away, until it forgets", async () => {
    const times = [...every(10_000, 3), ...every(10_000, 3, FROM_MS + 8 * MINUTE_MS)];
    const telemetry = await recorded([counter("a", "v3", {}, rising(times)), counter("b", "v2", {}, rising(times))]);
    expect(await podsAt(telemetry, 4 * MINUTE_MS)).toEqual(["a", "b"]);
    expect(await podsAt(telemetry, 6 * MINUTE_MS)).toEqual([]);
    expect(await podsAt(telemetry, 8 * MINUTE_MS)).toEqual(["a", "b"]);
  });
});
