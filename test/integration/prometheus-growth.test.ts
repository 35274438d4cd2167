/** What both sides did, look by look, from a real Prometheus: the sums are what the processes really counted. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import { createRecordedProvider, type PrometheusOptions } from "../../src/metrics/prometheus/prometheus-provider.ts";
import { createBatcher } from "../../src/metrics/prometheus/batcher.ts";
import { createRecordedTelemetry } from "../../src/metrics/prometheus/recorded.ts";
import type { CounterMetric, Names } from "../../src/metrics/prometheus/dialect.ts";
import { ISTIO } from "../../src/metrics/prometheus/dialects/istio.ts";
import { createTargets, type Target } from "../../src/metrics/prometheus/targets.ts";
import { createTelemetry, type Telemetry } from "../../src/metrics/prometheus/telemetry.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import type { Measurement, Question, SideGrowth } from "../../src/rollout/analysis/measurement.ts";
import { aQuestion, ERROR_RATE, latencyMetric } from "../support/a-question.ts";
import { createProxy, type Proxy } from "../support/proxy.ts";
import { startExporter, type Exporter } from "../support/exporter.ts";
import { until } from "../support/until.ts";

const SCRAPE_INTERVAL_MS = 500;
/** Where Prometheus is searched for what was lost inside a window, and so where looks are taken. */
const GRID_MS = 500;
/** Longer than any look here takes, three times over: whoever was there would have been seen. */
const ENOUGH_MS = 12_000;
const PROXIES = 6;
const NAMESPACE = "shop";
const FOREVER = new AbortController().signal;
const SLOW = latencyMetric(99, "400ms");

let prometheus: PrometheusServer;
let exporters: Exporter[];
/** Seen from the beginning to the end: Prometheus is known to have watched this namespace, and the witnesses have a past. */
let witnesses: readonly Proxy[];

beforeAll(async () => {
  exporters = await Promise.all(Array.from({ length: PROXIES + 2 }, startExporter));
  witnesses = ["a", "b"].map((pod) => createProxy({ reporter: "destination", pod: `witness-${pod}`, namespace: NAMESPACE, workload: "witness" }));
  const targets = exporters.map(({ address }, index) => ({ job: `proxy-${index}`, address }));
  prometheus = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets: [...targets, { job: "again", address: exporters[0]!.address }] });
  bearWitness();
  await exporters[PROXIES + 1]!.stored();
  const watchedMs = Date.now() + ENOUGH_MS;
  await until(() => Date.now() > watchedMs, 2 * ENOUGH_MS);
});

afterAll(async () => {
  await prometheus?.close();
  await Promise.all((exporters ?? []).map((exporter) => exporter.close()));
});

function bearWitness(): void {
  witnesses.forEach((witness, index) => {
    witness.serve("witness", { good: 40, bad: 1 + index * tests });
    exporters[PROXIES + index]!.show(witness.text());
  });
}

/** Each test has workloads of its own, so that no series of an earlier one is in its way. */
let canary = "";
let stable = "";
let tests = 0;
beforeEach(async () => {
  canary = `reviews-v3-${tests}`;
  stable = `reviews-v2-${tests++}`;
  bearWitness();
  for (const exporter of exporters.slice(0, PROXIES)) exporter.show("");
  await Promise.all(exporters.slice(0, PROXIES).map((exporter) => exporter.stored()));
});

function provider(options: Partial<PrometheusOptions> = {}): MetricProvider {
  return createMetricProvider({ prometheus: { own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false, ...options } });
}

function question(given: Partial<Question>): Question {
  return aQuestion({
    rollout: { namespace: NAMESPACE, name: "reviews", uid: "u-1" },
    canary: { namespace: NAMESPACE, version: "v3", workloads: [canary], pods: [] },
    stable: { namespace: NAMESPACE, version: "v2", workloads: [stable], pods: [] },
    ...given,
  });
}

async function showAll(proxies: readonly Proxy[]): Promise<void> {
  proxies.forEach((proxy, index) => exporters[index]!.show(proxy.text()));
  await Promise.all(proxies.map((_, index) => exporters[index]!.stored()));
  await exporters[0]!.stored(); // it is scraped by two jobs
}

/** The next instant of the grid, once everything before it is stored: what is shown now is what it sees. */
async function nextInstant(): Promise<number> {
  const instantMs = Math.ceil(Date.now() / GRID_MS) * GRID_MS;
  await until(() => Date.now() > instantMs + SCRAPE_INTERVAL_MS / 2);
  return instantMs;
}

