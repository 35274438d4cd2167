/** The rows of an answer about proxies' counters: whose each is, and what it says. */
import type { Answer, Sample } from "./answer.ts";
import { inSharedWords, type CounterMetric } from "./dialect.ts";
import { PrometheusError } from "./prometheus-error.ts";
import type { Counters, Reporter, Scrape, Scrapes, Series } from "./snapshot.ts";

/** What tells two Prometheus apart that scrape the same pods, where one answer holds what both have seen. */
const REPLICA_LABELS = ["prometheus", "prometheus_replica", "replica", "receive_replica", "__replica__"];
export const REPORTER_LABELS: readonly string[] = ["reporter", "namespace", "pod", "instance", "job", ...REPLICA_LABELS];
/** One scrape's: the instance comes first. */
export const TARGET_LABELS: readonly string[] = ["instance", "job", ...REPLICA_LABELS];
/** Marks rows that are no counters. */
export const ROW_LABEL = "weir_row";

export type RowKind = "counter" | "scrape" | "history";

/** One kind of row about requests to these workloads of one namespace. Throws a PrometheusError where one of them is no number: such a snapshot must not be remembered. */
export type Rows = (namespace: string, workloads: readonly string[], row: RowKind) => readonly Sample[];

/** Sorts an answer once, for all who have asked. */
export function sortRows({ samples }: Answer, counter: Pick<CounterMetric, "forms">): Rows {
  const rows = new Map<string, Sample[]>();
  for (const { labels: asScraped, value } of samples) {
    const labels = inSharedWords(asScraped, counter);
    const sample = { labels, value };
    const key = `${labels[ROW_LABEL] ?? "counter"} ${labels.destination_workload_namespace}/${labels.destination_workload ?? ""}`;
    const known = rows.get(key);
    if (known) known.push(sample);
    else rows.set(key, [sample]);
  }
  return (namespace, workloads, row) => {
    const found = [...new Set(workloads)].flatMap((workload) => rows.get(`${row} ${namespace}/${workload}`) ?? []);
    if (!found.every(({ value }) => Number.isFinite(value))) throw new PrometheusError("notANumber");
    return found;
  };
}

export function scrapesIn(rows: readonly Sample[], canary: readonly string[]): Scrapes {
  const scrapes = new Map<Reporter, Scrape>();
  for (const sample of rows) {
    const reporter = reporterOf(sample);
    const known = scrapes.get(reporter);
    const ofCanary = known?.ofCanary === true || canary.includes(sample.labels.destination_workload ?? "");
    scrapes.set(reporter, { atMs: Math.max(known?.atMs ?? 0, Math.round(sample.value * 1_000)), ofCanary });
  }
  return scrapes;
}

/** `labels`: those that tell one reporter's series apart, the workload aside. */
export function countersIn(rows: readonly Sample[], labels: readonly string[]): Counters {
  const counters = new Map<Reporter, Map<Series, number>>();
  for (const sample of rows) {
    const reporter = reporterOf(sample);
    const series = counters.get(reporter) ?? new Map<Series, number>();
    const one = seriesOf(sample, labels);
    counters.set(reporter, series.set(one, (series.get(one) ?? 0) + sample.value)); // owners of two kinds may share a name
  }
  return counters;
}

/** To which workloads each has reported requests. */
export function workloadsByReporter(rows: readonly Sample[]): ReadonlyMap<Reporter, ReadonlySet<string>> {
  const seen = new Map<Reporter, Set<string>>();
  for (const sample of rows) {
    const reporter = reporterOf(sample);
    seen.set(reporter, (seen.get(reporter) ?? new Set()).add(sample.labels.destination_workload ?? ""));
  }
  return seen;
}

export function countersWeight(counters: Counters): number {
  return [...counters.values()].reduce((sum, series) => sum + series.size, 1);
}

export function reporterOf({ labels }: Pick<Sample, "labels">): Reporter {
  return REPORTER_LABELS.map((label) => labels[label] ?? "").join("\n");
}

export function seriesOf({ labels }: Pick<Sample, "labels">, names: readonly string[]): Series {
  return ["destination_workload", ...names].map((label) => labels[label] ?? "").join("\n");
}
