/** Pods between two snapshots, each counted once however many scrape it: pure arithmetic on counters. */
import { kindOf, podOf, type Counters, type Reporter, type ReporterKind, type Series, type Snapshot } from "./snapshot.ts";

/** One pod (of a caller, where callers report), told of by one scraped target or several: jobs, ports, Prometheus replicas. */
export interface Pod {
  /** Those that the beginning knows; where it knows none, all. Never a new one beside an old one, which may show series that the old one does not. */
  readonly tellings: readonly Reporter[];
  /** Its newest scrape at the beginning; absent: nothing was known of it. */
  readonly baseAtMs?: number;
  /** Its newest scrape at the end; absent: it has gone away. */
  readonly headAtMs?: number;
}

/** Everything that is known about what happened between two instants. */
export interface Passage {
  readonly base: Snapshot;
  readonly head: Snapshot;
  /** What counters had reached when they went out of sight or started again in between, of pods that have fallen. */
  readonly dropped: Counters;
}

/** Scrapes so close may overtake each other on their way. */
const SIMULTANEOUS_MS = 1_000;

export function podsOf({ base, head }: Pick<Passage, "base" | "head">, kind: ReporterKind): readonly Pod[] {
  const pods = new Map<string, Set<Reporter>>();
  for (const reporter of [...base.scrapes.keys(), ...head.scrapes.keys()]) {
    if (kindOf(reporter) === kind) pods.set(podOf(reporter), (pods.get(podOf(reporter)) ?? new Set()).add(reporter));
  }
  return [...pods.values()].map((reporters) => {
    const known = ofOneLife([...reporters].filter((reporter) => base.scrapes.has(reporter)), base);
    const tellings = known.length > 0 ? known : [...reporters];
    return { tellings, ...newestOf("baseAtMs", tellings, base), ...newestOf("headAtMs", tellings, head) };
  });
}

/** Without those that tell of the process before it started again, which the newest one has seen already. */
function ofOneLife(tellings: readonly Reporter[], { scrapes, counters }: Snapshot): readonly Reporter[] {
  const atMs = (reporter: Reporter): number => scrapes.get(reporter)?.atMs ?? 0;
  const newest = tellings.reduce((a, b) => (atMs(b) > atMs(a) ? b : a), "");
  const values = counters.get(newest);
  return tellings.filter((reporter) => {
    const isAhead = [...(counters.get(reporter) ?? [])].some(([series, value]) => value > (values?.get(series) ?? Infinity));
    return !isAhead || atMs(newest) - atMs(reporter) < SIMULTANEOUS_MS;
  });
}

function newestOf(name: "baseAtMs" | "headAtMs", tellings: readonly Reporter[], { scrapes }: Snapshot): Partial<Pod> {
  const times = tellings.flatMap((reporter) => scrapes.get(reporter)?.atMs ?? []);
  return times.length > 0 ? { [name]: Math.max(...times) } : {};
}

/** True where a counter of it is lower than it was, or not there any more. */
export function hasFallen({ tellings }: Pod, { base, head }: Pick<Passage, "base" | "head">): boolean {
  return tellings.some((reporter) => [...(base.counters.get(reporter) ?? [])].some(([series, value]) => (head.counters.get(reporter)?.get(series) ?? -1) < value));
}

/**
 * True where a counter is lower than it was though nobody has seen it start again, or at once, as no process can: the two snapshots are not of one story,
 * or of two that were put together.
 */
export function contradicts(pod: Pod, passage: Passage): boolean {
  if (pod.baseAtMs === undefined || pod.headAtMs === undefined) return false;
  if (pod.headAtMs - pod.baseAtMs < SIMULTANEOUS_MS && hasFallen(pod, passage)) return true;
  return seriesOf(pod, passage).some((series) => endOf(pod, series, passage) < originOf(pod, series, passage));
}

/**
 * How much each series grew. All tellings are about one process, so the furthest one of each end is where it stood: whichever of them is a scrape
 * behind, or goes away, nothing is counted twice, and the next passage goes on where this one ends.
 */
export function increasesOf(pod: Pod, passage: Passage): ReadonlyMap<Series, number> {
  return new Map(seriesOf(pod, passage).map((series) => [series, Math.max(0, Math.round(endOf(pod, series, passage) - originOf(pod, series, passage)))]));
}

function seriesOf({ tellings }: Pod, { base, head, dropped }: Passage): readonly Series[] {
  return [...new Set(tellings.flatMap((reporter) => [base.counters, head.counters, dropped].flatMap((counters) => [...(counters.get(reporter)?.keys() ?? [])])))];
}

function endOf({ tellings }: Pod, series: Series, { base, head, dropped }: Passage): number {
  return Math.max(...tellings.map((reporter) => {
    const [before, lost, now] = [base.counters, dropped, head.counters].map((counters) => counters.get(reporter)?.get(series) ?? 0) as [number, number, number];
    return now + (lost > 0 ? Math.max(lost, before) : 0);
  }));
}

/** A series that appears on a pod that was seen counts from 0: a proxy creates it with the first such request. So do all series of a new pod. */
function originOf({ tellings }: Pod, series: Series, { base }: Passage): number {
  return Math.max(...tellings.map((reporter) => base.counters.get(reporter)?.get(series) ?? 0));
}