/** The runs' evidence, look by look, as one daemon gathers it that remembers; at each look one that has just been started must say the same. */
function createLooks(metrics = [ERROR_RATE, SLOW]) {
  let queries = 0;
  const { measure } = provider({ onQuery: () => (queries += 1) });
  const totals = metrics.map(() => ({ canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } }));
  let sinceMs: number | undefined;

  async function look(): Promise<readonly Measurement[]> {
    const instantMs = await nextInstant();
    const asked = metrics.map((metric) => question({ metric, instantMs, ...(sinceMs === undefined ? {} : { evidenceSinceMs: sinceMs, sinceMs }) }));
    const measured = await Promise.all(asked.map((one) => measure(one, FOREVER)));
    const taker = provider();
    expect(await Promise.all(asked.map((one) => taker.measure(one, FOREVER))), "as a daemon sees it that takes over").toEqual(measured);
    if (measured.some(({ growthAwaited }) => growthAwaited)) return look();
    sinceMs = instantMs;
    measured.forEach(({ growth }, index) => {
      add(totals[index]!.canary, growth?.canary);
      add(totals[index]!.stable, growth?.stable);
    });
    return measured;
  }

  return { look, totals, queries: () => queries };
}

function add(total: { requests: number; bad: number }, growth: SideGrowth | undefined): void {
  total.requests += growth?.requests ?? 0;
  total.bad += growth?.bad ?? 0;
}

/** Small, seeded: the same events each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % sides;
  };
}

describe("look by look", () => {
  const LOOKS = 5;
  // A scrape that takes longer than the scrapes are apart fails, on a machine that is busy enough: then a pod was out of sight at a look, and an origin only.
  const ON_A_BUSY_MACHINE = { retry: 2, timeout: 180_000 };

  it("every request of pods that start again, come, go and are scraped twice is counted once", ON_A_BUSY_MACHINE, async () => {
    const service = createService(dice(7));
    lived = { fromMs: Date.now(), names: { namespace: NAMESPACE, canary: [canary], stable: [stable] } };
    await showAll(service.pods());
    const { look, totals } = createLooks();
    await look();
    const before = service.served();
    for (let looked = 0; looked < LOOKS; looked++) {
      service.serve();
      await showAll(service.pods());
      await nextInstant();
      service.befall(looked);
      await showAll(service.pods());
      await look();
    }
    const expected = service.served().map((after, side) => ({ requests: after.requests - before[side]!.requests, bad: after.bad - before[side]!.bad }));
    for (const total of totals) expect([total.canary, total.stable], await failedScrapes()).toEqual(expected);
  });

  it("every request that a caller reports is counted once, of both sides, and the caller may start again", ON_A_BUSY_MACHINE, async () => {
    const gateway = createProxy({ reporter: "source", pod: "gateway", namespace: "istio-system", workloadNamespace: NAMESPACE });
    gateway.serve(stable, { good: 1_000, bad: 3 });
    await showAll([gateway]);
    const { look, totals } = createLooks();
    await look();
    const before = [canary, stable].map((workload) => served([gateway], workload));
    for (let looked = 0; looked < 4; looked++) {
      gateway.serve(canary, { good: 10 + looked, bad: looked });
      gateway.serve(stable, { good: 100, bad: 1 });
      await showAll([gateway]);
      await nextInstant();
      if (looked === 2) gateway.restart();
      gateway.serve(stable, { good: 7, bad: 0 });
      gateway.serve(canary, { good: 1, bad: 1 });
      await showAll([gateway]);
      expect((await look())[0]).toMatchObject({ growth: { reporter: "source", inStep: true } });
    }
    const after = [canary, stable].map((workload) => served([gateway], workload));
    const expected = before.map((first, index) => ({ requests: after[index]!.requests - first.requests, bad: after[index]!.bad - first.bad }));
    for (const total of totals) expect([total.canary, total.stable]).toEqual(expected);
  });
});

/** What the last service lived through, to be looked at again. */
let lived: { readonly fromMs: number; readonly names: Names } | undefined;

