/** The laws that faults on real processes are judged by find nothing in a good history, and each breach in a bad one. */
import { describe, expect, it } from "vitest";
import { EPOCH_ANNOTATION, ROUTE_MANAGER } from "../../../src/rollout/rollout.ts";
import type { Run } from "../../../src/rollout/status.ts";
import { brokenLaws, type Recorded } from "../../chaos/laws.ts";
import { intervalsUntilNormal, isMet, medianOf } from "../../chaos/measured.ts";
import { stepsUpWithin, successesWithin } from "../../chaos/steps-up.ts";
import { aCheck, aRun, aStatus } from "../../support/a-status.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { createRouteRecorder } from "../../support/route-recorder.ts";

/** What was written, in its order; `atS`: when, in seconds. */
type Written = { readonly atS: number } & ({ readonly run: Partial<Run> } | { readonly share: number; readonly stamp?: string });

const steered = { name: "reviews", route: "primary", host: "reviews", stable: "v2", canary: "v3", ladder: [10, 100] };
const LADDER: Run["ladder"] = [{ weight: 10, hold: "5s" }, { weight: 100, hold: "5s" }];

const intent = (atS: number, epoch: number, weight: number, change: Partial<Run> = {}): Written => ({ atS, run: { number: 1, epoch, weight, step: epoch - 1, ...change } });
const route = (atS: number, share: number, stamp?: string): Written => ({ atS, share, ...(stamp === undefined ? {} : { stamp }) });

/** Up the ladder and done. */
const good: readonly Written[] = [
  route(0, 0), intent(1, 1, 10), route(2, 10, "u/1.1"), intent(9, 2, 100), route(9, 100, "u/1.2"), intent(16, 2, 100, { outcome: "Succeeded", endedAt: timeOf(16) }), route(16, 100),
];
const takenBack: readonly Written[] = [route(0, 0), intent(1, 1, 10), route(2, 10, "u/1.1"), intent(5, 1, 0, { outcome: "RolledBack" }), route(6, 0)];

function ofDeployment(written: Written): Written {
  return "run" in written ? { ...written, run: { ...written.run, deployment: "reviews" } } : written;
}

function recordedOf(all: readonly Written[]): Recorded {
  const versions = all.map((written, index) => ({ written, object: objectOf(written, index + 1) }));
  const rollouts = versions.flatMap(({ written, object }) => ("run" in written ? [object] : []));
  const routes = versions.flatMap(({ written, object }) => ("run" in written ? [] : [object]));
  return { name: "reviews", rollouts, routes, recorder: createRouteRecorder({ of: () => routes }, steered), propagation: "1s" };
}

function objectOf(written: Written, revision: number): ApiObject {
  const metadata = { name: "reviews", resourceVersion: String(revision), managedFields: [{ manager: ROUTE_MANAGER, time: timeOf(written.atS) }] };
  if ("run" in written) return { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata, status: aStatus({ run: { ...aRun({ ladder: LADDER }), inForceAt: undefined, ...written.run } }) };
  const annotations = written.stamp === undefined ? {} : { annotations: { [EPOCH_ANNOTATION]: written.stamp } };
  const destinations = Object.entries({ v2: 100 - written.share, v3: written.share }).map(([subset, weight]) => ({ destination: { host: "reviews", subset }, weight }));
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { ...metadata, ...annotations }, spec: { http: [{ name: "primary", route: destinations }] } };
}

function timeOf(atS: number): string {
  return `2026-01-01T00:00:${String(atS).padStart(2, "0")}Z`;
}

