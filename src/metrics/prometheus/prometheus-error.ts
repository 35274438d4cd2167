/** What may go wrong between us and a Prometheus, as one sentence that holds no secret, no URL and nothing that the server said. */

export type PrometheusErrorKind =
  /** No connection, or it broke. */
  | "unreachable"
  /** No whole answer before the deadline. */
  | "timeout"
  /** TLS: the certificate was not accepted. */
  | "certificate"
  /** HTTP 401 or 403. */
  | "unauthorized"
  | "redirected"
  /** The server is there and cannot answer now (429, 5xx). */
  | "unavailable"
  /** An answer that no Prometheus gives: HTML, a wrong shape, 404. */
  | "notPrometheus"
  /** The query does not parse, or is too long to be sent. */
  | "badQuery"
  /** The query parses and cannot be executed: too many samples, ambiguous matching. */
  | "execution"
  | "tooLarge"
  /** Parts of the answer are missing (Thanos, remote read). */
  | "partial"
  /** NaN or an infinity where requests are counted. */
  | "notANumber"
  /** The spec cannot be acted on: a host that is not admitted, a Secret that is not there. */
  | "configuration";

const SENTENCES: Readonly<Record<PrometheusErrorKind, string>> = {
  unreachable: "Prometheus could not be reached: check that it runs and that analysis.prometheus.url names it",
  timeout: "Prometheus gave no whole answer before the deadline: it hangs or is overloaded",
  certificate: "Prometheus' TLS certificate was not accepted: name the CA that signed it in analysis.prometheus.auth.ca",
  unauthorized: "Prometheus refused the credentials: check analysis.prometheus.auth",
  redirected: "Prometheus answered with a redirect, which is not followed: give the final address in analysis.prometheus.url",
  unavailable: "Prometheus is there and cannot answer now",
  notPrometheus: "the answer is not Prometheus': a login page, a proxy or a wrong path may stand at analysis.prometheus.url",
  badQuery: "Prometheus could not parse the query: try it in Prometheus' own page",
  execution: "Prometheus could not execute the query: it matches too many samples, or its sides do not fit each other",
  tooLarge: "the answer is larger than is read: aggregate the query",
  partial: "Prometheus said that its answer is incomplete, and part of the data is no evidence",
  notANumber: "Prometheus answered NaN or an infinity where requests are counted: look at the counters that are scraped",
  configuration: "the metrics are not configured",
};

const RETRYABLE: readonly PrometheusErrorKind[] = ["unreachable", "timeout", "unavailable", "partial", "notANumber"];
const ABOUT_THE_QUERY: readonly PrometheusErrorKind[] = ["badQuery", "execution", "tooLarge"];

/** Carries no `cause`: those of the HTTP library hold the request's headers, and so its secrets. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
  /** True where the same question may be answered later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(
    readonly kind: PrometheusErrorKind,
    /** Default: the kind's own sentence. `detail` (a code of ours, never of the server's) goes behind it. */
    { sentence = SENTENCES[kind], detail }: { readonly sentence?: string; readonly detail?: string } = {},
  ) {
    super(detail ? `${sentence} (${detail})` : sentence);
    this.retryable = RETRYABLE.includes(kind);
  }

  /** True where a smaller query may succeed. */
  get isAboutTheQuery(): boolean {
    return ABOUT_THE_QUERY.includes(this.kind);
  }
}
