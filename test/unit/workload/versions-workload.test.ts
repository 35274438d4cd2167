/** What is told of the pods behind a version, from objects made by hand. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { Backend, VersionSeen } from "../../../src/rollout/observation.ts";
import { createVersionsWorkload } from "../../../src/workload/versions/versions-workload.ts";
import { aPod, aReplicaSet, NAMESPACE, pods } from "../../support/istio-objects.ts";
import { createMemoryCluster, type CachedKind } from "../../support/memory-cluster.ts";

const BACKEND: Backend = { kind: "found", namespace: NAMESPACE, selector: { app: "reviews", version: "v3" }, definedAtMs: 0 };

type Objects = Partial<Record<CachedKind, readonly KubernetesObject[]>>;

function see(objects: Objects, backend = BACKEND): VersionSeen {
  const { put, caches } = createMemoryCluster({ nowMs: () => 0 });
  for (const [kind, list] of Object.entries(objects)) for (const object of list) put(kind as CachedKind, object);
  return createVersionsWorkload({ caches }).see("v3", backend);
}

/** A ReplicaSet with so many pods, of which the first are ready. */
function running(replicaSet: KubernetesObject, count = 1, ready = count): Objects & { readonly pods: readonly KubernetesObject[] } {
  return { replicaSets: [replicaSet], pods: pods(count, { owner: replicaSet }).map((pod, index) => (index < ready ? pod : asUnready(pod))) };
}

function asUnready(pod: KubernetesObject): KubernetesObject {
  return { ...pod, status: aPod({ ready: false }).status };
}

function merged(...all: readonly Objects[]): Objects {
  const kinds = new Set(all.flatMap((objects) => Object.keys(objects) as CachedKind[]));
  return Object.fromEntries([...kinds].map((kind) => [kind, all.flatMap((objects) => objects[kind] ?? [])]));
}

describe("the pods of a version", () => {
  it("are counted by readiness against what their owners ask for, and named with their Deployment", () => {
    expect(see(running(aReplicaSet({ replicas: 3 }), 3, 2))).toMatchObject({
      version: "v3",
      readyPods: 2,
      wantedPods: 3,
      workloads: ["reviews-v3"],
      pods: ["reviews-v3-reviewsv31-0", "reviews-v3-reviewsv31-1", "reviews-v3-reviewsv31-2"],
    });
  });

  it("are those that the selector selects, and neither other versions' nor terminating ones", () => {
    const leaving = aPod({ name: "leaving", metadata: { deletionTimestamp: "2026-11-21T12:00:00Z" } });
    const seen = see({ pods: [aPod(), aPod({ version: "v2", name: "other" }), leaving, aPod({ namespace: "elsewhere", name: "far" })] });
    expect(seen).toMatchObject({ readyPods: 1, pods: ["reviews-v3-abc12"] });
  });

  it("are none where the selector selects nothing at all", () => {
    expect(see({ pods: [aPod()] }, { ...BACKEND, selector: {} })).toMatchObject({ readyPods: 0, pods: [] });
  });

  it("are none where the backend is missing", () => {
    const backend: Backend = { kind: "missing", message: "no subset v3" };
    expect(see(running(aReplicaSet()), backend)).toEqual({ version: "v3", backend, readyPods: 0, wantedPods: 0, revision: "", workloads: [], pods: [] });
  });

  it("are wanted by both ReplicaSets of a Deployment that rolls, and by every owner", () => {
    const objects = merged(running(aReplicaSet({ replicas: 2 })), running(aReplicaSet({ revision: 2, replicas: 1 })), running(aReplicaSet({ deployment: "reviews-v3-eu", replicas: 4 })));
    expect(see(objects)).toMatchObject({ wantedPods: 7, workloads: ["reviews-v3", "reviews-v3-eu"] });
  });

  it("bear the ReplicaSet's own name, or the pod's, where nothing owns them", () => {
    const objects = merged(running(aReplicaSet({ deployment: null, name: "alone" })), { pods: [aPod({ name: "bare" })] });
    expect(see(objects).workloads).toEqual(["alone", "bare"]);
  });
});

