/** Rows about Deployments and ReplicaSets: what their controllers make of them. */
import { expect } from "vitest";
import { MERGE_PATCH, type Subject } from "./subject.ts";
import {
  apps, change, conditionsOf, countsOf, deploy, eventually, found, isObserved, isReady, podsIn, podsOf, reached, reasonOf, revisionOf, rolledOut, setsOf, setVersion, sizes, templateOf, versionOf, watching,
  type Kubelet, type Pod, type ReplicaSet,
} from "./workload-steps.ts";

export interface WorkloadBehaviour {
  /** A sentence. */
  readonly name: string;
  readonly check: (subject: Subject, kubelet: Kubelet) => Promise<void>;
}

const AVAILABLE = ["True", "MinimumReplicasAvailable", "Deployment has minimum availability."];
const UNAVAILABLE = ["False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."];
const PAUSED = ["Unknown", "DeploymentPaused", "Deployment is paused"];

const controlledBy = (kind: string, { metadata }: { readonly metadata: object }): object => {
  const { name, uid } = metadata as { readonly name: string; readonly uid: string };
  return { apiVersion: "apps/v1", kind, name, uid, controller: true, blockOwnerDeletion: true };
};

const creation: readonly WorkloadBehaviour[] = [
  {
    name: "A Deployment gets a ReplicaSet, and that gets pods: named, labelled and owned after each other",
    async check(subject) {
      await deploy(subject, "web", {}, { app: "web", tier: "front" });
      const deployment = await rolledOut(subject, "web");
      expect(deployment.metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "1" });
      const [set, ...others] = await setsOf(subject);
      const hash = set!.metadata.labels["pod-template-hash"]!;
      expect([hash, others]).toEqual([expect.stringMatching(/^[a-z0-9]{5,10}$/), []]);
      const labels = { app: "web", tier: "front", "pod-template-hash": hash };
      expect(set!.metadata).toMatchObject({ name: `web-${hash}`, labels, ownerReferences: [controlledBy("Deployment", deployment)] });
      const counts = { "deployment.kubernetes.io/desired-replicas": "3", "deployment.kubernetes.io/max-replicas": "4" };
      expect(set!.metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "1", ...counts });
      expect(set!.spec).toMatchObject({ replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels } } });
      const pods = await podsOf(subject);
      expect(pods.length).toBe(3);
      for (const { metadata } of pods) expect(metadata).toMatchObject({ labels, ownerReferences: [controlledBy("ReplicaSet", set!)] });
      for (const { metadata } of pods) expect(metadata.name).toMatch(new RegExp(`^web-${hash}-[a-z0-9]{5}$`));
      for (const { spec, status } of pods) expect([spec.nodeName, status.podIP, status.containerStatuses]).toEqual([expect.any(String), expect.any(String), [expect.objectContaining({ name: "app", ready: true })]]);
    },
  },
  {
    name: "One that has rolled out counts its pods, and says that it is available and done",
    async check(subject) {
      await deploy(subject, "web");
      const deployment = await rolledOut(subject, "web");
      const [set] = await setsOf(subject);
      expect(countsOf(deployment)).toEqual({ observedGeneration: deployment.metadata.generation, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, terminatingReplicas: 0 });
      expect(conditionsOf(deployment)).toEqual({ Available: AVAILABLE, Progressing: ["True", "NewReplicaSetAvailable", `ReplicaSet "${set!.metadata.name}" has successfully progressed.`] });
      expect(set!.status).toEqual({ observedGeneration: set!.metadata.generation, replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, terminatingReplicas: 0 });
    },
  },
  {
    name: "Where pods must have been ready for a while they are ready before they are available",
    async check(subject) {
      await deploy(subject, "web", { minReadySeconds: 4 });
      const early = await reached(subject, "web", ({ status }) => status.readyReplicas === 3);
      expect([early.status.availableReplicas ?? 0, reasonOf(early.status)]).toEqual([0, "ReplicaSetUpdated"]);
      await rolledOut(subject, "web");
    },
  },
  {
    name: "What a Deployment is annotated with, its ReplicaSet is, too, but for what kubectl applied",
    async check(subject) {
      await deploy(subject, "web", { replicas: 0 });
      const annotations = { "example.com/team": "a", "kubectl.kubernetes.io/last-applied-configuration": "{}" };
      await subject.ask("PATCH", `${apps(subject, "deployments")}/web`, { metadata: { annotations } }, MERGE_PATCH);
      await eventually(async () => (await setsOf(subject))[0]?.metadata.annotations?.["example.com/team"] === "a", () => setsOf(subject));
      expect((await setsOf(subject))[0]!.metadata.annotations).not.toHaveProperty("kubectl.kubernetes.io/last-applied-configuration");
    },
  },
  {
    name: "With its deletion its ReplicaSets and pods go, too",
    async check(subject) {
      await deploy(subject, "web");
      await rolledOut(subject, "web");
      expect((await subject.ask("DELETE", `${apps(subject, "deployments")}/web`)).status).toBe(200);
      const left = async (): Promise<readonly object[]> => [...(await setsOf(subject)), ...(await podsOf(subject))];
      await eventually(async () => (await left()).length === 0, left);
    },
  },
];

