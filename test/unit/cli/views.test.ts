/** From objects to text: lists, portraits, explanations, findings. */
import { describe, expect, it, test } from "vitest";
import { createStyle } from "../../../src/cli/style.ts";
import { findingsSaid } from "../../../src/cli/view/findings.ts";
import { spanOf } from "../../../src/cli/view/ages.ts";
import { barOf } from "../../../src/cli/view/bar.ts";
import { runsInStatus } from "../../../src/cli/past-runs.ts";
import { inColumns, shortened, widthOf, wrapped } from "../../../src/cli/view/columns.ts";
import { explanationOf } from "../../../src/cli/view/explanation.ts";
import { createLines } from "../../../src/cli/view/lines.ts";
import { listOf } from "../../../src/cli/view/list.ts";
import { nextCommands } from "../../../src/cli/view/next-commands.ts";
import { portraitOf } from "../../../src/cli/view/portrait.ts";
import { runsTable } from "../../../src/cli/view/runs.ts";
import { createScreen } from "../../../src/cli/view/screen.ts";
import { treeOf } from "../../../src/cli/view/tree.ts";
import { whatChanges } from "../../../src/cli/view/what-changes.ts";
import type { Look } from "../../../src/cli/look.ts";
import { Reason, type RolloutStatus } from "../../../src/rollout/status.ts";
import { aCheck, aRollout, aRun, aStatus, at, v2 } from "../../support/rollouts.ts";

const style = createStyle(false);
const nowMs = Date.parse(at(35));
const rolloutWith = (change: Partial<RolloutStatus> = {}) => aRollout({ status: aStatus({ message: "v3 stays at 10% for 1m; every check passes", ...change }) });

const look: Look = {
  route: { kind: "found", name: "VirtualService bookinfo/reviews", resourceVersion: "1", fields: ["http"], destinations: [{ version: "v2", points: 90, weighted: true, candidate: true }, { version: "v3", points: 10, weighted: true, candidate: true }], mirrors: [], conditions: [], writers: [], backends: {} },
  versions: [
    { version: "v2", points: 90, pods: [{ namespace: "bookinfo", name: "reviews-v2-abc", isReady: true, state: "Running", restarts: 0, createdAt: at(0) }] },
    { version: "v3", points: 10, pods: [{ namespace: "bookinfo", name: "reviews-v3-def", isReady: false, state: "CrashLoopBackOff", restarts: 3, createdAt: at(0) }] },
  ],
};

describe("a list", () => {
  const options = { style, nowMs, withNamespace: false, wide: false };

  it("shortens messages to the terminal's width and nothing else", () => {
    const lines = listOf([rolloutWith({ message: "a long sentence ".repeat(20), step: "1/3", weight: "10%" })], { ...options, widthChars: 90 });
    expect(lines[1]!.length).toBeLessThanOrEqual(90);
    expect(lines[1]).toMatch(/^reviews {3}Progressing {3}1\/3 {4}10% {6}v3 {9}a long .*… {3}\S+$/);
  });

  it("has more columns when it is wide", () => {
    expect(listOf([rolloutWith()], { ...options, wide: true, withNamespace: true })[0]!.split(/\s+/)).toEqual(["NAMESPACE", "NAME", "STATUS", "REASON", "STEP", "WEIGHT", "REVISION", "STABLE", "RUN", "MESSAGE", "AGE"]);
  });

  it("says of a Rollout without status what is the matter", () => {
    expect(listOf([aRollout({ status: null })], options)[1]).toContain("no daemon has looked at it yet");
  });
});

describe("a portrait", () => {
  it("shows heading, run, steps, checks, route with pods, and what to say next", () => {
    expect(portraitOf(rolloutWith(), look, { style, nowMs })).toEqual([
      expect.stringMatching(/^reviews {3}Progressing \(Holding\) {3}namespace bookinfo {3}.* old$/),
      "v3 stays at 10% for 1m; every check passes",
      "",
      "Run 1   v2 → v3   began 35s ago",
      "  ███░░░░░░░░░░░░░░░░░░░░░░░░░░░ 10% to v3",
      "  ├─ ● 10%    for 1m   in force for 30s, 30s to go",
      "  ├─ ○ 50%    for 1m",
      "  └─ ○ 100%   for 1m",
      "",
      "Checks",
      "  └─ ✔ errors   0%   at most 1%   100 requests   3 passes",
      "",
      "Route   VirtualService bookinfo/reviews",
      "  ├─ v2   90%   stable   1/1 pods ready",
      "  │  └─ ✔ reviews-v2-abc   ready      35s",
      "  └─ v3   10%   new      0/1 pods ready",
      "     └─ ✖ reviews-v3-def   CrashLoopBackOff   3 restarts   35s",
      "",
      "Next",
      "  weir abort reviews -n bookinfo     all traffic back to v2, now",
      "  weir pause reviews -n bookinfo     stay at 10%",
      "  weir promote reviews -n bookinfo   do not wait for the rest of this step",
    ]);
  });

  it("shows of an ended run how it ended, and no bar", () => {
    const text = portraitOf(rolloutWith({ phase: "Degraded", reason: "RolledBack", run: aRun({ outcome: "RolledBack", endedAt: at(20), reason: "errors was 5%" }) }), undefined, { style, nowMs }).join("\n");
    expect(text).toContain("Run 1   v2 → v3   RolledBack 15s ago\n  errors was 5%");
    expect(text).not.toContain("█");
  });
});

