/** A replay with a provider by hand: what it asks, how it ends, and what bad input gets. */
import { describe, expect, it, test } from "vitest";
import { backtestSaid } from "../../../src/cli/view/backtest.ts";
import { createStyle } from "../../../src/cli/style.ts";
import { backtest, type BacktestOptions } from "../../../src/rehearsal/recorded/backtest.ts";
import type { Measurement, Question } from "../../../src/rollout/analysis/measurement.ts";
import { aRollout } from "../../support/rollouts.ts";
import { weir } from "../../support/weir.ts";

const NOON_MS = Date.parse("2026-11-21T12:00:00.000Z");
const OPTIONS: BacktestOptions = { fromMs: NOON_MS, toMs: NOON_MS + 3_600_000, namespace: "shop", canary: "cart-v3", stable: "cart-v2" };
const FOREVER = new AbortController().signal;

/** 300 requests a look to the canary, of which so many fail, and thrice as many to stable. */
function answering(badOf: (atMs: number) => number, asked: Question[] = []) {
  return {
    measure: async (question: Question): Promise<Measurement> => {
      asked.push(question);
      const { metric: { name }, instantMs, evidenceSinceMs = 0, inForceAtMs, sinceMs } = question;
      const canary = { requests: 300, bad: badOf(instantMs) };
      const growth = { sinceMs: evidenceSinceMs, reporter: "source" as const, inStep: evidenceSinceMs >= inForceAtMs, canary, stable: { requests: 900, bad: 1 } };
      return { name, instantMs, query: "", growth, ...(sinceMs === undefined ? { kind: "base" } : { kind: "counted", ...canary }) };
    },
  };
}

const replayed = (badOf: (atMs: number) => number, options = OPTIONS, asked: Question[] = []) =>
  backtest(aRollout({ status: null, spec: { strategy: {} } }), options, answering(badOf, asked), { signal: FOREVER, onLook: () => undefined });