const replicaSets: readonly WorkloadBehaviour[] = [
  {
    name: "A ReplicaSet that no Deployment has keeps its pods at its replicas",
    async check(subject) {
      await replicaSet(subject, "solo", 2);
      await readySet(subject, 2);
      const { status } = await subject.ask("PATCH", `${apps(subject, "replicasets")}/solo/scale`, { spec: { replicas: 4 } }, MERGE_PATCH);
      expect(status).toBe(200);
      await readySet(subject, 4);
      expect((await podsOf(subject)).map(({ metadata }) => metadata.name.slice(0, -5))).toEqual(Array(4).fill("solo-"));
    },
  },
  {
    name: "A pod that is deleted is replaced",
    async check(subject) {
      await deploy(subject, "web");
      await rolledOut(subject, "web");
      const [first] = await podsOf(subject);
      await subject.ask("DELETE", `${podsIn(subject)}/${first!.metadata.name}`);
      await eventually(async () => await arePods(subject, 3, (pod) => isReady(pod) && pod.metadata.uid !== first!.metadata.uid), () => podsOf(subject));
      await rolledOut(subject, "web");
      expect(await sizes(subject)).toEqual({ v1: 3 });
    },
  },
  {
    name: "Where there are too many pods those that are not ready go first",
    async check(subject, kubelet) {
      await replicaSet(subject, "solo", 2);
      await readySet(subject, 2);
      const ready = (await podsOf(subject)).map(({ metadata }) => metadata.uid).sort();
      await kubelet.holdUnready({ app: "solo", late: "true" });
      await subject.ask("PATCH", `${apps(subject, "replicasets")}/solo`, { spec: { replicas: 4, template: { metadata: { labels: { late: "true" } } } } }, MERGE_PATCH);
      await eventually(async () => (await podsOf(subject)).filter(({ status }) => status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "False")).length === 2, () => podsOf(subject));
      await subject.ask("PATCH", `${apps(subject, "replicasets")}/solo`, { spec: { replicas: 2 } }, MERGE_PATCH);
      await eventually(async () => (await podsOf(subject)).length === 2, () => podsOf(subject));
      expect((await podsOf(subject)).map(({ metadata }) => metadata.uid).sort()).toEqual(ready);
    },
  },
  {
    name: "A pod that loses the labels is let go, and replaced; one without an owner that has them is taken in its place",
    async check(subject) {
      await replicaSet(subject, "solo", 2);
      await readySet(subject, 2);
      const [set] = await setsOf(subject);
      const [first] = await podsOf(subject);
      const label = (app: string) => subject.ask("PATCH", `${podsIn(subject)}/${first!.metadata.name}`, { metadata: { labels: { app } } }, MERGE_PATCH);
      await label("aside");
      await eventually(() => arePods(subject, 3, isReady), () => podsOf(subject));
      await eventually(async () => (await pod(subject, first!)).metadata.ownerReferences === undefined, () => pod(subject, first!));
      await subject.ask("PATCH", `${apps(subject, "replicasets")}/solo`, { spec: { replicas: 3 } }, MERGE_PATCH);
      await readySet(subject, 3);
      await label("solo");
      await eventually(() => arePods(subject, 3, ({ metadata }) => metadata.ownerReferences?.[0]?.uid === set!.metadata.uid), () => podsOf(subject));
    },
  },
];

async function replicaSet(subject: Subject, name: string, replicas: number): Promise<void> {
  const labels = { app: name };
  const object = { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name }, spec: { replicas, selector: { matchLabels: labels }, template: templateOf(labels, "v1") } };
  const { status, body } = await subject.ask("POST", apps(subject, "replicasets"), object);
  expect(status, JSON.stringify(body)).toBe(201);
}

