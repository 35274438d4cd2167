/** `kill -9` of the daemon after each kind of write that a run makes, before it learns that the write was done: the run ends the same way. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EPOCH_ANNOTATION, FINALIZER } from "../../src/rollout/rollout.ts";
import type { RolloutStatus, Run } from "../../src/rollout/status.ts";
import { createApiGate, type ApiGate } from "../support/api-gate.ts";
import type { ApiObject } from "../support/api-request.ts";
import { anApp, CANARY, STABLE } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT_MS = 600_000;
const app = anApp({ name: "killed", share: null, ladder: [50, 100] });

/** What has just been written, in the order in which an undisturbed run writes it. */
const places: readonly { readonly after: string; readonly isThere: (written: ApiObject) => boolean }[] = [
  { after: "the intent of the first step", isThere: isRun(({ epoch }) => epoch === 1) },
  { after: "the finalizer", isThere: (written) => written.kind === "Rollout" && finalizersOf(written).includes(FINALIZER) },
  { after: "the route of the first step", isThere: isStamped("/1.1") },
  { after: "the first evidence", isThere: isRun(({ epoch, checks }) => epoch === 1 && checks.length > 0) },
  { after: "a verdict", isThere: isRun(({ epoch, checks }) => epoch === 1 && checks.some(({ passes }) => passes > 0)) },
  { after: "the intent of the second step", isThere: isRun(({ epoch }) => epoch === 2) },
  { after: "the route of the second step", isThere: isStamped("/1.2") },
  { after: "the second step's evidence", isThere: isRun(({ epoch, checks }) => epoch === 2 && checks.length > 0) },
  { after: "the ending", isThere: isRun(({ outcome }) => outcome !== undefined) },
  { after: "the last write of the route", isThere: (written) => written.kind === "VirtualService" && stampOf(written) === undefined },
];

/** Where what is committed and what the route shows differ, and where evidence is under way. */
const fewer = places.filter((_, index) => [0, 4, 8].includes(index));

describe.each(shortened(kubernetesApis()))("on the $name API", ({ name, open }) => {
  let api: TestApi;
  let scene: Scene;
  let gate: ApiGate;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [app]);
    gate = await createApiGate(api, "daemon");
  }, LIMIT_MS);
  afterAll(async () => {
    await scene?.close();
    await gate?.close();
    await api?.close();
  });

  it("a run whose daemon is killed again and again ends as if nothing had been", { timeout: LIMIT_MS }, async () => {
    scene.startLoad(app, 20);
    await scene.deliver(app, { release: STABLE });
    await settleAtRest();
    await scene.release(app, CANARY);
    const killed: string[] = [];
    for (const { after, isThere } of name === "embedded" ? places : fewer) {
      await killAfter(isThere);
      killed.push(after);
    }
    const last = await scene.startDaemon();
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    await expect.poll(() => finalizersOf(scene.rollouts.of(app.name).at(-1)!), { timeout: LIMIT_MS }).toEqual([]);
    await last.stop();
    expect(killed).toHaveLength(name === "embedded" ? 10 : 3);
    expect(scene.status(app)).toMatchObject({ phase: "Healthy", reason: "Succeeded", runs: 1, stable: { version: CANARY }, run: { number: 1, epoch: 2, outcome: "Succeeded" } });
    expect(scene.route(app).stamp()).toBeUndefined();
    expect(scene.route(app).shares()).toEqual([0, 50, 100]);
    expect(new Set(inForceTimes(1)).size).toBe(1); // no hold was shortened or extended
    expect(new Set(inForceTimes(2)).size).toBe(1);
    expect(scene.route(app).violations()).toEqual([]);
  });

  async function settleAtRest(): Promise<void> {
    const daemon = await scene.startDaemon();
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    await daemon.stop();
  }

  async function killAfter(isThere: (written: ApiObject) => boolean): Promise<void> {
    const shut = gate.shutAfter(isThere);
    const daemon = await scene.startDaemon({ kubeconfig: gate.kubeconfig });
    await shut;
    daemon.signal("SIGKILL");
    await daemon.ended;
    gate.open();
  }

  function inForceTimes(epoch: number): readonly string[] {
    return scene.statuses(app).flatMap(({ run }) => (run?.epoch === epoch && run.inForceAt ? [run.inForceAt] : []));
  }
});

function isRun(isThere: (run: Run) => boolean): (written: ApiObject) => boolean {
  return ({ kind, status }) => {
    const run = kind === "Rollout" ? (status as RolloutStatus | undefined)?.run : undefined;
    return run !== undefined && isThere(run);
  };
}

function isStamped(end: string): (written: ApiObject) => boolean {
  return (written) => written.kind === "VirtualService" && stampOf(written)?.endsWith(end) === true;
}

function stampOf({ metadata }: ApiObject): string | undefined {
  return (metadata["annotations"] as Readonly<Record<string, string>> | undefined)?.[EPOCH_ANNOTATION];
}

function finalizersOf({ metadata }: ApiObject): readonly string[] {
  return (metadata["finalizers"] as readonly string[] | undefined) ?? [];
}
