/** Evidence from a real Prometheus that scrapes pods which are asked, fail, start again, come and go. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import type { PrometheusOptions } from "../../src/metrics/prometheus/prometheus-provider.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import type { Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import { aQuestion, latencyMetric, queryMetric } from "../support/a-question.ts";
import { destinationLabels, durationsText, requestsText, startExporter, type Exporter } from "../support/exporter.ts";
import { until } from "../support/until.ts";

const SCRAPE_INTERVAL_MS = 250;
const PODS = 4;
const FOREVER = new AbortController().signal;

let prometheus: PrometheusServer;
let exporters: Exporter[];

beforeAll(async () => {
  exporters = await Promise.all(Array.from({ length: PODS }, startExporter));
  prometheus = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets: exporters.map(({ address }, index) => ({ job: `pod-${index}`, address })) });
});

afterAll(async () => {
  await prometheus?.close();
  await Promise.all((exporters ?? []).map((exporter) => exporter.close()));
});

/** Each test has a namespace of its own, so that no series of an earlier one is in its way. */
let namespace = "";
let tests = 0;
beforeEach(async () => {
  namespace = `shop-${tests++}`;
  for (const exporter of exporters) exporter.show("");
  await exporters[0]!.stored();
});

function provider(options: Partial<PrometheusOptions> = {}) {
  return createMetricProvider({
    prometheus: { own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false, ...options },
  });
}

function question(given: Partial<Question> = {}): Question {
  return aQuestion({ rollout: { namespace, name: "reviews", uid: "u-1" }, instantMs: Date.now(), ...given });
}

function requests(workload: string, byCode: Readonly<Record<string, number>>, labels: Readonly<Record<string, string>> = {}): string {
  return requestsText({ ...destinationLabels(workload, `${workload}-a`, namespace), ...labels }, byCode);
}

async function show(pod: number, text: string | null): Promise<void> {
  exporters[pod]!.show(text);
  await exporters[pod]!.stored();
}

/** A provider that remembers, and one that has just been started, must say the same. */
async function measure(asked: Question, { measure } = provider()): Promise<Measurement> {
  const measured = await measure(asked, FOREVER);
  expect(await provider().measure(asked, FOREVER), "as a daemon sees it that comes new").toEqual(measured);
  return measured;
}

