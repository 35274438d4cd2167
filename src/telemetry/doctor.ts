/** What only the daemon sees, for `weir doctor`: one finding a line, each with what to do. */

export interface Finding {
  readonly check: "daemon" | "redis" | "prometheus" | "clock" | "test message";
  readonly ok: boolean;
  readonly message: string;
}

/** What Prometheus has of one workload's requests in the last five minutes. */
export interface Traffic {
  /** By whose proxies' report. */
  readonly source: string;
  readonly namespace: string;
  readonly workload: string;
  readonly requestsPerSecond: number;
}

export interface Report {
  readonly version: string;
  readonly findings: readonly Finding[];
  /** Absent where Prometheus could not be asked. */
  readonly traffic?: readonly Traffic[];
  /** By source: the counter that was looked for. */
  readonly counters?: Readonly<Record<string, string>>;
}

/** What to ask Prometheus for, and how to read its answer. */
export interface TrafficQuery {
  readonly source: string;
  readonly metric: string;
  readonly promql: string;
  read(samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]): readonly Omit<Traffic, "source">[];
}

export interface DoctorOptions {
  readonly version: string;
  readonly prometheusUrl: string;
  readonly isShared: () => boolean;
  readonly skewMs: () => number | undefined;
  readonly unready: () => readonly string[];
  /** Those that have Rollouts: their traffic is looked for. */
  readonly namespaces: () => readonly string[];
  /** One for each source of telemetry. */
  readonly trafficQueries: (namespaces: readonly string[]) => readonly TrafficQuery[];
  /** Sends a test message to every target of a Rollout (`namespace/name`); a sentence for each. */
  readonly sendTest: (rollout: string) => Promise<readonly { readonly ok: boolean; readonly message: string }[]>;
}

const SKEW_LIMIT_MS = 2_000;
const PROBE_TIMEOUT_MS = 5_000;
const MOST_WORKLOADS = 1_000;

/** `sendTest`: the Rollout whose targets get a test message. */
export function createDoctor(options: DoctorOptions): (sendTest?: string) => Promise<Report> {
  return async (sendTest) => {
    const [answering, traffic, sent] = await Promise.all([prometheus(options), trafficSeen(options), sendTest === undefined ? [] : options.sendTest(sendTest)]);
    const findings = [daemon(options), redis(options), answering, clock(options), ...sent.map((one) => ({ check: "test message" as const, ...one }))];
    return { version: options.version, findings, ...traffic };
  };
}

function daemon({ unready }: DoctorOptions): Finding {
  const reasons = unready();
  return { check: "daemon", ok: reasons.length === 0, message: reasons.length === 0 ? "ready" : reasons.join("; ") };
}

function redis({ isShared }: DoctorOptions): Finding {
  if (isShared()) return { check: "redis", ok: true, message: "answers; ticks are shared between daemons" };
  return { check: "redis", ok: false, message: "does not answer, so each daemon keeps its own time: check WEIR_REDIS_URL and the server" };
}

async function prometheus({ prometheusUrl }: DoctorOptions): Promise<Finding> {
  try {
    const answer = await query(prometheusUrl, "vector(1)");
    await answer.body?.cancel();
    if (answer.ok) return { check: "prometheus", ok: true, message: "answers queries" };
    return { check: "prometheus", ok: false, message: `answered ${answer.status}, 200 was expected: check WEIR_PROMETHEUS_URL` };
  } catch {
    return { check: "prometheus", ok: false, message: "does not answer queries: check WEIR_PROMETHEUS_URL and the server" };
  }
}

function query(prometheusUrl: string, promql: string): Promise<Response> {
  const address = `${prometheusUrl.replace(/\/+$/, "")}/api/v1/query`;
  return fetch(address, { method: "POST", body: new URLSearchParams({ query: promql, limit: String(MOST_WORKLOADS) }), redirect: "error", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
}

/** Of every source that could be asked; where none could, nothing. */
async function trafficSeen({ prometheusUrl, namespaces, trafficQueries }: DoctorOptions): Promise<Pick<Report, "traffic" | "counters">> {
  const queries = trafficQueries(namespaces());
  const answers = await Promise.all(queries.map((one) => trafficOf(one, prometheusUrl).catch(() => undefined)));
  if (answers.every((answer) => answer === undefined)) return {};
  return { traffic: answers.flatMap((answer) => answer ?? []), counters: Object.fromEntries(queries.map(({ source, metric }) => [source, metric])) };
}

interface Answer {
  readonly data: { readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }[] };
}

async function trafficOf({ source, promql, read }: TrafficQuery, prometheusUrl: string): Promise<readonly Traffic[]> {
  const { data } = (await (await query(prometheusUrl, promql)).json()) as Answer;
  const traffic = read(data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) })));
  return traffic.slice(0, MOST_WORKLOADS).map((one) => ({ source, ...one }));
}

function clock({ skewMs }: DoctorOptions): Finding {
  const skew = skewMs();
  if (skew === undefined) return { check: "clock", ok: true, message: "not compared with the API server's yet" };
  const far = Math.abs(skew) > SKEW_LIMIT_MS;
  return { check: "clock", ok: !far, message: far ? `differs from the API server's by ${Math.round(skew / 1_000)} s: check time synchronisation` : "agrees with the API server's" };
}
