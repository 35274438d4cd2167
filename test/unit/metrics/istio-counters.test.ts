/** When a window may begin, what counts in it, and what must not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ISTIO } from "../../../src/metrics/prometheus/dialects/istio.ts";
import { requestCountsOf } from "../../../src/metrics/prometheus/error-rate.ts";
import { readWindow, type Reading } from "../../../src/metrics/prometheus/istio-counters.ts";
import { canaryTelemetry, toldByPods, type Telemetry } from "../../../src/metrics/prometheus/telemetry.ts";
import { createScrapedMesh, reporter, type ScrapedMesh } from "../../support/scraped-mesh.ts";

const STABLE_OK = "v2\n200\nhttp\n";
const OK = "v3\n200\nhttp\n";
const BAD = "v3\n503\nhttp\n";
const IN_FORCE_MS = 1_000_000;
const POD = reporter("destination", "v3-a");
const OTHER_POD = reporter("destination", "v3-b");
const STABLE_POD = reporter("destination", "v2-a");
const GATEWAY = reporter("source", "gateway");

function begin(mesh: ScrapedMesh, instantMs: number): Promise<Reading> {
  return readWindow({ instantMs, inForceAtMs: IN_FORCE_MS }, mesh);
}

async function counts(mesh: ScrapedMesh, sinceMs: number, instantMs: number, lastInstantMs = sinceMs) {
  const reading = await readWindow({ instantMs, inForceAtMs: IN_FORCE_MS, sinceMs, lastInstantMs }, mesh);
  return reading.kind === "grown" ? requestCountsOf(reading.increases, ISTIO.requests.isBad) : reading.kind;
}

describe("copies of requests", () => {
  it("are counted as the canary's own pods tell, although callers tell of everything else", async () => {
    const mesh = createScrapedMesh();
    for (const atMs of [IN_FORCE_MS + 1_000, IN_FORCE_MS + 6_000]) mesh.scrape(GATEWAY, atMs, {}, { [STABLE_OK]: atMs });
    mesh.scrape(POD, IN_FORCE_MS + 1_000, { [OK]: 10 });
    mesh.scrape(POD, IN_FORCE_MS + 6_000, { [OK]: 17, [BAD]: 3 });
    const counted = async (telemetry: Telemetry): Promise<Reading> =>
      readWindow({ instantMs: IN_FORCE_MS + 7_000, inForceAtMs: IN_FORCE_MS, sinceMs: IN_FORCE_MS + 2_000, lastInstantMs: IN_FORCE_MS + 2_000 }, canaryTelemetry(telemetry, ["v3"]));
    expect(await counted(mesh.sides())).toMatchObject({ kind: "grown", reporter: "source", increases: new Map() });
    const shadows = await counted(toldByPods(mesh.sides()));
    expect(shadows.kind === "grown" && requestCountsOf(shadows.increases, ISTIO.requests.isBad)).toEqual({ requests: 10, bad: 3 });
  });
});

describe("where a window begins", () => {
  it("waits for a scrape after the weight came into force", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, IN_FORCE_MS - 6_000, { [OK]: 1 });
    mesh.scrape(POD, IN_FORCE_MS - 1_000, { [OK]: 2 });
    expect(await begin(mesh, IN_FORCE_MS + 2_000)).toEqual({ kind: "skipped" });
    mesh.scrape(POD, IN_FORCE_MS + 4_000, { [OK]: 3 });
    expect(await begin(mesh, IN_FORCE_MS + 5_000)).toEqual({ kind: "base" });
  });

  it("begins at the very millisecond", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, IN_FORCE_MS, { [OK]: 1 });
    expect(await begin(mesh, IN_FORCE_MS)).toEqual({ kind: "base" });
  });

  it("waits for every reporter, the slowest too", async () => {
    const mesh = createScrapedMesh();
    for (const offsetMs of [-8_000, -3_000, 2_000]) mesh.scrape(POD, IN_FORCE_MS + offsetMs, { [OK]: 1 });
    mesh.scrape(OTHER_POD, IN_FORCE_MS - 500, { [OK]: 1 });
    expect(await begin(mesh, IN_FORCE_MS + 3_000)).toEqual({ kind: "skipped" });
    mesh.scrape(OTHER_POD, IN_FORCE_MS + 4_500, { [OK]: 1 });
    expect(await begin(mesh, IN_FORCE_MS + 5_000)).toEqual({ kind: "base" });
  });

  it("does not wait for a reporter that has missed three scrapes, as long as the samples are apart", async () => {
    const mesh = createScrapedMesh();
    for (let offsetMs = -10_000; offsetMs <= 20_000; offsetMs += 5_000) mesh.scrape(POD, IN_FORCE_MS + offsetMs, { [OK]: 1 });
    mesh.scrape(OTHER_POD, IN_FORCE_MS - 1_000, { [OK]: 1 });
    expect(await begin(mesh, IN_FORCE_MS + 10_000), "11 s behind, and 15 s are three scrapes").toEqual({ kind: "skipped" });
    expect(await begin(mesh, IN_FORCE_MS + 15_000), "16 s behind").toEqual({ kind: "base" });
  });

  it("begins anew where it had begun while the only reporter was out of sight, instead of seeing nothing for ever", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(GATEWAY, IN_FORCE_MS + 1_000, { [OK]: 100 });
    mesh.vanish(GATEWAY, IN_FORCE_MS + 2_000);
    const blindMs = IN_FORCE_MS + 2_500;
    mesh.scrape(GATEWAY, IN_FORCE_MS + 3_000, { [OK]: 110 });
    const anewMs = IN_FORCE_MS + 3_500;
    expect(await counts(mesh, blindMs, anewMs)).toBe("base");
    mesh.scrape(GATEWAY, IN_FORCE_MS + 4_000, { [OK]: 120, [BAD]: 5 });
    expect(await counts(mesh, anewMs, IN_FORCE_MS + 4_500)).toEqual({ requests: 15, bad: 5 });
  });

  it("takes a canary that nobody has asked yet for zero, once stable's telemetry is fresh", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(STABLE_POD, IN_FORCE_MS - 5_000, {}, true);
    expect(await begin(mesh, IN_FORCE_MS + 1_000)).toEqual({ kind: "skipped" });
    mesh.scrape(STABLE_POD, IN_FORCE_MS + 2_000, {}, true);
    expect(await begin(mesh, IN_FORCE_MS + 3_000)).toEqual({ kind: "base" });
    mesh.scrape(POD, IN_FORCE_MS + 9_000, { [OK]: 7, [BAD]: 1 });
    expect(await counts(mesh, IN_FORCE_MS + 3_000, IN_FORCE_MS + 10_000)).toEqual({ requests: 8, bad: 1 });
  });

  it("takes the mesh's own telemetry for a sign of life where neither side is asked", async () => {
    const mesh = createScrapedMesh();
    expect(await begin(mesh, IN_FORCE_MS + 1_000)).toEqual({ kind: "noData" });
    mesh.scrape(reporter("source", "another-mesh-user"), IN_FORCE_MS - 1, {});
    expect(await begin(mesh, IN_FORCE_MS + 1_000), "scraped, but before the weight was in force").toEqual({ kind: "noData" });
    mesh.scrape(reporter("source", "another-mesh-user"), IN_FORCE_MS + 500, {});
    expect(await begin(mesh, IN_FORCE_MS + 1_000)).toEqual({ kind: "base" });
  });

  it("says no data, not skipped, when scraping has stopped altogether", async () => {
    const mesh = createScrapedMesh();
    for (const offsetMs of [-15_000, -10_000]) mesh.scrape(POD, IN_FORCE_MS + offsetMs, { [OK]: 1 });
    expect(await begin(mesh, IN_FORCE_MS + 1_000)).toEqual({ kind: "skipped" });
    expect(await begin(mesh, IN_FORCE_MS + 60_000)).toEqual({ kind: "noData" });
  });

  it("in source mode waits for the callers, whatever the pods say", async () => {
    const mesh = createScrapedMesh();
    for (const offsetMs of [-6_000, -1_000]) mesh.scrape(GATEWAY, IN_FORCE_MS + offsetMs, {}, true);
    mesh.scrape(POD, IN_FORCE_MS + 500, { [OK]: 1 });
    expect(await begin(mesh, IN_FORCE_MS + 1_000)).toEqual({ kind: "skipped" });
    mesh.scrape(GATEWAY, IN_FORCE_MS + 4_000, {}, true);
    expect(await begin(mesh, IN_FORCE_MS + 5_000)).toEqual({ kind: "base" });
  });
});

describe("what counts in a window", () => {
  const BASE_MS = IN_FORCE_MS + 10_000;

  interface Row {
    readonly title: string;
    readonly before: Readonly<Record<string, number>>;
    readonly after: Readonly<Record<string, number>>;
    readonly expected: { requests: number; bad: number };
  }
  const rows: readonly Row[] = [
    { title: "differences", before: { [OK]: 100, [BAD]: 5 }, after: { [OK]: 190, [BAD]: 6 }, expected: { requests: 91, bad: 1 } },
    { title: "a missing error series as 0", before: { [OK]: 100 }, after: { [OK]: 150 }, expected: { requests: 50, bad: 0 } },
    { title: "an error series born with the first errors from 0", before: { [OK]: 100 }, after: { [OK]: 150, [BAD]: 3 }, expected: { requests: 53, bad: 3 } },
    { title: "a counter that fell from 0", before: { [OK]: 100, [BAD]: 5 }, after: { [OK]: 20, [BAD]: 1 }, expected: { requests: 21, bad: 1 } },
    { title: "a reset that has not reached a code again as nothing for it", before: { [OK]: 100 }, after: { [OK]: 20 }, expected: { requests: 20, bad: 0 } },
    { title: "nothing where nothing changed", before: { [OK]: 100 }, after: { [OK]: 100 }, expected: { requests: 0, bad: 0 } },
    { title: "code 0 (no answer) as bad", before: { [OK]: 1 }, after: { [OK]: 1, "v3\n0\nhttp\n": 2 }, expected: { requests: 2, bad: 2 } },
    { title: "4xx as good", before: { [OK]: 1 }, after: { [OK]: 1, "v3\n404\nhttp\n": 2 }, expected: { requests: 2, bad: 0 } },
    { title: "gRPC's UNAVAILABLE under response code 200 as bad", before: { [OK]: 1 }, after: { [OK]: 1, "v3\n200\ngrpc\n14": 2 }, expected: { requests: 2, bad: 2 } },
    { title: "gRPC's NOT_FOUND and OK as good", before: { [OK]: 1 }, after: { [OK]: 1, "v3\n200\ngrpc\n5": 2, "v3\n200\ngrpc\n0": 4 }, expected: { requests: 6, bad: 0 } },
    { title: "a gRPC status on plain HTTP as nothing", before: { [OK]: 1 }, after: { [OK]: 1, "v3\n200\nhttp\n14": 2 }, expected: { requests: 2, bad: 0 } },
  ];
  it.each(rows)("counts $title", async ({ before, after, expected }) => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, before);
    mesh.scrape(POD, BASE_MS + 5_000, after);
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual(expected);
  });

  it("counts a pod that was born inside the window from 0", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 110 });
    mesh.scrape(OTHER_POD, BASE_MS + 5_000, { [OK]: 30, [BAD]: 2 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 42, bad: 2 });
  });

  it("takes a pod that was out of sight at the beginning as an origin only, and counts it in the next window", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(OTHER_POD, BASE_MS - 60_000, { [OK]: 9_000, [BAD]: 500 });
    mesh.vanish(OTHER_POD, BASE_MS - 30_000);
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 110 });
    mesh.scrape(OTHER_POD, BASE_MS + 5_000, { [OK]: 9_010, [BAD]: 501 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 10, bad: 0 });
    mesh.scrape(OTHER_POD, BASE_MS + 15_000, { [OK]: 9_020, [BAD]: 503 });
    expect(await counts(mesh, BASE_MS + 10_000, BASE_MS + 20_000)).toEqual({ requests: 12, bad: 2 });
  });

  it("counts nothing of a reporter whose scrape at the beginning is older than the weight", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(OTHER_POD, IN_FORCE_MS - 1, { [OK]: 100 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 110 });
    mesh.scrape(OTHER_POD, BASE_MS + 5_000, { [OK]: 300, [BAD]: 20 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 10, bad: 0 });
  });

  it("keeps the last values of a pod that went away inside the window, in every later look of it", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(OTHER_POD, BASE_MS, { [OK]: 10 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 105, [BAD]: 4 });
    mesh.scrape(OTHER_POD, BASE_MS + 5_000, { [OK]: 11 });
    mesh.vanish(POD, BASE_MS + 8_000);
    mesh.scrape(OTHER_POD, BASE_MS + 9_000, { [OK]: 12 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 11, bad: 4 });
    mesh.scrape(OTHER_POD, BASE_MS + 19_000, { [OK]: 13 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 20_000, BASE_MS + 10_000)).toEqual({ requests: 12, bad: 4 });
  });

  it("counts a late sample at the next instant, once", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 110 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000), "the scrape of 9.9 s has not arrived yet").toEqual({ requests: 10, bad: 0 });
    mesh.scrape(POD, BASE_MS + 9_900, { [OK]: 119, [BAD]: 1 });
    mesh.scrape(POD, BASE_MS + 14_900, { [OK]: 125, [BAD]: 1 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 20_000, BASE_MS + 10_000)).toEqual({ requests: 26, bad: 1 });
  });

  it("passes over an instant without a newer scrape", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toBe("skipped");
    mesh.scrape(POD, BASE_MS + 15_000, { [OK]: 100 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 20_000, BASE_MS + 10_000), "a scrape without a request is news").toEqual({ requests: 0, bad: 0 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 25_000, BASE_MS + 20_000)).toBe("skipped");
  });

  it("does not pass over silence: where nobody reports any more there are no requests", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.vanish(POD, BASE_MS + 1_000);
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 0, bad: 0 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 20_000, BASE_MS + 10_000)).toEqual({ requests: 0, bad: 0 });
  });

  it("counts a pod that is scraped by two jobs once", async () => {
    const mesh = createScrapedMesh();
    for (const job of ["envoy-stats", "pods"]) {
      mesh.scrape(reporter("destination", "v3-a", job), BASE_MS, { [OK]: 100 });
      mesh.scrape(reporter("destination", "v3-a", job), BASE_MS + 5_000, { [OK]: 110, [BAD]: 1 });
    }
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 11, bad: 1 });
  });

  it("believes the job that it knew when the window began, not one that has begun to scrape the same pod since", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(reporter("destination", "v3-a", "pods"), BASE_MS, { [OK]: 100 });
    for (const job of ["envoy-stats", "pods", "zipped"]) mesh.scrape(reporter("destination", "v3-a", job), BASE_MS + 5_000, { [OK]: 110 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000)).toEqual({ requests: 10, bad: 0 });
  });

  it("believes the callers where they report, else the pods, and does not change its mind inside a window", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 120 });
    mesh.scrape(GATEWAY, BASE_MS + 5_000, { [OK]: 20, [BAD]: 3 });
    expect(await counts(mesh, BASE_MS, BASE_MS + 10_000), "no caller reported when the window began").toEqual({ requests: 20, bad: 0 });
    mesh.scrape(POD, BASE_MS + 15_000, { [OK]: 140 });
    mesh.scrape(GATEWAY, BASE_MS + 15_000, { [OK]: 40, [BAD]: 7 });
    expect(await counts(mesh, BASE_MS + 10_000, BASE_MS + 20_000)).toEqual({ requests: 24, bad: 4 });
  });

  it("asks for more than snapshots only where somebody came or went", async () => {
    const mesh = createScrapedMesh();
    mesh.scrape(POD, BASE_MS, { [OK]: 100 });
    mesh.scrape(POD, BASE_MS + 5_000, { [OK]: 110 });
    await counts(mesh, BASE_MS, BASE_MS + 10_000);
    expect(mesh.asked).toMatchObject({ lastValues: 0, seenBefore: 0, newestScrapeMs: 0 });
  });
});

describe("whatever happens to pods", () => {
  const pods = ["a", "b", "c"] as const;
  type Event = { readonly pod: (typeof pods)[number]; readonly kind: "serve" | "restart" | "vanish"; readonly good: number; readonly bad: number };
  const event: fc.Arbitrary<Event> = fc.record({
    pod: fc.constantFrom(...pods),
    kind: fc.constantFrom("serve", "serve", "serve", "serve", "restart", "vanish"),
    good: fc.nat(50),
    bad: fc.nat(3),
  });

  it("never counts a request that was not served inside the window, and all of them while no process ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), fc.nat(10), async (events, baseIndex) => {
        const told = await playedBy(events, baseIndex);
        expect(told.counted.requests).toBeLessThanOrEqual(told.served.requests);
        expect(told.counted.bad).toBeLessThanOrEqual(told.served.bad);
        if (!told.ended) expect(told.counted).toEqual(told.served);
      }),
      { numRuns: 300 },
    );
  });

  /** One event a second, each but a vanishing followed by a scrape of that pod; the window begins at `baseIndex` seconds. */
  async function playedBy(events: readonly Event[], baseIndex: number) {
    const mesh = createScrapedMesh();
    const totals = new Map<string, { good: number; bad: number }>();
    const baseMs = IN_FORCE_MS + baseIndex * 1_000;
    const served = { requests: 0, bad: 0 };
    mesh.scrape(STABLE_POD, IN_FORCE_MS, {}, true);
    for (const [index, event] of events.entries()) {
      const atMs = IN_FORCE_MS + index * 1_000 + 500;
      play(mesh, totals, event, atMs);
      if (atMs < baseMs || event.kind === "vanish") continue;
      served.requests += event.good + event.bad;
      served.bad += event.bad;
    }
    mesh.scrape(reporter("destination", "witness"), IN_FORCE_MS + 40_000, { [OK]: 1 });
    const counted = await counts(mesh, baseMs, IN_FORCE_MS + 41_000);
    if (typeof counted === "string") throw new Error(`expected counts, got ${counted}`);
    return { counted: { requests: counted.requests - 1, bad: counted.bad }, served, ended: events.some(({ kind }) => kind !== "serve") };
  }

  function play(mesh: ScrapedMesh, totals: Map<string, { good: number; bad: number }>, { pod, kind, good, bad }: Event, atMs: number): void {
    const who = reporter("destination", pod);
    const before = kind === "serve" ? totals.get(pod) : undefined;
    const now = { good: good + (before?.good ?? 0), bad: bad + (before?.bad ?? 0) };
    if (kind === "vanish" && totals.delete(pod)) mesh.vanish(who, atMs);
    if (kind === "vanish") return;
    totals.set(pod, now);
    mesh.scrape(who, atMs, { [OK]: now.good, ...(now.bad > 0 ? { [BAD]: now.bad } : {}) });
  }
});
