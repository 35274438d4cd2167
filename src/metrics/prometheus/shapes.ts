/** The queries behind the built-ins: each asks for many Rollouts at once, and reads each one's share out of the answer. */
import { promqlString, regexOf } from "../../rollout/analysis/query-variables.ts";
import type { Answer, Sample } from "./answer.ts";
import type { Counters, Reporter, ReporterKind, Scrape, Scrapes, Series, Snapshot } from "./snapshot.ts";

/** Whose telemetry is asked for: the workloads of the two sides in one namespace. */
export interface Names {
  readonly namespace: string;
  readonly canary: readonly string[];
  readonly stable: readonly string[];
}

/** A query that differs from one Rollout to the next only in names. */
export interface Shape<T> {
  /** Two shapes with the same id ask the same. */
  readonly id: string;
  promql(all: readonly Names[]): string;
  /** Sorts an answer once, then gives each its own. */
  reader(answer: Answer): (names: Names) => T;
  /** How many numbers are in a result, about. */
  weight(result: T): number;
}

/** A built-in's counters. */
export interface CounterMetric {
  readonly id: "requests" | "durations";
  readonly metric: string;
  /** Labels that tell one reporter's series apart, the workload aside. */
  readonly labels: readonly string[];
  /** Further matchers that pick one series per label set, for the time of the scrape alone. */
  readonly thin: string;
}

export const REQUESTS: CounterMetric = {
  id: "requests",
  metric: "istio_requests_total",
  labels: ["response_code", "request_protocol", "grpc_response_status"],
  thin: "",
};

export const DURATIONS: CounterMetric = { id: "durations", metric: "istio_request_duration_milliseconds_bucket", labels: ["le"], thin: ',le="+Inf"' };

const REPORTER_LABELS = ["reporter", "namespace", "pod", "instance", "job"];
const WORKLOAD_LABELS = ["destination_workload_namespace", "destination_workload"];
/** Marks the rows that tell when a reporter was scraped. */
const ROW_LABEL = "weir_row";

/** How far back a reporter may have been out of sight and still not pass for a new one. */
const SEEN_BEFORE = "1h";
/** Points at which a window is searched for the last values of series that went away. */
const TAIL_POINTS = 120;
const SHORTEST_TAIL_STEP_MS = 500;

/** The counters at an instant, and when each reporter was scraped. */
export function snapshotShape(counter: CounterMetric): Shape<Snapshot> {
  return {
    id: `${counter.id}/snapshot`,
    promql: (all) => {
      const scrapes = `max by (${[...REPORTER_LABELS, ...WORKLOAD_LABELS].join(",")}) (timestamp(${counter.metric}{${selectorOf(all, bothSides)}${counter.thin}}))`;
      return `${countersQuery(counter, all)} or label_replace(${scrapes},"${ROW_LABEL}","scrape","","")`;
    },
    reader: (answer) => {
      const rows = sortRows(answer);
      return (names) => ({ scrapes: scrapesIn(rows, names), counters: countersIn(rows, names, counter.labels) });
    },
    weight: ({ scrapes, counters }) => scrapes.size + countersWeight(counters),
  };
}

/** The newest values inside (instant - windowMs, instant] of series that may have gone away before the instant. */
export function tailShape(counter: CounterMetric, windowMs: number): Shape<Counters> {
  const stepMs = Math.max(SHORTEST_TAIL_STEP_MS, Math.ceil(windowMs / TAIL_POINTS));
  return {
    id: `${counter.id}/tail/${windowMs}`,
    promql: (all) => `last_over_time(${countersQuery(counter, all)}[${windowMs}ms:${stepMs}ms])`,
    reader: (answer) => {
      const rows = sortRows(answer);
      return (names) => countersIn(rows, names, counter.labels);
    },
    weight: countersWeight,
  };
}

/** Everyone who has reported requests to the canary within the hour before the instant. */
export function seenBeforeShape(counter: CounterMetric): Shape<ReadonlySet<Reporter>> {
  return {
    id: `${counter.id}/seen-before`,
    promql: (all) =>
      `group by (${[...REPORTER_LABELS, ...WORKLOAD_LABELS].join(",")}) (present_over_time(${counter.metric}{${selectorOf(all, canarySide)}${counter.thin}}[${SEEN_BEFORE}]))`,
    reader: (answer) => {
      const rows = sortRows(answer);
      return (names) => new Set(rows(names, canarySide, "counter").map(reporterOf));
    },
    weight: (reporters) => reporters.size,
  };
}

