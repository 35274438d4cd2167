/** What a Deployment's controller does next, and what it says about it. */
import { describe, expect, it } from "vitest";
import { planDeployment } from "../../../../src/playground/controllers/deployment-plan.ts";
import type { Plan } from "../../../../src/playground/controllers/plan.ts";
import type { Deployment, ReplicaSet } from "../../../../src/playground/controllers/workloads.ts";
import { aDeployment, aReplicaSet, aTemplate, NOW_MS } from "./workload.fixture.ts";

const plan = (deployment: Deployment, replicaSets: readonly ReplicaSet[], nowMs = NOW_MS, hasPods = false): Plan => planDeployment({ deployment, replicaSets, hasPods: () => hasPods, nowMs });

/** Verb and name, with the size where it has one. */
const told = ({ writes }: Plan): readonly string[] =>
  writes.map((write) => {
    if (write.verb === "create") return `create ${write.kind}`;
    const size = write.verb === "change" ? ((write.body.spec as { replicas?: number } | undefined)?.replicas ?? "") : "";
    return `${write.verb} ${write.object.metadata.name} ${size}`.trim();
  });

const progressOf = ({ writes }: Plan): unknown => {
  const write = writes.find(({ verb }) => verb === "setStatus");
  return write?.verb === "setStatus" ? (write.status as Deployment["status"]).conditions.find(({ type }) => type === "Progressing") : undefined;
};

const condition = (type: string, reason: string, status = "True") => ({ type, status, reason, message: "", lastUpdateTime: "2026-01-01T00:00:30Z", lastTransitionTime: "2026-01-01T00:00:00Z" });
const DONE = { observedGeneration: 1, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4, conditions: [condition("Available", "MinimumReplicasAvailable"), condition("Progressing", "NewReplicaSetAvailable")] };
const rolling = (reason: string, spec: object = {}, conditionStatus = "True"): Deployment =>
  aDeployment({ template: aTemplate("v2"), progressDeadlineSeconds: 60, ...spec }, {
    metadata: { annotations: { "deployment.kubernetes.io/revision": "2" } },
    status: { ...DONE, replicas: 5, updatedReplicas: 2, readyReplicas: 3, availableReplicas: 3, unavailableReplicas: 2, conditions: [DONE.conditions[0], condition("Progressing", reason, conditionStatus)] },
  });
const MID_ROLL = [aReplicaSet({ replicas: 3 }), aReplicaSet({ version: "v2", revision: 2, replicas: 2, available: 0 })];

describe("at rest", () => {
  it("One that has rolled out is left as it is, for ever", () => {
    expect(plan(aDeployment({}, { status: DONE }), [aReplicaSet()])).toEqual({ writes: [] });
  });

  it("So is one that goes", () => {
    expect(plan(aDeployment({ template: aTemplate("v2") }, { metadata: { deletionTimestamp: "2026-01-01T00:00:59Z" }, status: DONE }), [aReplicaSet()])).toEqual({ writes: [] });
  });

  it("One in mid-roll is looked at again when it would be late, and not before", () => {
    expect(plan(rolling("ReplicaSetUpdated"), MID_ROLL)).toEqual({ writes: [], lookAgainInMs: 31_000 });
  });
});