describe("the revision of a version", () => {
  const v1 = aReplicaSet({ image: "reviews:1" });
  const v2 = aReplicaSet({ image: "reviews:2", revision: 2 });
  const withReady = (set: KubernetesObject, readyReplicas: number, replicas = 1): KubernetesObject => ({ ...set, spec: { ...(set.spec as object), replicas }, status: { readyReplicas } });
  const revision = (...replicaSets: readonly KubernetesObject[]): string => see({ replicaSets }).revision;

  it("is a hash with a version, the same for the same template", () => {
    expect(revision(v1)).toMatch(/^r1-[0-9a-f]{10}$/);
    expect(revision(v1)).toBe(revision(aReplicaSet({ image: "reviews:1", replicas: 5, name: "other-name" })));
  });

  it("does not depend on generated labels, nulls or the order of keys", () => {
    const template = { spec: { containers: [{ image: "reviews:1", name: "reviews" }] }, metadata: { labels: { version: "v3", "pod-template-hash": "zzz", app: "reviews" }, creationTimestamp: null } };
    expect(revision({ ...v1, spec: { replicas: 1, template } })).toBe(revision(v1));
  });

  it("changes with the image", () => {
    expect(revision(v1)).not.toBe(revision(v2));
  });

  it("is empty while no pod has ever been ready", () => {
    expect(revision()).toBe("");
    expect(see(running(withReady(v1, 0), 1, 0)).revision).toBe("");
  });

  it("stays the older template's until the newest has its first ready pod", () => {
    expect(revision(v1, withReady(v2, 0))).toBe(revision(v1));
    expect(revision(v1, v2)).toBe(revision(v2));
  });

  it("goes by the Deployment's revision and not by age, so that a rollout undone is the old revision again", () => {
    const undone = { ...v1, metadata: { ...v1.metadata, annotations: { "deployment.kubernetes.io/revision": "3" } } };
    expect(revision(undone, v2)).toBe(revision(v1));
  });

  it("goes by age where there is no such annotation", () => {
    const older = { ...v1, metadata: { ...v1.metadata, annotations: {}, creationTimestamp: "2026-11-21T10:00:00Z" } };
    const newer = { ...v2, metadata: { ...v2.metadata, annotations: {}, creationTimestamp: "2026-11-21T11:00:00Z" } };
    expect(revision(older, newer)).toBe(revision(v2));
  });

  it("stays the newest template's while its pods flap: one that was ready once says so", () => {
    const flapped = (lastTransitionTime: string): Objects => ({
      replicaSets: [v1, withReady(v2, 0)],
      pods: [aPod({ owner: v2, status: { conditions: [{ type: "Initialized", status: "True", lastTransitionTime: "2026-11-21T12:00:01Z" }, { type: "Ready", status: "False", lastTransitionTime }] } })],
    });
    expect(see(flapped("2026-11-21T12:07:00Z")).revision).toBe(revision(v2));
    expect(see(flapped("2026-11-21T12:00:01Z")).revision).toBe(revision(v1));
  });

  it("has a part for each owner, in the order of their names", () => {
    const [one, other] = [aReplicaSet({ deployment: "a", image: "a:1" }), aReplicaSet({ deployment: "b", image: "b:1" })];
    expect(revision(one, other)).toBe(revision(other, one));
    expect(new Set([revision(one, other), revision(one), revision(other)])).toHaveLength(3);
  });

  it("is unknown, not another one, while one of several owners has yet to get its first ready pod", () => {
    const [one, other] = [aReplicaSet({ deployment: "a" }), aReplicaSet({ deployment: "b" })];
    expect(revision(one, withReady(other, 0))).toBe("");
  });

  it("passes over an owner that is scaled to 0", () => {
    const [one, other] = [aReplicaSet({ deployment: "a" }), aReplicaSet({ deployment: "b" })];
    expect(revision(one, withReady(other, 0, 0))).toBe(revision(one));
  });
});

describe("StatefulSets and DaemonSets", () => {
  const labels = { app: "reviews", version: "v3" };
  const owner = (kind: "StatefulSet" | "DaemonSet", fields: object): KubernetesObject => ({ apiVersion: "apps/v1", kind, metadata: { name: "reviews-set", namespace: NAMESPACE, uid: "uid-set" }, ...fields });
  const controllerRevision = (of: KubernetesObject, revision: number, image: string): KubernetesObject => ({
    metadata: { name: `reviews-set-hash${revision}`, namespace: NAMESPACE, ownerReferences: [{ kind: of.kind!, name: of.metadata.name, uid: of.metadata.uid!, controller: true }] },
    revision,
    data: { spec: { template: { $patch: "replace", metadata: { labels }, spec: { containers: [{ name: "reviews", image }] } } } },
  });
  const stateful = owner("StatefulSet", { spec: { replicas: 2 } });
  const daemon = owner("DaemonSet", { status: { desiredNumberScheduled: 3 } });

  it.each([
    ["a StatefulSet", "statefulSets", stateful, (revision: number) => `reviews-set-hash${revision}`, 2],
    ["a DaemonSet", "daemonSets", daemon, (revision: number) => `hash${revision}`, 3],
  ] as const)("%s: the revision is that of the newest ControllerRevision that has had a ready pod", (_, kind, set, hashOf, wantedPods) => {
    const pod = (revision: number, ready: boolean): KubernetesObject => aPod({ owner: set, name: `reviews-set-${revision}`, ready, labels: { "controller-revision-hash": hashOf(revision) } });
    const world = (...running: readonly KubernetesObject[]): VersionSeen => see({ [kind]: [set], controllerRevisions: [controllerRevision(set, 1, "reviews:1"), controllerRevision(set, 2, "reviews:2")], pods: running });
    expect(world(pod(1, true))).toMatchObject({ wantedPods, readyPods: 1, workloads: ["reviews-set"] });
    expect(world(pod(1, true)).revision).toMatch(/^r1-/);
    expect(world(pod(1, true), pod(2, false)).revision).toBe(world(pod(1, true)).revision);
    expect(world(pod(1, true), pod(2, true)).revision).not.toBe(world(pod(1, true)).revision);
    expect(world().revision).toBe("");
  });
});

