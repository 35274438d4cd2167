/** Runs from their records and from status, and one run in sentences. */
import { describe, expect, it, test } from "vitest";
import type { Cluster } from "../../../src/cli/cluster.ts";
import { runNumbered } from "../../../src/cli/explain-run.ts";
import { runsFor, type RunSeen } from "../../../src/cli/past-runs.ts";
import { createStyle } from "../../../src/cli/style.ts";
import { curveOf, looksSaid, smallCurveOf } from "../../../src/cli/view/looks.ts";
import { runAccountOf } from "../../../src/cli/view/run-account.ts";
import { runsTable } from "../../../src/cli/view/runs.ts";
import type { KubernetesObject, ListOptions, Resource } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { appended, type Look } from "../../../src/rollout/analysis/trail.ts";
import type { RolloutRunSpec } from "../../../src/rollout/rollout-run.ts";
import { RolloutSpec } from "../../../src/rollout/spec.ts";
import type { PastRun, RolloutStatus } from "../../../src/rollout/status.ts";
import { aTarget, NAMESPACE } from "../../support/istio-objects.ts";
import { aCheck, aRollout, aRun, aStatus, at, v2, v3 } from "../../support/rollouts.ts";

const style = createStyle(false);
const spec = { release: "v3", traffic: aTarget() };

const aSpec = (change: Partial<RolloutRunSpec> = {}): RolloutRunSpec => ({
  rollout: { name: "reviews", uid: "uid-1" }, number: 1, from: v2, to: v3, outcome: "RolledBack", reason: "errors was 5%", message: "run 1 of v3 was taken back to v2: errors was 5%",
  startedAt: at(0), endedAt: at(80), peak: 10, ladder: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 100, hold: "1m" }], checks: [], told: [], resolved: RolloutSpec.parse(spec), ...change,
});
const aRecord = (change: Partial<RolloutRunSpec> = {}, namespace = NAMESPACE): KubernetesObject => {
  const said = aSpec(change);
  return { metadata: { namespace, name: `${said.rollout.name}-${said.rollout.uid}-${said.number}` }, spec: said };
};
const anObject = (status: RolloutStatus | null = aStatus(), name = "reviews", uid = "uid-1"): KubernetesObject => ({ metadata: { namespace: NAMESPACE, name, uid, resourceVersion: "1" }, spec, ...(status && { status }) });
const aPast = (change: Partial<PastRun> = {}): PastRun => ({ number: 1, from: v2, to: v3, outcome: "Aborted", weight: 50, startedAt: at(0), endedAt: at(20), ...change });

interface Server {
  readonly rollouts?: readonly KubernetesObject[];
  readonly records?: readonly KubernetesObject[] | ApiError;
}

/** With pages of one. */
function aCluster({ rollouts = [], records = [] }: Server): Cluster & { readonly lists: readonly (ListOptions & { readonly plural: string; readonly namespace: string | undefined })[] } {
  const lists: (ListOptions & { readonly plural: string; readonly namespace: string | undefined })[] = [];
  const client = {
    async list({ plural }: Resource, namespace: string | undefined, options: ListOptions) {
      lists.push({ ...options, plural, namespace });
      const all = plural === "rollouts" ? rollouts : records;
      if (all instanceof ApiError) throw all;
      const from = Number(options.continue ?? 0);
      return { metadata: { resourceVersion: "1", ...(from + 1 < all.length && { continue: String(from + 1) }) }, items: all.slice(from, from + 1) };
    },
    async get(_: Resource, __: string | undefined, name: string) {
      const found = rollouts.find(({ metadata }) => metadata.name === name);
      if (!found) throw new ApiError(`get /x: 404 rollouts.weir.dev "${name}" not found`, 404, "NotFound");
      return found;
    },
  };
  return { client: client as never, server: "", namespace: NAMESPACE, istio: () => Promise.reject(new Error("not asked")), skewMs: () => undefined, lists };
}

const shown = (runs: readonly RunSeen[]) => runs.map(({ rollout, number, outcome, record }) => [rollout.name, number, outcome ?? "goes on", record ?? "no record"]);