describe("error rate", () => {
  it("counts from a base after the weight is in force, errors born inside the window included", async () => {
    await show(0, requests("reviews-v3", { "200": 1_000 }));
    const inForceAtMs = Date.now();
    await exporters[0]!.stored();
    const base = question({ inForceAtMs });
    expect(await measure(base)).toMatchObject({ kind: "base", instantMs: base.instantMs });
    await show(0, requests("reviews-v3", { "200": 1_090, "503": 10 }));
    const asked = question({ inForceAtMs, sinceMs: base.instantMs });
    expect(await measure(asked)).toEqual({
      name: "errors",
      instantMs: asked.instantMs,
      kind: "counted",
      requests: 100,
      bad: 10,
      query: `sum by (response_code) (istio_requests_total{reporter="destination",destination_workload_namespace=~"${namespace}",destination_workload=~"reviews-v3"})`,
    });
  });

  it("the query that it shows can be pasted into Prometheus", async () => {
    await show(0, requests("reviews-v3", { "200": 3, "503": 1 }));
    const { query } = await measure(question({ sinceMs: Date.now() - 60_000 }));
    const answer = await (await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`)).json();
    expect(answer).toMatchObject({ status: "success", data: { result: [{ metric: { response_code: "200" }, value: [expect.any(Number), "3"] }, { metric: { response_code: "503" } }] } });
  });

  it("waits for the first scrape after the weight is in force", async () => {
    await show(0, requests("reviews-v3", { "200": 1_000 }));
    await exporters[0]!.stored();
    const inForceAtMs = Date.now();
    expect(await provider().measure(question({ inForceAtMs, instantMs: inForceAtMs }), FOREVER)).toMatchObject({ kind: "skipped" });
    await until(async () => (await provider().measure(question({ inForceAtMs }), FOREVER)).kind === "base");
  });

  it("counts a reset, a pod that is born and one that goes away, each for what it served", async () => {
    await show(0, requests("reviews-v3", { "200": 500, "500": 50 }));
    await show(1, requests("reviews-v3", { "200": 200 }, { pod: "reviews-v3-b" }));
    const { measure: remembering } = provider();
    const base = question();
    expect(await remembering(base, FOREVER)).toMatchObject({ kind: "base" });
    await show(0, requests("reviews-v3", { "200": 7 }));
    await show(1, requests("reviews-v3", { "200": 210, "500": 3 }, { pod: "reviews-v3-b" }));
    await show(2, requests("reviews-v3", { "200": 20, "500": 1 }, { pod: "reviews-v3-c" }));
    const first = question({ sinceMs: base.instantMs });
    expect(await remembering(first, FOREVER)).toMatchObject({ kind: "counted", requests: 7 + 13 + 21, bad: 4 });
    await waitTwoTailSteps();
    await show(1, null);
    await show(2, requests("reviews-v3", { "200": 25, "500": 1 }, { pod: "reviews-v3-c" }));
    const second = question({ sinceMs: base.instantMs, lastInstantMs: first.instantMs });
    expect(await remembering(second, FOREVER), "the pod that went away keeps its 13").toMatchObject({ kind: "counted", requests: 7 + 13 + 26, bad: 4 });
  });

  it("takes a pod for an origin only that was out of sight when the window began", async () => {
    await show(1, requests("reviews-v3", { "200": 9_000, "500": 900 }, { pod: "reviews-v3-b" }));
    await show(1, null);
    await show(0, requests("reviews-v3", { "200": 10 }));
    const sinceMs = Date.now();
    await show(0, requests("reviews-v3", { "200": 15 }));
    await show(1, requests("reviews-v3", { "200": 9_001, "500": 901 }, { pod: "reviews-v3-b" }));
    expect(await measure(question({ sinceMs }))).toMatchObject({ kind: "counted", requests: 5, bad: 0 });
  });

  it("adds up a caller's series, whatever else tells them apart, and takes the caller's word before the pods'", async () => {
    const caller = (path: string, count: number): string => requests("reviews-v3", { "200": count }, { reporter: "source", pod: "gateway", source_app: path });
    await show(0, requests("reviews-v3", { "200": 5 }) + caller("a", 100) + caller("b", 10));
    const sinceMs = Date.now();
    await show(0, requests("reviews-v3", { "200": 90 }) + caller("a", 103) + caller("b", 11) + caller("c", 2));
    expect(await measure(question({ sinceMs }))).toMatchObject({ kind: "counted", requests: 6, bad: 0 });
  });

  it("is nobody else's: another workload, another namespace, a name that only looks alike", async () => {
    await show(0, requests("reviews.v3", { "200": 1 }));
    const others = [requests("reviews-v3", {}), requests("reviewsxv3", { "200": 100 }, { pod: "x" }), requests("reviews.v3", { "200": 100 }, { pod: "y", destination_workload_namespace: "elsewhere" })];
    const canary = { namespace, version: "v3", workloads: ["reviews.v3"], pods: [] };
    const sinceMs = Date.now();
    await show(0, requests("reviews.v3", { "200": 4 }) + others.join(""));
    expect(await measure(question({ canary, sinceMs }))).toMatchObject({ kind: "counted", requests: 3 });
  });

  it("begins with zero for a canary that nobody has asked, and has no data until somebody does", async () => {
    await show(0, requests("reviews-v2", { "200": 1_000 }));
    const base = question();
    expect(await measure(base)).toMatchObject({ kind: "base" });
    await show(0, requests("reviews-v2", { "200": 1_100 }));
    const silent = question({ sinceMs: base.instantMs });
    expect(await measure(silent)).toMatchObject({ kind: "noData" });
    await show(1, requests("reviews-v3", { "200": 28, "500": 2 }));
    expect(await measure(question({ sinceMs: base.instantMs, lastInstantMs: silent.instantMs }))).toMatchObject({ kind: "counted", requests: 30, bad: 2 });
  });

  it("has no base where nothing of the mesh has been scraped since the weight was in force", async () => {
    expect(await measure(question({ inForceAtMs: Date.now() + 60_000 }))).toMatchObject({ kind: "noData" });
  });

  it("passes over an instant that saw no newer scrape", async () => {
    await show(0, requests("reviews-v3", { "200": 1_000 }));
    const instantMs = Date.now();
    expect(await measure(question({ sinceMs: instantMs - 10_000, lastInstantMs: instantMs, instantMs }))).toMatchObject({ kind: "skipped" });
  });

  it("has no data for a version of which no workload is known", async () => {
    expect(await measure(question({ canary: { namespace, version: "v3", workloads: [], pods: [] } }))).toMatchObject({ kind: "noData" });
  });

  it("says the same about a window that has long gone by", async () => {
    await show(0, requests("reviews-v3", { "200": 1_000 }));
    const sinceMs = Date.now();
    await show(0, requests("reviews-v3", { "200": 1_050, "500": 5 }));
    const asked = question({ sinceMs });
    const first = await measure(asked);
    await show(0, requests("reviews-v3", { "200": 9_000, "500": 900 }));
    expect(await provider().measure(asked, FOREVER)).toEqual(first);
    expect(first).toMatchObject({ requests: 55, bad: 5 });
  });
});

describe("latency", () => {
  it("counts the requests above the bound that the limit was rounded up to, with the histogram's own count", async () => {
    const labels = destinationLabels("reviews-v3", "reviews-v3-a", namespace);
    await show(0, durationsText(labels, { "100": 10, "250": 20, "500": 20, "+Inf": 20 }));
    const asked = { metric: latencyMetric(99, "300ms") };
    const base = question(asked);
    expect(await measure(base)).toMatchObject({ kind: "base" });
    await show(0, durationsText(labels, { "100": 60, "250": 100, "500": 118, "+Inf": 120 }));
    expect(await measure(question({ ...asked, sinceMs: base.instantMs }))).toMatchObject({ kind: "counted", requests: 100, bad: 2, boundMs: 500, percentileMs: Infinity });
  });
});

describe("custom queries", () => {
  it.each([
    ["scalar(vector(2))", { kind: "value", value: 2 }],
    ["vector(1) / 0", { kind: "value", value: Infinity }],
    ["vector(-1) / 0", { kind: "value", value: -Infinity }],
    ["vector(0) / 0", { kind: "noData" }],
    ["nothing_by_this_name", { kind: "noData" }],
    ["sum(", { kind: "error", message: "Prometheus could not parse the query: try it in Prometheus' own page (bad_data)" }],
    ["up", { kind: "error", message: `expected one value, got ${PODS}: aggregate with sum()` }],
    ['"text"', { kind: "error", message: "expected one number, got a string: ask for an instant vector or a scalar" }],
    ["up[1m]", { kind: "error", message: "expected one number, got a matrix: ask for an instant vector or a scalar" }],
  ])("%s is %j", async (query, expected) => {
    expect(await measure(question({ metric: queryMetric(query) }))).toMatchObject(expected);
  });

  it("see the variables' values", async () => {
    await show(0, requests("reviews-v3", { "200": 4 }));
    // The largest sample, not their number: a scrape that is under way at the instant is stored, with an earlier time, after the first answer.
    const metric = queryMetric('sum(max_over_time(istio_requests_total{destination_workload_namespace="$(namespace)",destination_workload="$(canary.workload)",pod=~"$(canary.pods)"}[$(window)]))');
    expect(await measure(question({ metric, windowMs: 5_000 }))).toMatchObject({ kind: "value", value: 4, query: expect.stringContaining('pod=~"reviews-v3-a"}[5s]') });
  });

  it("are evaluated at the instant, not now", async () => {
    const instantMs = 1_700_000_000_000;
    expect(await measure(question({ metric: queryMetric("time()"), instantMs }))).toMatchObject({ kind: "value", value: 1_700_000_000 });
  });
});

describe("many Rollouts at one instant", () => {
  const many = 250;
  const workload = (index: number): string => `shop.${index}-v3`;

  it("are asked for in few queries, and each hears what it would have heard alone", async () => {
    const text = (grow: number): string => Array.from({ length: many }, (_, index) => requests(workload(index), { "200": 100 + index * grow, "500": index % 7 }, { pod: `p-${index}` })).join("");
    await show(0, text(0));
    const sinceMs = Date.now();
    await show(0, text(3));
    const instantMs = Date.now();
    const questions = Array.from({ length: many }, (_, index) =>
      question({ rollout: { namespace, name: `shop-${index}`, uid: `u-${index}` }, canary: { namespace, version: "v3", workloads: [workload(index)], pods: [] }, stable: { namespace, version: "v2", workloads: [], pods: [] }, instantMs, sinceMs }),
    );
    const together = await counted({}, questions);
    const alone = await counted({ collectMs: 0, maxNames: 1 }, questions);
    expect(together.answers).toEqual(alone.answers);
    expect(together.answers[100]).toMatchObject({ requests: 300, bad: 0 });
    expect(together.answers[0]).toMatchObject({ kind: "noData" });
    expect(together.queries, "two instants, two batches of at most 200 names each").toBe(4);
    expect(alone.queries).toBe(2 * many);
  });

  async function counted(options: Partial<PrometheusOptions>, questions: readonly Question[]) {
    let queries = 0;
    const { measure } = provider({ deadlineMs: 60_000, ...options, onQuery: () => (queries += 1) }); // hundreds of them, on a busy machine
    const answers = await Promise.all(questions.map((one) => measure(one, FOREVER)));
    return { answers, queries };
  }
});

/** Until two evaluation points of the search for last values have gone by: Prometheus looks for them every half second. */
function waitTwoTailSteps(): Promise<void> {
  const fromMs = Date.now();
  return until(() => Math.floor(Date.now() / 500) >= Math.floor(fromMs / 500) + 2);
}
