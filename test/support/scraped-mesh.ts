/** Telemetry made of scrapes that a test lays down one by one: what Prometheus would say about them at any instant. */
import type { CanaryTelemetry } from "../../src/metrics/prometheus/istio-counters.ts";
import { droppedIn } from "../../src/metrics/prometheus/path.ts";
import { PAST_MS, PAST_STEP_MS, type PastPoint } from "../../src/metrics/prometheus/past.ts";
import { workloadOf, type Counters, type Reporter, type Scrape, type Snapshot } from "../../src/metrics/prometheus/snapshot.ts";
import type { Telemetry } from "../../src/metrics/prometheus/telemetry.ts";

type Shown = Readonly<Record<string, number>>;

/** `stale`: the target went away (Prometheus writes stale markers). */
interface LaidScrape {
  readonly atMs: number;
  readonly canary: Shown | "stale";
  /** `true`: some series of stable, which nobody counts. */
  readonly stable: Shown | boolean;
}

/** As the canary alone is seen. */
export interface ScrapedMesh extends CanaryTelemetry {
  /** The series as this scrape showed them; none of the canary: only stable's. */
  scrape(reporter: Reporter, atMs: number, canary: Shown, stable?: Shown | boolean): void;
  vanish(reporter: Reporter, atMs: number): void;
  /** Prometheus has lost everything before. */
  forget(untilMs: number): void;
  /** Both sides, as this Prometheus sees them; `groupOf`: see `droppedIn`. */
  sides(groupOf?: (series: string) => string): Telemetry;
  /** How often each question was put. */
  readonly asked: Record<"at" | "lastValues" | "dropped" | "seenBefore" | "newestScrapeMs", number>;
}

const LOOKBACK_MS = 300_000;
const HOUR_MS = 3_600_000;

/** `reporter("destination", "v3-a")`. `replica`: of Prometheus. */
export function reporter(kind: "source" | "destination", pod: string, job = "pods", replica?: string): Reporter {
  return [kind, "bookinfo", pod, `10.0.0.1:${pod}`, job, ...(replica === undefined ? [] : ["", replica])].join("\n");
}

export function createScrapedMesh(): ScrapedMesh {
  const history = new Map<Reporter, LaidScrape[]>();
  const asked = { at: 0, lastValues: 0, dropped: 0, seenBefore: 0, newestScrapeMs: 0 };
  const lay = (who: Reporter, scrape: LaidScrape): void => void history.set(who, [...(history.get(who) ?? []), scrape]);
  const newestScrapeMs = async (instantMs: number): Promise<number | undefined> => (asked.newestScrapeMs++, newestIn(history, instantMs));
  const lastValues = async (fromMs: number, toMs: number): Promise<Counters> => (asked.lastValues++, lastValuesOf(history, fromMs, toMs));

  return {
    asked,
    scrape: (who, atMs, canary, stable = false) => lay(who, { atMs, canary, stable }),
    vanish: (who, atMs) => lay(who, { atMs, canary: "stale", stable: false }),
    forget: (untilMs) => {
      for (const [who, laid] of history) history.set(who, laid.filter(({ atMs }) => atMs > untilMs));
    },
    at: async (instantMs) => (asked.at++, snapshotOf(history, instantMs, canarySeries)),
    lastValues,
    seenBefore: async (instantMs) => (asked.seenBefore++, new Set(seenWithin(history, instantMs, canarySeries).keys())),
    newestScrapeMs,
    sides: (groupOf = (series) => series) => ({
      at: async (instantMs) => (asked.at++, snapshotOf(history, instantMs, bothSeries)),
      lastValues,
      dropped: async (fromMs, toMs) => {
        asked.dropped++;
        const times = [...history.values()].flat().map(({ atMs }) => atMs).filter((atMs) => atMs > fromMs && atMs < toMs);
        return droppedIn([fromMs, ...times.toSorted((a, b) => a - b), toMs].map((atMs) => snapshotOf(history, atMs, bothSeries).counters), groupOf);
      },
      seenBefore: async (instantMs, reachMs) => {
        asked.seenBefore++;
        return { reporters: seenWithin(history, instantMs, bothSeries), reachesBack: snapshotOf(history, instantMs - reachMs, bothSeries).scrapes.size > 0 };
      },
      past: async (untilMs) => pastOf(history, untilMs),
      newestScrapeMs,
    }),
  };
}

type History = ReadonlyMap<Reporter, readonly LaidScrape[]>;
type SeriesOf = (scrape: LaidScrape) => Shown;

const canarySeries: SeriesOf = ({ canary }) => (canary === "stale" ? {} : canary);
const stableSeries: SeriesOf = ({ stable }) => (typeof stable === "boolean" ? {} : stable);
const bothSeries: SeriesOf = ({ canary, stable }) => ({ ...(canary === "stale" ? {} : canary), ...(typeof stable === "boolean" ? {} : stable) });

function snapshotOf(history: History, instantMs: number, seriesOf: SeriesOf): Snapshot {
  const scrapes = new Map<Reporter, Scrape>();
  const counters = new Map<Reporter, ReadonlyMap<string, number>>();
  for (const [who, laid] of history) {
    const newest = laid.filter(({ atMs }) => atMs <= instantMs && atMs > instantMs - LOOKBACK_MS).at(-1);
    if (!newest || newest.canary === "stale") continue;
    const ofCanary = Object.keys(newest.canary).length > 0;
    const series = new Map(Object.entries(seriesOf(newest)));
    if (ofCanary || newest.stable !== false) scrapes.set(who, { atMs: newest.atMs, ofCanary });
    if (series.size > 0) counters.set(who, series);
  }
  return { scrapes, counters };
}

function newestIn(history: History, instantMs: number): number | undefined {
  const times = [...history.values()].flat().flatMap(({ atMs, canary }) => (canary !== "stale" && atMs <= instantMs ? [atMs] : []));
  return times.length > 0 ? Math.max(...times) : undefined;
}

function pastOf(history: History, untilMs: number): readonly PastPoint[] {
  const times = Array.from({ length: PAST_MS / PAST_STEP_MS + 1 }, (_, index) => untilMs - PAST_MS + index * PAST_STEP_MS);
  return times.map((atMs) => ({ atMs, snapshot: snapshotOf(history, atMs, stableSeries) }));
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

function seenWithin(history: History, instantMs: number, seriesOf: SeriesOf): ReadonlyMap<Reporter, ReadonlySet<string>> {
  const seen = [...history].map(([who, laid]) => {
    const within = laid.filter(({ atMs }) => atMs > instantMs - HOUR_MS && atMs <= instantMs);
    return [who, new Set(within.flatMap((scrape) => Object.keys(seriesOf(scrape)).map(workloadOf)))] as const;
  });
  return new Map(seen.filter(([, workloads]) => workloads.size > 0));
}
