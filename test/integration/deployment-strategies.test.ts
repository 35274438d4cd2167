/** What the spec of a Deployment, and what stands around it, does to its delivery, on the real kube-controller-manager: how it rolls, how late it may be, how many pods it has, and what refuses them. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ApiObject } from "../support/api-request.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { shownOf } from "../support/deployment-health.ts";
import { beginLife, openHeldPlane, type HeldLife, type LifeOptions, type LiveSet } from "../support/held-life.ts";
import { until } from "../support/until.ts";
import { IS_WHOLE_RUN } from "../support/whole-run.ts";

const LIMIT = { timeout: 200_000 };
const WAIT_MS = 60_000;
const HASH = "pod-template-hash";
const DEADLINE = { strategy: { propagation: "1s", progressDeadline: "8s", steps: [{ weight: 50, hold: "1s" }, { weight: 100, hold: "1s" }] } } satisfies LifeOptions["rollout"];

/** Each waits for real pods to roll: the long form of deployment-mode.test.ts. */
describe.skipIf(!process.env.KUBEBUILDER_ASSETS || !IS_WHOLE_RUN)("the delivery of a Deployment", () => {
  let plane: ControlPlane;
  let lives: HeldLife[] = [];
  beforeAll(async () => {
    plane = await openHeldPlane();
  }, 120_000);
  afterEach(async () => {
    for (const life of lives) life.close();
    lives = [];
    await plane.kubelet!.release();
  });
  afterAll(() => plane?.close());

  async function begin(options?: LifeOptions): Promise<HeldLife> {
    const life = await beginLife(plane, options);
    lives.push(life);
    return life;
  }

  const atHalf = (life: HeldLife): Promise<unknown> => life.reached(({ run }) => run?.pausedBy === "Step" && run.weight === 50);
  const readyIn = (sets: readonly LiveSet[]): number => sets.reduce((sum, { status }) => sum + (status.readyReplicas ?? 0), 0);

  /** It rolls to v2, whose own pods do not get ready before the kubelet is told so. */
  async function rollUnready(life: HeldLife): Promise<void> {
    await plane.kubelet!.holdUnready({ [HASH]: await life.hashOf("v2") });
    await life.setImage("v2");
    await atHalf(life);
    await life.command({ verb: "promote" });
    await life.reached(({ run }) => run?.rollingSince !== undefined);
  }

  async function isItsOwners(life: HeldLife): Promise<boolean> {
    return (await life.shares())["all"] === 100 && (await life.canary()) === undefined;
  }

  /** Back at v1, with nothing left of the run. */
  async function takenBack(life: HeldLife): Promise<void> {
    await life.reached(({ phase, run }) => phase === "Degraded" && run?.outcome !== undefined);
    await life.until(async () => (await isItsOwners(life)) && (await life.deployment()).status.availableReplicas === 4);
    expect((await life.deployment()).spec.template.spec.containers[0].image).toMatch(/:v1$/);
  }

  describe("that is recreated", () => {
    const recreated = { strategy: { type: "Recreate", rollingUpdate: null } };
    const withoutPods = (life: HeldLife): Promise<void> => life.until(async () => readyIn((await life.sets()).own) === 0);

    it("has all traffic on as many canary pods as it had itself, while it has none", LIMIT, async () => {
      const life = await begin({ deployment: recreated });
      await rollUnready(life);
      await withoutPods(life);
      expect(await life.shares()).toEqual({ "weir-stable": 0, "weir-canary": 100 });
      expect(readyIn((await life.sets()).canary)).toBe(4);
      await plane.kubelet!.release();
      await life.reached(({ run }) => run?.outcome === "Succeeded");
      await life.until(() => isItsOwners(life));
      expect(readyIn((await life.sets()).own)).toBe(4);
    });

    it("keeps it there after an abort, until half of its pods before are back", LIMIT, async () => {
      const life = await begin({ deployment: recreated });
      await rollUnready(life);
      await withoutPods(life);
      await plane.kubelet!.holdUnready({ app: life.name, [HASH]: (await life.sets()).own.find(({ spec }) => spec.template.spec.containers[0].image.endsWith(":v1"))!.metadata.labels[HASH]! });
      await life.command({ verb: "abort" });
      const { message } = await life.reached(({ reason }) => reason === "StableUnready");
      expect(message).toMatch(/^traffic cannot go to v1-.* because v1-.* has (?:no ready pod|0 of 4 ready pods)/);
      await life.until(async () => (await life.deployment()).spec.template.spec.containers[0].image.endsWith(":v1"));
      expect((await life.shares())["weir-canary"]).toBe(100);
      await plane.kubelet!.release();
      await takenBack(life);
    });
  });

  it("waits with the end until its new pods have been ready for minReadySeconds, even where all may go at once", LIMIT, async () => {
    const life = await begin({ deployment: { minReadySeconds: 4, strategy: { rollingUpdate: { maxUnavailable: "100%", maxSurge: 0 } } } });
    await life.setImage("v2");
    await atHalf(life);
    await life.command({ verb: "promote" });
    await life.until(async () => {
      const { status: { updatedReplicas, readyReplicas }, spec } = await life.deployment();
      return !spec.paused && updatedReplicas === 4 && readyReplicas === 4;
    });
    expect((await life.status()).run?.outcome).toBeUndefined();
    expect((await life.shares())["weir-canary"]).toBe(100);
    await life.reached(({ run }) => run?.outcome === "Succeeded");
    expect((await life.deployment()).status.availableReplicas).toBe(4);
  });

  it("that is later than its progressDeadlineSeconds is taken back, and other tools have seen it fail", LIMIT, async () => {
    const life = await begin({ deployment: { progressDeadlineSeconds: 3 } });
    await rollUnready(life);
    await life.until(async () => !(await life.deployment()).spec.paused);
    await until(async () => (await life.deployment()).status.conditions?.some(({ reason }) => reason === "ProgressDeadlineExceeded"), WAIT_MS);
    const newest = (await life.sets()).own.find(({ spec }) => spec.template.spec.containers[0].image.endsWith(":v2"));
    expect(shownOf(await life.deployment(), newest)).toEqual({ kubectl: "fails", kstatus: "Failed", helm3: "waits", argoCd: "Degraded" });
    expect(await life.reached(({ phase }) => phase === "Degraded")).toMatchObject({ reason: "NeverReady", message: expect.stringMatching(/cannot roll to v2-.*has timed out progressing/) as string, refused: { because: "NeverReady" } });
    await takenBack(life);
    expect(await life.status()).toMatchObject({ phase: "Degraded", reason: "NeverReady" });
  });

  it("is not late because what it replaces was", LIMIT, async () => {
    const stuck = { stuck: "yes" };
    await plane.kubelet!.holdUnready({ app: "app" });
    const life = await begin({
      deployment: { progressDeadlineSeconds: 5 },
      found: async ({ namespace, deployment }) => {
        const pods = async (): Promise<readonly ApiObject[]> => (await plane.request<{ items: readonly ApiObject[] }>("GET", `/api/v1/namespaces/${namespace}/pods`)).items;
        await until(async () => (await pods()).length === 4, WAIT_MS);
        await plane.request("PATCH", `/api/v1/namespaces/${namespace}/pods/${(await pods())[0]!.metadata.name}`, { metadata: { labels: stuck } });
        await plane.kubelet!.holdUnready(stuck);
        await until(async () => (await deployment()).status.readyReplicas === 3, WAIT_MS);
        await until(async () => (await deployment()).status.conditions?.some(({ reason }) => reason === "ProgressDeadlineExceeded"), WAIT_MS);
      },
    });
    await life.setImage("v2");
    await atHalf(life);
    expect((await life.deployment()).status.conditions).toContainEqual(expect.objectContaining({ reason: "ProgressDeadlineExceeded" }));
    await life.command({ verb: "promote" });
    const { run } = await life.reached((status) => status.run?.outcome !== undefined);
    expect(run).toMatchObject({ outcome: "Succeeded" });
    await life.until(() => isItsOwners(life));
  });

  describe("that is scaled to 0", () => {
    it("takes a new template at once", LIMIT, async () => {
      const life = await begin({ replicas: 0 });
      await life.setImage("v2");
      await life.reached(({ stable }) => stable?.version.startsWith("v2-"));
      await life.until(async () => !(await life.deployment()).spec.paused);
      await life.edit({ spec: { replicas: 2 } });
      await life.until(async () => (await life.deployment()).status.updatedReplicas === 2);
      expect(await life.reached(({ phase }) => phase === "Healthy")).toMatchObject({ runs: 0 });
    });

    it("in mid-run waits with its canary's one pod, says so, and goes on once there are pods again", LIMIT, async () => {
      const steps = [{ weight: 50, hold: "1s" }, { pause: { duration: "4s" } }, { weight: 100, hold: "1s" }];
      const life = await begin({ rollout: { strategy: { propagation: "1s", progressDeadline: "2m", steps } } });
      await life.setImage("v2");
      await life.reached(({ run }) => run?.weight === 50 && run.inForceAt !== undefined);
      await life.edit({ spec: { replicas: 0 } });
      const { message } = await life.reached(({ reason, run }) => reason === "Holding" && run?.step === 1);
      expect(message).toMatch(/v2-.* waits at 50%: v1-.* has no ready pod \(the Deployment is scaled to 0\), so it could not take its traffic back/);
      await life.until(async () => readyIn((await life.sets()).canary) === 1);
      await life.edit({ spec: { replicas: 4 } });
      await life.reached(({ run }) => run?.outcome === "Succeeded");
      await life.until(() => isItsOwners(life));
    });

    it("while it rolls keeps its canary, which has all the traffic, until there are pods again", LIMIT, async () => {
      const life = await begin();
      await life.setImage("v2");
      await atHalf(life);
      await life.command({ verb: "promote" });
      await life.reached(({ run }) => run?.weight === 100);
      await life.edit({ spec: { replicas: 0 } });
      const { message } = await life.reached(({ reason }) => reason === "StableUnready");
      expect(message).toMatch(/traffic cannot go to v2-.* because v2-.* has no ready pod/);
      expect(await life.shares()).toEqual({ "weir-stable": 0, "weir-canary": 100 });
      expect(readyIn((await life.sets()).canary)).toBeGreaterThan(0);
      await life.edit({ spec: { replicas: 4 } });
      await life.reached(({ phase }) => phase === "Healthy");
      await life.until(() => isItsOwners(life));
    });
  });

  it("goes on under a PodDisruptionBudget that lets nobody go, which counts the canary's pods, too", LIMIT, async () => {
    const kept: ApiObject = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "kept" }, spec: { maxUnavailable: 0, selector: { matchLabels: { app: "app" } } } };
    const life = await begin({ objects: [kept] });
    const path = `/apis/policy/v1/namespaces/${life.namespace}/poddisruptionbudgets/kept`;
    const counts = async (): Promise<object> => {
      const { status } = await plane.request<ApiObject & { readonly status: Readonly<Record<string, number>> }>("GET", path);
      return { all: status["expectedPods"], healthy: status["currentHealthy"], mayGo: status["disruptionsAllowed"] };
    };
    await life.setImage("v2");
    await atHalf(life);
    for (const [spec, mayGo] of [[{ maxUnavailable: 0 }, 0], [{ maxUnavailable: null, minAvailable: 3 }, 5], [{ maxUnavailable: null, minAvailable: "75%" }, 2], [{ maxUnavailable: 0, minAvailable: null }, 0]] as const) {
      await plane.request("PATCH", path, { spec });
      await life.until(async () => isDeepStrictEqual(await counts(), { all: 8, healthy: 8, mayGo }));
    }
    await life.command({ verb: "promote" });
    await life.reached(({ run }) => run?.outcome === "Succeeded");
    await life.until(() => isItsOwners(life));
  });

  describe("gives up, and says why,", () => {
    const said = async (life: HeldLife): Promise<string> => {
      const { message, reason } = await life.reached(({ phase }) => phase === "Degraded");
      expect(reason).toBe("NeverReady");
      expect(await life.shares()).not.toHaveProperty("weir-canary", expect.any(Number));
      await life.until(() => isItsOwners(life));
      return message;
    };

    it("where a quota refuses the canary's pods", LIMIT, async () => {
      const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "few" }, spec: { hard: { pods: "4" } } };
      const life = await begin({ rollout: DEADLINE, objects: [quota] });
      await life.setImage("v2");
      expect(await said(life)).toContain("exceeded quota: few");
    });

    it("where they cannot be scheduled", LIMIT, async () => {
      const life = await begin({ rollout: DEADLINE });
      await life.edit({ spec: { template: { spec: { schedulingGates: [{ name: "example.com/capacity" }] } } } });
      expect(await said(life)).toMatch(/cannot be scheduled: /);
    });

    it("where they crash again and again", LIMIT, async () => {
      const life = await begin({ rollout: DEADLINE });
      await life.setImage("v2");
      const { run } = await life.reached((status) => status.run);
      const labels = { "weir.dev/canary": run!.to.version.split("-").at(-1)! };
      await plane.kubelet!.holdUnready(labels);
      await life.until(async () => (await crash(life, labels), (await life.status()).message.includes("CrashLoopBackOff")));
      expect(await said(life)).toContain("CrashLoopBackOff, back-off 10s restarting failed container");
    });
  });

  /** As a kubelet tells it. */
  async function crash({ namespace, name }: HeldLife, labels: Readonly<Record<string, string>>): Promise<void> {
    const [[key, value]] = Object.entries(labels) as [[string, string]];
    const { items } = await plane.request<{ items: readonly ApiObject[] }>("GET", `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(`${key}=${value}`)}`);
    const state = { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container" } };
    const containerStatuses = [{ name, image: "app", imageID: "app", ready: false, started: false, restartCount: 3, state }];
    for (const { metadata } of items) await plane.request("PATCH", `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`, { status: { containerStatuses } });
  }
});