describe("why pods are not ready", () => {
  const container = (state: object, ready = false): object => ({ containerStatuses: [{ name: "reviews", ready, state }] });
  const conditions = (...list: readonly object[]): object => ({ conditions: list });

  it.each<[string, object, string]>([
    ["an image that cannot be pulled", container({ waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "reviews:v9"' } }), 'container reviews of reviews-v3-abc12 waits: ImagePullBackOff, Back-off pulling image "reviews:v9"'],
    ["a crash loop", container({ waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s restarting failed container" } }), "container reviews of reviews-v3-abc12 waits: CrashLoopBackOff, back-off 5m0s restarting failed container"],
    ["a crash just now", container({ terminated: { reason: "OOMKilled", exitCode: 137 } }), "container reviews of reviews-v3-abc12 ended with exit code 137: OOMKilled"],
    ["an init container that fails", { initContainerStatuses: [{ name: "migrate", state: { waiting: { reason: "CrashLoopBackOff" } } }], ...container({ waiting: { reason: "PodInitializing" } }) }, "container migrate of reviews-v3-abc12 waits: CrashLoopBackOff"],
    ["no node", conditions({ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available: 3 Insufficient cpu." }), "reviews-v3-abc12 cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu."],
    ["a readiness probe", container({ running: {} }), "container reviews of reviews-v3-abc12 runs, and its readiness probe does not pass"],
    ["a readiness gate", { ...container({ running: {} }, true), ...conditions({ type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: "corresponding condition of pod readiness gate \"x\" does not exist." }) }, 'reviews-v3-abc12 is not ready: ReadinessGatesNotReady, corresponding condition of pod readiness gate "x" does not exist.'],
    ["a start that takes its time", container({ waiting: { reason: "ContainerCreating" } }), "container reviews of reviews-v3-abc12 waits: ContainerCreating"],
    ["an eviction", { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." }, "reviews-v3-abc12 has failed: Evicted, The node was low on resource: memory."],
  ])("is told in a sentence: %s", (_, status, sentence) => {
    expect(see({ pods: [aPod({ ready: false, status: status as Record<string, unknown> })] }).podProblem).toBe(`1 of 1 pods are not ready: ${sentence}`);
  });

  it("tells of the pod that explains most", () => {
    const probing = aPod({ name: "a", ready: false });
    const pulling = aPod({ name: "b", ready: false, status: container({ waiting: { reason: "ErrImagePull" } }) as Record<string, unknown> });
    expect(see({ pods: [probing, pulling, aPod({ name: "c" })] }).podProblem).toBe("2 of 3 pods are not ready: container reviews of b waits: ErrImagePull");
  });

  it("passes on no more than a sentence of what others say", () => {
    const status = container({ waiting: { reason: "ErrImagePull", message: "x".repeat(5_000) } }) as Record<string, unknown>;
    expect(see({ pods: [aPod({ ready: false, status })] }).podProblem!.length).toBeLessThan(350);
  });

  it("tells why there are no pods at all", () => {
    const refused = { ...aReplicaSet({ readyReplicas: 0 }), status: { conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota: team" }] } };
    expect(see({ replicaSets: [refused] }).podProblem).toBe("pods are refused: exceeded quota: team");
    expect(see({ replicaSets: [aReplicaSet({ replicas: 0 })] }).podProblem).toBe("reviews-v3 is scaled to 0");
    expect(see({}).podProblem).toBe("no workload in namespace bookinfo has pods with the labels app=reviews,version=v3");
  });

  it("is nothing where all are ready", () => {
    expect(see(running(aReplicaSet({ replicas: 2 }), 2)).podProblem).toBeUndefined();
  });
});
