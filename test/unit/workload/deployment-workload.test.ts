/** What is told of a held Deployment, its canary and the pods of both, from objects made by hand. */
import { describe, expect, it } from "vitest";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import type { AutoscalerSeen, DeploymentSeen, VersionSeen } from "../../../src/rollout/observation.ts";
import type { RolloutRef, ValidRollout } from "../../../src/rollout/rollout.ts";
import type { RolloutStatus, Run } from "../../../src/rollout/status.ts";
import { createDeploymentWorkload } from "../../../src/workload/deployment/deployment-workload.ts";
import type { Workload } from "../../../src/workload/workload.ts";
import { aCanary, aDeployment, aSet, aTemplateOf, hashIn, podsOf, revisionOfImage, ROLLED } from "../../support/held-objects.ts";
import { aPod, NAMESPACE } from "../../support/istio-objects.ts";
import { createMemoryCluster, type CachedKind } from "../../support/memory-cluster.ts";
import { aRollout, aRun, aStatus } from "../../support/rollouts.ts";

const [V1, V2, V3] = ["v1", "v2", "v3"].map(revisionOfImage) as [Revision, Revision, Revision];
type Revision = ReturnType<typeof revisionOfImage>;
const BACKEND = { kind: "found", namespace: NAMESPACE, selector: { app: "reviews" }, definedAtMs: 0 } as const;
const PAUSED = { paused: true };
const HELD = { annotations: { "weir.dev/held-by": "reviews", "deployment.kubernetes.io/revision": "1" } };

type Objects = Partial<Record<CachedKind, readonly KubernetesObject[]>>;

interface World {
  readonly objects: Objects;
  readonly isGuarded?: boolean;
  readonly ownerOf?: () => RolloutRef | undefined;
}

function workloadIn({ objects, isGuarded = true, ownerOf }: World): Workload {
  const { put, caches, client } = createMemoryCluster({ nowMs: () => 0 });
  for (const [kind, list] of Object.entries(objects)) for (const object of list) put(kind as CachedKind, object);
  return createDeploymentWorkload({ caches, client, isGuarded: () => isGuarded, ownerOf });
}

/** At rest, where no run is given. */
function rolloutOf(run?: Partial<Run> | null, { status = {}, most, finalizers = run ? undefined : [] }: { readonly status?: Partial<RolloutStatus>; readonly most?: number; readonly finalizers?: readonly string[] } = {}): ValidRollout {
  const deployment = { name: "reviews", ...(most === undefined ? {} : { maxCanaryReplicas: most }) };
  const current = aStatus({ stable: V1, observedRevision: V1, ...(run ? { run: aRun({ from: V1, to: V2, release: V2.version, deployment: "reviews", ...run }) } : { run: undefined }), ...status });
  return aRollout({ spec: { release: undefined, deployment }, status: current, ...(finalizers ? { finalizers } : {}) });
}

function deploymentIn(world: World, rollout = rolloutOf()): DeploymentSeen {
  const seen = workloadIn(world).deployment(rollout);
  if (seen?.kind !== "found") throw new Error(seen?.message ?? "expected a Deployment");
  return seen;
}

function seeIn(objects: Objects, version: string, rollout: ValidRollout): VersionSeen {
  return workloadIn({ objects }).see(version, BACKEND, rollout);
}

/** A Deployment whose ReplicaSet of v1 has these pods. */
function standing(deployment = aDeployment(), count = 4, ready = count): Objects & { readonly pods: readonly KubernetesObject[] } {
  const set = aSet("v1", { owner: deployment });
  return { deployments: [deployment], replicaSets: [set], pods: podsOf(set, count, ready) };
}

function merged(...all: readonly Objects[]): Objects {
  const kinds = new Set(all.flatMap((objects) => Object.keys(objects) as CachedKind[]));
  return Object.fromEntries([...kinds].map((kind) => [kind, all.flatMap((objects) => objects[kind] ?? [])]));
}

/** Beside what stands: v2 waits in the Deployment, and a canary runs it. */
function withCanary(count: number, ready: number, { deployment = waiting(), status = {} }: { readonly deployment?: KubernetesObject; readonly status?: object } = {}): Objects {
  const canary = aCanary("v2", { spec: { replicas: count } });
  const set = aSet("v2", { owner: canary, replicas: count, status });
  return merged(standing(deployment), { deployments: [canary], replicaSets: [set], pods: podsOf(set, count, ready) });
}