describe("a replay", () => {
  it("asks about the two workloads, at instants of the past, and never at another Prometheus", async () => {
    const asked: Question[] = [];
    await replayed(() => 0, OPTIONS, asked);
    expect(asked[0]).toMatchObject({ canary: { namespace: "shop", workloads: ["cart-v3"] }, stable: { namespace: "shop", workloads: ["cart-v2"] } });
    expect(asked[0]).not.toHaveProperty("prometheus");
    expect(asked.every(({ instantMs }) => instantMs > NOON_MS && instantMs % 10_000 === 0)).toBe(true);
  });

  it("asks about the clusters that are named, where Envoy tells", async () => {
    const asked: Question[] = [];
    const rollout = aRollout({ status: null, spec: { strategy: {}, analysis: { source: "envoy", envoyCluster: "shop_$(version)_80" } } });
    await backtest(rollout, { ...OPTIONS, canary: "shop_cart-v3_80", stable: "shop_cart-v2_80" }, answering(() => 0, asked), { signal: FOREVER, onLook: () => undefined });
    expect(asked[0]).toMatchObject({ source: "envoy", canary: { cluster: "shop_cart-v3_80" }, stable: { cluster: "shop_cart-v2_80" } });
  });

  it("delivers what was good, and takes back what turned bad, after it did", async () => {
    expect(await replayed(() => 0)).toMatchObject({ ending: "delivered" });
    const turnedMs = NOON_MS + 90_000;
    const bad = await replayed((atMs) => (atMs > turnedMs ? 30 : 0));
    expect(bad.ending).toBe("stopped");
    expect(bad.endedAtMs).toBeGreaterThan(turnedMs);
    expect(bad.endedAtMs).toBeLessThan(turnedMs + 60_000);
    expect(bad.instants.at(-1)).toMatchObject({ would: "rollBack", weight: 0, why: expect.stringContaining("requests failed"), checks: [{ name: "errors", verdict: "Fail" }] });
    expect(bad.counted).toEqual([{ name: "errors", canary: { requests: expect.any(Number), bad: expect.any(Number) }, stable: { requests: expect.any(Number), bad: expect.any(Number) } }]);
  });

  it("says which queries it could not ask, since they name pods", async () => {
    const metrics = [{ name: "restarts", query: 'sum(restarts{pod=~"$(canary.pods)"})', max: 0 }, { name: "depth", query: 'depth{workload="$(canary.workload)"}', max: 10 }];
    const none = { measure: ({ metric: { name }, instantMs }: Question): Promise<Measurement> => Promise.resolve({ kind: "noData", name, instantMs, query: "" }) };
    const done = await backtest(aRollout({ status: null, spec: { analysis: { metrics } } }), OPTIONS, none, { signal: FOREVER, onLook: () => undefined });
    expect(done.withoutPods).toEqual(["restarts"]);
    const said = backtestSaid({ ...done, name: "cart", fromMs: NOON_MS, canary: "cart-v3", stable: "cart-v2", namespace: "shop" }, createStyle(false), 200).join("\n");
    expect(said).toContain("No data for restarts: the query names pods, and which pods there were then is not known any more.");
  });

  it("ends with the data", async () => {
    const toMs = NOON_MS + 65_000;
    expect(await replayed(() => 0, { ...OPTIONS, toMs })).toMatchObject({ ending: "undecided", endedAtMs: toMs });
  });

  it("does not blame the canary for a share that it had in the past", async () => {
    const few = { measure: async (question: Question): Promise<Measurement> => ({ ...(await answering(() => 0).measure(question)), growth: { sinceMs: question.evidenceSinceMs!, reporter: "source", inStep: true, canary: { requests: 30, bad: 0 }, stable: { requests: 9_000, bad: 9 } } }) };
    expect(await backtest(aRollout({ status: null, spec: { strategy: {} } }), OPTIONS, few, { signal: FOREVER, onLook: () => undefined })).toMatchObject({ ending: "delivered" });
  });

  it("ends with a sentence where Prometheus does not answer now, since it was not so then", async () => {
    const failing = { measure: async ({ metric: { name }, instantMs }: Question): Promise<Measurement> => ({ name, instantMs, query: "", kind: "error", message: "Prometheus could not be reached" }) };
    await expect(backtest(aRollout({ status: null }), OPTIONS, failing, { signal: FOREVER, onLook: () => undefined })).rejects.toThrow(/^errors at 2026-11-21T12:00:\d\d.000Z, asked where --prometheus says: Prometheus could not be reached$/);
  });

  it("is told with looks that change nothing counted together", async () => {
    const told = backtestSaid({ ...(await replayed((atMs) => (atMs > NOON_MS + 90_000 ? 30 : 0))), ...OPTIONS, name: "cart" }, createStyle(false), 110);
    expect(told.every((line) => [...line].length <= 110)).toBe(true);
    expect(told.filter((line) => /^\d\d:\d\d:\d\d/.test(line)).length).toBeLessThan(10);
    expect(told.join("\n")).toMatch(/12:0\d:\d\d +0% +roll back +run 1 of v3 was taken back to stable: errors: canary/);
  });
});

describe("weir backtest", () => {
  const stdin = "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: cart}\nspec:\n  release: v3\n  traffic: {istio: {virtualServices: [{name: cart}]}}\n";
  const FULL = "--prometheus http://127.0.0.1:1 --from 1h --canary cart-v3 --stable cart-v2 -n shop";

  test.each([
    ["no beginning", FULL.replace("--from 1h", ""), 2, "required option '--from <time>' not specified"],
    ["a beginning that is no time", FULL.replace("1h", "noon"), 2, "Expected a time such as 2026-11-21T12:00:00Z, or a duration such as 2h for two hours ago."],
    ["a beginning after the end", `${FULL} --to 2h`, 2, "expected --from to be before --to and now"],
    ["more than a week", FULL.replace("1h", "200h"), 2, "expected at most 7 days between --from and --to, got 9"],
    ["the same workload twice", FULL.replace("cart-v2", "cart-v3"), 2, "expected two workloads, got cart-v3 as --canary and as --stable"],
    ["no namespace", FULL.replace("-n shop", ""), 2, "expected the namespace of the workloads, got none"],
    ["no address", FULL.replace("http://127.0.0.1:1", "prometheus"), 2, "Expected an address such as http://localhost:9090"],
    ["a Prometheus that is not there", FULL, 1, "Prometheus could not be reached"],
  ])("has one sentence for %s", async (_, line, exitCode, sentence) => {
    const said = await weir(["backtest", "-", ...line.split(" ").filter(Boolean)], { stdin });
    expect(said).toMatchObject({ exitCode, out: "" });
    expect(said.err).toContain(sentence);
    expect(said.err.trim().split("\n")).toHaveLength(1);
  });
});
