/** The places in which the contract of a metric provider is kept: a real Prometheus, asked live and about its past, and what simulations use in its place. */
import { createServer, type AddressInfo } from "node:net";
import { createMetricProvider, createRecordedMetricProvider } from "../../src/metrics/registry.ts";
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import { startPrometheus } from "../../src/playground/processes/prometheus.ts";
import type { Question, SideGrowth } from "../../src/rollout/analysis/measurement.ts";
import type { TelemetrySource } from "../../src/rollout/spec.ts";
import { aQuestion } from "./a-question.ts";
import { startExporter, type Exporter } from "./exporter.ts";
import { EXPOSITIONS, type Teller } from "./expositions.ts";
import { createProxy } from "./proxy.ts";
import { countersOf } from "./seeded-counters.ts";
import { until } from "./until.ts";
import { aWorld } from "./world.ts";

export interface Served {
  readonly canary: SideGrowth;
  readonly stable: SideGrowth;
}

export interface MetricWorld {
  readonly provider: MetricProvider;
  /** False: each look is answered by itself, whatever it begins with. */
  readonly remembers: boolean;
  /** One that is in trouble, where the world knows trouble. */
  readonly troubled?: MetricProvider;
  /** One that never answers, where the world knows that. */
  readonly silent?: MetricProvider;
  /** Serves some requests; what they were, as far as the world can say, once everybody who asks can know of them. */
  serve(): Promise<Served | undefined>;
  /** An instant of the grid at which all that was served is known. */
  instant(): Promise<number>;
  question(given: Partial<Question>): Question;
  close(): Promise<void>;
}

/** Since yesterday at noon, so to speak: no request of another weight is in the way. */
const IN_FORCE_MS = 0;

/** What the caller has counted: 30 to the canary, of which 3 were bad, and ten times as many to stable. */
const SERVED: Served = { canary: { requests: 30, bad: 3 }, stable: { requests: 300, bad: 0 } };

const SCRAPE_INTERVAL_MS = 500;
const NAMESPACE = "bookinfo";
const [CANARY, STABLE] = ["reviews-v3", "reviews-v2"] as const;

export interface PrometheusWorld {
  /** Each question is put to what has been recorded by then, as a backtest does. */
  readonly past: boolean;
  /** Whose proxies are scraped; default Istio's. */
  readonly source?: TelemetrySource;
  /** Who tells of the requests: the caller's proxy (default), each version's own, or a waypoint. */
  readonly reporter?: Teller;
}

export async function openPrometheusWorld({ past, source = "istio", reporter = "source" }: PrometheusWorld): Promise<MetricWorld> {
  const exporter = await startExporter();
  const prometheus = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets: [{ job: "gateway", address: exporter.address }] });
  const nobody = await startNobody();
  const startedMs = Date.now();
  const providerOf = (url: string): MetricProvider => {
    const options = { prometheus: { own: { url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false } };
    if (!past) return createMetricProvider(options);
    return { measure: (question, signal) => createRecordedMetricProvider(options, { fromMs: startedMs - 3_600_000, toMs: Date.now() }).measure(question, signal) };
  };
  return {
    ...createProxies(exporter, source, reporter),
    provider: providerOf(prometheus.url),
    remembers: true,
    troubled: providerOf("http://127.0.0.1:1"),
    silent: providerOf(nobody.url),
    question: (given) => questionAbout(source, given),
    async close() {
      await prometheus.close();
      await exporter.close();
      nobody.close();
    },
  };
}

/** Where a version has a cluster, it is called as its workload. */
function questionAbout(source: TelemetrySource, given: Partial<Question>): Question {
  const { canary, stable, ...question } = aQuestion({ inForceAtMs: IN_FORCE_MS, source, ...given });
  return { ...question, canary: { ...canary, cluster: CANARY }, stable: { ...stable, cluster: STABLE } };
}

/** That of a caller, or of one pod of each version, which report what they have seen. */
function createProxies(exporter: Exporter, source: TelemetrySource, reporter: Teller): Pick<MetricWorld, "serve" | "instant"> {
  const proxyOf = (pod: string) => createProxy({ reporter, pod, namespace: reporter === "source" ? "istio-system" : NAMESPACE, workloadNamespace: NAMESPACE, exposition: EXPOSITIONS[source] });
  const [toCanary, toStable] = reporter === "source" ? ((caller) => [caller, caller] as const)(proxyOf("gateway")) : [proxyOf("v3-a"), proxyOf("v2-a")];
  const shown = async (): Promise<void> => {
    exporter.show([...new Set([toCanary, toStable])].map((proxy) => proxy.text()).join(""));
    await exporter.stored();
  };
  return {
    async serve() {
      toCanary.serve(CANARY, { good: SERVED.canary.requests - SERVED.canary.bad, bad: SERVED.canary.bad });
      toStable.serve(STABLE, { good: SERVED.stable.requests, bad: 0 });
      await shown();
      return SERVED;
    },
    async instant() {
      const instantMs = Math.ceil(Date.now() / SCRAPE_INTERVAL_MS) * SCRAPE_INTERVAL_MS;
      await until(() => Date.now() > instantMs + SCRAPE_INTERVAL_MS / 2);
      await shown();
      return instantMs;
    },
  };
}

/** Takes connections and says nothing. */
async function startNobody(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).unref()).listen(0, "127.0.0.1");
  server.unref();
  await until(() => server.listening);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

/** What the simulations' world answers. */
export function openSimulatedWorld(): MetricWorld {
  const world = aWorld();
  const at = (answers: typeof world.answers): MetricProvider => {
    const other = aWorld();
    other.answers = answers;
    return other.ports.metrics;
  };
  const step = (): number => (world.nowMs += 10_000);
  return {
    provider: world.ports.metrics,
    remembers: false,
    troubled: at("error"),
    silent: at("unanswered"),
    async serve() {
      const { requests, bad } = SERVED.canary;
      world.answers = { requests, bad: bad / requests, stable: { requests: SERVED.stable.requests, bad: 0 } };
      return SERVED;
    },
    instant: async () => step(),
    question: (given) => aQuestion({ inForceAtMs: IN_FORCE_MS, ...given }),
    close: async () => undefined,
  };
}

/** Counters that belong to a seed: time alone serves. */
export function openSeededWorld(): MetricWorld {
  let nowMs = Date.parse("2026-11-21T12:00:00Z");
  return {
    provider: countersOf(7, 0.05),
    remembers: true,
    serve: async () => undefined,
    instant: async () => (nowMs += 10_000),
    question: (given) => aQuestion({ inForceAtMs: IN_FORCE_MS, ...given }),
    close: async () => undefined,
  };
}
