/** The past replayed from a real Prometheus decides as the daemon did while it happened. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import { createRandom } from "../../src/playground/random.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import { msOf, timeOf } from "../../src/rollout/units.ts";
import { destinationLabels, requestsText, startExporter, type Exporter } from "../support/exporter.ts";
import { aTarget } from "../support/istio-objects.ts";
import { until } from "../support/until.ts";
import { weir } from "../support/weir.ts";
import { aWorld, type World } from "../support/world.ts";

const SETTLE = "500ms";
const TRAFFIC_EVERY_MS = 50;
const SPEC: RolloutSpecInput = {
  release: "v3",
  traffic: aTarget(),
  strategy: { propagation: "1s", steps: [{ weight: 25, hold: "4s" }, { weight: 50, hold: "8s" }, { weight: 100, hold: "4s" }] },
  analysis: { interval: "1s", settle: SETTLE, minVerdicts: 2, minRequests: 5, warmup: "0s", onMissingTraffic: "ignore" },
};

let exporters: Exporter[];
let prometheus: PrometheusServer;
let folder = "";
let world: World;
let beganAtMs = 0;
let traffic: NodeJS.Timeout;

/** Whole requests of both versions, the canary's worse from the second step on. */
function serve(random: () => number): void {
  const counts = { v2: { good: 0, bad: 0 }, v3: { good: 0, bad: 0 } };
  traffic = setInterval(() => {
    counts.v2.good += 8;
    for (let request = 0; request < 4; request++) counts.v3[(world.route()["v3"] ?? 0) >= 50 && random() < 0.3 ? "bad" : "good"] += 1;
    Object.values(counts).forEach(({ good, bad }, index) => {
      const workload = `reviews-${index === 0 ? "v2" : "v3"}`;
      exporters[index]!.show(requestsText(destinationLabels(workload), { "200": good, ...(bad > 0 ? { "503": bad } : {}) }));
    });
  }, TRAFFIC_EVERY_MS);
}

function liveProvider() {
  return createMetricProvider({ prometheus: { own: { url: prometheus.url }, readSecret: () => Promise.reject(new Error("no secrets here")), isAllowedHost: () => false } });
}

/** The daemon's own tick, asked at its time: the world's clock is the wall's whenever Prometheus is asked. */
async function deliverLive(): Promise<void> {
  const { measure } = liveProvider();
  Object.assign(world.ports, {
    metrics: {
      measure: async (question, signal) => {
        await until(() => Date.now() >= question.instantMs + msOf(SETTLE), 30_000);
        return measure(question, signal);
      },
    } satisfies World["ports"]["metrics"],
  });
  world.nowMs = beganAtMs;
  await world.run(60_000, () => (world.ports.rollouts.get({ namespace: "bookinfo", name: "reviews" })?.status?.run?.outcome ?? undefined) !== undefined);
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "weir-backtest-"));
  exporters = await Promise.all([startExporter(), startExporter()]);
  prometheus = await startPrometheus({ scrapeIntervalMs: 250, targets: exporters.map(({ address }, index) => ({ job: `pod-${index}`, address })) });
  world = aWorld({ spec: SPEC });
  for (const version of ["v2", "v3"]) Object.assign(world.pods[version]!, { ready: 3, wanted: 3 });
  serve(createRandom(11));
  await Promise.all(exporters.map((exporter) => exporter.stored()));
  beganAtMs = Math.ceil(Date.now() / 1_000) * 1_000;
  await deliverLive();
}, 60_000);

afterAll(async () => {
  clearInterval(traffic);
  await prometheus?.close();
  await Promise.all((exporters ?? []).map((exporter) => exporter.close()));
  rmSync(folder, { recursive: true });
});

function fileWith(spec: RolloutSpecInput): string {
  const file = path.join(folder, "rollout.json");
  writeFileSync(file, JSON.stringify({ apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "reviews", namespace: "bookinfo" }, spec }));
  return file;
}

const replay = (more: readonly string[] = [], spec = SPEC, stable = "reviews-v2") =>
  weir(["backtest", fileWith(spec), "--prometheus", prometheus.url, "--from", timeOf(beganAtMs), "--canary", "reviews-v3", "--stable", stable, ...more]);

interface Replayed {
  readonly ending: string;
  readonly endedAt: string;
  readonly instants: readonly { readonly at: string; readonly would: string; readonly weight: number; readonly why: string; readonly checks: readonly { readonly verdict: string }[] }[];
}

describe("weir backtest", () => {
  const lived = (): NonNullable<RolloutStatus["run"]> => world.status().run!;

  it("takes the version back at the instant, and with the sentence, of the live run", async () => {
    expect(lived()).toMatchObject({ outcome: "RolledBack", peak: 50 });
    const { out, err, exitCode } = await replay(["-o", "json"]);
    const replayed = JSON.parse(out) as Replayed;
    expect({ err, exitCode }).toEqual({ err: "", exitCode: 4 });
    expect(replayed).toMatchObject({ ending: "stopped", endedAt: lived().endedAt, canary: "reviews-v3", stable: "reviews-v2" });
    expect(replayed.instants.at(-1)).toMatchObject({ would: "rollBack", at: lived().endedAt });
    expect(replayed.instants.at(-1)!.why).toContain(lived().reason);
    expect(lived().reason).toMatch(/^errors: canary \d+ of \d+ requests failed .* a healthy version would look this bad in fewer than 1 of/);
  });

  it("steps up when the live run did", async () => {
    const { instants } = JSON.parse((await replay(["-o", "json"])).out) as Replayed;
    const steps = world.log.flatMap((line) => / route .*v3 (\d+) stamp/.exec(line)?.slice(1, 2).map((weight) => `${line.slice(0, 12)} ${weight}`) ?? []);
    expect(instants.filter(({ would }) => would === "begin" || would === "advance").map(({ at, weight }) => `${at.slice(11, 23)} ${weight}`)).toEqual(steps);
  });

  it("says the same twice", async () => {
    expect(await replay()).toEqual(await replay());
  });

  it("tells people what, when and why, and what it cannot know", async () => {
    const { out } = await replay();
    expect(out).toMatch(/^\d\d:\d\d:\d\d +25% +begin/m);
    expect(out).toMatch(/^\d\d:\d\d:\d\d +50% +advance/m);
    expect(out).toMatch(/^\d\d:\d\d:\d\d +0% +roll back/m);
    expect(out).toMatch(/hold \(\d+ looks\)/);
    expect(out).toContain("Weir would have taken the new version back");
    expect(out).toMatch(/The past cannot be changed/);
  });

  it("would still go on where the data ends, and delivers where nothing is judged", async () => {
    expect(await replay(["--to", timeOf(beganAtMs + 4_000)])).toMatchObject({ exitCode: 0, out: expect.stringContaining("The run would still go on when the data ends") });
    const unjudged = { ...SPEC, analysis: { ...SPEC.analysis, metrics: [] }, strategy: { ...SPEC.strategy, steps: [{ weight: 100, hold: "1s" }] } };
    expect(await replay([], unjudged)).toMatchObject({ exitCode: 0, out: expect.stringContaining("Weir would have delivered the new version") });
  });

  it("points at a workload that nobody asked for anything", async () => {
    const { err } = await replay([], SPEC, "reviews-v9");
    expect(err).toContain("No request to reviews-v9 in namespace bookinfo was seen in that time");
  });
});
