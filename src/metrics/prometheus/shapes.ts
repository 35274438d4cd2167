/** The queries behind the built-ins: each asks for many Rollouts at once, and reads each one's share out of the answer. */
import { promqlString, regexOf } from "../../rollout/analysis/query-variables.ts";
import { answersIn, type Answer } from "./answer.ts";
import { placeLabels, type CounterMetric, type Names, type ReportForm } from "./dialect.ts";
import { failedShareOf } from "./error-rate.ts";
import { droppedIn } from "./path.ts";
import { PAST_MS, PAST_STEP_MS, type PastPoint } from "./past.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { countersIn, countersWeight, REPORTER_LABELS, ROW_LABEL, scrapesIn, sortRows, workloadsByReporter, type Rows } from "./rows.ts";
import { NO_COUNTERS, type Counters, type Reporter, type ReporterKind, type Snapshot } from "./snapshot.ts";

/** A query that differs from one Rollout to the next only in names. */
export interface Shape<T> {
  /** Two shapes with the same id ask the same. */
  readonly id: string;
  /** Evaluated at every step of the time before the instant, instead of at the instant alone. */
  readonly range?: { readonly windowMs: number; readonly stepMs: number };
  promql(all: readonly Names[]): string;
  /** Sorts an answer once, then gives each its own. `instantMs`: as it was asked for. */
  reader(answer: Answer, instantMs: number): (names: Names) => T;
  /** How many numbers are in a result, about; 0: it is not remembered. */
  weight(result: T): number;
  /** Who looks worse is told first; absent: all look alike. */
  suspicion?(result: T): number;
}

/** How far back a reporter may have been out of sight and still not pass for a new one. */
const SEEN_BEFORE = "1h";
/** Points at which a window is searched for what went away inside it. */
const POINTS = 120;
const SHORTEST_STEP_MS = 500;

/** The counters of both sides at an instant, and when each reporter was scraped. */
export function snapshotShape(counter: CounterMetric): Shape<Snapshot> {
  const { isBad } = counter;
  return {
    id: `${counter.id}/snapshot`,
    promql: (all) => snapshotQuery(counter, all, bothSides),
    reader: (answer) => {
      const rows = sortRows(answer, counter);
      return (names) => snapshotIn(rows, names, bothSides, counter);
    },
    weight: ({ scrapes, counters }) => scrapes.size + countersWeight(counters),
    ...(isBad ? { suspicion: ({ counters }) => failedShareOf(counters, isBad) } : {}),
  };
}