describe("an explanation", () => {
  const explained = (change: Partial<RolloutStatus> = {}): string => explanationOf(rolloutWith(change), look, { style, nowMs, width: 1_000 }).join("\n");

  it("says what is so with the numbers, the query, and what would change it", () => {
    const text = explained({ run: aRun({ checks: [aCheck({ passes: 1, at: at(30), query: "sum(istio_requests_total)" })] }) });
    for (const part of [
      "spec.release is v3. v3 stays at 10% for 1m; every check passes.",
      "Run 1 from v2 to v3 began 35s ago and stands at 10%: step 1 of 3 (10, 50, 100). That weight has been in force for 30s, and is held for 1m.",
      "VirtualService bookinfo/reviews has v2 90, v3 10. v2 has 1 of 1 pods ready, v3 has 0 of 1 pods ready. Stable is v2 (revision r1-v2).",
      "errors: Pass, 5s ago. It was 0% in 100 requests; at most 1% is allowed. 1 pass in this step.",
      "    sum(istio_requests_total)",
      "It goes on to 50% after 30s more at this step and more passes of errors.",
      "All traffic goes back to v2 by itself after proof that errors is worse than it may be, or the moment in which no pod of the new version is ready.",
    ]) expect(text).toContain(part);
  });

  it("says which requests are picked out, and how they are judged", () => {
    const match = [{ headers: [{ name: "x-tester", exact: "true" }] }, { cookies: [{ name: "beta", prefix: "y" }], query: [{ name: "preview", regex: "1|2" }] }];
    const run = aRun({ weight: 0, points: 0, ladder: [{ match, hold: "5m" }, { weight: 10, match, hold: "1m" }, { weight: 100, hold: "1m" }], matched: match });
    const text = explained({ run });
    for (const part of [
      "stands with the matched requests: step 1 of 3 (matched, 10, 100). It gets the requests of which header x-tester is true, or cookie beta begins with y and query parameter preview matches 1|2; while it does, the limits alone judge it.",
      "That has been in force for 30s, and is held for 5m.",
      "It goes on to 10% and the matched requests after",
      "weir pause reviews -n bookinfo     stay with the matched requests",
    ]) expect(text).toContain(part);
    expect(portraitOf(rolloutWith({ run }), undefined, { style, nowMs }).join("\n")).toContain("● the matched requests           for 5m   in force for 30s");
  });

  it("says at which host it is previewed, and how long the old version is kept", () => {
    const ladder = [{ pause: {}, preview: "reviews-preview.example" }, { weight: 100, hold: "1m", keepOld: "10m" }];
    const shown = aRun({ weight: 0, points: 0, ladder, previewed: "reviews-preview.example", pausedBy: "Step" });
    expect(explained({ run: shown })).toContain("stands previewed at reviews-preview.example: step 0 of 1 (100). It gets all requests for the host reviews-preview.example; while it does, the limits alone judge it.");
    expect(portraitOf(rolloutWith({ run: shown }), undefined, { style, nowMs }).join("\n")).toContain("‖ pause, previewed at reviews-preview.example");
    const kept = aRun({ step: 1, weight: 100, points: 100, ladder, keptSince: new Date(nowMs - 60_000).toISOString() });
    expect(explained({ run: kept })).toContain("It ends with all traffic at v3 in 9m, when v2 is kept no longer, or at once with weir promote.");
    expect(portraitOf(rolloutWith({ run: kept }), undefined, { style, nowMs }).join("\n")).toMatch(/● 100% +for 1m, and 10m with the old version kept +v2 is kept, 9m to go/);
  });

  it("says how many requests are copied, and how they are judged", () => {
    const run = aRun({ weight: 0, points: 0, ladder: [{ mirror: 20, hold: "5m" }, { weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }], mirrored: 20 });
    const text = explained({ run });
    for (const part of [
      "stands with shadows of 20%: step 1 of 3 (mirrored, 10, 100). It gets copies of 20% of the requests and answers nobody; while it does, the limits alone judge it.",
      "That has been in force for 30s, and is held for 5m.",
    ]) expect(text).toContain(part);
    expect(portraitOf(rolloutWith({ run }), undefined, { style, nowMs }).join("\n")).toContain("● shadows of 20%");
  });

  it("says by which cookie users stay with their version", () => {
    const run = aRun({ sessions: { cookie: "side", attributes: "Path=/", since: 1, shares: [10] } });
    expect(explained({ run })).toContain("Users stay with the version that has answered them, by the cookie side, so that this is a share of users.");
  });

  it("says that an edit has not been looked at", () => {
    expect(explained({ observedGeneration: 0 })).toContain("The spec was edited since then, and no daemon has looked at that yet");
  });

  test.each(Reason.options)("has something to say about %s", (reason) => {
    const said = whatChanges(aStatus({ reason, run: aRun(), refused: { ...v2, because: "Aborted", reason: "x" } }), rolloutWith().spec, nowMs);
    expect(said.join(" ").length).toBeGreaterThan(20);
    for (const each of said) expect(each).toMatch(/\.$/);
  });
});

