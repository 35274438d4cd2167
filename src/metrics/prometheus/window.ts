/** Whole requests between two snapshots: pure arithmetic on counters. */
import { kindOf, podOf, type Counters, type Reporter, type ReporterKind, type Series, type Snapshot } from "./snapshot.ts";

export interface Window {
  readonly kind: ReporterKind;
  readonly base: Snapshot;
  readonly head: Snapshot;
  /** The last values of series that went away inside the window. */
  readonly vanished: Counters;
  /** No request before it may count. */
  readonly inForceAtMs: number;
  /** Those that Prometheus knew before the window, though not at its beginning: what their counters held then is unknown. */
  readonly seenBefore: ReadonlySet<Reporter>;
}

const NOTHING: ReadonlyMap<Series, number> = new Map();

/** By reporter: how much each of its series grew within the window. `groupOf`: series that one process starts again together (a histogram's buckets). */
export function increasesIn(window: Window, groupOf: (series: Series) => string = (series) => series): Counters {
  const ends = endsOf(window);
  const counted = new Map<Reporter, ReadonlyMap<Series, number>>();
  for (const reporter of onePerPod([...ends.keys()], window.base)) {
    const origin = originOf(reporter, window);
    if (origin) counted.set(reporter, increases(origin, ends.get(reporter)!, groupOf));
  }
  return counted;
}

/** Reporters of the window's end of which its beginning says nothing: new ones, or old ones that were out of sight. */
export function unknownReporters(window: Omit<Window, "seenBefore">): readonly Reporter[] {
  return [...endsOf(window).keys()].filter((reporter) => !window.base.scrapes.has(reporter));
}

/** True where a series of the first is missing in the second. */
export function hasLost(before: Counters, after: Counters, kind: ReporterKind): boolean {
  return [...before].some(([reporter, series]) => kindOf(reporter) === kind && [...series.keys()].some((one) => !after.get(reporter)?.has(one)));
}

function endsOf({ kind, head, vanished }: Pick<Window, "kind" | "head" | "vanished">): Counters {
  const reporters = new Set([...head.counters.keys(), ...vanished.keys()].filter((reporter) => kindOf(reporter) === kind));
  return new Map([...reporters].map((reporter) => [reporter, new Map([...(vanished.get(reporter) ?? []), ...(head.counters.get(reporter) ?? [])])]));
}

/** A pod that is scraped twice (two jobs, two ports) tells the same requests twice: one telling counts, rather one that the window's beginning knows. */
function onePerPod(reporters: readonly Reporter[], base: Snapshot): readonly Reporter[] {
  const known = (reporter: Reporter): number => (base.scrapes.has(reporter) ? 0 : 1);
  const chosen = new Map<string, Reporter>();
  for (const reporter of reporters.toSorted((a, b) => known(a) - known(b) || (a < b ? -1 : 1))) {
    if (!chosen.has(podOf(reporter))) chosen.set(podOf(reporter), reporter);
  }
  return [...chosen.values()];
}

/**
 * What a reporter's counters are counted from; undefined where that is unknown, so that it becomes an origin only for later windows.
 * A series that appears on a reporter that was seen counts from 0 (a proxy creates it with the first such request), and so do all series of a new reporter.
 */
function originOf(reporter: Reporter, { base, inForceAtMs, seenBefore }: Window): ReadonlyMap<Series, number> | undefined {
  const scrape = base.scrapes.get(reporter);
  if (!scrape) return seenBefore.has(reporter) ? undefined : NOTHING;
  return scrape.atMs >= inForceAtMs ? (base.counters.get(reporter) ?? NOTHING) : undefined;
}

/** A counter that fell was started again: then everything that it shows has come since. */
function increases(origin: ReadonlyMap<Series, number>, end: ReadonlyMap<Series, number>, groupOf: (series: Series) => string): ReadonlyMap<Series, number> {
  const fell = [...end].filter(([series, value]) => value < (origin.get(series) ?? 0));
  const restarted = new Set(fell.map(([series]) => groupOf(series)));
  return new Map([...end].map(([series, value]) => [series, Math.round(restarted.has(groupOf(series)) ? value : value - (origin.get(series) ?? 0))]));
}
