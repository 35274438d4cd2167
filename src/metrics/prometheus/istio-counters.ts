/** The built-ins: when a window may begin, and what happened in it, from Istio's raw counters. */
import type { Measurement, Question } from "../../rollout/analysis/measurement.ts";
import { kindOf, NO_COUNTERS, relevantScrapes, reporterKindOf, type Counters, type Reporter, type ReporterKind, type Scrape, type Scrapes, type Snapshot } from "./snapshot.ts";
import { hasLost, increasesIn, unknownReporters, type Window } from "./window.ts";

/** One canary's telemetry in one Prometheus. */
export interface CanaryTelemetry {
  /** As it stood at an instant. */
  at(instantMs: number): Promise<Snapshot>;
  /** The last values within (fromMs, toMs], those of series that went away included. */
  lastValues(fromMs: number, toMs: number): Promise<Counters>;
  /** Who reported requests to the canary within the hour before. */
  seenBefore(instantMs: number): Promise<ReadonlySet<Reporter>>;
  /** When any proxy of the mesh was scraped last; undefined: none is. */
  newestScrapeMs(instantMs: number): Promise<number | undefined>;
}

type Asked = Pick<Question, "instantMs" | "inForceAtMs" | "sinceMs" | "lastInstantMs">;

/** What the counters say: nothing to judge, or how much each reporter's series grew. */
export type Reading =
  | { readonly kind: Extract<Measurement["kind"], "base" | "skipped" | "noData"> }
  | { readonly kind: "grown"; readonly reporter: ReporterKind; readonly increases: Counters };

/** Scrapes that a reporter may miss before it counts as gone. */
const MISSED_SCRAPES = 3;
/** Prometheus' own default, for a reporter that was scraped once. */
const USUAL_SCRAPE_INTERVAL_MS = 60_000;

/** Reads the window from the base (or the last conclusive verdict) to the instant. */
export async function readWindow(asked: Asked, telemetry: CanaryTelemetry, groupOf?: (series: string) => string): Promise<Reading> {
  const { instantMs, sinceMs, lastInstantMs = sinceMs } = asked;
  if (sinceMs === undefined || lastInstantMs === undefined) return { kind: await beginningAt(asked, telemetry) };
  const beginning = telemetry.at(sinceMs);
  const [head, base, last] = await Promise.all([telemetry.at(instantMs), beginning, lastInstantMs === sinceMs ? beginning : telemetry.at(lastInstantMs)]);
  const reporter = reporterKindOf(since(base.scrapes, asked.inForceAtMs)) ?? reporterKindOf(head.scrapes) ?? "destination";
  if (!hasNews(head, last, reporter)) return { kind: "skipped" };
  const isAllThere = ![base, last].some(({ counters }) => hasLost(counters, head.counters, reporter));
  const vanished = isAllThere ? NO_COUNTERS : await telemetry.lastValues(sinceMs, instantMs);
  const window = { kind: reporter, base, head, vanished, inForceAtMs: asked.inForceAtMs };
  const increases = increasesIn({ ...window, seenBefore: await seenBefore(window, sinceMs, telemetry) }, groupOf);
  return isBlind(increases, head, reporter) ? { kind: "base" } : { kind: "grown", reporter, increases };
}

/** The window began while nobody who reports now was in sight, so it would stay empty for ever: counting begins here instead. */
function isBlind(increases: Counters, head: Snapshot, kind: ReporterKind): boolean {
  return increases.size === 0 && [...head.counters.keys()].some((reporter) => kindOf(reporter) === kind);
}

/** Asked only where somebody new reports. */
async function seenBefore(window: Omit<Window, "seenBefore">, sinceMs: number, telemetry: CanaryTelemetry): Promise<ReadonlySet<Reporter>> {
  return unknownReporters(window).length > 0 ? telemetry.seenBefore(sinceMs) : new Set();
}

/** A newer scrape, or somebody gone; where nobody reports at all that is news too, namely silence. */
function hasNews(head: Snapshot, last: Snapshot, kind: ReporterKind): boolean {
  const scrapes = relevantScrapes(head.scrapes, kind);
  if (scrapes.size === 0 || hasLost(last.counters, head.counters, kind)) return true;
  return [...scrapes].some(([reporter, { atMs }]) => atMs > (last.scrapes.get(reporter)?.atMs ?? -Infinity));
}

/**
 * `base`: everyone who reports has been scraped since the weight came into force, so no earlier request can be counted from here.
 * `skipped`: some will be scraped soon. `noData`: nothing is scraped, so nothing can be known.
 */
async function beginningAt({ instantMs, inForceAtMs }: Asked, telemetry: CanaryTelemetry): Promise<"base" | "skipped" | "noData"> {
  const { scrapes } = await telemetry.at(instantMs);
  const fresh = since(scrapes, inForceAtMs);
  const alive = fresh.size === scrapes.size ? fresh : since(scrapes, instantMs - MISSED_SCRAPES * (await scrapeIntervalMs(scrapes, fresh, telemetry)));
  const awaited = relevantScrapes(alive, reporterKindOf(alive) ?? "destination");
  if (since(awaited, inForceAtMs).size < awaited.size) return "skipped";
  if (fresh.size > 0) return "base";
  return ((await telemetry.newestScrapeMs(instantMs)) ?? -Infinity) >= inForceAtMs ? "base" : "noData";
}

/** From the samples: between a reporter's newest scrape and the one before it; the shortest of all. */
async function scrapeIntervalMs(scrapes: Scrapes, fresh: Scrapes, telemetry: CanaryTelemetry): Promise<number> {
  const firstFreshMs = Math.min(...timesOf(fresh));
  const before = await telemetry.at((Number.isFinite(firstFreshMs) ? firstFreshMs : Math.max(...timesOf(scrapes))) - 1);
  const gapsMs = [...scrapes].map(([reporter, { atMs }]) => atMs - (before.scrapes.get(reporter)?.atMs ?? -Infinity)).filter((gapMs) => gapMs > 0);
  const shortestMs = Math.min(...gapsMs);
  return Number.isFinite(shortestMs) ? shortestMs : USUAL_SCRAPE_INTERVAL_MS;
}

function since(scrapes: Scrapes, fromMs: number): Scrapes {
  return new Map([...scrapes].filter(([, { atMs }]) => atMs >= fromMs));
}

function timesOf(scrapes: Scrapes): readonly number[] {
  return [...scrapes.values()].map(({ atMs }: Scrape) => atMs);
}