/** That the only ReplicaSet says so. */
async function readySet(subject: Subject, replicas: number): Promise<void> {
  const is = async (): Promise<boolean> => {
    const [set] = await setsOf(subject);
    return set !== undefined && isObserved(set) && set.status.replicas === replicas && set.status.readyReplicas === replicas;
  };
  await eventually(is, () => setsOf(subject));
}

async function arePods(subject: Subject, count: number, are: (pod: Pod) => boolean): Promise<boolean> {
  const pods = await podsOf(subject);
  return pods.length === count && pods.every(are);
}

async function pod(subject: Subject, { metadata }: Pod): Promise<Pod> {
  return (await subject.ask("GET", `${podsIn(subject)}/${metadata.name}`)).body as unknown as Pod;
}

const FAST = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } };

const rolls: readonly WorkloadBehaviour[] = [
  {
    name: "A new template rolls: never more pods asked for than the surge allows, never fewer ready than may be missing",
    async check(subject) {
      await deploy(subject, "web", { replicas: 4, ...FAST });
      await rolledOut(subject, "web", 4);
      const most: number[] = [];
      const fewest: number[] = [];
      const endSets = await watching<ReplicaSet>(subject, apps(subject, "replicasets"), (sets) => most.push(sets.reduce((sum, { spec }) => sum + spec.replicas, 0)));
      const endPods = await watching<Pod>(subject, podsIn(subject), (pods) => fewest.push(pods.filter(isReady).length));
      await setVersion(subject, "web", "v2");
      await rolledOut(subject, "web", 4);
      await Promise.all([endSets(), endPods()]);
      expect(Math.max(...most)).toBe(5);
      expect(Math.min(...fewest)).toBeGreaterThanOrEqual(3);
      expect(await sizes(subject)).toEqual({ v1: 0, v2: 4 });
      expect([revisionOf(await found(subject, "web")), (await setsOf(subject)).map(revisionOf)]).toEqual([2, [1, 2]]);
    },
  },
  {
    name: "A quarter may be too many, rounded up, and a quarter too few, rounded down, where nothing is said",
    async check(subject, kubelet) {
      await deploy(subject, "web", { replicas: 7 });
      await rolledOut(subject, "web", 7);
      await kubelet.holdUnready({ app: "web", version: "v2" });
      await change(subject, "web", { template: templateOf({ app: "web", version: "v2" }, "v2") });
      await reached(subject, "web", ({ status }) => status.replicas === 9 && status.updatedReplicas === 3 && status.readyReplicas === 6);
      expect(await sizes(subject)).toEqual({ v1: 6, v2: 3 });
    },
  },
  {
    name: "Pods that never get ready stop the roll at the surge, and the status says what is there; once they are, it goes on",
    async check(subject, kubelet) {
      await deploy(subject, "web");
      await rolledOut(subject, "web");
      await kubelet.holdUnready({ app: "web", version: "v2" });
      await change(subject, "web", { template: templateOf({ app: "web", version: "v2" }, "v2") });
      const stuck = await reached(subject, "web", ({ status }) => status.replicas === 4 && status.updatedReplicas === 1 && reasonOf(status) === "ReplicaSetUpdated");
      const newest = (await setsOf(subject)).at(-1)!;
      expect(countsOf(stuck)).toEqual({ observedGeneration: stuck.metadata.generation, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3, unavailableReplicas: 1, terminatingReplicas: 0 });
      expect(conditionsOf(stuck)).toEqual({ Available: AVAILABLE, Progressing: ["True", "ReplicaSetUpdated", `ReplicaSet "${newest.metadata.name}" is progressing.`] });
      await kubelet.release();
      await rolledOut(subject, "web");
    },
  },
  {
    name: "A roll that makes no progress in its time says so, until it does",
    async check(subject, kubelet) {
      await kubelet.holdUnready({ app: "web" });
      await deploy(subject, "web", { progressDeadlineSeconds: 1 });
      const late = await reached(subject, "web", ({ status }) => reasonOf(status) === "ProgressDeadlineExceeded");
      const [set] = await setsOf(subject);
      expect(conditionsOf(late)).toEqual({ Available: UNAVAILABLE, Progressing: ["False", "ProgressDeadlineExceeded", `ReplicaSet "${set!.metadata.name}" has timed out progressing.`] });
      await kubelet.release();
      await rolledOut(subject, "web");
    },
  },
  {
    name: "Back to the old template in mid-roll: its ReplicaSet grows again, with a new revision",
    async check(subject, kubelet) {
      await deploy(subject, "web", FAST);
      await rolledOut(subject, "web");
      const [old] = await setsOf(subject);
      await kubelet.holdUnready({ app: "web", version: "v2" });
      await change(subject, "web", { template: templateOf({ app: "web", version: "v2" }, "v2") });
      await reached(subject, "web", ({ status }) => status.updatedReplicas === 2);
      expect(await sizes(subject)).toEqual({ v1: 2, v2: 2 });
      await change(subject, "web", { template: { ...templateOf({ app: "web", version: null }, "v1") } });
      const back = await reached(subject, "web", ({ status }) => status.updatedReplicas === 3 && status.replicas === 3 && status.availableReplicas === 3);
      const sets = await setsOf(subject);
      expect([revisionOf(back), sets.map(revisionOf), sets.map(({ spec }) => spec.replicas)]).toEqual([3, [2, 3], [0, 3]]);
      expect(sets[1]!.metadata).toMatchObject({ uid: old!.metadata.uid, annotations: { "deployment.kubernetes.io/revision-history": "1" } });
    },
  },
  {
    name: "Recreate: no pod of the new template comes before the last of the old one is gone",
    async check(subject) {
      await deploy(subject, "web", { strategy: { type: "Recreate" } });
      await rolledOut(subject, "web");
      const together: number[] = [];
      const end = await watching<Pod>(subject, podsIn(subject), (pods) => together.push(new Set(pods.map(versionOf)).size));
      await setVersion(subject, "web", "v2");
      await rolledOut(subject, "web");
      await end();
      expect(Math.max(...together)).toBe(1);
    },
  },
  {
    name: "Of old ReplicaSets only so many are kept",
    async check(subject) {
      await deploy(subject, "web", { replicas: 1, revisionHistoryLimit: 1 });
      for (const version of ["v2", "v3", "v4"]) {
        await rolledOut(subject, "web", 1);
        await setVersion(subject, "web", version);
      }
      await rolledOut(subject, "web", 1);
      await eventually(async () => (await setsOf(subject)).length === 2, () => sizes(subject));
      expect(await sizes(subject)).toEqual({ v3: 0, v4: 1 });
    },
  },
];

