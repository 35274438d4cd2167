/** Services that are released together: what is asked about each of them, and how ready a version of them is. */
import { describe, expect, it, test } from "vitest";
import { questionsFor } from "../../../src/rollout/analysis/questions.ts";
import { decide } from "../../../src/rollout/decide.ts";
import { leastReadyOf } from "../../../src/rollout/followers.ts";
import type { VersionSeen } from "../../../src/rollout/observation.ts";
import { parseSpec, type RolloutSpec } from "../../../src/rollout/spec.ts";
import { judgedApart } from "../../../src/rollout/spec-followers.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { aRollout, aRun, aStatus, anObservation } from "../../support/rollouts.ts";

const TRAFFIC: Traffic = { istio: { virtualServices: [{ name: "reviews" }, { name: "ratings", follow: "reviews" }] } };

function specWith(metrics: unknown): RolloutSpec {
  const parsed = parseSpec({ release: "v3", traffic: TRAFFIC, analysis: { metrics } });
  if ("invalid" in parsed) throw new Error(parsed.invalid);
  return parsed.spec;
}

function aVersion(service: string, change: Partial<VersionSeen> = {}): VersionSeen {
  return { version: "v3", backend: { kind: "found", namespace: "bookinfo", selector: { app: service }, definedAtMs: 1_000 }, readyPods: 2, wantedPods: 2, revision: `${service}-1`, workloads: [`${service}-v3`], pods: [`${service}-v3-a`], ...change };
}
const together = (leader: Partial<VersionSeen>, follower: Partial<VersionSeen>): VersionSeen => leastReadyOf({ reviews: { v3: aVersion("reviews", leader) }, ratings: { v3: aVersion("ratings", follower) } })["v3"]!;

describe("what is judged", () => {
  it.each([
    ["a built-in, of each of them", [{ name: "errors", errorRate: { max: "1%" } }], [["errors", undefined], ["errors.ratings", "ratings"]]],
    ["one that names its service, of that alone", [{ name: "slow", of: "ratings", latency: { max: "1s" } }], [["slow", "ratings"]]],
    ["a query, of the one that leads", [{ name: "up", query: "up", min: 1 }], [["up", undefined]]],
    ["what has taken a name that ours would have, in its place", [{ name: "errors", errorRate: { max: "1%" } }, { name: "errors.ratings", of: "ratings", errorRate: { max: "5%" } }], [["errors", undefined], ["errors.ratings", "ratings"]]],
  ])("is %s", (_, metrics, judged) => {
    expect(specWith(metrics).analysis.metrics.map(({ name, of }) => [name, of])).toEqual(judged);
  });

  it("is one of a Rollout of one service", () => {
    expect(judgedApart([{ name: "errors" }], { istio: { virtualServices: [{ name: "reviews" }] } })).toEqual([{ name: "errors" }]);
  });

  it("is asked about the pods of its own service", () => {
    const spec = specWith([{ name: "errors", errorRate: { max: "1%" } }]);
    const version = (service: string) => (name: string): readonly [string, VersionSeen] => [name, aVersion(service, { version: name, workloads: [`${service}-${name}`] })];
    const services = Object.fromEntries(["reviews", "ratings"].map((service) => [service, Object.fromEntries(["v2", "v3"].map(version(service)))]));
    const rollout = { ...aRollout({ status: aStatus({ run: aRun({ checks: [] }) }) }), spec };
    const questions = questionsFor(rollout, anObservation({ seen: { services, versions: leastReadyOf(services) } }));
    expect(questions.map(({ metric, canary, stable }) => [metric.name, canary.workloads, stable.workloads])).toEqual([["errors", ["reviews-v3"], ["reviews-v2"]], ["errors.ratings", ["ratings-v3"], ["ratings-v2"]]]);
  });
});

describe("a version of them", () => {
  test.each([
    ["is as ready as the one that lacks most", { readyPods: 2, wantedPods: 4 }, { readyPods: 1, wantedPods: 3, podProblem: "CrashLoopBackOff" }, { readyPods: 1, wantedPods: 3, podProblem: "in ratings, CrashLoopBackOff" }],
    ["is not there where one of them is not", {}, { backend: { kind: "missing", message: "no subset v3" } as const }, { backend: { kind: "missing", message: "ratings: no subset v3" } }],
    ["is defined since the last of them is", {}, { backend: { kind: "found", namespace: "shop", selector: {}, definedAtMs: 9_000 } as const }, { backend: { kind: "found", namespace: "bookinfo", definedAtMs: 9_000 } }],
    ["is another one as soon as one of them is", {}, { revision: "ratings-2" }, { revision: "reviews-1-ratings-2" }],
    ["is not known before all of them are", { revision: "" }, {}, { revision: "" }],
    ["is ready since the last of them is", { readySinceMs: 4_000 }, { readySinceMs: 7_000 }, { readySinceMs: 7_000 }],
  ])("%s", (_, leader, follower, seen) => {
    expect(together(leader, follower)).toMatchObject(seen);
  });

  it("whose pods are all gone in one of them is taken back from both", () => {
    const services = { reviews: { v2: aVersion("reviews", { version: "v2" }), v3: aVersion("reviews") }, ratings: { v2: aVersion("ratings", { version: "v2" }), v3: aVersion("ratings", { readyPods: 0 }) } };
    const rollout = aRollout({ status: aStatus({ run: aRun() }) });
    expect(decide(rollout, anObservation({ seen: { services, versions: leastReadyOf(services) } }))).toMatchObject({ kind: "end", outcome: "RolledBack", why: expect.stringContaining("no ready pod (in ratings)") });
  });
});