describe("what can be said next", () => {
  const verbsOf = (change: Partial<RolloutStatus>): readonly string[] => nextCommands({ name: "reviews", namespace: "bookinfo" }, aStatus(change)).map(({ command }) => command.split(" ")[1]!);

  test.each([
    ["a run that goes on", {}, ["abort", "pause", "promote"]],
    ["a pause of the ladder", { run: aRun({ pausedBy: "Step" }) }, ["promote", "abort"]],
    ["a failed metric", { run: aRun({ pausedBy: "MetricFailed" }) }, ["resume", "promote", "abort"]],
    ["a hand on the wheel", { run: aRun({ pausedBy: "RouteEditedByHand" }) }, ["resume", "abort"]],
    ["a refused version", { phase: "Degraded", refused: { ...v2, because: "RolledBack", reason: "x" }, run: aRun({ outcome: "RolledBack" }) }, ["retry", "release"]],
    ["success", { phase: "Healthy", formerStables: [v2], run: aRun({ outcome: "Succeeded" }) }, ["undo"]],
    ["a stable version without pods", { reason: "StableUnready", run: aRun({ outcome: "Aborted" }) }, ["abort"]],
  ] as const)("in %s", (_, change, verbs) => expect(verbsOf(change as Partial<RolloutStatus>)).toEqual(verbs));
});

describe("small texts", () => {
  test.each([[0, "0s"], [59_999, "59s"], [61_000, "1m1s"], [600_000, "10m"], [3_600_000, "1h"], [90_000_000, "1d1h"], [-5, "0s"]])("%d ms are %s", (ms, said) => expect(spanOf(ms)).toBe(said));

  it("a bar shows every share above 0, and is full at 100 alone", () => {
    expect([0, 0.1, 50, 99.9, 100].map((share) => [...barOf(share, style)].filter((letter) => letter === "█").length)).toEqual([0, 1, 15, 29, 30]);
  });

  it("columns do not count colours", () => {
    const { good } = createStyle(true);
    expect(inColumns([[good("a"), "b"], ["aaa", "b"]]).map(widthOf)).toEqual([7, 7]);
    expect([shortened("four", 4), shortened("fours", 4), ...wrapped("one two three", 7)]).toEqual(["four", "fou…", "one two", "three"]);
  });

  it("a tree has its last branch bent", () => {
    expect(treeOf([{ text: "a", children: [{ text: "b" }] }, { text: "c" }])).toEqual(["├─ a", "│  └─ b", "└─ c"]);
  });

  it("lines are said once", () => {
    const lines = createLines();
    expect([lines(rolloutWith()), lines(rolloutWith({ conditions: [] })), lines(rolloutWith({ message: "other" }))].map((said) => said.length)).toEqual([1, 0, 1]);
  });

  it("a screen draws over what it drew before, never more than fits", () => {
    let written = "";
    const screen = createScreen({ raw: (text) => void (written += text), columns: () => 10, rows: () => 3 });
    screen.draw(["one", "two", "three"]);
    expect(written).not.toContain("three");
    written = "";
    screen.draw(["a sentence that is folded"]);
    screen.leave();
    expect(written.replaceAll("\x1b", "^")).toMatch(/\^\[2A\ra sentence\^\[K\n that is f\^\[K\n\^\[J.*\^\[\?25h$/s);
  });

  it("runs are told newest first, the present one included", () => {
    const past = { number: 1, from: v2, to: v2, outcome: "Aborted", weight: 50, startedAt: at(0), endedAt: at(20), actor: "alice" } as const;
    const runs = runsInStatus(rolloutWith({ run: aRun({ number: 2 }), history: [past] }));
    expect(runs.map(({ number }) => number)).toEqual([2, 1]);
    expect(runsTable(runs, { style, nowMs, withRollout: false, withNamespace: false, wide: false })[2]).toMatch(/^1 +v2 +v2 +Aborted +50% +35s ago +20s +alice +-$/);
  });

  it("findings stand in one column, with what is to be copied below", () => {
    expect(findingsSaid([{ level: "bad", subject: "CRD", message: "is not there:\n  apply" }, { level: "ok", subject: "clock", message: "agrees" }], style)).toEqual(["✖ CRD    is not there:", "             apply", "✔ clock  agrees"]);
  });
});
