/** What stable did before its run: how many requests, how many bad ones, and how these cluster in pods. */
import { describe, expect, it } from "vitest";
import { measureBuiltIn } from "../../../src/metrics/prometheus/built-in.ts";
import { histogramOf } from "../../../src/metrics/prometheus/latency.ts";
import { dispersionOf } from "../../../src/rollout/analysis/dispersion.ts";
import type { History } from "../../../src/rollout/analysis/measurement.ts";
import type { Metric } from "../../../src/rollout/spec.ts";
import { aQuestion, ERROR_RATE, latencyMetric } from "../../support/a-question.ts";
import { createScrapedMesh, reporter, type ScrapedMesh } from "../../support/scraped-mesh.ts";

const T = 100_000_000;
const MINUTE_MS = 60_000;
const GATEWAY = reporter("source", "gateway");
const POD = reporter("destination", "v2-a");
const OTHER_POD = reporter("destination", "v2-b");

interface Served {
  readonly requests: number;
  readonly bad: number;
}

/** One scrape after the other up to T, each with what was served since the one before; the first is where counting begins. */
function lay(mesh: ScrapedMesh, who: string, served: readonly Served[], { everyMs = 15_000, endMs = T } = {}): void {
  let [good, bad] = [1_000, 10];
  for (const [index, one] of [{ requests: 0, bad: 0 }, ...served].entries()) {
    good += one.requests - one.bad;
    bad += one.bad;
    mesh.scrape(who, endMs - (served.length - index) * everyMs, {}, { "reviews-v2\n200\nhttp\n": good, "reviews-v2\n503\nhttp\n": bad });
  }
}

async function historyOf(mesh: ScrapedMesh, metric: Metric = ERROR_RATE): Promise<History | undefined> {
  const asked = aQuestion({ metric, instantMs: T + 10_000, inForceAtMs: T - 1, evidenceSinceMs: T, wantsHistory: true });
  mesh.scrape(reporter("destination", "v3-a"), T + 5_000, { "reviews-v3\n200\nhttp\n": 1 });
  return (await measureBuiltIn(asked, mesh.sides(metric.latency && histogramOf))).history;
}

/** `served`: of each scrape; so many of `requests` each. */
function scrapes(requests: number, bad: readonly number[]): readonly Served[] {
  return bad.map((one) => ({ requests, bad: one }));
}

const repeated = (length: number, one: number): readonly number[] => Array.from({ length }, () => one);

describe("stable's requests", () => {
  it("are those of the ten minutes before, as its callers report them", async () => {
    const mesh = createScrapedMesh();
    lay(mesh, GATEWAY, scrapes(100, [...repeated(60, 5), ...repeated(40, 1)]));
    lay(mesh, POD, scrapes(300, repeated(100, 2)));
    expect(await historyOf(mesh)).toMatchObject({ requests: 4_000, bad: 40 });
  });

  it("are those of the pods where no caller reports", async () => {
    const mesh = createScrapedMesh();
    lay(mesh, POD, scrapes(100, repeated(40, 1)));
    lay(mesh, OTHER_POD, scrapes(50, repeated(40, 2)));
    expect(await historyOf(mesh)).toMatchObject({ requests: 6_000, bad: 120 });
  });

  it("are none of a life before that: neither of a pod that comes, nor of one that starts again", async () => {
    const mesh = createScrapedMesh();
    lay(mesh, POD, scrapes(100, repeated(20, 1)), { endMs: T - 20 * 15_000 });
    for (const [offsetMs, good] of [[-5 * MINUTE_MS + 15_000, 30], [0, 90]] as const) mesh.scrape(POD, T + offsetMs, {}, { "reviews-v2\n200\nhttp\n": good });
    mesh.scrape(OTHER_POD, T - MINUTE_MS, {}, { "reviews-v2\n200\nhttp\n": 9_000 });
    mesh.scrape(OTHER_POD, T - 1_000, {}, { "reviews-v2\n200\nhttp\n": 9_001 });
    expect(await historyOf(mesh)).toMatchObject({ requests: 2_000 + 90 + 1, bad: 20 });
  });

  it("are nothing where nothing is known, and 0 where nobody asked", async () => {
    expect(await historyOf(createScrapedMesh())).toBeUndefined();
    const mesh = createScrapedMesh();
    lay(mesh, POD, scrapes(0, repeated(40, 0)));
    expect(await historyOf(mesh)).toEqual({ requests: 0, bad: 0 });
  });

  it("are not asked for where they are not wanted", async () => {
    const mesh = createScrapedMesh();
    lay(mesh, POD, scrapes(100, repeated(40, 1)));
    const asked = aQuestion({ instantMs: T + 10_000, evidenceSinceMs: T });
    const past = (): never => {
      throw new Error("asked for the past");
    };
    expect(await measureBuiltIn(asked, { ...mesh.sides(), past })).not.toHaveProperty("history");
  });
});