describe("the runs of a Rollout", () => {
  it("are the one that goes on, those with a record, and those that status alone remembers", async () => {
    const status = aStatus({ run: aRun({ number: 3, startedAt: at(300) }), history: [aPast({ number: 2, startedAt: at(200), endedAt: at(220) }), aPast()] });
    const cluster = aCluster({ rollouts: [anObject(status)], records: [aRecord(), aRecord({ rollout: { name: "reviews-of-a-long-name", uid: "uid-9" } })] });
    expect(shown((await runsFor(cluster, { name: "weir/reviews" })).runs)).toEqual([["reviews", 3, "goes on", "no record"], ["reviews", 2, "Aborted", "no record"], ["reviews", 1, "RolledBack", "reviews-uid-1-1"]]);
    expect(cluster.lists.map(({ plural, labelSelector, namespace }) => [plural, labelSelector, namespace])).toEqual([["rolloutruns", "weir.dev/rollout=reviews", NAMESPACE], ["rolloutruns", "weir.dev/rollout=reviews", NAMESPACE]]);
  });

  it("are known when it is gone, or was made anew", async () => {
    const records = [aRecord(), aRecord({ number: 2, startedAt: at(100) })];
    expect(shown((await runsFor(aCluster({ records }), { name: "reviews" })).runs)).toEqual([["reviews", 2, "RolledBack", "reviews-uid-1-2"], ["reviews", 1, "RolledBack", "reviews-uid-1-1"]]);
    const anew = anObject(aStatus({ run: aRun({ outcome: "Succeeded", startedAt: at(900), endedAt: at(990) }), history: [aPast({ outcome: "Succeeded", startedAt: at(900), endedAt: at(990) })] }), "reviews", "uid-2");
    expect(shown((await runsFor(aCluster({ records, rollouts: [anew] }), { name: "reviews" })).runs).map(([, number, outcome]) => [number, outcome])).toEqual([[1, "Succeeded"], [2, "RolledBack"], [1, "RolledBack"]]);
  });

  it("are not there where nobody knows the name", async () => {
    await expect(runsFor(aCluster({ rollouts: [anObject()] }), { name: "review" })).rejects.toMatchObject({ message: `no Rollout review in namespace ${NAMESPACE}; did you mean reviews?`, exitCode: 3 });
  });

  it.each([
    [404, "no records are seen, because the API server knows no RolloutRun; status remembers the last ten runs of each Rollout"],
    [403, "no records are seen, because you may not list rolloutruns; status remembers the last ten runs of each Rollout"],
  ])("are taken from status where records cannot be read (%d), which is said", async (status, note) => {
    const records = new ApiError("list /x", status, "x");
    const found = await runsFor(aCluster({ rollouts: [anObject(aStatus({ history: [aPast()], run: aRun({ number: 2 }) }))], records }), { name: "reviews" });
    expect(shown(found.runs)).toEqual([["reviews", 2, "goes on", "no record"], ["reviews", 1, "Aborted", "no record"]]);
    expect(found.notes).toEqual([note]);
  });

  it("are left out where they ended before the time asked for", async () => {
    const records = [aRecord({ number: 1, endedAt: at(10) }), aRecord({ number: 2, endedAt: at(100) })];
    const { runs } = await runsFor(aCluster({ records, rollouts: [anObject(aStatus({ run: aRun({ number: 3 }) }))] }), { sinceMs: Date.parse(at(50)) });
    expect(runs.map(({ number }) => number).sort()).toEqual([2, 3]);
  });

  it("are read although another Weir wrote their evidence in another shape, and told where one cannot be read at all", async () => {
    const other = aRecord({ evidence: [{ name: "errors", E: 7 }] as never, checks: "none" as never });
    const { runs, notes } = await runsFor(aCluster({ records: [other, { metadata: { namespace: NAMESPACE, name: "x" }, spec: { format: 9 } }] }), { allNamespaces: true });
    expect(runs).toEqual([expect.objectContaining({ number: 1, reason: "errors was 5%", evidence: undefined, checks: [] })]);
    expect(notes).toEqual(["1 record was not written by a Weir that this one knows; kubectl get weirruns -o yaml shows them"]);
  });
});

describe("a run by its number", () => {
  it("is the newest that had it, and the others are told of", async () => {
    const records = [aRecord(), aRecord({ rollout: { name: "reviews", uid: "uid-0" }, startedAt: at(-900) })];
    const { run, notes } = await runNumbered(aCluster({ records }), "reviews", 1);
    expect(run.record).toBe("reviews-uid-1-1");
    expect(notes).toEqual(["an earlier Rollout reviews had a run 1, too; weir history reviews -o wide names its record"]);
  });

  it("is missed with the numbers that there are", async () => {
    await expect(runNumbered(aCluster({ records: [aRecord()] }), "reviews", 9)).rejects.toMatchObject({ message: "expected the number of a run of reviews (1), got 9; weir history reviews lists them", exitCode: 3 });
  });
});

/** Ten seconds apart; the canary gets worse. */
const looks: readonly Look[] = [0, 1, 3, 8].map((bad, index) => ({ atMs: Date.parse(at(20 + index * 10)), canary: { requests: 60, bad }, stable: { requests: index === 1 ? 0 : 700, bad: index === 0 ? 1 : 0 } }));
const trail = looks.reduce(appended, "");