/** Two pods of the canary and three of stable, which live through more than pods should have to. */
function createService(roll: (sides: number) => number) {
  const sides = [canary, canary, stable, stable, stable];
  const born = (index: number, life: string): Proxy => createProxy({ reporter: "destination", pod: `${sides[index]}-${index}${life}`, namespace: NAMESPACE, workload: sides[index]! });
  const pods = sides.map((_, index) => born(index, ""));
  const gone: Proxy[] = [];
  const restarted = sides.map(() => -2);
  pods.forEach((pod, index) => pod.serve(sides[index]!, { good: 50 + index, bad: index }));

  function befallOne(index: number, looked: number): number {
    const fate = roll(6);
    // One that has done no less than before it started again, when it is looked at, cannot be told from one that went on.
    if (fate === 0 && restarted[index] !== looked - 1) {
      restarted[index] = looked;
      pods[index]!.restart();
      return 5;
    }
    if (fate === 1) gone.push(...pods.splice(index, 1, born(index, `-${looked}`)));
    return 20 + roll(40);
  }

  return {
    pods: () => pods,
    serve: () => pods.forEach((pod, index) => pod.serve(sides[index]!, { good: 20 + roll(40), bad: roll(4) })),
    befall: (looked: number) => sides.forEach((side, index) => {
      const good = befallOne(index, looked);
      pods[index]!.serve(side, { good, bad: roll(4) });
    }),
    served: () => [canary, stable].map((workload) => served([...pods, ...gone], workload)),
  };
}

/** Says why a count may be short: a scrape that took longer than the scrapes are apart has failed, and its pod was out of sight. */
async function failedScrapes(): Promise<string> {
  const longest = await promql("query", { query: "topk(3, max_over_time(scrape_duration_seconds[3m]))" });
  return `the longest scrapes took ${longest.map(({ metric, value }) => `${metric.job} ${value[1]} s`).join(", ")}`;
}

async function promql(path: string, parameters: Record<string, string>) {
  const answer = (await (await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)).json()) as {
    data: { result: readonly { metric: Record<string, string>; value: [number, string]; values: readonly [number, string][] }[] };
  };
  return answer.data.result;
}

function served(proxies: readonly Proxy[], workload: string): { requests: number; bad: number } {
  return proxies.map((proxy) => proxy.served(workload)).reduce((sum, { good, bad }) => ({ requests: sum.requests + good + bad, bad: sum.bad + bad }), { requests: 0, bad: 0 });
}

describe("one look", () => {
  async function twoSides() {
    const gateway = createProxy({ reporter: "source", pod: "gateway", namespace: "istio-system", workloadNamespace: NAMESPACE });
    gateway.serve(stable, { good: 1_000, bad: 3 });
    gateway.serve(canary, { good: 100, bad: 1 });
    await showAll([gateway]);
    return gateway;
  }

  it("costs one query for each kind of counter, both sides included", async () => {
    const gateway = await twoSides();
    const { look, queries } = createLooks();
    await look();
    for (let looked = 0; looked < 2; looked++) {
      gateway.serve(canary, { good: 10, bad: 0 });
      await showAll([gateway]);
      const before = queries();
      await look();
      expect(queries() - before).toBe(2);
    }
  });

  it("brings nothing where nobody was scraped again", async () => {
    await twoSides();
    const instantMs = await nextInstant();
    const { measure } = provider();
    const [first, again] = [instantMs, instantMs + 1].map((one) => question({ instantMs: one, evidenceSinceMs: instantMs - 1, sinceMs: instantMs - 60_000, lastInstantMs: instantMs - 60_000 }));
    for (const asked of [first!, again!]) expect(await measure(asked, FOREVER)).not.toHaveProperty("growth");
  });

  it("counts slow requests at every bound that is asked for, and the limit at the bound above it", async () => {
    const gateway = await twoSides();
    const { look } = createLooks([SLOW]);
    await look();
    const evidenceSinceMs = await nextInstant();
    gateway.serve(canary, { good: 10, bad: 4 });
    gateway.serve(stable, { good: 90, bad: 2 });
    await showAll([gateway]);
    const asked = question({ metric: SLOW, instantMs: await nextInstant(), evidenceSinceMs, sinceMs: evidenceSinceMs, boundsMs: [100, 500, 1_000] });
    expect(await provider().measure(asked, FOREVER)).toMatchObject({
      kind: "counted",
      boundMs: 500,
      growth: { canary: { requests: 14, bad: 4, slower: [4, 4, 0] }, stable: { requests: 92, bad: 2, slower: [2, 2, 0] } },
    });
  });

  it("counts a pod that is born from 0, where Prometheus has watched long enough to have seen an older one", async () => {
    const pods = [canary, stable].map((workload) => createProxy({ reporter: "destination", pod: `${workload}-a`, namespace: NAMESPACE, workload }));
    pods[1]!.serve(stable, { good: 1_000, bad: 0 });
    await showAll([pods[1]!]);
    const { look, totals } = createLooks([ERROR_RATE]);
    await look();
    pods[0]!.serve(canary, { good: 9, bad: 2 });
    exporters[1]!.show(pods[0]!.text());
    await Promise.all([exporters[0]!.stored(), exporters[1]!.stored()]);
    await look();
    expect(totals[0]).toEqual({ canary: { requests: 11, bad: 2 }, stable: { requests: 0, bad: 0 } });
  });

  it("counts nothing of a life that a fresh Prometheus has not watched, and goes on from there", async () => {
    const gateway = await twoSides();
    const fresh = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets: [{ job: "gateway", address: exporters[0]!.address }] });
    try {
      const measure = (asked: Question): Promise<Measurement> => provider({ own: { url: fresh.url } }).measure(asked, FOREVER);
      const lostMs = Math.floor(Date.now() / GRID_MS) * GRID_MS - 60_000;
      await until(async () => (await measure(question({ instantMs: Date.now() }))).kind === "base");
      const seenMs = await nextInstant();
      const gap = await measure(question({ instantMs: seenMs, evidenceSinceMs: lostMs }));
      expect(gap).toMatchObject({ kind: "base" });
      expect(gap).not.toHaveProperty("growth");
      expect(gap).not.toHaveProperty("growthAwaited");
      gateway.serve(canary, { good: 5, bad: 1 });
      await showAll([gateway]);
      expect(await measure(question({ instantMs: await nextInstant(), evidenceSinceMs: seenMs, sinceMs: seenMs }))).toMatchObject({ growth: { canary: { requests: 6, bad: 1 }, stable: { requests: 0 } } });
    } finally {
      await fresh.close();
    }
  });

  it("counts a pod once that two Prometheus tell of, each with its own label", async () => {
    const told = (replica: string) => createProxy({ reporter: "source", pod: "gateway", namespace: "istio-system", workloadNamespace: NAMESPACE, labels: { prometheus_replica: replica } });
    const replicas = [told("a"), told("b")];
    const serveBoth = (good: number, bad: number): void => replicas.forEach((replica) => [canary, stable].forEach((workload) => replica.serve(workload, { good, bad })));
    serveBoth(100, 1);
    await showAll(replicas);
    const { look, totals } = createLooks();
    await look();
    serveBoth(10, 2);
    await showAll(replicas);
    await look();
    for (const total of totals) expect(total).toEqual({ canary: { requests: 12, bad: 2 }, stable: { requests: 12, bad: 2 } });
  });
});

