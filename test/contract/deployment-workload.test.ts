/** What the workload of a held Deployment keeps: it waits, its canary stands beside it, and each goes when it is told, with real controllers as in memory. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import type { Backend, DeploymentSeen, VersionSeen } from "../../src/rollout/observation.ts";
import type { ValidRollout } from "../../src/rollout/rollout.ts";
import type { DeploymentChange } from "../../src/rollout/upkeep.ts";
import { asFound } from "../support/as-found.ts";
import { hashIn } from "../support/held-objects.ts";
import { heldWorldsAtHand, type HeldScene, type HeldWorld } from "../support/held-worlds.ts";
import { aRollout, aRun, aStatus } from "../support/rollouts.ts";

const BACKEND: Backend = { kind: "found", namespace: "any", selector: {}, definedAtMs: 0 };

/** In a run from v1 to v2. */
function rolloutIn({ namespace, v1, v2 }: HeldScene): ValidRollout {
  const rollout = aRollout({ spec: { release: undefined, deployment: { name: "reviews" } }, status: aStatus({ stable: v1, run: aRun({ from: v1, to: v2, release: v2.version, deployment: "reviews" }) }) });
  return { ...rollout, metadata: { ...rollout.metadata, namespace } };
}

function deploymentIn(scene: HeldScene): DeploymentSeen {
  const seen = scene.workload.deployment(rolloutIn(scene));
  if (seen?.kind !== "found") throw new Error("expected a Deployment");
  return seen;
}

function see(scene: HeldScene, side: "v1" | "v2"): VersionSeen {
  return scene.workload.see(scene[side].version, BACKEND, rolloutIn(scene));
}

/** Of the Deployment and its canary, as they are seen. */
function versionsIn(scene: HeldScene): string {
  const { resourceVersion, canaries } = deploymentIn(scene);
  return [resourceVersion, ...canaries.map((canary) => canary.resourceVersion)].join();
}

function canaryIn({ v2 }: HeldScene): string {
  return `reviews-canary-${hashIn(v2.version)}`;
}

/** What its owner has said of it, whatever its controllers note. */
function spoken(object: KubernetesObject): string {
  const { annotations = {}, ...metadata } = object.metadata;
  const { "deployment.kubernetes.io/revision": _, ...kept } = annotations;
  return asFound({ ...object, metadata: { ...metadata, annotations: kept } });
}

