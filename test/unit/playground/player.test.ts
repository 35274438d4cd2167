/** What a newcomer reads, played against scripted deliveries. */
import { describe, expect, test } from "vitest";
import type { Check, RolloutStatus, Run } from "../../../src/rollout/status.ts";
import { farewell, invitation } from "../../../src/playground/closing.ts";
import { deliveries } from "../../../src/playground/deliveries.ts";
import { createDisplay, mostColumns } from "../../../src/playground/display.ts";
import { play } from "../../../src/playground/player.ts";
import { aScriptedStage, type Moment } from "./scripted-stage.fixture.ts";

const requests = (v1: number, v2: number, bad = 0) => ({ v1: { requests: v1, bad: 0 }, v2: { requests: v2, bad } });
const check = (name: string, value: string, verdict: Check["verdict"]): Check => ({
  name, value, verdict, failuresInARow: 0, passes: 3, definition: "", at: "1970-01-01T00:00:00Z",
});

function aRun(run: Partial<Run>): Run {
  return { number: 1, weight: 0, points: 0, checks: [], ...run } as Run;
}

const rest: Moment = {
  status: { phase: "Healthy", reason: "NothingToDo", message: "v1 serves.", stable: { version: "v1", revision: "a" } },
  split: { v1: 100, v2: 0 },
  counts: requests(900, 0),
  answers: { "v1 200": 1_000 },
};

const goodChecks = [check("errors", "0%", "Pass"), check("latency", "12ms", "Pass")];
const goodStory: readonly Moment[] = [
  { status: { message: "v2 has 10%", run: aRun({ weight: 10, points: 10 }) }, split: { v1: 90, v2: 10 }, counts: requests(0, 0) },
  { status: { run: aRun({ weight: 10, points: 10, checks: goodChecks }) }, counts: requests(1_805, 195) },
  { status: { run: aRun({ weight: 100, points: 100 }) }, split: { v1: 0, v2: 100 }, counts: requests(0, 10) },
  { status: { run: aRun({ weight: 100, points: 100, checks: goodChecks }) }, counts: requests(0, 2_000), answers: { "v1 200": 2_805, "v2 200": 2_195 } },
  {
    status: {
      phase: "Healthy", reason: "Succeeded", message: "v2 has all the traffic.",
      run: aRun({ outcome: "Succeeded", weight: 100, points: 100, checks: goodChecks, endedAt: "1970-01-01T00:00:52Z" }),
    },
  },
];

const bad = { ...deliveries.bad, release: "v2" };
const failing = [check("errors", "21.4%", "Fail"), check("latency", "12ms", "Pass")];
const taken: Partial<RolloutStatus> = {
  phase: "Degraded", reason: "RolledBack", message: "v2 was taken back: errors 21.4% is above 1% (9 of 42 requests).",
  run: aRun({ outcome: "RolledBack", weight: 0, checks: failing, endedAt: "1970-01-01T00:00:09Z" }),
};
const badStory: readonly Moment[] = [
  { status: { run: aRun({ weight: 10, points: 10 }) }, split: { v1: 90, v2: 10 }, counts: requests(1_300, 140, 28) },
  { status: taken, split: { v1: 100, v2: 0 }, counts: requests(250, 0), answers: { "v1 200": 2_550, "v2 200": 112, "v2 500": 28 } },
];

async function told(moments: readonly Moment[], delivery = deliveries.good) {
  const written: string[] = [];
  const display = createDisplay({ write: (text) => written.push(text), isTerminal: false, hasColour: false });
  const stage = aScriptedStage(rest, ...moments);
  const trouble = await play(stage, display, delivery, "A story", 0);
  return { stage, trouble, lines: written.join("").split("\n") };
}