function waiting(): KubernetesObject {
  return aDeployment({ metadata: HELD, spec: { ...PAUSED, template: aTemplateOf("v2") }, status: { updatedReplicas: undefined } });
}

describe("the release of a Rollout", () => {
  it("is what the Deployment's template is called now", () => {
    expect(workloadIn({ objects: standing() }).named(rolloutOf()).spec.release).toBe(V1.version);
    expect(workloadIn({ objects: standing(waiting()) }).named(rolloutOf()).spec.release).toBe(V2.version);
  });

  it.each([
    ["lags behind the template for which a run was begun: the run's word is taken for it", "1000", V2.version],
    ["has seen that template: what is there now counts, such as the one before, applied again", "0", V1.version],
  ])("where the cache %s", (_, templateAt, release) => {
    expect(workloadIn({ objects: standing() }).named(rolloutOf({ templateAt })).spec.release).toBe(release);
  });

  it("stays what was seen last where the Deployment has gone, and is nothing where none was ever seen", () => {
    expect(workloadIn({ objects: {} }).named(rolloutOf()).spec.release).toBe(V1.version);
    expect(workloadIn({ objects: {} }).named(aRollout({ spec: { release: undefined, deployment: { name: "reviews" } }, status: null })).spec.release).toBe("");
  });

  it("is left alone where the Rollout names a version", () => {
    expect(workloadIn({ objects: standing() }).named(aRollout()).spec.release).toBe("v3");
    expect(workloadIn({ objects: standing() }).deployment(aRollout())).toBeUndefined();
  });
});