describe.each(heldWorldsAtHand())("a held Deployment of $world", ({ open }) => {
  let world: HeldWorld;
  beforeAll(async () => {
    world = await open();
  }, 120_000);
  afterAll(() => world?.close());

  /** A write of the controllers in between is a conflict, as it is for the daemon, which looks again. */
  async function change(scene: HeldScene, changeOf: () => DeploymentChange): Promise<void> {
    const before = versionsIn(scene);
    try {
      await scene.workload.change(rolloutIn(scene), changeOf());
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      await scene.reached(() => versionsIn(scene) !== before);
      await change(scene, changeOf);
    }
  }

  async function held(): Promise<HeldScene> {
    const scene = await world.begin();
    await change(scene, () => ({ kind: "hold", deployment: deploymentIn(scene) }));
    await scene.setImage("v2");
    await scene.reached(() => deploymentIn(scene).template.version === scene.v2.version);
    return scene;
  }

  async function withCanary(replicas: number): Promise<HeldScene> {
    const scene = await held();
    await change(scene, () => ({ kind: "makeCanary", deployment: deploymentIn(scene), version: scene.v2.version, replicas }));
    await scene.reached(() => see(scene, "v2").readyPods === replicas);
    return scene;
  }

  it("at rest has rolled to what its template says", async () => {
    const scene = await world.begin();
    await scene.reached(() => see(scene, "v1").readyPods === 4);
    expect(scene.workload.named(rolloutIn(scene)).spec.release).toBe(scene.v1.version);
    expect(deploymentIn(scene)).toMatchObject({ label: `Deployment ${scene.namespace}/reviews`, template: scene.v1, serving: scene.v1, remembered: [scene.v1.version], replicas: 4, isPaused: false, isHeld: false, isRolled: true, rolledPods: 4, otherPods: 0, canaries: [], canaryPods: 0 });
    expect(see(scene, "v1")).toMatchObject({ readyPods: 4, wantedPods: 4, revision: scene.v1.revision, workloads: ["reviews"], podTemplateHash: expect.any(String) as string, readySinceMs: expect.any(Number) as number });
    expect(see(scene, "v1").pods).toHaveLength(4);
  });

  it("waits with a new template: its pods are of the one before, and the new one has none", async () => {
    const scene = await held();
    expect(deploymentIn(scene)).toMatchObject({ template: scene.v2, serving: scene.v1, isPaused: true, isHeld: true, isRolled: false, rolledPods: 0, otherPods: 4, remembered: [scene.v1.version] });
    expect(see(scene, "v1")).toMatchObject({ readyPods: 4, wantedPods: 4 });
    expect(see(scene, "v2")).toMatchObject({ readyPods: 0, wantedPods: 4, revision: scene.v2.revision, pods: [] });
  });

  it("has a canary beside it, whose pods are its own and bear another hash", async () => {
    const scene = await withCanary(2);
    await scene.reached(() => deploymentIn(scene).canaryPods === 2);
    expect(deploymentIn(scene)).toMatchObject({ canaries: [{ name: canaryIn(scene), version: scene.v2.version, replicas: 2 }], otherPods: 4, rolledPods: 0, isHeld: true });
    const [stable, canary] = [see(scene, "v1"), see(scene, "v2")];
    expect(stable).toMatchObject({ readyPods: 4, workloads: ["reviews"] });
    expect(canary).toMatchObject({ readyPods: 2, wantedPods: 4, revision: scene.v2.revision, workloads: [canaryIn(scene)] });
    expect(canary.podTemplateHash).toEqual(expect.any(String));
    expect(canary.podTemplateHash).not.toBe(stable.podTemplateHash);
    expect(stable.pods.filter((pod) => canary.pods.includes(pod))).toEqual([]);
  });

  it("has its canary scaled up and down, and taken away to the last pod", async () => {
    const scene = await withCanary(1);
    const before = spoken(await scene.stored());
    for (const replicas of [3, 2]) {
      await change(scene, () => ({ kind: "scaleCanary", canary: deploymentIn(scene).canaries[0]!, replicas }));
      await scene.reached(() => see(scene, "v2").readyPods === replicas && deploymentIn(scene).canaryPods === replicas);
    }
    let [canary] = deploymentIn(scene).canaries;
    await change(scene, () => ({ kind: "removeCanary", canary: (canary = deploymentIn(scene).canaries[0])! }));
    await scene.reached(() => deploymentIn(scene).canaries.length === 0 && deploymentIn(scene).canaryPods === 0);
    await change(scene, () => ({ kind: "removeCanary", canary: canary! }));
    expect(see(scene, "v1").readyPods).toBe(4);
    expect(spoken(await scene.stored())).toBe(before);
  });

  it("has its canary taken away only as it was seen", async () => {
    const scene = await withCanary(1);
    const [seen] = deploymentIn(scene).canaries;
    await change(scene, () => ({ kind: "scaleCanary", canary: deploymentIn(scene).canaries[0]!, replicas: 2 }));
    for (let times = 0; times < 3; times++) await expect(scene.workload.change(rolloutIn(scene), { kind: "removeCanary", canary: seen! })).rejects.toThrow(Conflict);
    expect(deploymentIn(scene).canaries).toMatchObject([{ name: seen!.name }]);
  });

  it("has one canary, however many daemons make it", async () => {
    const scene = await withCanary(1);
    await expect(scene.workload.change(rolloutIn(scene), { kind: "makeCanary", deployment: deploymentIn(scene), version: scene.v2.version, replicas: 4 })).rejects.toThrow(Conflict);
    expect(deploymentIn(scene).canaries).toMatchObject([{ replicas: 1 }]);
  });

  it("rolls once it is let go, and is its owner's as it was", async () => {
    const scene = await held();
    await change(scene, () => ({ kind: "letGo", deployment: deploymentIn(scene) }));
    await scene.reached(() => deploymentIn(scene).isRolled && deploymentIn(scene).otherPods === 0 && deploymentIn(scene).rolledPods === 4);
    expect(deploymentIn(scene)).toMatchObject({ template: scene.v2, serving: scene.v2, isPaused: false, isHeld: false, remembered: [scene.v2.version, scene.v1.version] });
    const { spec, metadata } = await scene.stored();
    expect((spec as { paused?: boolean }).paused ?? false).toBe(false);
    expect(metadata.annotations ?? {}).not.toHaveProperty("weir.dev/held-by");
  });

  it("is held and let go without a trace", async () => {
    const scene = await world.begin();
    const before = spoken(await scene.stored());
    await change(scene, () => ({ kind: "hold", deployment: deploymentIn(scene) }));
    await change(scene, () => ({ kind: "letGo", deployment: deploymentIn(scene) }));
    expect(spoken(await scene.stored())).toBe(before);
  });

  it("gets the template back that its pods run, without what a controller has added to it, and no pod of it ends", async () => {
    const scene = await world.begin();
    const before = spoken(await scene.stored());
    const { pods } = see(scene, "v1");
    await change(scene, () => ({ kind: "hold", deployment: deploymentIn(scene) }));
    await scene.setImage("v2");
    await scene.reached(() => deploymentIn(scene).template.version === scene.v2.version);
    await change(scene, () => ({ kind: "restore", deployment: deploymentIn(scene), version: scene.v1.version, isHeld: false }));
    await scene.reached(() => deploymentIn(scene).isRolled && deploymentIn(scene).rolledPods === 4);
    expect(deploymentIn(scene)).toMatchObject({ template: scene.v1, isPaused: false, isHeld: false });
    expect(spoken(await scene.stored())).toBe(before);
    expect(see(scene, "v1").pods).toEqual(pods);
  });

  it("cannot get a template back that nobody remembers", async () => {
    const scene = await held();
    await expect(scene.workload.change(rolloutIn(scene), { kind: "restore", deployment: deploymentIn(scene), version: "v0-0000000", isHeld: false })).rejects.toThrow("remembers the template of v0-0000000, got none");
  });

  it("is not written where it has changed since it was looked at", async () => {
    const scene = await held();
    const deployment = deploymentIn(scene);
    await scene.touch();
    const changes: readonly DeploymentChange[] = [{ kind: "letGo", deployment }, { kind: "forget", deployment }, { kind: "hold", deployment }, { kind: "restore", deployment, version: scene.v1.version, isHeld: true }];
    for (const one of changes) await expect(scene.workload.change(rolloutIn(scene), one)).rejects.toThrow(Conflict);
    expect(deploymentIn(scene)).toMatchObject({ template: scene.v2, isPaused: true, isHeld: true });
  });
});
