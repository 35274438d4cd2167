/** What the record of a run holds: everything that somebody asks months later, in few bytes, and no secret. */
import { describe, expect, test } from "vitest";
import { definitionOf } from "../../../src/rollout/analysis/judge.ts";
import { appended } from "../../../src/rollout/analysis/trail.ts";
import type { Decision } from "../../../src/rollout/decision.ts";
import { effectsOf } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import { runLabelOf, runNameOf, type RunRecord } from "../../../src/rollout/rollout-run.ts";
import { RolloutSpec, type RolloutSpecInput } from "../../../src/rollout/spec.ts";
import type { Evidence, Run } from "../../../src/rollout/status.ts";
import { aTarget } from "../../support/istio-objects.ts";
import { aCheck, anObservation, aRollout, aRun, aStatus, at } from "../../support/rollouts.ts";

const ENDS: Decision = { kind: "end", outcome: "RolledBack", why: "errors was 5%", phase: "Degraded", reason: "RolledBack", message: "run 1 of v3 was taken back to v2: errors was 5%" };

/** Of the tick that ends the run. */
function recordOf(run: Run, spec: Partial<RolloutSpecInput> = {}, finalizers?: readonly string[]): RunRecord {
  const rollout = aRollout({ spec, status: aStatus({ run }), ...(finalizers ? { finalizers } : {}) });
  const seen = anObservation();
  const effect = effectsOf(rollout, nextStatus(rollout, seen, ENDS), seen, ENDS).find(({ kind }) => kind === "keepRecord");
  if (effect?.kind !== "keepRecord") throw new Error("no record is owed");
  return effect.record;
}

/** After 60 looks at everyday traffic, as full as evidence gets. */
function evidenceOf(name: string, bounds: number, definition: string): Evidence {
  const grid = Array.from({ length: 8 }, (_, index) => -1.234567890123 * index);
  const look = (index: number) => ({ atMs: Date.parse(at(index * 10)), canary: { requests: 1_234, bad: 12 }, stable: { requests: 23_456, bad: 34 } });
  return {
    name, definition, at: at(600), looks: 60, canary: { requests: 74_040, bad: [720, ...grid.slice(0, bounds).map(() => 12_345)] }, stable: { requests: 1_407_360, bad: [2_040, ...grid.slice(0, bounds).map(() => 123_456)] }, dispersion: 1.234567890123,
    boundsMs: [50, 100, 250, 500, 1_000].slice(0, bounds), slowerBefore: [0.1234567, 0.02345678, 0.01234567, 0.002345678, 0.001234567].slice(0, bounds),
    past: { requests: 140_736.123456, bad: [204.123456, ...grid.slice(0, bounds)] },
    againstStable: Array.from({ length: Math.max(1, bounds) }, () => grid), againstLimit: grid, stableAgainstLimit: grid, better: grid, safe: grid, compared: 60, inStep: 12,
    trail: Array.from({ length: 60 }, (_, index) => look(index)).reduce(appended, ""),
  };
}

describe("a record", () => {
  test("of 60 looks at three metrics, with everything said in the spec, is smaller than 16 KiB", () => {
    const query = 'sum(rate(orders_total{workload="$(canary.workload)",code!~"5.."}[$(window)])) / sum(rate(orders_total{workload="$(canary.workload)"}[$(window)]))';
    const metrics: NonNullable<NonNullable<RolloutSpecInput["analysis"]>["metrics"]> = [{ name: "errors", errorRate: { max: "1%" } }, { name: "slow", latency: { percentile: 99, max: "500ms" } }, { name: "orders", query, min: 0.5 }];
    const record = recordOf(
      aRun({
        checks: ["errors", "slow", "orders"].map((name) => aCheck({ name, verdict: "Fail", message: "12 of 240 requests failed", query: query.repeat(3) })),
        evidence: RolloutSpec.parse({ release: "v3", traffic: aTarget(), analysis: { metrics } }).analysis.metrics.map((metric, index) => evidenceOf(metric.name, [0, 5, 1][index]!, definitionOf(metric, { source: "istio" }))),
        share: { looks: 60, capital: [0.1, 0.2], canary: 74_040, stable: 1_407_360 },
      }),
      {
        analysis: { metrics },
        notifications: [{ slack: { channel: "#deploys" } }, { webhook: { url: "https://hooks.example.com/weir", secretRef: { name: "hook", key: "hmac" } } }],
        links: [{ title: "Grafana", url: "https://grafana.example/d/x?var-ns=$(namespace)" }],
      },
    );
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(16 * 1024);
    expect(record.spec.evidence?.[0]?.trail.split(" ")).toHaveLength(60);
  });

  test("of a Deployment's run has the spec as it was written, which can be read again", () => {
    const { resolved } = recordOf(aRun({ deployment: "reviews" }), { release: undefined, deployment: { name: "reviews" } }, []).spec;
    expect(RolloutSpec.safeParse(resolved).error).toBeUndefined();
    expect(resolved).toMatchObject({ deployment: { name: "reviews", onRollback: "keep" } });
  });

  test("is owed again as long as the finalizer is there, and never after that", () => {
    const ended = aRun({ outcome: "Aborted", endedAt: at(20), reason: "aborted by alice" });
    const stays: Decision = { kind: "stay", phase: "Degraded", reason: "Aborted", message: "as it was" };
    const kindsOf = (finalizers: readonly string[], split: Record<string, number>) => {
      const rollout = aRollout({ finalizers, status: aStatus({ run: ended }) });
      const seen = anObservation({ split, stamp: null });
      return effectsOf(rollout, nextStatus(rollout, seen, stays), seen, stays).map(({ kind }) => kind).filter((kind) => kind !== "event");
    };
    expect(kindsOf(["weir.dev/traffic"], { v2: 100, v3: 0 })).toEqual(["keepRecord", "setFinalizer"]);
    expect(kindsOf([], { v2: 100, v3: 0 })).toEqual([]);
  });

  test("comes after the route and before the finalizer goes", () => {
    const rollout = aRollout();
    const seen = anObservation();
    const kinds = effectsOf(rollout, nextStatus(rollout, seen, ENDS), seen, ENDS).map(({ kind }) => kind);
    expect(kinds.slice(0, 3)).toEqual(["writeRoute", "keepRecord", "setFinalizer"]);
  });
});

describe("its name", () => {
  const uid = "0f8fad5b-d9cb-469f-a165-70867728950e";

  test("is made of the Rollout's name, its uid and the run's number", () => {
    expect(runNameOf({ name: "reviews", uid }, 7)).toBe("reviews-0f8fad5b-7");
  });

  test.each(["a".repeat(253), `${"a".repeat(239)}.${"b".repeat(13)}`, `${"a".repeat(62)}.${"b".repeat(174)}-${"c".repeat(15)}`])("is legal whatever the Rollout's is: %s", (name) => {
    const made = runNameOf({ name, uid }, 1_234);
    expect(made.length).toBeLessThanOrEqual(253);
    expect(made).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(made).toMatch(/-0f8fad5b-1234$/);
    expect(runLabelOf(name)).toMatch(/^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/);
  });
});