describe("a Deployment", () => {
  it("at rest has rolled, serves what it holds, and has no canary", () => {
    const { resourceVersion, ...seen } = deploymentIn({ objects: standing() });
    expect(resourceVersion).toBe("1");
    expect(seen).toEqual({
      kind: "found", label: "Deployment bookinfo/reviews", template: V1, serving: V1, podLabels: { app: "reviews", team: "books" }, remembered: [V1.version], replicas: 4,
      isPaused: false, isHeld: false, isGuarded: true, isRolled: true, rolledPods: 4, otherPods: 0, readyPodsOf: { [V1.version]: 4 }, rollLimitMs: 600_000, canaries: [], canaryPods: 0, readyCanaryPods: 0,
    });
  });

  it("is held where the annotation says so, whoever's name it bears, and paused where it is paused", () => {
    expect(deploymentIn({ objects: standing(aDeployment({ metadata: HELD })) })).toMatchObject({ isHeld: true, isPaused: false });
    expect(deploymentIn({ objects: standing(aDeployment({ spec: PAUSED })) })).toMatchObject({ isHeld: false, isPaused: true });
  });

  it("is guarded where the API server holds templates", () => {
    expect(deploymentIn({ objects: standing(), isGuarded: false }).isGuarded).toBe(false);
  });

  it("with a changed template that waits serves the one before, and no pod of it is of the new one", () => {
    expect(deploymentIn({ objects: standing(waiting()) })).toMatchObject({ template: V2, serving: V1, remembered: [V1.version], isPaused: true, isHeld: true, isRolled: false, rolledPods: 0, otherPods: 4 });
  });

  it("in mid-roll counts the ready pods of the new template, and all that are of another one", () => {
    const deployment = aDeployment({ spec: { template: aTemplateOf("v2") }, status: { updatedReplicas: 2, replicas: 5 } });
    const [old, fresh] = [aSet("v1", { owner: deployment, replicas: 3 }), aSet("v2", { owner: deployment, replicas: 2, revision: 2 })];
    const objects = { deployments: [deployment], replicaSets: [old, fresh], pods: [...podsOf(old, 3, 1), ...podsOf(fresh, 2, 1)] };
    expect(deploymentIn({ objects })).toMatchObject({ template: V2, serving: V1, isRolled: false, rolledPods: 1, otherPods: 3, readyPodsOf: { [V2.version]: 1, [V1.version]: 1 }, remembered: [V2.version, V1.version] });
  });

  it("remembers what its ReplicaSets have, the newest first, and those of others are not its own", () => {
    const sets = [aSet("v1", { revision: 2 }), aSet("v3", { revision: 10, replicas: 0 }), aSet("v2", { owner: aCanary() }), aSet("v2", { owner: aDeployment({ metadata: { name: "ratings", uid: "uid-ratings" } }) })];
    expect(deploymentIn({ objects: { deployments: [aDeployment()], replicaSets: sets } }).remembered).toEqual([V3.version, V1.version]);
  });

  it("that cannot be found is absent, and so is one without a template", () => {
    const message = "there is no Deployment bookinfo/reviews";
    expect(workloadIn({ objects: {} }).deployment(rolloutOf())).toEqual({ kind: "absent", message, canaries: [], canaryPods: 0 });
    expect(workloadIn({ objects: { deployments: [aDeployment({ metadata: { namespace: "elsewhere" } })] } }).deployment(rolloutOf())).toMatchObject({ kind: "absent", message });
  });

  it("that has gone leaves its canary and the canary's pods to be seen", () => {
    const canary = aCanary();
    const set = aSet("v2", { owner: canary, replicas: 2 });
    const objects = { deployments: [canary], replicaSets: [set], pods: [...podsOf(set, 2, 1), aPod()] };
    expect(workloadIn({ objects }).deployment(rolloutOf({}))).toMatchObject({ kind: "absent", canaries: [{ name: canary.metadata.name, version: V2.version, replicas: 1 }], canaryPods: 2 });
  });

  it("belongs to the Rollout that named it first", () => {
    const owned = (name: string): DeploymentSeen => deploymentIn({ objects: standing(), ownerOf: () => ({ namespace: NAMESPACE, name }) });
    expect(owned("first").managedBy).toBe("Rollout bookinfo/first");
    expect(owned("reviews")).not.toHaveProperty("managedBy");
    expect(deploymentIn({ objects: standing(), ownerOf: () => undefined })).not.toHaveProperty("managedBy");
  });

  it("does not roll on where its deadline is over, and says why in its controller's words", () => {
    const late = (condition: object): DeploymentSeen => deploymentIn({ objects: standing(aDeployment({ status: { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", ...condition }] } })) });
    expect(late({ message: 'ReplicaSet "reviews-bbb" has timed out progressing.' }).rollProblem).toBe('ReplicaSet "reviews-bbb" has timed out progressing.');
    expect(late({}).rollProblem).toBe("its progress deadline is over");
    expect(late({ status: "Unknown", reason: "DeploymentPaused" })).not.toHaveProperty("rollProblem");
    expect(deploymentIn({ objects: standing(aDeployment({ spec: { progressDeadlineSeconds: 60 } })) }).rollLimitMs).toBe(60_000);
  });
});

describe("a Deployment has rolled", () => {
  const isRolled = (spec: object, status: object, generation = 3): boolean => deploymentIn({ objects: standing(aDeployment({ metadata: { generation }, spec, status })) }).isRolled;

  it("where a controller that has seen its template says that all pods are of it, and available", () => {
    expect(isRolled({}, {})).toBe(true);
    expect(isRolled({}, { observedGeneration: 4 })).toBe(true);
    expect(isRolled({ replicas: 0 }, { replicas: undefined, updatedReplicas: undefined, availableReplicas: undefined })).toBe(true);
  });

  it.each<[string, object, object, number?]>([
    ["what it says is of the template before", {}, {}, 4],
    ["nothing has been said yet", {}, { observedGeneration: undefined, conditions: undefined }],
    ["it is paused", PAUSED, {}],
    ["the roll goes on", {}, { conditions: [{ ...ROLLED, reason: "ReplicaSetUpdated" }] }],
    ["nothing is said of progress", {}, { conditions: [{ ...ROLLED, type: "Available" }] }],
    ["a pod is of the template before", {}, { updatedReplicas: 3 }],
    ["a pod of another template is left", {}, { replicas: 5 }],
    ["a pod is not available", {}, { availableReplicas: 3 }],
    ["it has been scaled since", { replicas: 5 }, {}],
  ])("not where %s", (_, spec, status, generation) => {
    expect(isRolled(spec, status, generation)).toBe(false);
  });
});

describe("what serves", () => {
  const deployment = aDeployment({ spec: { template: aTemplateOf("v2") } });
  const serving = (ready: Readonly<Record<string, number>>, stable = V1): Revision | undefined => {
    const sets = Object.keys(ready).map((image, index) => aSet(image, { owner: deployment, revision: index + 1 }));
    const pods = sets.flatMap((set, index) => podsOf(set, 2, Object.values(ready)[index]));
    return deploymentIn({ objects: { deployments: [deployment], replicaSets: sets, pods } }, rolloutOf(null, { status: { stable } })).serving;
  };

  it.each<[string, Readonly<Record<string, number>>, Revision | undefined]>([
    ["stable, while it has a ready pod", { v1: 1, v2: 2 }, V1],
    ["the newest of the others that has one", { v1: 0, v3: 1, v2: 1 }, V2],
    ["an older one where the newest has none", { v1: 0, v3: 1, v2: 0 }, V3],
    ["nothing where nobody is ready", { v1: 0, v2: 0 }, undefined],
  ])("is %s", (_, ready, expected) => {
    expect(serving(ready)).toEqual(expected);
  });

  it.each([[0, true], [1, undefined]])("is not to be the stable template any more where %i pods of it are asked for", (replicas, expected) => {
    const sets = [aSet("v1", { owner: deployment, replicas }), aSet("v2", { owner: deployment, revision: 2 })];
    expect(deploymentIn({ objects: { deployments: [deployment], replicaSets: sets, pods: podsOf(sets[1]!, 2) } }, rolloutOf(null, { status: { stable: V1 } })).stableIsGivenUp).toBe(expected);
  });

  it("is what is ready where nothing is known to be stable yet", () => {
    expect(deploymentIn({ objects: standing() }, aRollout({ spec: { release: undefined, deployment: { name: "reviews" } }, status: null })).serving).toEqual(V1);
  });
});

describe("a canary", () => {
  it("is seen beside the Deployment, with all of its pods, those that go included", () => {
    const set = aSet("v2", { owner: aCanary() });
    const leaving = aPod({ owner: set, name: "leaving", metadata: { labels: set.metadata.labels, deletionTimestamp: "2026-11-21T12:00:00Z" } });
    const seen = deploymentIn({ objects: merged(withCanary(2, 1), { pods: [leaving] }) }, rolloutOf({}));
    expect(seen.canaries).toEqual([{ name: `reviews-canary-${hashIn(V2.version)}`, uid: expect.any(String) as string, resourceVersion: expect.any(String) as string, version: V2.version, replicas: 2 }]);
    expect(seen).toMatchObject({ canaryPods: 3, otherPods: 4, rolledPods: 0 });
  });

  it("of another Rollout, or another Deployment, is none of ours", () => {
    const foreign = aCanary("v2", { metadata: { labels: { "weir.dev/rollout": "ratings" } } });
    const pods = [aPod({ app: "ratings", name: "far", labels: { "weir.dev/canary": "e0b8f1d" } }), aPod({ namespace: "elsewhere", name: "farther", labels: { "weir.dev/canary": "e0b8f1d" } })];
    expect(deploymentIn({ objects: merged(standing(), { deployments: [foreign], pods }) })).toMatchObject({ canaries: [], canaryPods: 0 });
  });

  it("has its pods counted to the last one, also where the Deployment selects by expressions alone", () => {
    const deployment = aDeployment({ spec: { selector: { matchExpressions: [{ key: "app", operator: "In", values: ["reviews"] }] } } });
    const left = podsOf(aSet("v2", { owner: aCanary() }), 2);
    const others = [aPod({ app: "ratings", name: "ratings-0", labels: { "weir.dev/canary": hashIn(V2.version) } })];
    expect(deploymentIn({ objects: merged(standing(deployment), { pods: [...left, ...others] }) })).toMatchObject({ canaries: [], canaryPods: 2 });
  });

  it.each([
    ["nobody is meant", { key: "app", operator: "DoesNotExist" }, 0],
    ["others are meant", { key: "app", operator: "NotIn", values: ["reviews"] }, 0],
    ["the label is there", { key: "app", operator: "Exists" }, 2],
    ["the label is not one of others", { key: "app", operator: "NotIn", values: ["ratings"] }, 2],
  ])("has its pods told by every expression: %s", (_, expression, canaryPods) => {
    const deployment = aDeployment({ spec: { selector: { matchLabels: { team: "books" }, matchExpressions: [expression] } } });
    expect(deploymentIn({ objects: merged(standing(deployment), { pods: podsOf(aSet("v2", { owner: aCanary() }), 2) }) }).canaryPods).toBe(canaryPods);
  });
});

describe("the pods of a version", () => {
  it("are the Deployment's own, of the ReplicaSet with its template", () => {
    expect(seeIn(standing(aDeployment(), 4, 3), V1.version, rolloutOf())).toMatchObject({
      version: V1.version, backend: BACKEND, readyPods: 3, wantedPods: 4, revision: V1.revision, workloads: ["reviews"], podTemplateHash: "aaa",
      pods: ["reviews-aaa-0", "reviews-aaa-1", "reviews-aaa-2", "reviews-aaa-3"], podProblem: "1 of 4 pods are not ready: container reviews of reviews-aaa-3 runs, and its readiness probe does not pass",
    });
  });

  it("are ready since the last one of them became so", () => {
    expect(seeIn(standing(), V1.version, rolloutOf()).readySinceMs).toBe(Date.parse("2026-11-21T12:00:06Z"));
    expect(seeIn(standing(aDeployment(), 4, 0), V1.version, rolloutOf())).not.toHaveProperty("readySinceMs");
  });

  it("are those of the canary while its run goes on, and stable's the Deployment's", () => {
    const objects = withCanary(2, 1);
    expect(seeIn(objects, V2.version, rolloutOf({}))).toMatchObject({ readyPods: 1, wantedPods: 4, revision: V2.revision, workloads: [`reviews-canary-${hashIn(V2.version)}`], podTemplateHash: "bbb", pods: [`reviews-canary-${hashIn(V2.version)}-bbb-0`, `reviews-canary-${hashIn(V2.version)}-bbb-1`] });
    expect(seeIn(objects, V1.version, rolloutOf({}))).toMatchObject({ readyPods: 4, wantedPods: 4, workloads: ["reviews"], podTemplateHash: "aaa" });
  });

  it("are the Deployment's again once the run has ended", () => {
    const set = aSet("v2", { owner: aDeployment(), revision: 2 });
    const objects = merged(withCanary(1, 1), { replicaSets: [set], pods: podsOf(set, 4) });
    expect(seeIn(objects, V2.version, rolloutOf({ outcome: "Succeeded" }))).toMatchObject({ readyPods: 4, wantedPods: 4, workloads: ["reviews"] });
  });

  it.each([[undefined, 4], [10, 4], [2, 2], [1, 1]])("of a canary are at most maxCanaryReplicas (%s): %s", (most, wantedPods) => {
    expect(seeIn(withCanary(1, 1), V2.version, rolloutOf({}, most === undefined ? {} : { most })).wantedPods).toBe(wantedPods);
    expect(seeIn(withCanary(1, 1), V1.version, rolloutOf({}, most === undefined ? {} : { most })).wantedPods).toBe(4);
  });

  it("are none before there is a canary, whose revision is known from the template that waits", () => {
    expect(seeIn(standing(waiting()), V2.version, rolloutOf({}))).toEqual({ version: V2.version, backend: BACKEND, readyPods: 0, wantedPods: 4, revision: V2.revision, workloads: [], pods: [] });
    expect(seeIn(standing(waiting()), V2.version, rolloutOf())).toMatchObject({ readyPods: 0, revision: V2.revision, workloads: ["reviews"] });
  });

  it("are none of a version that nobody knows, and where the Deployment is gone", () => {
    expect(seeIn(standing(), "v9-0000000", rolloutOf())).toEqual({ version: "v9-0000000", backend: BACKEND, readyPods: 0, wantedPods: 4, revision: "", workloads: ["reviews"], pods: [] });
    expect(seeIn({}, V1.version, rolloutOf())).toEqual({ version: V1.version, backend: BACKEND, readyPods: 0, wantedPods: 0, revision: "", workloads: [], pods: [] });
  });

  it("do not go by labels: what others own counts for nothing, and neither does what is going away", () => {
    const { labels } = aSet("v1").metadata;
    const stranger = aSet("v1", { owner: aDeployment({ metadata: { name: "other", uid: "uid-other" } }) });
    const alike = [aPod({ name: "bare", metadata: { labels } }), ...podsOf(stranger, 3)];
    const leaving = aPod({ owner: aSet("v1"), name: "leaving", metadata: { labels, deletionTimestamp: "2026-11-21T12:00:00Z" } });
    const objects = merged(standing(aDeployment(), 2), { replicaSets: [stranger], pods: [...alike, leaving] });
    expect(seeIn(objects, V1.version, rolloutOf())).toMatchObject({ readyPods: 2, pods: ["reviews-aaa-0", "reviews-aaa-1"] });
    expect(deploymentIn({ objects })).toMatchObject({ rolledPods: 2, otherPods: 0, remembered: [V1.version] });
  });

  it("say why they are not there where a quota refuses them", () => {
    const status = { conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: `pods "reviews-canary" is forbidden: exceeded quota: team${"!".repeat(300)}` }] };
    const { podProblem } = seeIn(withCanary(0, 0, { status }), V2.version, rolloutOf({}));
    expect(podProblem).toMatch(/^pods are refused: pods "reviews-canary" is forbidden: exceeded quota: team/);
    expect(podProblem!.length).toBeLessThan(250);
    expect(seeIn(withCanary(0, 0, { status: { conditions: [{ type: "ReplicaFailure", status: "True" }] } }), V2.version, rolloutOf({})).podProblem).toBe("pods are refused: no reason was given");
    expect(seeIn(withCanary(0, 0, { status: { conditions: [{ type: "ReplicaFailure", status: "False", message: "it was" }] } }), V2.version, rolloutOf({}))).not.toHaveProperty("podProblem");
  });

  it("say why they do not start where their image cannot be pulled", () => {
    const canary = aCanary();
    const set = aSet("v2", { owner: canary, replicas: 1 });
    const waitingFor = { containerStatuses: [{ name: "app", ready: false, state: { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "reviews:v2"' } } }] };
    const pod = aPod({ owner: set, ready: false, name: "canary-0", metadata: { labels: set.metadata.labels }, status: waitingFor });
    const objects = merged(standing(waiting()), { deployments: [canary], replicaSets: [set], pods: [pod] });
    expect(seeIn(objects, V2.version, rolloutOf({})).podProblem).toBe('1 of 1 pods are not ready: container app of canary-0 waits: ImagePullBackOff, Back-off pulling image "reviews:v2"');
  });
});

describe("what scales the Deployment", () => {
  const list = (items: readonly KubernetesObject[]) => async () => ({ metadata: { resourceVersion: "1" }, items });
  const scaler: KubernetesObject = { metadata: { name: "by-load" }, spec: { scaleTargetRef: { kind: "Deployment", name: "reviews" }, maxReplicas: 9 } };
  const workloadAsking = (client: Partial<KubernetesClient>, objects = withCanary(1, 1)): Workload => {
    const { put, caches, client: writing } = createMemoryCluster({ nowMs: () => 0 });
    for (const [kind, all] of Object.entries(objects)) for (const object of all) put(kind as CachedKind, object);
    return createDeploymentWorkload({ caches, client: { ...writing, ...client }, isGuarded: () => true });
  };

  it("averages over the ready pods of both sides", async () => {
    const seen = await workloadAsking({ list: list([scaler]) }).autoscaler(rolloutOf({}));
    expect(seen).toMatchObject({ label: "HorizontalPodAutoscaler bookinfo/by-load", maxPods: 9 });
    expect((seen as AutoscalerSeen).readySinceMs).toHaveLength(5);
  });

  it("is nothing where it has no autoscaler, or there is no such Deployment", async () => {
    expect(await workloadAsking({ list: list([]) }).autoscaler(rolloutOf({}))).toBeUndefined();
    expect(await workloadAsking({ list: list([scaler]) }, {}).autoscaler(rolloutOf({}))).toBeUndefined();
  });

  it("is a sentence where Weir may not look", async () => {
    const refusing = { list: async () => Promise.reject(new ApiError("horizontalpodautoscalers is forbidden", 403, "Forbidden")) };
    expect(await workloadAsking(refusing).autoscaler(rolloutOf({}))).toBe("Weir may not list horizontalpodautoscalers in namespace bookinfo: apply deploy/");
  });
});