/** Stable, step by step, up to the instant. Once in a run, and large: not remembered. */
export function pastShape(counter: CounterMetric): Shape<readonly PastPoint[]> {
  return {
    id: `${counter.id}/past`,
    range: { windowMs: PAST_MS, stepMs: PAST_STEP_MS },
    promql: (all) => snapshotQuery(counter, all, stableSide),
    reader: (answer) => {
      const points = answersIn(answer).map((one) => ({ atMs: one.atMs, rows: sortRows(one.answer, counter) }));
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
      const rows = sortRows(answer, counter);
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
    reader: (answer, instantMs) => {
      const told = answersIn(answer);
      const points = told.map((one) => sortRows(one.answer, counter));
      const atEnd = (told.at(-1)?.atMs ?? -Infinity) < instantMs ? [NO_COUNTERS] : []; // nobody at all is left, of which Prometheus says nothing
      return (names) => droppedIn([...points.map((rows) => countersIn(rowsOf(rows, names, bothSides), counter.labels)), ...atEnd], counter.groupOf);
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
      const seen = `group by (${reportersIn(counter)}) (${selectorsOf(counter, all, bothSides, counter.thin).map((selector) => `present_over_time(${selector}[${SEEN_BEFORE}])`).join(" or ")})`;
      const history = historiesOf(counter, all, reachMs).join(" or ");
      return `${seen} or on (${ROW_LABEL}) label_replace(${history},"${ROW_LABEL}","history","","")`;
    },
    reader: (answer) => {
      const rows = sortRows(answer, counter);
      return (names) => ({ reporters: workloadsByReporter(rowsOf(rows, names, bothSides)), reachesBack: rows(names.namespace, [""], "history").length > 0 });
    },
    weight: ({ reporters }) => reporters.size + 1,
  };
}

/** When any proxy's counters were scraped last, in milliseconds; undefined: none is. */
export function newestScrapeShape({ id, metric }: CounterMetric): Shape<number | undefined> {
  return {
    id: `${id}/newest-scrape`,
    promql: () => `max(timestamp(${metric}))`,
    reader: (answer) => {
      const [newest] = answer.samples;
      if (newest && !Number.isFinite(newest.value)) throw new PrometheusError("notANumber");
      return () => newest && Math.round(newest.value * 1_000);
    },
    weight: () => 1,
  };
}

/** The canary's counters as people can paste them; what is judged are the differences of their values. */
export function displayQuery(counter: CounterMetric, names: Names, kind: ReporterKind | undefined): string {
  return `sum by (${counter.labels[0]}) (${selectorsOf(counter, [names], canarySide, "", kind).join(" or ")})`;
}

/** The series of both sides as they are scraped. */
export function rawSelectors(counter: CounterMetric, names: Names): readonly string[] {
  return selectorsOf(counter, [names], bothSides);
}

function snapshotQuery(counter: CounterMetric, all: readonly Names[], side: Side): string {
  const scrapes = `max by (${reportersIn(counter)}) (${selectorsOf(counter, all, side, counter.thin).map((selector) => `timestamp(${selector})`).join(" or ")})`;
  return `${countersQuery(counter, all, side)} or on (${ROW_LABEL}) label_replace(${scrapes},"${ROW_LABEL}","scrape","","")`;
}

function snapshotIn(rows: Rows, names: Names, side: Side, { labels }: CounterMetric): Snapshot {
  return { scrapes: scrapesIn(rowsOf(rows, names, side, "scrape"), names.canary), counters: countersIn(rowsOf(rows, names, side), labels) };
}

function countersQuery(counter: CounterMetric, all: readonly Names[], side: Side): string {
  return `sum by (${[reportersIn(counter), ...counter.labels].join(",")}) (${selectorsOf(counter, all, side).join(" or ")})`;
}

/** The labels that say who reports, and to which workload the request went. */
function reportersIn(counter: CounterMetric): string {
  return [...new Set([...REPORTER_LABELS, ...placeLabels(counter)])].join(",");
}

type Side = (names: Names) => readonly string[];

const canarySide: Side = ({ canary }) => canary;
const stableSide: Side = ({ stable }) => stable;
export const bothSides: Side = ({ canary, stable }) => [...canary, ...stable];

/**
 * One for each form of report: no series fits two. They match every pair of a namespace and a workload that is asked for; where Rollouts of several
 * namespaces are asked for together, also others.
 */
function selectorsOf({ metric, forms }: CounterMetric, all: readonly Names[], side: Side, thin = "", kind?: ReporterKind): readonly string[] {
  const workloads = promqlString(regexOf([...new Set(all.flatMap(side))]));
  return forms.flatMap((form) => {
    const tellers = tellerMatcher(form, kind);
    const matchers = [tellers, namespaceMatcher(form, all), `${form.workload}=~${workloads}`, form.besides].filter(Boolean);
    return tellers === undefined ? [] : [`${metric}{${matchers.join(",")}${thin}}`];
  });
}

/** Empty: nothing needs to be matched; undefined: none of the form reports so. */
function tellerMatcher({ teller }: ReportForm, kind: ReporterKind | undefined): string | undefined {
  if (!teller) return kind === "destination" ? undefined : "";
  const values = Object.keys(teller.as).filter((value) => kind === undefined || teller.as[value] === kind);
  if (values.length === 0) return undefined;
  return values.length === 1 ? `${teller.label}="${values[0]}"` : `${teller.label}=~"${values.join("|")}"`;
}

function namespaceMatcher({ namespace }: ReportForm, all: readonly Names[]): string {
  return namespace === undefined ? "" : `${namespace}=~${promqlString(regexOf([...new Set(all.map((names) => names.namespace))]))}`;
}

/** Whether anything of a namespace was known so long before, for each label that names one. */
function historiesOf({ metric, forms, thin }: CounterMetric, all: readonly Names[], reachMs: number): readonly string[] {
  return [...new Set(forms.map((form) => `group by (${form.namespace ?? ""}) (${metric}{${namespaceMatcher(form, all)}${thin}} offset ${reachMs}ms)`))];
}

function rowsOf(rows: Rows, names: Names, side: Side, row: "counter" | "scrape" = "counter") {
  return rows(names.namespace, side(names), row);
}