describe("stable's past", () => {
  const asked = (given: Partial<Question>): Question => question({ stable: { namespace: NAMESPACE, version: "v1", workloads: ["witness"], pods: [] }, wantsHistory: true, ...given });

  it("is what its counters grew by, in the steps in which it is asked for", { timeout: 120_000 }, async () => {
    const firstMs = (await firstSeenMs()) + 45_000; // three steps at least
    await until(() => Date.now() > firstMs, 60_000);
    const evidenceSinceMs = await nextInstant();
    const expected = await grownInSteps(evidenceSinceMs);
    const measure = (metric: typeof SLOW) => provider().measure(asked({ metric, evidenceSinceMs, instantMs: evidenceSinceMs + 1, sinceMs: evidenceSinceMs - 60_000, lastInstantMs: evidenceSinceMs - 60_000 }), FOREVER);
    expect(await measure(ERROR_RATE)).toMatchObject({ kind: "noData", history: { ...expected, dispersion: expect.any(Number) } });
    const { history } = await measure(SLOW);
    expect(history).toMatchObject({ ...expected, slower: [{ boundMs: 100, slower: expected.bad }, { boundMs: 500, slower: expected.bad, dispersion: expect.any(Number) }, { boundMs: 1_000, slower: 0, dispersion: 1 }] });
    expect(expected.requests).toBeGreaterThan(0);
  });

  it("of many Rollouts is asked for in one query", async () => {
    const instantMs = Date.now();
    let queries = 0;
    const { measure } = provider({ onQuery: () => (queries += 1) });
    const many = Array.from({ length: 5 }, (_, index) => asked({ instantMs, evidenceSinceMs: instantMs - 1_000, canary: { namespace: NAMESPACE, version: "v3", workloads: [`other-${index}`], pods: [] } }));
    const measured = await Promise.all(many.map((one) => measure(one, FOREVER)));
    expect(new Set(measured.map(({ history }) => JSON.stringify(history))).size).toBe(1);
    expect(queries, "two instants, one past, and who has reported at all").toBeLessThanOrEqual(5);
  });

  async function firstSeenMs(): Promise<number> {
    const [first] = await promql("query", { query: 'min(min_over_time(timestamp(istio_requests_total{destination_workload="witness"})[10m:1s]))' });
    return Number(first!.value[1]) * 1_000;
  }

  /** From the first step at which both witnesses are seen to the last. */
  async function grownInSteps(endMs: number): Promise<{ requests: number; bad: number }> {
    const grown = async (matcher: string): Promise<number> => {
      const [all] = await promql("query_range", { query: `sum(istio_requests_total{destination_workload="witness"${matcher}})`, start: String((endMs - 600_000) / 1_000), end: String(endMs / 1_000), step: "15" });
      return Number(all!.values.at(-1)![1]) - Number(all!.values[0]![1]);
    };
    return { requests: await grown(""), bad: await grown(',response_code="503"') };
  }
});

