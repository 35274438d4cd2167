/** The laws of a Deployment's delivery find nothing in a good one, and each breach in a bad one. */
import { describe, expect, it } from "vitest";
import { CANARY_LABEL } from "../../../src/rollout/rollout.ts";
import type { Run } from "../../../src/rollout/status.ts";
import { brokenInDeployment } from "../../chaos/deployment-laws.ts";
import type { Moment } from "../../chaos/timeline.ts";
import { aRun, aStatus } from "../../support/a-status.ts";
import type { ApiObject } from "../../support/api-request.ts";

interface Written extends Pick<Moment, "type"> {
  readonly object: Pick<ApiObject, "metadata"> & Readonly<Record<string, unknown>>;
}

const LABELS = { app: "reviews" };

/** `canary-v2`: of the canary. */
function pod(name: string, { ready = true, type = "MODIFIED" } = {}): Written {
  const [owner, version] = name.split("-");
  const labels = { ...LABELS, "pod-template-hash": `hash-${name}`, ...(owner === "canary" ? { [CANARY_LABEL]: "x" } : {}) };
  return { type, object: { plural: "pods", metadata: { name, labels }, spec: { containers: [{ image: `reviews:${version}` }] }, status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] } } };
}

/** Hash of the pods that each side has. */
function rule(stable: string, canary?: string): Written {
  const subset = (name: string, hash: string): object => ({ name, labels: { "pod-template-hash": `hash-${hash}` } });
  return { type: "MODIFIED", object: { plural: "destinationrules", metadata: { name: "weir-reviews" }, spec: { subsets: [subset("weir-stable", stable), ...(canary === undefined ? [] : [subset("weir-canary", canary)])] } } };
}

const ruleGone: Written = { ...rule("own-v1"), type: "DELETED" };

/** Weights of the sides; none: the Service alone. */
function route(weights?: Readonly<Record<string, number>>): Written {
  const to = weights ? Object.entries(weights).map(([side, weight]) => ({ destination: { host: "reviews", subset: `weir-${side}` }, weight })) : [{ destination: { host: "reviews" } }];
  return { type: "MODIFIED", object: { plural: "virtualservices", metadata: { name: "reviews" }, spec: { http: [{ route: to }] } } };
}

function run(change: Partial<Run> = {}): Written {
  return { type: "MODIFIED", object: { plural: "rollouts", metadata: { name: "reviews" }, status: aStatus({ run: { ...aRun({}), ...change } }) } };
}

function brokenIn(all: readonly Written[]): readonly string[] {
  return brokenInDeployment(all.map(({ type, object }, index) => ({ type, object: { apiVersion: "v1", kind: "Any", ...object, metadata: { ...object.metadata, resourceVersion: String(index + 1) } } })));
}

const begun = [route(), pod("own-v1"), run(), rule("own-v1"), route({ stable: 100 })];
const stepped = [...begun, pod("canary-v2"), rule("own-v1", "canary-v2"), route({ stable: 50, canary: 50 })];
const rolled = [...stepped, route({ stable: 0, canary: 100 }), run({ rollingSince: "2026-01-01T00:00:00Z" }), pod("own-v2"), pod("own-v1", { ready: false })];
const good = [...rolled, run({ rollingSince: "2026-01-01T00:00:00Z", outcome: "Succeeded" }), rule("own-v2", "canary-v2"), route({ stable: 100 }), pod("canary-v2", { type: "DELETED" }), route(), ruleGone];
const takenBack = [...stepped, run({ outcome: "RolledBack" }), route({ stable: 100 }), pod("canary-v2", { type: "DELETED" }), route(), ruleGone];

describe("the laws of a Deployment's delivery", () => {
  it("find nothing in one that is good, nor in one that is taken back", () => {
    expect(brokenIn(good)).toEqual([]);
    expect(brokenIn(takenBack)).toEqual([]);
  });

  it.each<readonly [breach: string, history: readonly Written[], sentence: RegExp]>([
    ["a side that is not defined", [...begun, route({ stable: 50, canary: 50 })], /weir-canary has 50% and is not defined/],
    ["a side without a pod", [...begun, rule("own-v1", "canary-v2"), route({ stable: 50, canary: 50 })], /weir-canary has 50% and no ready pod/],
    ["a rule that goes while the route needs it", [...begun, ruleGone], /weir-stable has 100% and is not defined/],
    ["a pod that goes while it is sent requests", [...stepped, pod("canary-v2", { ready: false })], /canary-v2 goes away, and weir-canary has 50%/],
    ["a pod that goes by the route to all pods", [...takenBack, pod("own-v1", { ready: false })], /own-v1 goes away, and the Service has 100%/],
    ["a canary under the route to all pods", [route(), pod("own-v1"), run(), pod("canary-v2")], /the route leads to all pods, and a canary has some/],
    ["a Deployment that rolls before every step has passed", [...stepped, pod("own-v2")], /own-v2 of v2 comes before every step has passed/],
    ["a template that takes the place of the stable one before it has won", [...rolled, rule("own-v2", "canary-v2"), route({ stable: 100 })], /weir-stable has 100%, and pods of another version than v1/],
  ])("see %s", (_breach, history, sentence) => {
    expect(brokenIn(history)).toEqual(expect.arrayContaining([expect.stringMatching(sentence)]));
  });
});
