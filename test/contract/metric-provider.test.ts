/** What every metric provider keeps, the simulations' included: counts and values, never a verdict, and an end to every question. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Measurement } from "../../src/rollout/analysis/measurement.ts";
import { openPrometheusWorld, openSeededWorld, openSimulatedWorld, type MetricWorld } from "../support/metric-worlds.ts";

interface WorldAtHand {
  readonly name: string;
  open(): Promise<MetricWorld>;
}

const WORLDS: readonly WorldAtHand[] = [
  { name: "a real Prometheus", open: () => openPrometheusWorld({ past: false }) },
  { name: "the record of a real Prometheus", open: () => openPrometheusWorld({ past: true }) },
  { name: "a real Prometheus that scrapes the pods' own proxies", open: () => openPrometheusWorld({ past: false, reporter: "destination" }) },
  { name: "a real Prometheus that scrapes a waypoint", open: () => openPrometheusWorld({ past: false, reporter: "waypoint" }) },
  { name: "the record of a waypoint", open: () => openPrometheusWorld({ past: true, reporter: "waypoint" }) },
  { name: "a real Prometheus that scrapes Linkerd's callers", open: () => openPrometheusWorld({ past: false, source: "linkerd" }) },
  { name: "the record of Linkerd's callers", open: () => openPrometheusWorld({ past: true, source: "linkerd" }) },
  { name: "a real Prometheus that scrapes Linkerd's pods", open: () => openPrometheusWorld({ past: false, source: "linkerd", reporter: "destination" }) },
  { name: "a real Prometheus that scrapes Envoy", open: () => openPrometheusWorld({ past: false, source: "envoy" }) },
  { name: "the record of Envoy", open: () => openPrometheusWorld({ past: true, source: "envoy" }) },
  { name: "the simulations' world", open: async () => openSimulatedWorld() },
  { name: "seeded counters", open: async () => openSeededWorld() },
];

const FOREVER = new AbortController().signal;

describe.each(WORLDS)("a metric provider over $name", ({ open }) => {
  let world: MetricWorld;
  /** Three instants; between each two of them something was served. */
  let instants: readonly [first: number, second: number, third: number];
  let served: Awaited<ReturnType<MetricWorld["serve"]>>;
  beforeAll(async () => {
    world = await open();
    await world.serve();
    const first = await world.instant();
    served = await world.serve();
    const second = await world.instant();
    await world.serve();
    instants = [first, second, await world.instant()];
  });
  afterAll(async () => world?.close());

  const look = (instantMs: number, sinceMs?: number): Promise<Measurement> =>
    world.provider.measure(world.question({ instantMs, ...(sinceMs === undefined ? {} : { sinceMs, evidenceSinceMs: sinceMs }) }), FOREVER);

  it("answers what it was asked, at the instant it was asked for, and shows its query", async () => {
    const { name, instantMs, query } = await look(instants[1], instants[0]);
    expect([name, instantMs]).toEqual(["errors", instants[1]]);
    expect(query).not.toBe("");
  });

  it("takes the first look of a step as its base, which judges nothing", async () => {
    expect((await look(instants[0])).kind).toBe("base");
  });

  it("counts the whole requests of both sides between two instants, and those that were bad", async () => {
    const counted = await look(instants[1], instants[0]);
    if (counted.kind !== "counted") throw new Error(JSON.stringify(counted));
    const { growth, requests, bad } = counted;
    for (const side of [{ requests, bad }, growth!.canary, growth!.stable]) {
      expect([Number.isInteger(side.requests), Number.isInteger(side.bad)]).toEqual([true, true]);
      expect(side.bad).toBeLessThanOrEqual(side.requests);
    }
    expect(growth).toMatchObject({ sinceMs: instants[0], canary: { requests, bad }, ...(served ?? {}) });
  });

  it("gives everybody the same answer to the same question", async () => {
    expect(await look(instants[1], instants[0])).toEqual(await look(instants[1], instants[0]));
  });

  it("counts nothing twice: what two looks tell is what one tells over both", async () => {
    const [one, other] = [await look(instants[1], instants[0]), await look(instants[2], instants[1])];
    if (one.kind !== "counted" || other.kind !== "counted") throw new Error(`${one.kind}, ${other.kind}`);
    expect(one.requests + other.requests).toBeGreaterThan(0);
    const whole = world.remembers ? [one.requests + other.requests, one.bad + other.bad] : [one.requests, one.bad];
    expect(await look(instants[2], instants[0])).toMatchObject({ requests: whole[0], bad: whole[1] });
  });

  it("is not in trouble by throwing: it says so in one sentence, without an address", async () => {
    if (!world.troubled) return;
    const answer = await world.troubled.measure(world.question({ instantMs: instants[1] }), FOREVER);
    expect(answer).toMatchObject({ kind: "error", name: "errors", instantMs: instants[1] });
    expect(answer.kind === "error" && answer.message).toMatch(/^[^\n]{5,300}$/);
    expect(answer.kind === "error" && answer.message).not.toMatch(/127\.0\.0\.1|\bat .*\.ts:/);
  });

  it("ends soon after its signal aborts, with the signal's reason", async () => {
    if (!world.silent) return;
    const [stop, reason] = [new AbortController(), new Error("enough")];
    const asked = world.silent.measure(world.question({ instantMs: instants[1] }), stop.signal);
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expect(world.silent.measure(world.question({ instantMs: instants[1] }), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
