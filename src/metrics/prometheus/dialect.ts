/** How one kind of proxy tells Prometheus of requests; what differs from one to the next is said here, what is made of it stands elsewhere. */
import type { Scope } from "../../rollout/analysis/measurement.ts";
import type { IsBad } from "./error-rate.ts";
import type { ReporterKind, Series } from "./snapshot.ts";

/** Whose telemetry is asked for: the workloads of the two sides in one namespace. */
export interface Names {
  readonly namespace: string;
  readonly canary: readonly string[];
  readonly stable: readonly string[];
}

/** One way in which series say who reports and where the request went. */
export interface ReportForm {
  /** The label by which callers and pods are told apart, and what its values stand for; absent: callers alone report. */
  readonly teller?: { readonly label: string; readonly as: Readonly<Record<string, ReporterKind>> };
  /** The label that holds the namespace of where it went; absent: `workload` is unique without. */
  readonly namespace?: string;
  readonly workload: string;
  /** Further matchers, for series that are no user's requests. */
  readonly besides?: string;
}

/** A built-in's counters. */
export interface CounterMetric {
  /** No two counters share it. */
  readonly id: string;
  readonly metric: string;
  readonly forms: readonly ReportForm[];
  /** Labels that tell one reporter's series apart, the workload aside; people are shown the sums by the first one. */
  readonly labels: readonly string[];
  /** Further matchers that pick one series per label set, for the time of the scrape alone. */
  readonly thin: string;
  /** Series that start again together whatever befalls the others. */
  groupOf(series: Series): string;
  /** Whether the requests of a series failed; absent where that is not told from the series. */
  readonly isBad?: IsBad;
}

export interface Dialect {
  readonly requests: CounterMetric & { readonly isBad: IsBad };
  /** A histogram in milliseconds. */
  readonly durations: CounterMetric;
  namesOf(canary: Scope, stable: Scope): Names;
}

/** The owners of both sides' pods, by name. */
export function workloadNames(canary: Scope, stable: Scope): Names {
  return { namespace: canary.namespace, canary: canary.workloads.toSorted(), stable: stable.workloads.toSorted() };
}

type Labels = Readonly<Record<string, string>>;

/** A row's labels with reporter and destination in the words that all dialects share, which are Istio's. */
export function inSharedWords(labels: Labels, { forms }: Pick<CounterMetric, "forms">): Labels {
  const form = forms.find((one) => fits(labels, one)) ?? forms.find(({ namespace }) => namespace === undefined || labels[namespace] !== undefined);
  if (!form) return labels;
  const reporter = kindIn(labels, form) ?? "";
  if (form.workload === "destination_workload") return reporter === "" || reporter === labels["reporter"] ? labels : { ...labels, reporter };
  return {
    ...labels,
    reporter,
    destination_workload_namespace: form.namespace === undefined ? "" : (labels[form.namespace] ?? ""),
    destination_workload: labels[form.workload] ?? "",
  };
}

function fits(labels: Labels, form: ReportForm): boolean {
  return Boolean(labels[form.workload]) && kindIn(labels, form) !== undefined;
}

function kindIn(labels: Labels, { teller }: ReportForm): ReporterKind | undefined {
  return teller ? teller.as[labels[teller.label] ?? ""] : "source";
}

/** All labels by which the forms say who reports and where a request went. */
export function placeLabels({ forms }: Pick<CounterMetric, "forms">): readonly string[] {
  return [...new Set(forms.flatMap(({ teller, namespace, workload }) => [teller?.label, namespace, workload].filter((label) => label !== undefined)))];
}
