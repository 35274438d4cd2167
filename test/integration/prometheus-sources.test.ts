/** What Linkerd's and Envoy's proxies tell a real Prometheus is counted as Istio's is: whole requests, once each, of both sides. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import { trafficQueries } from "../../src/metrics/prometheus/traffic.ts";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import type { Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import { aQuestion, ERROR_RATE, latencyMetric } from "../support/a-question.ts";
import { exposed, startExporter, type Exporter } from "../support/exporter.ts";
import { EXPOSITIONS } from "../support/expositions.ts";
import { createProxy, type Proxy, type ProxyOptions } from "../support/proxy.ts";
import { until } from "../support/until.ts";

const SCRAPE_INTERVAL_MS = 500;
const GRID_MS = 500;
const FOREVER = new AbortController().signal;
const SLOW = latencyMetric(99, "400ms");
const ON_A_BUSY_MACHINE = { retry: 2, timeout: 120_000 };

let prometheus: PrometheusServer;
let exporters: Exporter[];
/** Of each test, so that no series of an earlier one is in its way. */
let namespace = "";
let tests = 0;

beforeAll(async () => {
  exporters = await Promise.all(Array.from({ length: 5 }, startExporter));
  prometheus = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets: exporters.map(({ address }, index) => ({ job: `proxy-${index}`, address })) });
});

afterAll(async () => {
  await prometheus?.close();
  await Promise.all((exporters ?? []).map((exporter) => exporter.close()));
});

beforeEach(async () => {
  namespace = `shop-${tests++}`;
  await showAll([]);
});

async function showAll(texts: readonly string[]): Promise<void> {
  exporters.forEach((exporter, index) => exporter.show(texts[index] ?? ""));
  await Promise.all(exporters.map((exporter) => exporter.stored()));
}

async function nextInstant(): Promise<number> {
  const instantMs = Math.ceil(Date.now() / GRID_MS) * GRID_MS;
  await until(() => Date.now() > instantMs + SCRAPE_INTERVAL_MS / 2);
  return instantMs;
}

function provider(onQuery?: () => void): MetricProvider {
  return createMetricProvider({ prometheus: { own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false, ...(onQuery ? { onQuery } : {}) } });
}

function question(given: Partial<Question>): Question {
  const { canary, stable, ...rest } = aQuestion({ rollout: { namespace, name: "reviews", uid: "u-1" }, ...given });
  return { ...rest, canary: { ...canary, cluster: `${namespace}_reviews-v3` }, stable: { ...stable, cluster: `${namespace}_reviews-v2` } };
}

/** Two sums of the evidence, look by look, of error rate and latency; whoever takes over must say the same. */
function createLooks(source: Question["source"]) {
  let queries = 0;
  const { measure } = provider(() => (queries += 1));
  const metrics = [ERROR_RATE, SLOW];
  const totals = metrics.map(() => [0, 0, 0, 0]);
  let sinceMs: number | undefined;
  async function look(): Promise<readonly Measurement[]> {
    const instantMs = await nextInstant();
    const asked = metrics.map((metric) => question({ source, metric, instantMs, ...(sinceMs === undefined ? {} : { evidenceSinceMs: sinceMs, sinceMs }) }));
    const measured = await Promise.all(asked.map((one) => measure(one, FOREVER)));
    const taker = provider();
    expect(await Promise.all(asked.map((one) => taker.measure(one, FOREVER))), "as a daemon sees it that takes over").toEqual(measured);
    if (measured.some(({ growthAwaited }) => growthAwaited)) return look();
    sinceMs = instantMs;
    measured.forEach(({ growth }, index) => {
      const grown = [growth?.canary.requests, growth?.canary.bad, growth?.stable.requests, growth?.stable.bad];
      totals[index] = totals[index]!.map((sum, at) => sum + (grown[at] ?? 0));
    });
    return measured;
  }
  return { look, totals, queries: () => queries };
}

