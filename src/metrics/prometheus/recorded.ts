/** Telemetry out of raw samples that are fetched once: what a daemon would have been told at any instant of the past, without asking again for each. */
import { promqlString, regexOf } from "../../rollout/analysis/query-variables.ts";
import type { Answer, Range } from "./answer.ts";
import { inSharedWords, type CounterMetric, type Names } from "./dialect.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { droppedIn } from "./path.ts";
import { PAST_MS, PAST_STEP_MS } from "./past.ts";
import { reporterOf, seriesOf, TARGET_LABELS } from "./rows.ts";
import { rawSelectors, stepWithin, tailStepMs } from "./shapes.ts";
import { ofWorkloads, type Counters, type Reporter, type Scrape, type Series, type Snapshot } from "./snapshot.ts";
import type { Telemetry } from "./telemetry.ts";

export interface RecordOptions {
  readonly counter: CounterMetric;
  readonly names: Names;
  /** Begin an hour before the first instant that is asked about: who was seen by then is no newcomer. */
  readonly fromMs: number;
  readonly toMs: number;
  query(promql: string, instantMs: number, signal: AbortSignal): Promise<Answer>;
  readonly signal: AbortSignal;
  /** After each part, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

const CHUNK_MS = 10 * 60_000;
/** Not asked for in smaller parts, however large the answer. */
const LEAST_CHUNK_MS = 30_000;
/** A target that is scraped again within so many intervals was scraped late, which leaves no marker; one whose scraping has ended is marked after the first. */
const LATE_SCRAPE_INTERVALS = 3;
/** Prometheus' own default. */
const LOOKBACK_MS = 300_000;
const HOUR_MS = 3_600_000;

/** Rising times, and what was sampled at each. */
interface Track {
  readonly times: number[];
  readonly values: number[];
}

/** One series as it was scraped; a reporter's series is the sum of several (callers, flags). */
interface RawSeries extends Track {
  readonly reporter: Reporter;
  readonly workload: string;
  readonly series: Series;
  readonly scraped: ScrapedTarget;
}

/** When a target was scraped, with success or without, as far as is known. */
interface ScrapedTarget {
  readonly times: number[];
  /** Between two scrapes, as a rule. */
  intervalMs: number;
  /** When anyone was: who is not scraped then, while others are, is gone; when nobody is, Prometheus is. */
  readonly everyone: number[];
}

/**
 * Throws a PrometheusError when a query fails. It knows those who report requests to the two sides, and when they were scraped: of the rest of the
 * namespace and the mesh nothing.
 */
export async function createRecordedTelemetry(options: RecordOptions): Promise<Telemetry> {
  const raw = await fetchRecord(options);
  const { canary, stable } = options.names;
  const { groupOf } = options.counter;
  const at = (instantMs: number): Snapshot => snapshotOf(raw, instantMs, canary);
  return {
    at: async (instantMs) => at(instantMs),
    lastValues: async (fromMs, toMs) => {
      const stepMs = tailStepMs(toMs - fromMs);
      const first = Math.floor(fromMs / stepMs) * stepMs + stepMs;
      return lastOf(timesBetween(first, toMs, stepMs).map((atMs) => ofWorkloads(at(atMs).counters, canary)));
    },
    dropped: async (fromMs, toMs) => droppedIn(timesBetween(fromMs, toMs, stepWithin(toMs - fromMs)).map((atMs) => at(atMs).counters), groupOf),
    past: async (untilMs) => {
      const ofStable = raw.filter(({ workload }) => stable.includes(workload));
      const points = timesBetween(untilMs - PAST_MS, untilMs, PAST_STEP_MS).map((atMs) => ({ atMs, snapshot: snapshotOf(ofStable, atMs, canary) }));
      return points.filter(({ snapshot }) => snapshot.scrapes.size > 0);
    },
    seenBefore: async (instantMs, reachMs) => ({
      reporters: seenWithin(raw, instantMs - HOUR_MS, instantMs),
      reachesBack: wasWatching(raw, instantMs - reachMs),
    }),
    newestScrapeMs: async (instantMs) => {
      const newestMs = Math.max(...raw.map((one) => one.times[sampleAt(one, instantMs) ?? -1] ?? -Infinity));
      return Number.isFinite(newestMs) ? newestMs : undefined;
    },
  };
}

async function fetchRecord(options: RecordOptions): Promise<readonly RawSeries[]> {
  const { counter, names } = options;
  const tracks = new Map<string, RawSeries>();
  const scraped = new Map<string, ScrapedTarget>();
  const everyone: number[] = [];
  const targetOf = (labels: Range["labels"]): ScrapedTarget => known(scraped, TARGET_LABELS.map((label) => labels[label] ?? "").join("\n"), () => ({ times: [], intervalMs: 0, everyone }));
  const noteCounter = ({ labels: asScraped, points }: Range): void => {
    const labels = inSharedWords(asScraped, counter);
    const begun = (): RawSeries => ({ reporter: reporterOf({ labels }), workload: labels.destination_workload ?? "", series: seriesOf({ labels }, counter.labels), scraped: targetOf(labels), times: [], values: [] });
    append(known(tracks, JSON.stringify(Object.entries(asScraped).toSorted()), begun), points);
  };
  const selectors = rawSelectors(counter, names);
  for (const [index, selector] of selectors.entries()) await fetchRanges(selector, options, noteCounter, { from: index / (2 * selectors.length), to: (index + 1) / (2 * selectors.length) });
  const instances = [...scraped.keys()].map((key) => key.split("\n")[0] ?? "");
  const noteScrape = ({ labels, points }: Range): void => points.forEach(([atMs]) => void targetOf(labels).times.push(atMs));
  if (instances.length > 0) await fetchRanges(`up{instance=~${promqlString(regexOf([...new Set(instances)]))}}`, options, noteScrape, { from: 0.5, to: 1 });
  for (const one of tracks.values()) for (const atMs of one.times) one.scraped.times.push(atMs);
  for (const target of scraped.values()) settle(target);
  for (const target of scraped.values()) everyone.push(...target.times);
  sortOnce(everyone);
  return [...tracks.values()];
}

/** Part by part; `work`: from which share of the whole work to which this is. */
async function fetchRanges(selector: string, options: RecordOptions, note: (range: Range) => void, work: { readonly from: number; readonly to: number }): Promise<void> {
  const { fromMs, toMs, onProgress } = options;
  for (let endMs = Math.min(fromMs + CHUNK_MS, toMs); ; endMs = Math.min(endMs + CHUNK_MS, toMs)) {
    const startMs = Math.max(fromMs, endMs - CHUNK_MS);
    await fetchPart(selector, { startMs, endMs }, options, note);
    onProgress?.(work.from + ((work.to - work.from) * (endMs - fromMs)) / Math.max(1, toMs - fromMs));
    if (endMs >= toMs) return;
  }
}

async function fetchPart(selector: string, { startMs, endMs }: { startMs: number; endMs: number }, options: RecordOptions, note: (range: Range) => void): Promise<void> {
  const lengthMs = endMs - startMs;
  try {
    const { ranges = [] } = await options.query(`${selector}[${Math.max(1, lengthMs)}ms]`, endMs, options.signal);
    ranges.forEach(note);
  } catch (error) {
    const isTooMuch = error instanceof PrometheusError && error.isAboutTheQuery && lengthMs / 2 >= LEAST_CHUNK_MS;
    if (!isTooMuch) throw error;
    const middleMs = Math.round((startMs + endMs) / 2);
    await fetchPart(selector, { startMs, endMs: middleMs }, options, note);
    await fetchPart(selector, { startMs: middleMs, endMs }, options, note);
  }
}

function known<T>(all: Map<string, T>, key: string, create: () => T): T {
  const one = all.get(key) ?? create();
  all.set(key, one);
  return one;
}

/** Parts may share the sample at which one ends and the next begins. */
function append({ times, values }: Track, points: Range["points"]): void {
  for (const [atMs, value] of points) {
    if (atMs <= (times.at(-1) ?? -Infinity)) continue;
    times.push(atMs);
    values.push(value);
  }
}

function settle(target: ScrapedTarget): void {
  sortOnce(target.times);
  const gaps = target.times.slice(1).map((atMs, index) => atMs - target.times[index]!).sort((a, b) => a - b);
  target.intervalMs = gaps[Math.floor(gaps.length / 2)] ?? Infinity;
}

function sortOnce(times: number[]): void {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  times.length = 0;
  for (const atMs of sorted) times.push(atMs);
}

/**
 * Which of its samples a series shows at an instant. Range selectors leave out the markers by which Prometheus tells that a series has ended, so this is
 * told from its target: it has been scraped since without that series, or without success; or it has not been scraped when it should have been, as others were.
 */
function sampleAt({ times, scraped }: Pick<RawSeries, "times" | "scraped">, instantMs: number): number | undefined {
  const index = lastAtOrBefore(times, instantMs);
  const atMs = times[index];
  if (atMs === undefined || atMs <= instantMs - LOOKBACK_MS) return undefined;
  const newestMs = scraped.times[lastAtOrBefore(scraped.times, instantMs)] ?? atMs;
  if (newestMs > atMs) return undefined;
  const nextMs = scraped.times[lastAtOrBefore(scraped.times, instantMs) + 1] ?? Infinity;
  const overdueMs = atMs + 1.5 * scraped.intervalMs;
  const isMissed = nextMs > atMs + LATE_SCRAPE_INTERVALS * scraped.intervalMs && (scraped.everyone[lastAtOrBefore(scraped.everyone, instantMs)] ?? 0) > overdueMs;
  return isMissed ? undefined : index;
}

function lastAtOrBefore(times: readonly number[], instantMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= instantMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Anyone who has reported at some time was scraped then, be it without having anything to report yet. */
function wasWatching(raw: readonly RawSeries[], instantMs: number): boolean {
  const { everyone = [] } = raw[0]?.scraped ?? {};
  return (everyone[lastAtOrBefore(everyone, instantMs)] ?? -Infinity) > instantMs - LOOKBACK_MS;
}

function snapshotOf(raw: readonly RawSeries[], instantMs: number, canary: readonly string[]): Snapshot {
  const scrapes = new Map<Reporter, Scrape>();
  const counters = new Map<Reporter, Map<Series, number>>();
  for (const one of raw) {
    const index = sampleAt(one, instantMs);
    if (index === undefined) continue;
    const { reporter, series, workload } = one;
    const before = scrapes.get(reporter);
    scrapes.set(reporter, { atMs: Math.max(before?.atMs ?? 0, one.times[index]!), ofCanary: before?.ofCanary === true || canary.includes(workload) });
    const shown = counters.get(reporter) ?? new Map<Series, number>();
    counters.set(reporter, shown.set(series, (shown.get(series) ?? 0) + one.values[index]!));
  }
  return { scrapes, counters };
}

function timesBetween(firstMs: number, lastMs: number, stepMs: number): readonly number[] {
  return Array.from({ length: Math.max(0, Math.floor((lastMs - firstMs) / stepMs) + 1) }, (_, index) => firstMs + index * stepMs);
}

function lastOf(points: readonly Counters[]): Counters {
  const last = new Map<Reporter, Map<Series, number>>();
  for (const [reporter, series] of points.flatMap((point) => [...point])) last.set(reporter, new Map([...(last.get(reporter) ?? []), ...series]));
  return last;
}

function seenWithin(raw: readonly RawSeries[], fromMs: number, toMs: number): ReadonlyMap<Reporter, ReadonlySet<string>> {
  const seen = new Map<Reporter, Set<string>>();
  for (const { reporter, workload, times } of raw) {
    if ((times[lastAtOrBefore(times, toMs)] ?? -Infinity) > fromMs) seen.set(reporter, (seen.get(reporter) ?? new Set()).add(workload));
  }
  return seen;
}
