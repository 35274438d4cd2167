/** The queries behind the built-ins: each asks for many Rollouts at once, and reads each one's share out of the answer. */
import { promqlString, regexOf } from "../../rollout/analysis/query-variables.ts";
import { answersIn, type Answer } from "./answer.ts";
import { failedShareOf } from "./error-rate.ts";
import { histogramOf } from "./latency.ts";
import { droppedIn } from "./path.ts";
import { PAST_MS, PAST_STEP_MS, type PastPoint } from "./past.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { countersIn, countersWeight, REPORTER_LABELS, ROW_LABEL, scrapesIn, sortRows, WORKLOAD_LABELS, workloadsByReporter, type Rows } from "./rows.ts";
import type { Counters, Reporter, ReporterKind, Series, Snapshot } from "./snapshot.ts";

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
  /** Evaluated at every step of the time before the instant, instead of at the instant alone. */
  readonly range?: { readonly windowMs: number; readonly stepMs: number };
  promql(all: readonly Names[]): string;
  /** Sorts an answer once, then gives each its own. */
  reader(answer: Answer): (names: Names) => T;
  /** How many numbers are in a result, about; 0: it is not remembered. */
  weight(result: T): number;
  /** Who looks worse is told first; absent: all look alike. */
  suspicion?(result: T): number;
}

/** A built-in's counters. */
export interface CounterMetric {
  readonly id: "requests" | "durations";
  readonly metric: string;
  /** Labels that tell one reporter's series apart, the workload aside. */
  readonly labels: readonly string[];
  /** Further matchers that pick one series per label set, for the time of the scrape alone. */
  readonly thin: string;
  /** Series that start again together whatever befalls the others. */
  groupOf(series: Series): string;
}

export const REQUESTS: CounterMetric = {
  id: "requests",
  metric: "istio_requests_total",
  labels: ["response_code", "request_protocol", "grpc_response_status"],
  thin: "",
  groupOf: (series) => series,
};

export const DURATIONS: CounterMetric = {
  id: "durations",
  metric: "istio_request_duration_milliseconds_bucket",
  labels: ["le"],
  thin: ',le="+Inf"',
  groupOf: histogramOf,
};

/** How far back a reporter may have been out of sight and still not pass for a new one. */
const SEEN_BEFORE = "1h";
/** Points at which a window is searched for what went away inside it. */
const POINTS = 120;
const SHORTEST_STEP_MS = 500;

/** The counters of both sides at an instant, and when each reporter was scraped. */
export function snapshotShape(counter: CounterMetric): Shape<Snapshot> {
  return {
    id: `${counter.id}/snapshot`,
    promql: (all) => snapshotQuery(counter, all, bothSides),
    reader: (answer) => {
      const rows = sortRows(answer);
      return (names) => snapshotIn(rows, names, bothSides, counter);
    },
    weight: ({ scrapes, counters }) => scrapes.size + countersWeight(counters),
    ...(counter.id === "requests" ? { suspicion: ({ counters }) => failedShareOf(counters) } : {}),
  };
}

/** Stable, step by step, up to the instant. Once in a run, and large: not remembered. */
export function pastShape(counter: CounterMetric): Shape<readonly PastPoint[]> {
  return {
    id: `${counter.id}/past`,
    range: { windowMs: PAST_MS, stepMs: PAST_STEP_MS },
    promql: (all) => snapshotQuery(counter, all, stableSide),
    reader: (answer) => {
      const points = answersIn(answer).map((one) => ({ atMs: one.atMs, rows: sortRows(one.answer) }));
      return (names) => points.map(({ atMs, rows }) => ({ atMs, snapshot: snapshotIn(rows, names, stableSide, counter) }));
    },
    weight: () => 0,
  };
}

/** The newest values inside (instant - windowMs, instant] of the canary's series, which may have gone away before the instant. */
export function tailShape(counter: CounterMetric, windowMs: number): Shape<Counters> {
  return {
    id: `${counter.id}/tail/${windowMs}`,
    promql: (all) => `last_over_time(${countersQuery(counter, all, canarySide)}[${windowMs}ms:${tailStepMs(windowMs)}ms])`,
    reader: (answer) => {
      const rows = sortRows(answer);
      return (names) => countersIn(rowsOf(rows, names, canarySide), counter.labels);
    },
    weight: countersWeight,
  };
}

/** Between the points, at multiples of it, at which a window is searched. */
export function tailStepMs(windowMs: number): number {
  return Math.max(SHORTEST_STEP_MS, Math.ceil(windowMs / POINTS));
}

/** What both sides' counters had reached whenever they went out of sight or started again inside [instant - windowMs, instant]. */
export function droppedShape(counter: CounterMetric, windowMs: number): Shape<Counters> {
  return {
    id: `${counter.id}/dropped/${windowMs}`,
    range: { windowMs, stepMs: stepWithin(windowMs) },
    promql: (all) => countersQuery(counter, all, bothSides),
    reader: (answer) => {
      const points = answersIn(answer).map((one) => sortRows(one.answer));
      return (names) => droppedIn(points.map((rows) => countersIn(rowsOf(rows, names, bothSides), counter.labels)), counter.groupOf);
    },
    weight: countersWeight,
  };
}