describe("a caller's proxy", () => {
  const callers = [
    { source: "linkerd", workload: (version: string) => `reviews-${version}` },
    { source: "envoy", workload: (version: string) => `${namespace}_reviews-${version}` },
  ] as const;

  it.each(callers)("of $source tells of both sides, each request once, though it starts again", ON_A_BUSY_MACHINE, async ({ source, workload }) => {
    const caller = createProxy({ reporter: "source", pod: "web-1", namespace: "front", workloadNamespace: namespace, exposition: EXPOSITIONS[source] });
    caller.serve(workload("v2"), { good: 500, bad: 2 });
    caller.serve(workload("other"), { good: 70, bad: 70 });
    await showAll([caller.text()]);
    const { look, totals, queries } = createLooks(source);
    await look();
    for (let looked = 0; looked < 3; looked++) {
      caller.serve(workload("v3"), { good: 9 + looked, bad: looked });
      caller.serve(workload("v2"), { good: 90, bad: 1 });
      caller.serve(workload("other"), { good: 5, bad: 5 });
      await showAll([caller.text()]);
      await nextInstant();
      if (looked === 1) caller.restart();
      caller.serve(workload("v3"), { good: 2, bad: 0 });
      caller.serve(workload("v2"), { good: 20, bad: 0 });
      await showAll([caller.text()]);
      const before = queries();
      expect((await look())[0]).toMatchObject({ growth: { reporter: "source", inStep: true } });
      if (looked !== 1) expect(queries() - before, "one for each kind of counter, the sides' last values apart").toBeLessThanOrEqual(4);
    }
    for (const total of totals) expect(total).toEqual([9 + 10 + 11 + 3 + 6, 3, 3 * 111, 3]);
  });
});

describe("Linkerd's pods", () => {
  const pod = (name: string, workload: string, more: Partial<ProxyOptions> = {}): Proxy => createProxy({ reporter: "destination", pod: name, namespace, workload, exposition: EXPOSITIONS.linkerd, ...more });

  it("that start again and go away are each counted for what they served", ON_A_BUSY_MACHINE, async () => {
    const [first, second, third] = [pod("v3-a", "reviews-v3"), pod("v2-a", "reviews-v2"), pod("v2-b", "reviews-v2")] as const;
    const serve = (): void => {
      first.serve("reviews-v3", { good: 10, bad: 1 });
      second.serve("reviews-v2", { good: 40, bad: 0 });
      third.serve("reviews-v2", { good: 40, bad: 2 });
    };
    serve();
    await showAll([first.text(), second.text(), third.text()]);
    const { look, totals } = createLooks("linkerd");
    await look();
    serve();
    await showAll([first.text(), second.text(), third.text()]);
    await nextInstant();
    first.restart();
    first.serve("reviews-v3", { good: 3, bad: 0 });
    await showAll([first.text(), second.text(), third.text()]);
    expect((await look())[0]).toMatchObject({ growth: { reporter: "destination" } });
    exporters[2]!.show(null);
    second.serve("reviews-v2", { good: 5, bad: 0 });
    first.serve("reviews-v3", { good: 5, bad: 0 });
    exporters[0]!.show(first.text());
    exporters[1]!.show(second.text());
    await Promise.all([exporters[0]!.stored(), exporters[1]!.stored()]);
    await look();
    for (const total of totals) expect(total).toEqual([11 + 3 + 5, 1, 82 + 5, 2]);
  });

  it("do not count the kubelet's probes and the scrapes of their proxy, which no user has sent", async () => {
    const reviews = pod("v3-a", "reviews-v3");
    const others = (count: number): string =>
      [{ route_name: "probe", srv_port: "8080" }, { route_name: "default", srv_port: "4191" }]
        .map((labels) => exposed("response_total", { direction: "inbound", namespace, pod: "v3-a", deployment: "reviews-v3", status_code: "200", classification: "success", ...labels }, count))
        .join("");
    await showAll([reviews.text() + others(1_000)]);
    const sinceMs = await nextInstant();
    reviews.serve("reviews-v3", { good: 8, bad: 2 });
    await showAll([reviews.text() + others(2_000)]);
    expect(await provider().measure(question({ source: "linkerd", instantMs: await nextInstant(), sinceMs }), FOREVER)).toMatchObject({ kind: "counted", requests: 10, bad: 2 });
  });
});