const scaling: readonly WorkloadBehaviour[] = [
  {
    name: "Scaling changes the ReplicaSet's size and nothing else",
    async check(subject) {
      await deploy(subject, "web");
      await rolledOut(subject, "web");
      const { status } = await subject.ask("PATCH", `${apps(subject, "deployments")}/web/scale`, { spec: { replicas: 5 } }, MERGE_PATCH);
      expect(status).toBe(200);
      await rolledOut(subject, "web", 5);
      await change(subject, "web", { replicas: 1 });
      await rolledOut(subject, "web", 1);
      const [set, ...others] = await setsOf(subject);
      expect([revisionOf(set!), set!.spec.replicas, others]).toEqual([1, 1, []]);
      expect(set!.metadata.annotations).toMatchObject({ "deployment.kubernetes.io/desired-replicas": "1", "deployment.kubernetes.io/max-replicas": "2" });
    },
  },
  {
    name: "Paused, a new template makes no ReplicaSet, and scaling works; when it goes on, it rolls",
    async check(subject) {
      await deploy(subject, "web");
      await rolledOut(subject, "web");
      await change(subject, "web", { paused: true, template: templateOf({ app: "web" }, "v2") });
      const paused = await reached(subject, "web", ({ status }) => reasonOf(status) === "DeploymentPaused");
      expect(conditionsOf(paused)).toEqual({ Available: AVAILABLE, Progressing: PAUSED });
      await change(subject, "web", { replicas: 5 });
      const scaled = await reached(subject, "web", ({ status }) => status.availableReplicas === 5);
      expect(countsOf(scaled)).toEqual({ observedGeneration: scaled.metadata.generation, replicas: 5, readyReplicas: 5, availableReplicas: 5, terminatingReplicas: 0 });
      expect(await sizes(subject)).toEqual({ v1: 5 });
      await change(subject, "web", { paused: false });
      const done = await rolledOut(subject, "web", 5);
      expect([await sizes(subject), conditionsOf(done).Progressing?.[0]]).toEqual([{ v1: 0, v2: 5 }, "True"]);
    },
  },
  {
    name: "Paused in mid-roll it stays as it is, a dead pod is replaced, and what is added goes to both in proportion",
    async check(subject, kubelet) {
      await deploy(subject, "web", { replicas: 4, ...FAST });
      await rolledOut(subject, "web", 4);
      await kubelet.holdUnready({ app: "web", version: "v2" });
      await change(subject, "web", { template: templateOf({ app: "web", version: "v2" }, "v2") });
      await reached(subject, "web", ({ status }) => status.updatedReplicas === 2 && status.replicas === 5);
      await change(subject, "web", { paused: true });
      await reached(subject, "web", ({ status }) => reasonOf(status) === "DeploymentPaused");
      await kubelet.release();
      await reached(subject, "web", ({ status }) => status.availableReplicas === 5);
      const [first] = await podsOf(subject);
      await subject.ask("DELETE", `${podsIn(subject)}/${first!.metadata.name}`);
      await eventually(() => arePods(subject, 5, (each) => isReady(each) && each.metadata.uid !== first!.metadata.uid), () => podsOf(subject));
      expect(await sizes(subject)).toEqual({ v1: 3, v2: 2 });
      await change(subject, "web", { replicas: 9 });
      await reached(subject, "web", ({ status }) => status.availableReplicas === 10);
      expect(await sizes(subject)).toEqual({ v1: 6, v2: 4 });
    },
  },
];

