/** What coalescing saves: the same checks and the same evidence of many Rollouts, each asked alone and asked together. `npm run bench:batching -- [Rollouts]` */
import { createMetricProvider } from "../../src/metrics/registry.ts";
import type { PrometheusOptions } from "../../src/metrics/prometheus/prometheus-provider.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import type { Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import type { Metric } from "../../src/rollout/spec.ts";
import { aQuestion, ERROR_RATE, latencyMetric } from "../support/a-question.ts";
import { destinationLabels, durationsText, requestsText, startExporter, type Exporter } from "../support/exporter.ts";

const NAMESPACE = "bookinfo";
const ROUNDS = 3;
const SCRAPE_INTERVAL_MS = 5_000;
const CODES = ["200", "404", "500", "503"];
const BOUNDS = ["0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000", "300000", "600000", "1800000", "3600000", "+Inf"];
const ALONE: Partial<PrometheusOptions> = { collectMs: 0, maxNames: 1, maxConcurrency: 16 };
const TOGETHER: Partial<PrometheusOptions> = { maxConcurrency: 16 };
const FOREVER = new AbortController().signal;

interface Cost {
  readonly queries: number;
  readonly wallMs: number;
  readonly prometheusCpuMs: number;
  readonly nodeCpuMs: number;
  readonly answers: readonly Measurement[];
}

async function main(rollouts: number): Promise<void> {
  const exporter = await startExporter();
  const prometheus = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets: [{ job: "mesh", address: exporter.address }] });
  try {
    const sinceMs = await grow(exporter, rollouts, 1);
    const instantMs = await grow(exporter, rollouts, 2);
    exporter.show(null); // scraping would be paid for by whoever is measured
    await exporter.stored(10 * SCRAPE_INTERVAL_MS);
    console.log(`${rollouts} Rollouts, a canary and a stable workload each; medians of ${ROUNDS} rounds`);
    for (const metric of [ERROR_RATE, latencyMetric(99, "500ms")]) {
      await compare(metric.name, prometheus, questionsOf(rollouts, metric, sinceMs, instantMs));
    }
  } finally {
    await prometheus.close();
    await exporter.close();
  }
}

/** Shows every counter `times` as large; settles with an instant at which Prometheus has them. */
async function grow(exporter: Exporter, rollouts: number, times: number): Promise<number> {
  const workloads = Array.from({ length: rollouts }, (_, index) => [`app-${index}-v2`, `app-${index}-v3`]).flat();
  exporter.show(workloads.map((workload) => telemetryOf(workload, times)).join(""));
  await exporter.stored(10 * SCRAPE_INTERVAL_MS);
  return Date.now();
}

function telemetryOf(workload: string, times: number): string {
  const labels = destinationLabels(workload, `${workload}-a`, NAMESPACE);
  const byCode = Object.fromEntries(CODES.map((code, index) => [code, times * (100 - index * 30)]));
  return requestsText(labels, byCode) + durationsText(labels, Object.fromEntries(BOUNDS.map((bound, index) => [bound, times * index * 5])));
}

function questionsOf(rollouts: number, metric: Metric, sinceMs: number, instantMs: number): readonly Question[] {
  return Array.from({ length: rollouts }, (_, index) =>
    aQuestion({
      rollout: { namespace: NAMESPACE, name: `app-${index}`, uid: `u-${index}` },
      metric,
      canary: { namespace: NAMESPACE, version: "v3", workloads: [`app-${index}-v3`], pods: [] },
      stable: { namespace: NAMESPACE, version: "v2", workloads: [`app-${index}-v2`], pods: [] },
      sinceMs,
      evidenceSinceMs: sinceMs,
      boundsMs: [25, 100, 500],
      instantMs,
    }),
  );
}

async function compare(name: string, prometheus: PrometheusServer, questions: readonly Question[]): Promise<void> {
  const rounds: { alone: Cost; together: Cost }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ alone: await costOf(prometheus, questions, ALONE), together: await costOf(prometheus, questions, TOGETHER) });
  }
  const same = rounds.every(({ alone, together }) => JSON.stringify(alone.answers) === JSON.stringify(together.answers));
  console.log(`\n${name}: answers ${same ? "identical" : "DIFFERENT"}, e.g. ${JSON.stringify(rounds[0]?.together.answers[0])}`);
  for (const figure of ["queries", "wallMs", "prometheusCpuMs", "nodeCpuMs"] as const) {
    const [alone, together] = [median(rounds.map((round) => round.alone[figure])), median(rounds.map((round) => round.together[figure]))];
    console.log(`  ${figure.padEnd(16)} alone ${alone.toFixed(0).padStart(6)}   together ${together.toFixed(0).padStart(5)}   ${(alone / Math.max(1, together)).toFixed(1)}x`);
  }
  if (!same) process.exitCode = 1;
}

/** A new provider each time: nothing is remembered. */
async function costOf(prometheus: PrometheusServer, questions: readonly Question[], options: Partial<PrometheusOptions>): Promise<Cost> {
  let queries = 0;
  const { measure } = createMetricProvider({
    prometheus: { own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("none")), isAllowedHost: () => false, onQuery: () => (queries += 1), deadlineMs: 60_000, ...options },
  });
  const prometheusMs = await cpuMsOf(prometheus);
  const before = { wallMs: performance.now(), node: process.cpuUsage() };
  const answers = await Promise.all(questions.map((question) => measure(question, FOREVER)));
  const node = process.cpuUsage(before.node);
  const wallMs = performance.now() - before.wallMs;
  return {
    queries,
    answers,
    wallMs,
    prometheusCpuMs: (await cpuMsOf(prometheus)) - prometheusMs,
    nodeCpuMs: (node.user + node.system) / 1_000,
  };
}

/** As Prometheus itself tells it. */
async function cpuMsOf({ url }: PrometheusServer): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (.+)$/m.exec(text)?.[1]) * 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await main(Number(process.argv[2] ?? 1_000));