describe("one step at a time", () => {
  it.each([
    ["a first ReplicaSet is created", aDeployment(), [], ["create replicaSets", "setStatus web"]],
    ["a new template gets one beside the old", aDeployment({ template: aTemplate("v2") }, { status: DONE }), [aReplicaSet()], ["create replicaSets", "setStatus web"]],
    ["an earlier template's gets a new revision first", aDeployment({}, { status: DONE }), [aReplicaSet(), aReplicaSet({ version: "v2", revision: 2, replicas: 0 })], ["change web-v1"]],
    ["then the Deployment says the same", aDeployment({}, { status: DONE }), [aReplicaSet({ revision: 2 })], ["change web"]],
    ["a paused one gets none", aDeployment({ template: aTemplate("v2"), paused: true }, { status: DONE }), [aReplicaSet()], ["setStatus web"]],
    ["a paused one scales what is there", aDeployment({ template: aTemplate("v2"), paused: true, replicas: 5 }, { status: DONE }), [aReplicaSet()], ["change web-v1 5", "setStatus web"]],
    ["a ReplicaSet of somebody else's is none", aDeployment({}, { status: DONE }), [aReplicaSet({ owner: "other" })], ["create replicaSets", "setStatus web"]],
    ["one of nobody's is taken", aDeployment({}, { status: { ...DONE, updatedReplicas: 0 } }), [aReplicaSet({ owner: "" })], ["change web-v1", "setStatus web"]],
    ["Recreate empties first", aDeployment({ strategy: { type: "Recreate" }, template: aTemplate("v2") }, { status: DONE }), [aReplicaSet()], ["change web-v1 0", "setStatus web"]],
  ] as const)("%s", (_name, deployment, sets, writes) => {
    expect(told(plan(deployment, sets))).toEqual(writes);
  });

  it("Recreate waits for pods that are still going", () => {
    const deployment = aDeployment({ strategy: { type: "Recreate" }, template: aTemplate("v2") }, { status: DONE });
    const empty = [aReplicaSet({ replicas: 0 })];
    expect(told(plan(deployment, empty, NOW_MS, true))).toEqual(["setStatus web"]);
    expect(told(plan(deployment, empty))).toEqual(["create replicaSets", "setStatus web"]);
  });

  it("A name that is taken leads to another hash", () => {
    const deployment = aDeployment({}, { status: DONE });
    const [first] = plan(deployment, []).writes;
    const name = first?.verb === "create" ? (first.object as ReplicaSet).metadata.name : "";
    const taken = plan(deployment, [aReplicaSet({ owner: "other", metadata: { name } })]);
    expect(taken.writes).toEqual([expect.objectContaining({ verb: "setStatus", status: expect.objectContaining({ collisionCount: 1 }) })]);
  });

  it("Old ReplicaSets beyond the limit go, the oldest first, but none that has pods", () => {
    const old = [1, 2, 3].map((revision) => aReplicaSet({ version: `v${revision}`, revision, replicas: 0 }));
    const latest = aReplicaSet({ version: "v4", revision: 4 });
    const deployment = (revisionHistoryLimit: number): Deployment => aDeployment({ revisionHistoryLimit, template: aTemplate("v4") }, { metadata: { annotations: { "deployment.kubernetes.io/revision": "4" } }, status: DONE });
    expect(told(plan(deployment(1), [...old, latest]))).toEqual(["delete web-v1", "delete web-v2"]);
    expect(told(plan(deployment(3), [...old, latest]))).toEqual([]);
  });
});

describe("what is said about progress", () => {
  it.each([
    ["late after its deadline", rolling("ReplicaSetUpdated"), 31_000, { status: "False", reason: "ProgressDeadlineExceeded" }],
    ["paused", rolling("ReplicaSetUpdated", { paused: true }), 0, { status: "Unknown", reason: "DeploymentPaused" }],
    ["resumed", rolling("DeploymentPaused", {}, "Unknown"), 0, { status: "Unknown", reason: "DeploymentResumed" }],
  ] as const)("%s", (_name, deployment, afterMs, expected) => {
    expect(progressOf(plan(deployment, MID_ROLL, NOW_MS + afterMs))).toMatchObject(expected);
  });

  it("A deadline that has passed outlives a pause, and ends with the roll", () => {
    expect(progressOf(plan(rolling("ProgressDeadlineExceeded", { paused: true }, "False"), MID_ROLL))).toBeUndefined();
    const done = [aReplicaSet({ replicas: 0 }), aReplicaSet({ version: "v2", revision: 2 })];
    expect(progressOf(plan(rolling("ProgressDeadlineExceeded", {}, "False"), done))).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  });

  it("Progress renews the time and keeps since when", () => {
    const further = [aReplicaSet({ replicas: 3 }), aReplicaSet({ version: "v2", revision: 2, replicas: 2, available: 1 })];
    expect(progressOf(plan(rolling("ReplicaSetUpdated"), further))).toMatchObject({ lastUpdateTime: "2026-01-01T00:01:00Z", lastTransitionTime: "2026-01-01T00:00:00Z" });
  });

  it("Nothing, where there is no deadline", () => {
    expect(progressOf(plan(rolling("ReplicaSetUpdated", { progressDeadlineSeconds: 2 ** 31 - 1 }), MID_ROLL))).toBeUndefined();
  });
});