describe("a good delivery", () => {
  test("reads like this", async () => {
    const { lines, trouble, stage } = await told(goodStory);
    expect(trouble).toBeUndefined();
    expect(stage.released).toEqual(["v2"]);
    expect(stage.turned).toEqual(["v2 0 8"]);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "
      ━━ A story ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

        v2 is new, and nothing is wrong with it. One word in the Rollout asks for it:

          $ weir release reviews v2

        time  route   where the mesh really sent    requests to v2       what Prometheus saw of v2
        0:00  100/0   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0.0 % of 900
        0:01  90/10   ░░░░░░░░░░░░░░░░░░░░░░░░░███  9.8 % of 2,000       errors 0% ✓  latency 12ms ✓
        0:03  0/100   ████████████████████████████  100.0 % of 2,000     errors 0% ✓  latency 12ms ✓

        ✓ Delivered after 0:52 (Healthy, Succeeded).
          v2 has all the traffic.
          Meanwhile users sent 4,000 requests; none failed.
      "
    `);
  });

  test("that ends with the route elsewhere did not end as told", async () => {
    const { trouble, lines } = await told([...goodStory.slice(0, -1), { ...goodStory.at(-1)!, split: { v1: 50, v2: 50 } }]);
    expect(trouble).toBe("expected Healthy/Succeeded and the route at 0/100, got Healthy/Succeeded (v2 has all the traffic.) and the route at 50/50");
    expect(lines.join("\n")).toContain("✗ expected Healthy/Succeeded");
  });

  test("that never ends is given up", async () => {
    expect((await told([])).trouble).toContain("got Healthy/NothingToDo (v1 serves.) and the route at 100/0");
  });
});

describe("a delivery with users who keep cookies", () => {
  const atTen = (came: Readonly<Record<string, number>>): Moment => ({ ...goodStory[0]!, sides: { on: { v1: 88, v2: 12 }, came } });
  const atAll: Moment = { ...goodStory[2]!, sides: { on: { v2: 100 }, came: { v2: 88 } } };
  const withCrowd = (came: Readonly<Record<string, number>>) => told([atTen(came), goodStory[1]!, atAll, ...goodStory.slice(3)], deliveries.sessions);

  test("tells where they are, and that nobody came back", async () => {
    const { lines, trouble } = await withCrowd({ v2: 12 });
    expect(trouble).toBeUndefined();
    expect(lines).toContain("        ↳ 100 users with cookies: 12 with v2, 88 with v1; 12 went over, nobody came back");
    expect(lines).toContain("        ↳ 100 users with cookies: 100 with v2, 0 with v1; 88 went over, nobody came back");
  });

  test("did not end as told where one of them came back", async () => {
    expect((await withCrowd({ v2: 13, v1: 1 })).trouble).toBe("expected users to stay, and they came back to v1 (1 times)");
  });
});

describe("a bad delivery", () => {
  test("reads like this", async () => {
    const { lines, trouble } = await told(badStory, bad);
    expect(trouble).toBeUndefined();
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "
      ━━ A story ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

        v3 fails one request in five, and nobody knows that yet. It is asked for in the same way:

          $ weir release reviews v2

        time  route   where the mesh really sent    requests to v2       what Prometheus saw of v2
        0:00  100/0   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0.0 % of 900
        0:01  90/10   ░░░░░░░░░░░░░░░░░░░░░░░░░███  9.7 % of 1,440       errors 21.4% ✗  latency 12ms ✓
        0:02  100/0   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0.0 % of 250

        ✓ Taken back after 0:09 (Degraded, RolledBack).
          v2 was taken back: errors 21.4% is above 1% (9 of 42 requests).
          Meanwhile users sent 1,690 requests; 28 failed: 1.7 %, and with v2 for everybody 20.0 %.
      "
    `);
  });

  test("that is delivered all the same did not end as told", async () => {
    expect((await told(goodStory, bad)).trouble).toContain("expected Degraded/RolledBack and the route at 100/0");
  });

  test("after which the mesh still sends requests to the bad version did not end as told", async () => {
    const leaking = badStory.map((moment) => (moment.status === taken ? { ...moment, counts: requests(249, 1) } : moment));
    expect((await told(leaking, bad)).trouble).toBe("expected the mesh to send everything where the route says, and 0.4 % went to the other version");
  });
});

test("no line is wider than a terminal of 100 columns", async () => {
  const long = { ...taken, message: "v2 was taken back because ".repeat(12) };
  const stories = [await told(goodStory), await told([badStory[0]!, { ...badStory[1]!, status: long }], bad)];
  for (const { lines } of stories) for (const line of lines) expect(line.length).toBeLessThanOrEqual(mostColumns);
});

test.each(["good", "bad", "connections"] as const)("what to try next after a %s delivery fits too, and begins with what it takes to speak to the playground", (name) => {
  const { style } = createDisplay({ write: () => undefined, isTerminal: false, hasColour: false });
  const parts = { env: ".weir/playground/env", url: "http://127.0.0.1:65535", prometheusUrl: "http://127.0.0.1:65535" };
  const lines = invitation(parts, deliveries[name], style);
  for (const line of [...lines, ...farewell(style)]) expect(line.length).toBeLessThanOrEqual(mostColumns);
  expect(lines.find((line) => line.includes("$"))).toContain("$ . .weir/playground/env ");
  expect(lines.join("\n")).toContain({ good: "weir release reviews v3", bad: "weir retry reviews", connections: "weir playground break broker v2 --latency 2s" }[name]);
});

describe("on a terminal", () => {
  test("the line of the split in force is redrawn until the next one settles it", async () => {
    const written: string[] = [];
    const display = createDisplay({ write: (text) => written.push(text), isTerminal: true, hasColour: false });
    await play(aScriptedStage(rest, ...goodStory), display, deliveries.good, "A story", 0);
    expect(written.filter((text) => text.includes("\u001b[2A\r\u001b[J")).length).toBeGreaterThan(3);
    expect(written.join("")).toContain("v2 has 10%");
  });
});