describe("the past, from raw samples that are fetched once", () => {
  function live(counter: CounterMetric, names: Names, target: Target): Telemetry {
    return createTelemetry(counter, names, { target, batcher: createBatcher({ collectMs: 0, maxNames: 200, maxRemembered: 0 }), signal: FOREVER });
  }

  it.each([["requests", ISTIO.requests], ["durations", ISTIO.durations]])("%s are what they were at every instant", { timeout: 120_000 }, async (_name, counter) => {
    const { fromMs, names } = lived!;
    const toMs = Date.now();
    const all = { ...names, stable: [...names.stable, "witness"] };
    const queries: string[] = [];
    const targets = createTargets({ own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false, maxConcurrency: 8, deadlineMs: 60_000, maxAnswerBytes: 1e8 });
    const target = await targets.for({ rollout: { namespace: NAMESPACE, name: "reviews", uid: "u-1" } });
    const done: number[] = [];
    const recorded = await createRecordedTelemetry({
      counter,
      names: all,
      fromMs: fromMs - 120_000,
      toMs,
      query: (promqlText, instantMs, signal) => (queries.push(promqlText), target.query(promqlText, instantMs, signal)),
      signal: FOREVER,
      onProgress: (fraction) => done.push(fraction),
    });
    expect([queries.length, done.at(-1)]).toEqual([2, 1]);
    const told = live(counter, all, target);
    const endMs = Math.min(fromMs + 40_000, toMs);
    for (let atMs = fromMs - 1_000; atMs < endMs; atMs += 370) expect(await recorded.at(atMs), `at ${atMs - fromMs} ms`).toEqual(await told.at(atMs));
    for (let sinceMs = fromMs; sinceMs + 2_500 < endMs; sinceMs += 1_300) {
      expect(await recorded.lastValues(sinceMs, sinceMs + 2_500)).toEqual(await told.lastValues(sinceMs, sinceMs + 2_500));
      expect(withoutEmpty(await recorded.dropped(sinceMs, sinceMs + 2_500))).toEqual(withoutEmpty(await told.dropped(sinceMs, sinceMs + 2_500)));
      expect((await recorded.seenBefore(sinceMs, 3_000)).reporters).toEqual((await told.seenBefore(sinceMs, 3_000)).reporters);
    }
    expect(await recorded.past(endMs)).toEqual(await told.past(endMs));
  });

  it("bring the same measurements, look by look", { timeout: 120_000 }, async () => {
    const { fromMs, names } = lived!;
    const span = { fromMs: fromMs - 60_000, toMs: Date.now() };
    let queries = 0;
    const { measure } = createRecordedProvider({ own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false, onQuery: () => (queries += 1) }, span);
    for (const metric of [ERROR_RATE, SLOW]) {
      for (let [sinceMs, instantMs] = [fromMs + 5_000, fromMs + 7_500]; instantMs < fromMs + 25_000; [sinceMs, instantMs] = [instantMs, instantMs + 2_500]) {
        const sides = { canary: { namespace: NAMESPACE, version: "v3", workloads: names.canary, pods: [] }, stable: { namespace: NAMESPACE, version: "v2", workloads: names.stable, pods: [] } };
        const asked = question({ ...sides, metric, instantMs, sinceMs, evidenceSinceMs: sinceMs, boundsMs: [100, 500], wantsHistory: true });
        expect(await measure(asked, FOREVER)).toEqual(await provider().measure(asked, FOREVER));
      }
    }
    expect(queries, "counters and scrapes, of two metrics").toBe(4);
  });
});

function withoutEmpty(dropped: Awaited<ReturnType<Telemetry["dropped"]>>) {
  return new Map([...dropped].filter(([, series]) => series.size > 0));
}