/** Meets both ends of the window, so that what happened between two snapshots is seen however coarse it is. */
export function stepWithin(windowMs: number): number {
  for (let points = Math.min(POINTS, Math.floor(windowMs / SHORTEST_STEP_MS)); points > 1; points--) {
    if (windowMs % points === 0) return windowMs / points;
  }
  return windowMs;
}

/** What was known of a namespace's reporters before an instant. */
export interface SeenBefore {
  /** To which of the two sides' workloads each has reported requests within the hour before. */
  readonly reporters: ReadonlyMap<Reporter, ReadonlySet<string>>;
  /** True where the namespace's telemetry reaches back as far as was asked: who existed then would have been seen. */
  readonly reachesBack: boolean;
}

/** One query, so that one Prometheus answers both: of two behind one address the other may have a longer memory. */
export function seenBeforeShape(counter: CounterMetric, reachMs: number): Shape<SeenBefore> {
  return {
    id: `${counter.id}/seen-before/${reachMs}`,
    promql: (all) => {
      const seen = `group by (${[...REPORTER_LABELS, ...WORKLOAD_LABELS].join(",")}) (present_over_time(${counter.metric}{${selectorOf(all, bothSides)}${counter.thin}}[${SEEN_BEFORE}]))`;
      const history = `group by (destination_workload_namespace) (${counter.metric}{${namespaceMatcher(all)}${counter.thin}} offset ${reachMs}ms)`;
      return `${seen} or on (${ROW_LABEL}) label_replace(${history},"${ROW_LABEL}","history","","")`;
    },
    reader: (answer) => {
      const rows = sortRows(answer);
      return (names) => ({ reporters: workloadsByReporter(rowsOf(rows, names, bothSides)), reachesBack: rows(names.namespace, [""], "history").length > 0 });
    },
    weight: ({ reporters }) => reporters.size + 1,
  };
}

/** When any proxy's requests were scraped last, in milliseconds; undefined: none is. */
export const NEWEST_SCRAPE: Shape<number | undefined> = {
  id: "newest-scrape",
  promql: () => `max(timestamp(${REQUESTS.metric}))`,
  reader: (answer) => {
    const [newest] = answer.samples;
    if (newest && !Number.isFinite(newest.value)) throw new PrometheusError("notANumber");
    return () => newest && Math.round(newest.value * 1_000);
  },
  weight: () => 1,
};

/** The canary's counters as people can paste them; what is judged are the differences of their values. */
export function displayQuery(counter: CounterMetric, names: Names, kind: ReporterKind | undefined): string {
  return `sum by (${counter.labels[0]}) (${counter.metric}{${selectorOf([names], canarySide, kind)}})`;
}

/** The series of both sides as they are scraped. */
export function rawSelector({ metric }: CounterMetric, names: Names): string {
  return `${metric}{${selectorOf([names], bothSides)}}`;
}

function snapshotQuery(counter: CounterMetric, all: readonly Names[], side: Side): string {
  const scrapes = `max by (${[...REPORTER_LABELS, ...WORKLOAD_LABELS].join(",")}) (timestamp(${counter.metric}{${selectorOf(all, side)}${counter.thin}}))`;
  return `${countersQuery(counter, all, side)} or on (${ROW_LABEL}) label_replace(${scrapes},"${ROW_LABEL}","scrape","","")`;
}

function snapshotIn(rows: Rows, names: Names, side: Side, { labels }: CounterMetric): Snapshot {
  return { scrapes: scrapesIn(rowsOf(rows, names, side, "scrape"), names.canary), counters: countersIn(rowsOf(rows, names, side), labels) };
}

function countersQuery(counter: CounterMetric, all: readonly Names[], side: Side): string {
  return `sum by (${[...REPORTER_LABELS, ...WORKLOAD_LABELS, ...counter.labels].join(",")}) (${counter.metric}{${selectorOf(all, side)}})`;
}

type Side = (names: Names) => readonly string[];

const canarySide: Side = ({ canary }) => canary;
const stableSide: Side = ({ stable }) => stable;
export const bothSides: Side = ({ canary, stable }) => [...canary, ...stable];

/** Matches every pair of a namespace and a workload that is asked for; where Rollouts of several namespaces are asked for together, also others. */
function selectorOf(all: readonly Names[], side: Side, kind?: ReporterKind): string {
  const workloads = [...new Set(all.flatMap(side))];
  const reporter = kind ? `reporter="${kind}"` : 'reporter=~"source|destination"';
  return `${reporter},${namespaceMatcher(all)},destination_workload=~${promqlString(regexOf(workloads))}`;
}

function namespaceMatcher(all: readonly Names[]): string {
  return `destination_workload_namespace=~${promqlString(regexOf([...new Set(all.map(({ namespace }) => namespace))]))}`;
}

function rowsOf(rows: Rows, names: Names, side: Side, row: "counter" | "scrape" = "counter") {
  return rows(names.namespace, side(names), row);
}
