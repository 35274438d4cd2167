/** What a ReplicaSet's controller does next. */
import { describe, expect, it } from "vitest";
import { planReplicaSet } from "../../../../src/playground/controllers/replica-set-plan.ts";
import type { Pod, ReplicaSet } from "../../../../src/playground/controllers/workloads.ts";
import { aPod, aReplicaSet, NOW_MS } from "./workload.fixture.ts";

const plan = (replicaSet: ReplicaSet, pods: readonly Pod[]) => planReplicaSet({ replicaSet, pods, nowMs: NOW_MS, newSuffix: () => "abcde" });
const deleted = (replicaSet: ReplicaSet, pods: readonly Pod[]): readonly string[] => plan(replicaSet, pods).writes.flatMap((write) => (write.verb === "delete" ? [write.object.metadata.name] : []));

describe("a ReplicaSet of two", () => {
  const two = aReplicaSet({ replicas: 2 });

  it("with two ready pods is left as it is", () => {
    expect(plan(two, [aPod("a"), aPod("b")])).toEqual({ writes: [] });
  });

  it("creates what is missing; a pod that goes, has ended, or is another's does not count", () => {
    const others = [aPod("b", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }), aPod("c", { status: { phase: "Failed" } }), aPod("d", { metadata: { ownerReferences: [{ kind: "ReplicaSet", name: "x", uid: "x", controller: true }] } })];
    const [first, second] = plan(two, [aPod("a"), ...others]).writes;
    expect(first).toMatchObject({ verb: "create", object: { metadata: { name: "web-v1-abcde", labels: { app: "web", "pod-template-hash": "v1" }, ownerReferences: [{ uid: "v1-uid", controller: true }] }, spec: { containers: [{ image: "app:v1" }] } } });
    expect(second).toMatchObject({ verb: "setStatus", status: { replicas: 1, readyReplicas: 1, terminatingReplicas: 1 } });
  });

  it("deletes first what has no node, then what is not ready, then the newest ready", () => {
    const pods = [aPod("old"), aPod("new", { sinceMs: NOW_MS - 1_000 }), aPod("unready", { ready: false }), aPod("unscheduled", { ready: false, spec: { nodeName: "" }, status: { phase: "Pending" } })];
    expect(deleted(aReplicaSet({ replicas: 3 }), pods)).toEqual(["unscheduled"]);
    expect(deleted(two, pods)).toEqual(["unscheduled", "unready"]);
    expect(deleted(aReplicaSet({ replicas: 1 }), pods)).toEqual(["unscheduled", "unready", "new"]);
  });

  it("takes a pod that nobody has, and lets go of one without its labels", () => {
    const { writes } = plan(two, [aPod("a"), aPod("orphan", { metadata: { ownerReferences: [] } }), aPod("aside", { metadata: { labels: { app: "aside" } } })]);
    expect(writes.slice(0, 2)).toMatchObject([
      { verb: "change", object: { metadata: { name: "orphan" } }, body: { metadata: { ownerReferences: [{ uid: "v1-uid" }] } } },
      { verb: "change", object: { metadata: { name: "aside" } }, body: { metadata: { ownerReferences: [] } } },
    ]);
  });

  it("does nothing any more when it goes", () => {
    expect(plan(aReplicaSet({ replicas: 2, metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }), [])).toEqual({ writes: [] });
  });
});

it("Pods that must be ready for a while are counted when they have been, and not looked at before", () => {
  const set = aReplicaSet({ replicas: 2, available: 0 });
  const waiting = { ...set, spec: { ...set.spec, minReadySeconds: 40 }, status: { ...set.status, readyReplicas: 2 } };
  expect(plan(waiting, [aPod("a"), aPod("b", { sinceMs: NOW_MS - 5_000 })])).toEqual({ writes: [], lookAgainInMs: 10_000 });
});