describe("looks", () => {
  test("are curves of the same height for the same share: above 0 always to be seen, without a request a point", () => {
    expect(smallCurveOf(trail)).toBe("▁▂▄█");
    expect(curveOf([{ requests: 10, bad: 0 }, { requests: 1_000_000, bad: 1 }, { requests: 0, bad: 0 }, { requests: 2, bad: 2 }], 1)).toBe("▁▂·█");
  });

  test("are summed, and told one by one to whoever asks", () => {
    expect(looksSaid("errors", trail, { style, wide: false, startedAtMs: Date.parse(at(0)) })).toEqual([
      "  errors: bad requests, look by look",
      "    canary   ▁▂▄█   12 of 240 (5.0%)",
      "    stable   ▂·▁▁   1 of 2,100 (0.048%)",
    ]);
    expect(looksSaid("errors", trail, { style, wide: true, startedAtMs: Date.parse(at(0)) }).slice(3)).toEqual([
      "    AFTER   CANARY           STABLE",
      "    20s     0 of 60 (0%)     1 of 700 (0.14%)",
      "    30s     1 of 60 (1.7%)   no request",
      "    40s     3 of 60 (5.0%)   0 of 700 (0%)",
      "    50s     8 of 60 (13%)    0 of 700 (0%)",
    ]);
  });

  test("that nobody took are not told", () => {
    expect(looksSaid("errors", "", { style, wide: true, startedAtMs: 0 })).toEqual([]);
  });
});

describe("a run that has ended", () => {
  const evidence = { name: "errors", trail } as NonNullable<RolloutRunSpec["evidence"]>[number];
  const run: RunSeen = { namespace: NAMESPACE, record: "reviews-uid-1-1", ...aSpec({ actor: "alice", checks: [aCheck({ verdict: "Fail", value: "5%", message: "12 of 240 requests failed", query: "sum(istio_requests_total)" })], evidence: [evidence], told: [{ target: "slack/#deploys", event: "StepReached" }] }) };
  const said = (seen: RunSeen, wide = false): string => runAccountOf(seen, { style, nowMs: Date.parse(at(680)), width: 300, wide }).join("\n");

  it("is told: what came of it, by whom, why, each check with its query, and its looks", () => {
    const text = said(run);
    for (const part of [
      "bookinfo/reviews, run 1: RolledBack (RolloutRun reviews-uid-1-1)",
      "  run 1 of v3 was taken back to v2: errors was 5%.",
      "  It went from v2 to v3, began 11m ago (2026-11-21T12:00:00.000Z), and ended after 1m20s, having reached 10% of the steps 10, 100. It was ended by alice.",
      "  What had been told by then: slack/#deploys of StepReached.",
      "errors: Fail,",
      "12 of 240 requests failed",
      "    sum(istio_requests_total)",
      "    canary   ▁▂▄█   12 of 240 (5.0%)",
    ]) expect(text).toContain(part);
    expect(text).not.toContain("AFTER");
    expect(said(run, true)).toContain("    AFTER");
  });

  it("of a Deployment names it, and calls its versions templates", () => {
    const { release: _, ...spec } = aRollout({ spec: { release: undefined, deployment: { name: "reviews" } } }).spec;
    const text = said({ ...run, resolved: spec });
    expect(text).toContain("  The template of Deployment reviews went from v2 to v3, began 11m ago");
    expect(text).toContain("errors: Fail,");
  });

  it("without a record is told as far as status remembers", () => {
    const text = said({ namespace: NAMESPACE, rollout: { name: "reviews", uid: "uid-1" }, number: 1, from: v2, to: v3, outcome: "Aborted", reason: "aborted by alice", startedAt: at(0), endedAt: at(20), peak: 50 });
    expect(text).toContain("bookinfo/reviews, run 1: Aborted (no record)");
    expect(text).toContain("  aborted by alice.");
    expect(text).toContain("What its checks said is not known: no record of it is kept.");
  });

  it("before anything was judged says so", () => {
    expect(said({ ...run, checks: [] })).toContain("Nothing had been judged in its last step when it ended.");
  });

  it("that another Weir wrote is told without its checks", () => {
    expect(said({ ...run, resolved: { release: 7 } })).toContain("They were written by another Weir; -o yaml shows them.");
  });

  it("in observe mode says what Weir would have done", () => {
    expect(said({ ...run, wouldRollBack: "errors was 5%" })).toContain("Weir looked on, and would have taken it back: errors was 5%.");
  });

  it("is a row in a list of many, with its looks where there is room", () => {
    const options = { style, nowMs: Date.parse(at(680)), withRollout: true, withNamespace: true };
    expect(runsTable([run], { ...options, wide: false })[1]).toMatch(/^bookinfo +reviews +1 +v2 +v3 +RolledBack +10% +11m ago +1m20s +alice +errors was 5%$/);
    expect(runsTable([run], { ...options, wide: true })[1]).toMatch(/errors was 5% +reviews-uid-1-1 +errors ▁▂▄█$/);
  });
});
