/** Telemetry made of scrapes that a test lays down one by one: what Prometheus would say about them at any instant. */
import type { Telemetry } from "../../src/metrics/prometheus/istio-counters.ts";
import type { Counters, Reporter, Scrape, Snapshot } from "../../src/metrics/prometheus/snapshot.ts";

/** `stale`: the target went away (Prometheus writes stale markers). */
interface LaidScrape {
  readonly atMs: number;
  readonly canary: Readonly<Record<string, number>> | "stale";
  readonly reportsStable: boolean;
}

export interface ScrapedMesh extends Telemetry {
  /** The canary's series as this scrape showed them; none: only stable's. */
  scrape(reporter: Reporter, atMs: number, canary: Readonly<Record<string, number>>, reportsStable?: boolean): void;
  vanish(reporter: Reporter, atMs: number): void;
  /** How often each question was put. */
  readonly asked: Record<"at" | "lastValues" | "seenBefore" | "newestScrapeMs", number>;
}

const LOOKBACK_MS = 300_000;
const HOUR_MS = 3_600_000;

/** `reporter("destination", "v3-a")`. */
export function reporter(kind: "source" | "destination", pod: string, job = "pods"): Reporter {
  return [kind, "bookinfo", pod, `10.0.0.1:${pod}`, job].join("\n");
}

export function createScrapedMesh(): ScrapedMesh {
  const history = new Map<Reporter, LaidScrape[]>();
  const asked = { at: 0, lastValues: 0, seenBefore: 0, newestScrapeMs: 0 };
  const lay = (who: Reporter, scrape: LaidScrape): void => void history.set(who, [...(history.get(who) ?? []), scrape]);

  return {
    asked,
    scrape: (who, atMs, canary, reportsStable = false) => lay(who, { atMs, canary, reportsStable }),
    vanish: (who, atMs) => lay(who, { atMs, canary: "stale", reportsStable: false }),
    at: async (instantMs) => (asked.at++, snapshotOf(history, instantMs)),
    lastValues: async (fromMs, toMs) => (asked.lastValues++, lastValuesOf(history, fromMs, toMs)),
    seenBefore: async (instantMs) => (asked.seenBefore++, reportersWithin(history, instantMs - HOUR_MS, instantMs)),
    newestScrapeMs: async (instantMs) => {
      asked.newestScrapeMs++;
      const times = [...history.values()].flat().flatMap(({ atMs, canary }) => (canary !== "stale" && atMs <= instantMs ? [atMs] : []));
      return times.length > 0 ? Math.max(...times) : undefined;
    },
  };
}

type History = ReadonlyMap<Reporter, readonly LaidScrape[]>;

function snapshotOf(history: History, instantMs: number): Snapshot {
  const scrapes = new Map<Reporter, Scrape>();
  const counters = new Map<Reporter, ReadonlyMap<string, number>>();
  for (const [who, laid] of history) {
    const newest = laid.filter(({ atMs }) => atMs <= instantMs && atMs > instantMs - LOOKBACK_MS).at(-1);
    if (!newest || newest.canary === "stale") continue;
    const series = new Map(Object.entries(newest.canary));
    if (series.size > 0 || newest.reportsStable) scrapes.set(who, { atMs: newest.atMs, ofCanary: series.size > 0 });
    if (series.size > 0) counters.set(who, series);
  }
  return { scrapes, counters };
}

function lastValuesOf(history: History, fromMs: number, toMs: number): Counters {
  const counters = new Map<Reporter, Map<string, number>>();
  for (const [who, laid] of history) {
    for (const { atMs, canary } of laid) {
      if (canary === "stale" || atMs <= fromMs || atMs > toMs) continue;
      counters.set(who, new Map([...(counters.get(who) ?? []), ...Object.entries(canary)]));
    }
  }
  return counters;
}

function reportersWithin(history: History, fromMs: number, toMs: number): ReadonlySet<Reporter> {
  const seen = [...history].filter(([, laid]) => laid.some(({ atMs, canary }) => atMs > fromMs && atMs <= toMs && canary !== "stale" && Object.keys(canary).length > 0));
  return new Set(seen.map(([who]) => who));
}