const neighbours: readonly WorkloadBehaviour[] = [
  {
    name: "Two Deployments of which one's selector is within the other's leave each other alone",
    async check(subject) {
      await deploy(subject, "web", { replicas: 2 }, { app: "web" });
      await rolledOut(subject, "web", 2);
      await deploy(subject, "web-canary", { replicas: 1, template: templateOf({ app: "web", track: "canary" }, "v2") }, { app: "web", track: "canary" });
      await rolledOut(subject, "web-canary", 1);
      await setVersion(subject, "web", "v3");
      await rolledOut(subject, "web", 2);
      await subject.ask("DELETE", `${apps(subject, "deployments")}/web-canary`);
      await eventually(() => arePods(subject, 2, (each) => versionOf(each) === "v3"), () => podsOf(subject));
      expect(await sizes(subject)).toEqual({ v1: 0, v3: 2 });
    },
  },
  {
    name: "ReplicaSets that were left behind are taken by a Deployment that wants them, and no pod is restarted",
    async check(subject) {
      await deploy(subject, "web", { replicas: 2 });
      await rolledOut(subject, "web", 2);
      const before = (await podsOf(subject)).map(({ metadata }) => metadata.uid).sort();
      await subject.ask("DELETE", `${apps(subject, "deployments")}/web`, { propagationPolicy: "Orphan" });
      await eventually(async () => (await subject.ask("GET", `${apps(subject, "deployments")}/web`)).status === 404, () => found(subject, "web"));
      await deploy(subject, "web", { replicas: 2 });
      const again = await rolledOut(subject, "web", 2);
      const [set, ...others] = await setsOf(subject);
      expect([set!.metadata.ownerReferences, others]).toEqual([[controlledBy("Deployment", again)], []]);
      expect((await podsOf(subject)).map(({ metadata }) => metadata.uid).sort()).toEqual(before);
    },
  },
  {
    name: "A ReplicaSet that somebody else controls is left alone, though it has the labels, and the name that a new one would get",
    async check(subject) {
      await deploy(subject, "web", { replicas: 1 });
      await rolledOut(subject, "web", 1);
      await subject.ask("DELETE", `${apps(subject, "deployments")}/web`, { propagationPolicy: "Orphan" });
      await eventually(async () => (await subject.ask("GET", `${apps(subject, "deployments")}/web`)).status === 404, () => found(subject, "web"));
      const { body } = await subject.ask("POST", `/api/v1/namespaces/${subject.namespace}/configmaps`, { metadata: { name: "other" } });
      const { metadata } = (await setsOf(subject))[0]!;
      const other = { apiVersion: "v1", kind: "ConfigMap", name: "other", uid: body.metadata?.uid, controller: true };
      await subject.ask("PATCH", `${apps(subject, "replicasets")}/${metadata.name}`, { metadata: { ownerReferences: [other] } }, MERGE_PATCH);
      await deploy(subject, "web", { replicas: 2 });
      const deployment = await rolledOut(subject, "web", 2);
      expect(deployment.status).toMatchObject({ collisionCount: 1 });
      const owners = (await setsOf(subject)).map((set) => [set.spec.replicas, set.metadata.ownerReferences]);
      expect(owners.sort()).toEqual([[1, [other]], [2, [controlledBy("Deployment", deployment)]]]);
    },
  },
];

export const deployments: readonly WorkloadBehaviour[] = [...creation, ...replicaSets, ...rolls, ...scaling, ...neighbours];
