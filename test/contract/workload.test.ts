/** What every workload keeps: who is behind a version, how many are ready of how many that are wanted, and a revision that follows the template. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../src/rollout/observation.ts";
import { kubernetesApis } from "../support/kubernetes-apis.ts";
import { openApiWorkloads, openMemoryWorkloads, openSimulatedWorkloads, type WorkloadScene, type WorkloadWorld } from "../support/workload-worlds.ts";

interface WorldAtHand {
  readonly name: string;
  open(): Promise<WorkloadWorld>;
}

const WORLDS: readonly WorldAtHand[] = [
  { name: "objects in memory", open: async () => openMemoryWorkloads() },
  { name: "the simulations' world", open: async () => openSimulatedWorkloads() },
  ...kubernetesApis().map(({ name, open }) => ({ name: `the ${name} API`, open: async () => openApiWorkloads(await open()) })),
];

describe.each(WORLDS)("a workload of $name", ({ open }) => {
  let world: WorkloadWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const behind = ({ namespace }: WorkloadScene, version: string): Backend => ({ kind: "found", namespace, selector: { app: "reviews", version }, definedAtMs: 0 });

  it("counts the ready pods of a version against those that are wanted, and leaves other versions' alone", async () => {
    const scene = await world.begin();
    await scene.run("v2", 2, 2);
    await scene.run("v3", 3, 1);
    expect(scene.workload.see("v3", behind(scene, "v3"))).toMatchObject({ version: "v3", backend: behind(scene, "v3"), readyPods: 1, wantedPods: 3, workloads: ["reviews-v3"] });
    expect(scene.workload.see("v2", behind(scene, "v2"))).toMatchObject({ version: "v2", readyPods: 2, wantedPods: 2, workloads: ["reviews-v2"] });
  });

  it("sees the same at a second look", async () => {
    const scene = await world.begin();
    await scene.run("v3", 2, 2);
    expect(scene.workload.see("v3", behind(scene, "v3"))).toEqual(scene.workload.see("v3", behind(scene, "v3")));
  });

  it("sees nothing behind a backend that is missing, and behind a version that does not run", async () => {
    const scene = await world.begin();
    await scene.run("v3", 2, 2);
    const missing: Backend = { kind: "missing", message: "the DestinationRule has no subset v3" };
    const nobody = { readyPods: 0, wantedPods: 0, revision: "", workloads: [], pods: [] };
    expect(scene.workload.see("v3", missing)).toEqual({ version: "v3", backend: missing, ...nobody });
    expect(scene.workload.see("v9", behind(scene, "v9"))).toMatchObject({ version: "v9", ...nobody });
  });

  it("knows a revision once a pod of it has been ready; another template is another one", async () => {
    const [waiting, one, other] = [await world.begin(), await world.begin(), await world.begin()];
    await waiting.run("v3", 2, 0, "reviews:1");
    await one.run("v3", 2, 1, "reviews:1");
    await other.run("v3", 2, 1, "reviews:2");
    const [unproven, first, second] = [waiting, one, other].map((scene) => scene.workload.see("v3", behind(scene, "v3")).revision);
    expect(unproven).toBe("");
    expect(first).toMatch(/^r1-/);
    expect(second).toMatch(/^r1-/);
    expect(second).not.toBe(first);
  });
});