/** When any proxy's requests were scraped last, in milliseconds; undefined: none is. */
export const NEWEST_SCRAPE: Shape<number | undefined> = {
  id: "newest-scrape",
  promql: () => `max(timestamp(${REQUESTS.metric}))`,
  reader: (answer) => {
    const [newest] = answer.samples;
    return () => newest && Math.round(newest.value * 1_000);
  },
  weight: () => 1,
};

/** The canary's counters as people can paste them; what is judged are the differences of their values. */
export function displayQuery(counter: CounterMetric, names: Names, kind: ReporterKind | undefined): string {
  return `sum by (${counter.labels[0]}) (${counter.metric}{${selectorOf([names], canarySide, kind)}})`;
}

function countersQuery(counter: CounterMetric, all: readonly Names[]): string {
  return `sum by (${[...REPORTER_LABELS, ...WORKLOAD_LABELS, ...counter.labels].join(",")}) (${counter.metric}{${selectorOf(all, canarySide)}})`;
}

type Side = (names: Names) => readonly string[];

const canarySide: Side = ({ canary }) => canary;
export const bothSides: Side = ({ canary, stable }) => [...canary, ...stable];

/** Matches every pair of a namespace and a workload that is asked for; where Rollouts of several namespaces are asked for together, also others. */
function selectorOf(all: readonly Names[], side: Side, kind?: ReporterKind): string {
  const namespaces = [...new Set(all.map(({ namespace }) => namespace))];
  const workloads = [...new Set(all.flatMap(side))];
  const reporter = kind ? `reporter="${kind}"` : 'reporter=~"source|destination"';
  return `${reporter},destination_workload_namespace=~${promqlString(regexOf(namespaces))},destination_workload=~${promqlString(regexOf(workloads))}`;
}

/** One kind of row of these workloads of one Rollout. */
type Rows = (names: Names, side: Side, row: "counter" | "scrape") => readonly Sample[];

function sortRows(answer: Answer): Rows {
  const rows = new Map<string, Sample[]>();
  for (const sample of answer.samples) {
    const { labels } = sample;
    const key = `${labels[ROW_LABEL] ?? "counter"} ${labels.destination_workload_namespace}/${labels.destination_workload}`;
    const known = rows.get(key);
    if (known) known.push(sample);
    else rows.set(key, [sample]);
  }
  return (names, side, row) => [...new Set(side(names))].flatMap((workload) => rows.get(`${row} ${names.namespace}/${workload}`) ?? []);
}

function scrapesIn(rows: Rows, names: Names): Scrapes {
  const scrapes = new Map<Reporter, Scrape>();
  for (const sample of rows(names, bothSides, "scrape")) {
    const reporter = reporterOf(sample);
    const known = scrapes.get(reporter);
    const ofCanary = known?.ofCanary === true || names.canary.includes(sample.labels.destination_workload ?? "");
    scrapes.set(reporter, { atMs: Math.max(known?.atMs ?? 0, Math.round(sample.value * 1_000)), ofCanary });
  }
  return scrapes;
}

function countersIn(rows: Rows, names: Names, labels: readonly string[]): Counters {
  const counters = new Map<Reporter, Map<Series, number>>();
  for (const sample of rows(names, canarySide, "counter")) {
    const reporter = reporterOf(sample);
    const series = counters.get(reporter) ?? new Map<Series, number>();
    counters.set(reporter, series.set(seriesOf(sample, labels), sample.value));
  }
  return counters;
}

function countersWeight(counters: Counters): number {
  return [...counters.values()].reduce((sum, series) => sum + series.size, 1);
}

function reporterOf({ labels }: Sample): Reporter {
  return REPORTER_LABELS.map((label) => labels[label] ?? "").join("\n");
}

function seriesOf({ labels }: Sample, names: readonly string[]): Series {
  return ["destination_workload", ...names].map((label) => labels[label] ?? "").join("\n");
}
