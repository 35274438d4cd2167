/** What `weir lint --explain` says of a Rollout. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import { createStyle } from "../../../src/cli/style.ts";
import { timelineSaid } from "../../../src/cli/view/timeline.ts";
import { timelineOf } from "../../../src/rehearsal/timeline.ts";
import { aRollout } from "../../support/rollouts.ts";
import { weir } from "../../support/weir.ts";

const rolloutWith = (spec: Partial<RolloutSpecInput>) => aRollout({ status: null, spec });
const said = (spec: Partial<RolloutSpecInput>): string => timelineSaid(rolloutWith(spec), createStyle(false), 120).join("\n");
const LADDER = { propagation: "5s", steps: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 50, hold: "2m" }, { pause: { duration: "10m" } }, { weight: 100, hold: "1m" }] };

it("tells when each step is reached, as the daemon's own rules have it", () => {
  const { steps, ending, lastedMs } = timelineOf(rolloutWith({ strategy: LADDER }));
  const seconds = steps.map(({ atMs }) => atMs && atMs / 1_000);
  expect(ending).toBe("delivered");
  expect(seconds[0]).toBe(0);
  expect(seconds[1], "a pause that waits for a person has no time").toBeUndefined();
  const [, , half, pause, all] = seconds as number[];
  expect(half, "hold, propagation and the next look").toBeGreaterThanOrEqual(65);
  expect(half).toBeLessThanOrEqual(80);
  expect(pause! - half!).toBeGreaterThanOrEqual(125);
  expect(all! - pause!).toBeGreaterThanOrEqual(600);
  expect(lastedMs / 1_000 - all!).toBeGreaterThanOrEqual(65);
});

it("says what takes it back, and what asks a person", () => {
  const metrics = [{ name: "errors", errorRate: { max: "1%" } }, { name: "slow", latency: { max: "500ms" }, onFail: "pause" as const }];
  const text = said({ strategy: LADDER, analysis: { metrics, onNoData: "rollback", holdLimit: { after: "10m" } } });
  expect(text).toMatch(/^ +pause +until somebody says promote/m);
  expect(text).toContain("Taken back at once: when errors fails, or no pod of v3 is ready, or less than half of its requests reach it.");
  expect(text).toContain("Waits for a person: when slow fails.");
  expect(text).toContain("While too few come to tell, or Prometheus does not answer, the step holds; after 10m of that a person is asked.");
  expect(text).toContain("While no request comes: rollback.");
});

it("leaves steps for testers without a time, and says how their requests are judged", () => {
  const match = [{ headers: [{ name: "x-tester", exact: "true" }] }];
  const strategy = { propagation: "5s", steps: [{ match, hold: "5m" }, { weight: 10, match, hold: "1m" }, { weight: 100, hold: "1m" }] };
  const { steps, ending } = timelineOf(rolloutWith({ strategy }));
  expect(ending).toBe("delivered");
  expect(steps.map(({ atMs }) => atMs === undefined)).toEqual([true, false, false]);
  const text = said({ strategy });
  expect(text).toMatch(/^ +the matched requests +for 5m +header x-tester is true$/m);
  expect(text).toMatch(/^ +0s +10% and the matched requests +for 1m/m);
  expect(text.replaceAll("\n", " ")).toContain("While requests are matched, the new version is judged by the limits alone");
});

it("leaves steps with shadows without a time, and says what they do", () => {
  const strategy = { propagation: "5s", steps: [{ mirror: 20, hold: "5m" }, { weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }] };
  const { steps, ending } = timelineOf(rolloutWith({ strategy }));
  expect(ending).toBe("delivered");
  expect(steps.map(({ atMs }) => atMs === undefined)).toEqual([true, false, false]);
  const text = said({ strategy });
  expect(text).toMatch(/^ +shadows of 20% +for 5m +copies of requests that others answer; what it answers is thrown away$/m);
  expect(text.replaceAll("\n", " ")).toContain("While requests are mirrored, nobody is answered by the new version");
});

it("says whose share a weight is where users stay with their version, and what is not checked then", () => {
  const steps = [{ weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }];
  const [plain, kept] = [said({ strategy: { steps } }), said({ strategy: { steps, sessionAffinity: { maxAge: "2h" } } })].map((text) => text.replaceAll("\n", " "));
  expect(kept).toContain("Users stay, by a cookie that is kept for 2h, with the version that has answered them, and each weight is a share of users");
  expect([plain, kept].map((text) => text!.includes("less than half of its requests reach it"))).toEqual([true, false]);
});

it("says of blue/green at which host it is previewed, when everybody is switched, and how long the old version is kept", () => {
  const strategy = { propagation: "5s", blueGreen: { preview: "reviews-preview.example", hold: "1m", keepOld: "10m" } };
  const { steps, keptAtMs, ending, lastedMs } = timelineOf(rolloutWith({ strategy }));
  expect(ending).toBe("delivered");
  expect(steps.map(({ atMs }) => atMs === undefined)).toEqual([true, false]);
  expect(lastedMs - keptAtMs!).toBeGreaterThanOrEqual(600_000);
  const text = said({ strategy });
  expect(text).toMatch(/^ +pause +until somebody says promote; the times below go on from there +previewed at reviews-preview.example$/m);
  expect(text).toMatch(/^ +0s +100% +for 1m$/m);
  expect(text).toMatch(/^ +1m\d*s? +keeping +the old version is still there for 10m: harm or weir abort takes everything back to it at once$/m);
  expect(text.replaceAll("\n", " ")).toContain("While it is previewed, all requests for reviews-preview.example go to the new version");
});

it("says so where not even a perfect version gets through", () => {
  const metrics = [{ name: "errors", errorRate: { max: "1%" } }];
  expect(said({ strategy: { steps: [{ weight: 100, hold: "1m" }] }, analysis: { metrics, minRequests: 1_000_000, holdLimit: { after: "5m" } } })).toContain("Even a perfect version does not get through by itself");
});

it("explains the Rollouts of a file that has no findings, and none where there are some", async () => {
  const good = readFileSync("rollouts/reviews-v2-v3.yaml", "utf8");
  const explained = await weir(["lint", "-", "--explain"], { stdin: good });
  expect(explained).toMatchObject({ exitCode: 0, err: "" });
  expect(explained.out).toContain("reviews: a run to v3, at the earliest");
  const bad = await weir(["lint", "-", "--explain"], { stdin: good.replace("spec:\n", "spec:\n  colour: red\n") });
  expect(bad.exitCode).toBe(1);
  expect(bad.out).not.toContain("at the earliest");
  expect((await weir(["lint", "-", "--explain"], { stdin: "kind: ConfigMap\n" })).out).toContain("There is no Rollout in it to explain.");
});