describe("Linkerd's callers", () => {
  const to = (labels: Readonly<Record<string, string>>, count: number): string =>
    exposed("response_total", { direction: "outbound", namespace, pod: "web-1", deployment: "reviews-v3", dst_namespace: namespace, status_code: "200", classification: "success", ...labels }, count);

  async function measured(texts: readonly [before: string, after: string]): Promise<Measurement> {
    await showAll([texts[0]]);
    const sinceMs = await nextInstant();
    await showAll([texts[1]]);
    return provider().measure(question({ source: "linkerd", instantMs: await nextInstant(), sinceMs }), FOREVER);
  }

  it("are judged by gRPC's statuses, too, where the server is to blame", async () => {
    const grpc = (status: string, count: number, classification = "success"): string => to({ dst_deployment: "reviews-v3", grpc_status: status, classification }, count);
    const all = (count: number): string => grpc("0", 10 * count) + grpc("5", count) + grpc("12", count) + grpc("14", count, "failure");
    expect(await measured([all(100), all(101)])).toMatchObject({ kind: "counted", requests: 13, bad: 2 });
  });

  it("may call a StatefulSet or a DaemonSet; what calls is not what is called", async () => {
    const all = (count: number): string => to({ dst_statefulset: "reviews-v3" }, count) + to({ dst_daemonset: "reviews-v3" }, count) + to({ dst_deployment: "orders" }, 50 * count);
    expect(await measured([all(100), all(104)])).toMatchObject({ kind: "counted", requests: 8, bad: 0 });
  });

  it("the query that is shown can be pasted into Prometheus", async () => {
    const { query } = await measured([to({ dst_deployment: "reviews-v3" }, 4), to({ dst_deployment: "reviews-v3" }, 7)]);
    const answer = await (await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`)).json();
    expect(answer).toMatchObject({ status: "success", data: { result: [{ metric: { classification: "success" }, value: [expect.any(Number), "7"] }] } });
  });
});

it("the doctor's queries find what each kind of proxy tells of, a namespace's alone", async () => {
  const told = (good: number): string =>
    (["istio", "linkerd", "envoy"] as const).flatMap((source) => [namespace, "elsewhere"].map((place) => EXPOSITIONS[source]({ reporter: "source", pod: "web-1", namespace: "front", workload: `${source}-v3`, workloadNamespace: place, labels: {} }, { good, bad: 0 }))).join("");
  await showAll([told(100)]);
  await showAll([told(200)]);
  const found = await Promise.all(
    trafficQueries([namespace]).map(async ({ promql, read }) => {
      const { data } = (await (await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`)).json()) as { data: { result: readonly { metric: Record<string, string>; value: [number, string] }[] } };
      return read(data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))).filter(({ requestsPerSecond }) => requestsPerSecond > 0);
    }),
  );
  const [byIstio, byLinkerd, byEnvoy] = found.map((all) => all.map((one) => [one.namespace, one.workload]));
  expect([byIstio, byLinkerd]).toEqual([[[namespace, "istio-v3"]], [[namespace, "linkerd-v3"]]]);
  expect(byEnvoy).toContainEqual(["", "envoy-v3"]);
});

it("Rollouts of several namespaces and sources are asked about together, and each hears of its own", async () => {
  const sources = ["istio", "linkerd", "envoy"] as const;
  const places = sources.flatMap((source) => ["a", "b"].map((place) => ({ source, place: `${namespace}-${place}` })));
  const tell = (factor: number): string =>
    places.map(({ source, place }, index) => {
      const workload = source === "envoy" ? `${place}_reviews-v3` : "reviews-v3";
      return EXPOSITIONS[source]({ reporter: "source", pod: "web-1", namespace: "front", workload, workloadNamespace: place, labels: {} }, { good: factor * (10 + index), bad: factor });
    }).join("");
  await showAll([tell(3)]);
  const sinceMs = await nextInstant();
  await showAll([tell(4)]);
  const instantMs = await nextInstant();
  let queries = 0;
  const { measure } = provider(() => (queries += 1));
  const answers = await Promise.all(
    places.map(({ source, place }) => {
      const side = (version: string) => ({ namespace: place, version, workloads: [`reviews-${version}`], pods: [], cluster: `${place}_reviews-${version}` });
      return measure({ ...question({ source, instantMs, sinceMs }), canary: side("v3"), stable: side("v2") }, FOREVER);
    }),
  );
  expect(answers.map((one) => one.kind === "counted" && [one.requests, one.bad])).toEqual(places.map((_, index) => [11 + index, 1]));
  expect(queries, "two instants, three kinds of proxy").toBe(6);
});
