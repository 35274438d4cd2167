/** The counters of a canary and of stable as they stood at one instant, by who reported them. */

/** Istio's sidecars count each request twice: where it is sent, and where it arrives. */
export type ReporterKind = "source" | "destination";

/** One scraped proxy, one kind of report: kind, namespace, pod, instance, job and what tells several Prometheus apart, joined by line breaks. */
export type Reporter = string;

/** What tells a reporter's counters apart, joined by line breaks: workload and codes, or workload and bucket. */
export type Series = string;

export type Counters = ReadonlyMap<Reporter, ReadonlyMap<Series, number>>;

export interface Scrape {
  /** Time of the newest sample at or before the instant. */
  readonly atMs: number;
  /** True where it reports requests to the canary. */
  readonly ofCanary: boolean;
}

export type Scrapes = ReadonlyMap<Reporter, Scrape>;

export interface Snapshot {
  /** Everyone who reports requests to the canary or to stable. */
  readonly scrapes: Scrapes;
  /** Of requests to either side, or to the one that is looked at. */
  readonly counters: Counters;
}

export const NO_COUNTERS: Counters = new Map();

export function kindOf(reporter: Reporter): ReporterKind {
  return reporter.startsWith("source\n") ? "source" : "destination";
}

/** Only the series about requests to these workloads; who has none is left out. */
export function ofWorkloads(counters: Counters, workloads: readonly string[]): Counters {
  const chosen = [...counters].map(([reporter, series]) => [reporter, new Map([...series].filter(([one]) => workloads.includes(workloadOf(one))))] as const);
  return new Map(chosen.filter(([, series]) => series.size > 0));
}

export function workloadOf(series: Series): string {
  return series.slice(0, series.indexOf("\n"));
}

/** The same for every target that a pod is scraped at, by whichever Prometheus; without a pod label, for every job that scrapes an instance. */
export function podOf(reporter: Reporter): string {
  const [kind, namespace, pod, instance] = reporter.split("\n");
  return pod ? `${kind}\n${namespace}\n${pod}` : `${kind}\n${instance}`;
}

/**
 * Who is believed: `source` (the caller's proxy, which also sees refused connections, and counts a retried request once) where there is any,
 * else `destination`. Told from the scrapes at a window's beginning, it stays the same while the window begins there.
 */
export function reporterKindOf(scrapes: Scrapes): ReporterKind | undefined {
  const kinds = new Set([...scrapes.keys()].map(kindOf));
  if (kinds.has("source")) return "source";
  return kinds.size > 0 ? "destination" : undefined;
}

/** Those whose scrapes can bring news about the canary: every caller; where callers do not report, the canary's own pods, or else stable's. */
export function relevantScrapes(scrapes: Scrapes, kind: ReporterKind): Scrapes {
  const ofKind = [...scrapes].filter(([reporter]) => kindOf(reporter) === kind);
  const ofCanary = ofKind.filter(([, scrape]) => scrape.ofCanary);
  return new Map(kind === "destination" && ofCanary.length > 0 ? ofCanary : ofKind);
}