describe("the laws", () => {
  it("find nothing in a run up the ladder, nor in one that was taken back", () => {
    expect(brokenLaws(recordedOf(good))).toEqual([]);
    expect(brokenLaws(recordedOf(takenBack))).toEqual([]);
  });

  it("know that in the end of a Deployment's run its own pods have everything", () => {
    const held = [...good.slice(0, 5).map(ofDeployment), intent(16, 2, 100, { deployment: "reviews", outcome: "Succeeded", endedAt: timeOf(16) })];
    expect(brokenLaws(recordedOf([...held, route(17, 0, "u/1.2"), route(19, 0)]))).toEqual([]);
    expect(brokenLaws(recordedOf([...held, route(17, 0, "u/1.2"), route(19, 100)])).join()).toMatch(/the route has 100% .*, and no status before it says so/);
  });

  it.each<readonly [breach: string, history: readonly Written[], sentence: RegExp]>([
    ["a share that no step gives", [...good.slice(0, 3), route(4, 37, "u/1.1"), ...good.slice(3)], /expected a canary share of .*, got 37/],
    ["a share that nobody had committed", [...good.slice(0, 3), route(9, 100, "u/1.2"), ...good.slice(3, 4), ...good.slice(5)], /no status before it says so/],
    ["a rise after the run was taken back", [...takenBack, route(7, 10, "u/1.1")], /goes from 0% to 10% .*, and run 1 had been RolledBack before/],
    ["a hold that was cut short", [...good.slice(0, 3), intent(6, 2, 100), route(6, 100, "u/1.2")], /10% was left for 100% after 4000 ms, and 7000 ms were to be held/],
    ["an intent after a later one", [...good.slice(0, 5), intent(10, 1, 10)], /intent 1 of run 1 follows intent 2/],
    ["a run that ends twice", [...good, intent(17, 2, 0, { outcome: "RolledBack" })], /run 1 was Succeeded, and then RolledBack/],
    ["a run that nobody began", [...good, intent(17, 1, 10, { number: 3 })], /run 3 follows run 1/],
    ["a weight in force since two times", [...good.slice(0, 3), intent(3, 1, 10, { inForceAt: timeOf(3) }), intent(4, 1, 10, { inForceAt: timeOf(4) })], /in force since .*03Z, and then since .*04Z/],
  ])("see %s", (_breach, history, sentence) => {
    expect(brokenLaws(recordedOf(history)).join("\n")).toMatch(sentence);
  });
});

/** As a watch of them would have it, with the times of the writes as the times of their coming. */
function seen(all: readonly Written[]) {
  const { rollouts } = recordedOf(all);
  const times = new Map(all.filter((written) => "run" in written).map(({ atS }, index) => [rollouts[index]!, atS * 1_000]));
  return { all: () => rollouts, of: () => rollouts, cameAtMs: (version: ApiObject) => times.get(version)! };
}

/** The same by the times of day that statuses tell. */
function epochOf(history: ReturnType<typeof seen>) {
  return { ...history, cameAtMs: (version: ApiObject) => Date.parse(timeOf(0)) + history.cameAtMs(version) };
}

describe("what is measured", () => {
  it("a fault meets a run between its first and its last write", () => {
    expect(isMet(seen(good), "reviews", [{ fromMs: 16_001, toMs: 20_000 }])).toBe(false);
    expect(isMet(seen(good), "reviews", [{ fromMs: 0, toMs: 999 }])).toBe(false);
    expect(isMet(seen(good), "reviews", [{ fromMs: 0, toMs: 0 }, { fromMs: 9_000, toMs: 9_000 }])).toBe(true);
  });

  it("normal is the next verdict, step or end, from the fault or from the run's begin", () => {
    expect(intervalsUntilNormal(seen(good), "reviews", 3_000)).toBe(6);
    expect(intervalsUntilNormal(seen(good), "reviews", 0)).toBe(0);
    expect(intervalsUntilNormal(seen(good), "reviews", 17_000)).toBeUndefined();
    const judged = [...good.slice(0, 3), intent(7, 1, 10, { checks: [aCheck({ at: timeOf(6) })] }), ...good.slice(3)];
    expect(intervalsUntilNormal(seen(judged), "reviews", 3_000)).toBe(4);
    expect(medianOf([3, 1, 2])).toBe(2);
  });

  it("a Deployment that begins to roll has passed its last step, and its first step is none", () => {
    const rolls = intent(9, 2, 100, { deployment: "reviews", rollingSince: timeOf(9) });
    const all = seen([intent(0, 1, 0, { deployment: "reviews" }), intent(1, 2, 10, { deployment: "reviews" }), rolls, intent(12, 2, 100, { deployment: "reviews", rollingSince: timeOf(9), outcome: "Succeeded", endedAt: timeOf(12) })]);
    expect(stepsUpWithin(all, { fromMs: 0, toMs: 20_000 })).toEqual([]);
    expect(successesWithin(epochOf(all), { fromMs: Date.parse(timeOf(8)), toMs: Infinity })).toEqual(["reviews: expected no success in this time, got one"]);
    expect(successesWithin(epochOf(all), { fromMs: Date.parse(timeOf(10)), toMs: Infinity })).toEqual([]);
  });

  it("a step up and a success are found in the time in which there should have been none", () => {
    expect(stepsUpWithin(seen(good), { fromMs: 5_000, toMs: 10_000 })).toEqual(["reviews: expected no step up in this time, got 10% to 100%"]);
    expect(stepsUpWithin(seen(good), { fromMs: 10_000, toMs: 20_000 })).toEqual([]);
    expect(successesWithin(seen(good), { fromMs: Date.parse(timeOf(16)), toMs: Infinity })).toEqual([]);
  });
});