describe("how bad requests cluster in pods", () => {
  const steady = repeated(120, 1);
  const spells = Array.from({ length: 120 }, (_, index) => (index >= 60 && index < 90 ? 9 : 0));

  it("is told from the pods' own scrapes, of the half hour before", async () => {
    const mesh = createScrapedMesh();
    lay(mesh, GATEWAY, scrapes(200, repeated(120, 2)));
    lay(mesh, POD, scrapes(100, spells));
    lay(mesh, OTHER_POD, scrapes(100, steady));
    const expected = dispersionOf([scrapes(100, spells), scrapes(100, steady)], { kind: "errors" });
    expect(expected).toBeGreaterThan(10);
    expect((await historyOf(mesh))!.dispersion).toBeCloseTo(expected, 9);
  });

  it("takes for a scrape what is one, where they are further apart", async () => {
    const mesh = createScrapedMesh();
    const [rare, other] = [spells, steady].map((all) => all.filter((_, index) => index % 4 === 0));
    lay(mesh, POD, scrapes(100, rare!), { everyMs: MINUTE_MS });
    lay(mesh, OTHER_POD, scrapes(100, other!), { everyMs: MINUTE_MS });
    expect((await historyOf(mesh))!.dispersion).toBeCloseTo(dispersionOf([scrapes(100, rare!), scrapes(100, other!)], { kind: "errors" }), 9);
  });

  it("is 1 where pods are alike, and unknown of one pod, or where only callers report", async () => {
    const alike = createScrapedMesh();
    lay(alike, POD, scrapes(100, steady));
    lay(alike, OTHER_POD, scrapes(100, steady));
    expect((await historyOf(alike))!.dispersion).toBe(1);
    for (const who of [POD, GATEWAY]) {
      const mesh = createScrapedMesh();
      lay(mesh, who, scrapes(100, spells));
      expect(await historyOf(mesh)).not.toHaveProperty("dispersion");
    }
  });
});

describe("stable's slow requests", () => {
  it("are told at every bound of the histogram, each with how they cluster", async () => {
    const mesh = createScrapedMesh();
    const slow = Array.from({ length: 40 }, (_, index) => (index % 8 === 0 ? 20 : 0));
    for (const [who, slowOf] of [[POD, slow], [OTHER_POD, repeated(40, 0)]] as const) {
      let [count, above100, above500] = [0, 0, 0];
      for (const [index, more] of [0, ...slowOf].entries()) {
        count += index === 0 ? 0 : 100;
        above100 += index === 0 ? 0 : 50;
        above500 += more;
        mesh.scrape(who, T - (40 - index) * 15_000, {}, { "reviews-v2\n100": count - above100, "reviews-v2\n500": count - above500, "reviews-v2\n+Inf": count });
      }
    }
    const history = await historyOf(mesh, latencyMetric(99, "400ms"));
    const ofBound = dispersionOf([scrapes(100, slow), scrapes(100, repeated(40, 0))], { kind: "latency" });
    expect(history).toMatchObject({
      requests: 8_000,
      bad: 100,
      dispersion: expect.closeTo(ofBound, 9),
      slower: [
        { boundMs: 100, slower: 4_000, dispersion: 1 },
        { boundMs: 500, slower: 100, dispersion: expect.closeTo(ofBound, 9) },
      ],
    });
  });
});
