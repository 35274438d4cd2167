/** A metric provider whose counters belong to a seed: the same for everybody who asks, whenever. */
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import type { Growth, Measurement, Question } from "../../src/rollout/analysis/measurement.ts";

const BEGINNING_MS = Date.parse("2026-11-21T11:50:00Z");

/** Requests that each side had counted up to each instant of the grid, as a Prometheus would have them for anybody who asks. */
export function countersOf(seed: number, badShare: number): MetricProvider {
  const at = (instantMs: number): readonly [canary: number, canaryBad: number, stable: number, stableBad: number] => {
    let sums = [0, 0, 0, 0];
    for (let instant = BEGINNING_MS; instant <= instantMs; instant += 10_000) {
      const [one, other, third] = [noise(seed, instant), noise(seed + 1_000, instant), noise(seed + 2_000, instant)];
      const requests = 40 + Math.floor(one * 40);
      sums = [sums[0]! + requests, sums[1]! + Math.floor(requests * badShare * 2 * other), sums[2]! + requests * 5, sums[3]! + (third > 0.8 ? 1 : 0)];
    }
    return sums as never;
  };
  const between = (since: number, until: number): number[] => at(until).map((value, index) => value - at(since)[index]!);
  return { measure: (question) => Promise.resolve(measured(question, between)) };
}

function measured(question: Question, between: (since: number, until: number) => number[]): Measurement {
  const { instantMs, inForceAtMs, sinceMs, evidenceSinceMs = 0 } = question;
  const [canary, canaryBad, stable, stableBad] = between(evidenceSinceMs, instantMs) as [number, number, number, number];
  const growth: Growth = { sinceMs: evidenceSinceMs, reporter: "source", inStep: evidenceSinceMs >= inForceAtMs, canary: { requests: canary, bad: canaryBad }, stable: { requests: stable, bad: stableBad } };
  const asked = { name: question.metric.name, instantMs, query: "counters", growth };
  if (sinceMs === undefined) return { ...asked, kind: "base" };
  const [requests, bad] = between(sinceMs, instantMs) as [number, number];
  return { ...asked, kind: "counted", requests, bad };
}

/** A number in [0, 1) that belongs to a seed and an instant. */
export function noise(seed: number, instant: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(instant / 10_000, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
