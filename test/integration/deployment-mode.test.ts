/** A Deployment that is updated in place, delivered from the change of its image to the last byte: the daemon as in production, real controllers, and who is really answered by which version, on both API servers. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { Load } from "../../src/playground/arrivals.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
import { paced } from "../support/deliveries.ts";
import { aHeldApp, controlledApis, heldDeployment, heldSpec, installHeldApps } from "../support/held.ts";
import type { ApiRecord, TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 400_000 };
const WAIT_MS = 200_000;

const APPS = { good: aHeldApp("good", [50, 100]), bad: aHeldApp("bad", [50, 100]), superseded: aHeldApp("superseded", [50, 100]), undone: aHeldApp("undone", [50, 100]), deleted: aHeldApp("deleted", [50, 100]), counted: aHeldApp("counted", [50, 100]), applied: aHeldApp("applied", [50, 100]), stuck: aHeldApp("stuck", [50, 100]), switched: aHeldApp("switched", [100]) };

interface Deployment extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly paused?: boolean; readonly replicas: number; readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } } };
}

function countBy<T>(all: readonly T[], keyOf: (one: T) => string): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort());
}

function withoutNotes({ metadata, spec, kind }: Deployment): object {
  const { "deployment.kubernetes.io/revision": _, ...annotations } = metadata.annotations ?? {};
  return { kind, name: metadata.name, labels: metadata["labels"], annotations, spec };
}

describe.each(shortened(controlledApis()))("on the $name API", ({ name, open }) => {
  let api: TestApi;
  let scene: Scene;
  let daemon: DaemonProcess;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, Object.values(APPS), { install: installHeldApps });
    daemon = await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const collection = (group: string, plural: string): string => `/apis/${group}/namespaces/${scene.namespace}/${plural}`;
  const deploymentOf = ({ name }: SampleApp): Promise<Deployment> => api.request("GET", `${collection("apps/v1", "deployments")}/${name}`);
  const imageOf = ({ spec }: Deployment): string => spec.template.spec.containers[0]!.image;
  const namesIn = async (group: string, plural: string, app: SampleApp): Promise<readonly string[]> =>
    (await api.request<{ items: readonly ApiObject[] }>("GET", collection(group, plural))).items.map(({ metadata }) => metadata.name).filter((name) => name.includes(app.name));
  const leftOf = async (app: SampleApp): Promise<readonly string[]> => [...(await namesIn("apps/v1", "deployments", app)), ...(await namesIn("networking.istio.io/v1", "destinationrules", app))];
  const routeOf = (app: SampleApp): string => JSON.stringify([scene.routes.of(app.name).at(-1)!["spec"], scene.routes.of(app.name).at(-1)!.metadata["annotations"]]);

  const containersOf = async (app: SampleApp, version: string): Promise<readonly object[]> => (await deploymentOf(app)).spec.template.spec.containers.map((each) => ({ ...each, image: app.image(version) }));
  const setImage = async (app: SampleApp, version: string): Promise<unknown> =>
    api.request("PATCH", `${collection("apps/v1", "deployments")}/${app.name}?fieldManager=kubectl-set`, { spec: { template: { spec: { containers: await containersOf(app, version) } } } });

  async function begin(app: SampleApp, change: Partial<RolloutSpecInput> = {}): Promise<{ readonly load: Load; readonly route: string }> {
    await scene.deliver(app, { ...heldSpec(app), ...paced(app, 1), ...change });
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    await scene.served(app);
    if (api.name === "embedded") await until(async () => (await deploymentOf(app)).spec.paused === true, WAIT_MS); // its API server holds no template by itself
    return { load: scene.startLoad(app, 20), route: routeOf(app) };
  }

  /** Nothing of ours is left beside the Deployment, and the route is its owner's again. */
  async function settled(app: SampleApp, route: string): Promise<void> {
    await until(async () => (await leftOf(app)).length === 1 && routeOf(app) === route, WAIT_MS);
  }

  const failuresOf = (load: Load): readonly string[] => Object.keys(load.counts().answers).filter((answer) => !answer.endsWith(" 200"));
  const stateOf = async (app: SampleApp): Promise<object> => {
    const { spec, metadata } = await deploymentOf(app);
    return { image: imageOf({ spec, metadata } as Deployment), paused: spec.paused ?? false, heldBy: metadata.annotations?.["weir.dev/held-by"] };
  };
  /** Where the API server holds a new template by itself nothing of ours is there at rest; elsewhere the Deployment waits at rest, too. */
  const atRest = (app: SampleApp, version: string): object => ({ image: app.image(version), paused: api.name === "embedded", heldBy: api.name === "embedded" ? app.name : undefined });
  const rested = (app: SampleApp, version: string): Promise<void> => until(async () => isDeepStrictEqual(await stateOf(app), atRest(app, version)), WAIT_MS);
  /** Every object of the application that people or git write; what servers and controllers note in them left out. */
  const everythingOf = async (app: SampleApp): Promise<string> => {
    const kinds = [["apps/v1", "deployments"], ["networking.istio.io/v1", "destinationrules"], ["networking.istio.io/v1", "virtualservices"]] as const;
    const lists = await Promise.all(kinds.map(([group, plural]) => api.request<{ items: readonly Deployment[] }>("GET", collection(group, plural))));
    return JSON.stringify(lists.flatMap(({ items }) => items).filter(({ metadata }) => metadata.name.includes(app.name)).map(withoutNotes));
  };
  const finalizersOf = async ({ name }: Pick<SampleApp, "name">): Promise<unknown> => (await api.request<ApiObject>("GET", `${collection("weir.dev/v1alpha1", "rollouts")}/${name}`)).metadata["finalizers"];
  const isAtFirstStep = ({ run }: RolloutStatus): boolean => run?.weight === 50 && run.inForceAt !== undefined;

  it.concurrent("a new image that is good is delivered without a request lost, and nothing of ours is left", LIMIT, async () => {
    const app = APPS.good;
    const { load, route } = await begin(app);
    await rested(app, "v1");
    const before = await everythingOf(app);
    await setImage(app, "v2");
    await scene.reached(app, ({ run }) => run?.outcome !== undefined);
    expect(scene.status(app)).toMatchObject({ phase: "Healthy", reason: "Succeeded", run: { outcome: "Succeeded", peak: 100 } });
    await settled(app, route);
    await rested(app, "v2");
    expect(await everythingOf(app)).toBe(before.replaceAll(app.image("v1"), app.image("v2")));
    expect(failuresOf(load)).toEqual([]);
    await load.close();
  });

  it.concurrent("a bad one is taken back, waits in the Deployment, and an undo takes it out", LIMIT, async () => {
    const app = APPS.bad;
    const { load, route } = await begin(app);
    scene.samples.turn(app.name, "v2", { errorRate: 0.6 });
    await setImage(app, "v2");
    await scene.reached(app, ({ run }) => run?.outcome !== undefined);
    await settled(app, route);
    expect(await stateOf(app)).toEqual({ image: app.image("v2"), paused: true, heldBy: app.name });
    expect(scene.status(app)).toMatchObject({ phase: "Degraded", reason: "RolledBack", message: expect.stringContaining("which waits: apply another template, or weir undo") as string });
    await until(async () => isDeepStrictEqual(await finalizersOf(app), ["weir.dev/deployment"]), WAIT_MS);
    await scene.command(app, { verb: "undo" });
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    await rested(app, "v1");
    expect(failuresOf(load).every((answer) => answer === "v2 500")).toBe(true);
    await load.close();
  });

  it.concurrent("an image is shown with as many pods as it will have, has all the traffic at once, and goes at once while the old pods are kept; promoted again it is rolled when their time is over", LIMIT, async () => {
    const app = APPS.switched;
    const host = `preview.${app.name}.example`;
    await api.request("PATCH", `${collection("networking.istio.io/v1", "virtualservices")}/${app.name}?fieldManager=kubectl-edit`, { spec: { hosts: [app.name, host] } });
    await until(() => routeOf(app).includes(host), WAIT_MS);
    const { steps: _, ...strategy } = paced(app, 1).strategy!;
    const { load, route } = await begin(app, { strategy: { ...strategy, propagation: "2s", blueGreen: { preview: host, hold: "5s", keepOld: "10m" } } });
    const users = startCrowd(scene, app, { everybody: {}, preview: { host } }, 100);
    const isShown = (number: number) => ({ phase, run }: RolloutStatus): boolean => phase === "Paused" && run?.number === number && run.previewed === host && run.inForceAt !== undefined && Date.parse(run.inForceAt) < Date.now();
    const shownAndSwitched = async (number: number): Promise<void> => {
      await scene.reached(app, isShown(number));
      const deployments = (await api.request<{ items: readonly Deployment[] }>("GET", collection("apps/v1", "deployments"))).items.filter(({ metadata }) => metadata.name.startsWith(`${app.name}-canary-`));
      const { spec } = await deploymentOf(app);
      expect(deployments.map((canary) => canary.spec.replicas)).toEqual([spec.replicas]);
      expect(await users.answered()).toMatchObject({ everybody: [expect.any(Number), 0], preview: [0, expect.any(Number)] });
      await scene.command(app, { verb: "promote", run: number });
      await scene.reached(app, ({ run }) => run?.number === number && run.keptSince !== undefined);
      expect(await users.answered()).toMatchObject({ everybody: [0, expect.any(Number)] });
      expect(scene.status(app)!.run).not.toHaveProperty("rollingSince");
    };
    await setImage(app, "v2");
    await shownAndSwitched(1);
    await scene.command(app, { verb: "abort" });
    await scene.reached(app, ({ run }) => run?.outcome === "Aborted");
    await settled(app, route);
    expect(await users.answered()).toMatchObject({ everybody: [expect.any(Number), 0] });
    await scene.command(app, { verb: "retry" });
    await shownAndSwitched(2);
    await scene.command(app, { verb: "promote", run: 2 });
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app, route);
    await rested(app, "v2");
    expect(failuresOf(load)).toEqual([]);
    await Promise.all([load.close(), users.close()]);
  });

  it.concurrent("a newer image in mid-run takes the place of the one before, and the old image again ends the run", LIMIT, async () => {
    const app = APPS.superseded;
    const { load, route } = await begin(app, { strategy: { ...paced(app, 1).strategy, steps: [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }] } });
    await setImage(app, "v2");
    await scene.reached(app, isAtFirstStep);
    await setImage(app, "v3");
    await scene.reached(app, ({ run }) => run?.number === 2 && run.weight === 50 && run.inForceAt !== undefined);
    expect(scene.status(app)).toMatchObject({ stable: { version: expect.stringMatching(/^v1-/) as string }, history: [{ number: 1, outcome: "Superseded" }], run: { from: { version: expect.stringMatching(/^v1-/) as string }, to: { version: expect.stringMatching(/^v3-/) as string } } });
    await setImage(app, "v1");
    await scene.reached(app, ({ phase, run }) => phase === "Healthy" && run?.outcome === "Aborted");
    await settled(app, route);
    await rested(app, "v1");
    expect(failuresOf(load)).toEqual([]);
    await load.close();
  });

  it.concurrent("git's route that is applied again in mid-run pauses it, and no pod of the new image is left to answer", LIMIT, async () => {
    const app = APPS.undone;
    const { load, route } = await begin(app, { strategy: { ...paced(app, 1).strategy, steps: [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }] } });
    await setImage(app, "v2");
    await scene.reached(app, isAtFirstStep);
    await api.request("PATCH", `${collection("networking.istio.io/v1", "virtualservices")}/${app.name}?fieldManager=argocd-controller`, { spec: app.virtualService });
    await scene.reached(app, ({ phase, reason, message }) => phase === "Paused" && reason === "RouteEditedByHand" && message.includes("exclude spec.http of VirtualService"));
    await until(async () => (await leftOf(app)).every((name) => !name.includes("-canary-")), WAIT_MS);
    await scene.command(app, { verb: "resume" });
    await scene.reached(app, ({ run }) => run?.pausedBy === "Step");
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app, route);
    await rested(app, "v2");
    await load.close();
  });

  it.concurrent("a Rollout that is deleted in the foreground in mid-run takes nothing away that serves", LIMIT, async () => {
    const app = APPS.deleted;
    const { load, route } = await begin(app, { strategy: { ...paced(app, 1).strategy, steps: [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }] } });
    await setImage(app, "v2");
    await scene.reached(app, isAtFirstStep);
    await api.request("DELETE", `${collection("weir.dev/v1alpha1", "rollouts")}/${app.name}`, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" });
    await settled(app, route);
    await until(async () => !(await namesIn("weir.dev/v1alpha1", "rollouts", app)).includes(app.name), WAIT_MS);
    expect(await stateOf(app)).toEqual({ image: app.image("v2"), paused: true, heldBy: undefined });
    expect(failuresOf(load)).toEqual([]);
    await load.close();
  });

  it.concurrent("a tool that applies the Deployment from git again and again is in nobody's way", LIMIT, async () => {
    const app = APPS.applied;
    const { load, route } = await begin(app);
    const healing = healDeployment(app, "v2");
    await scene.reached(app, ({ run }) => run?.outcome !== undefined);
    await settled(app, route);
    await rested(app, "v2");
    await healing.stop();
    expect(scene.status(app)).toMatchObject({ phase: "Healthy", reason: "Succeeded", runs: 1 });
    expect(scene.statuses(app).filter(({ phase }) => phase === "Paused" || phase === "Degraded")).toEqual([]);
    expect(failuresOf(load)).toEqual([]);
    await load.close();
  });

  it.runIf(name === "embedded").concurrent("an image that cannot be pulled is given up with the reason, and nobody has met it", LIMIT, async () => {
    const app = APPS.stuck;
    const { load, route } = await begin(app, { strategy: { ...paced(app, 1).strategy, progressDeadline: "8s" } });
    await setImage(app, "broken");
    await scene.reached(app, ({ run }) => run?.outcome !== undefined);
    await settled(app, route);
    expect(scene.status(app)).toMatchObject({ phase: "Degraded", reason: "NeverReady", message: expect.stringMatching(/broken-\w+ has 0 of 2 ready pods that 50% needs: .*ImagePullBackOff/) as string });
    expect(failuresOf(load)).toEqual([]);
    await load.close();
  });

  /** As a tool with self-heal does: the manifest as a whole, by server-side apply, whenever anything has changed. */
  function healDeployment(app: SampleApp, version: string): { stop(): Promise<void> } {
    const path = `${collection("apps/v1", "deployments")}/${app.name}?fieldManager=argocd-controller&force=true`;
    const present = (): number => scene.routes.of(app.name).length + scene.rollouts.of(app.name).length;
    let [isOver, healed] = [false, 0];
    const heal = async (): Promise<void> => {
      while (!isOver) {
        healed = present();
        await api.request("PATCH", path, heldDeployment(app, version), "application/apply-patch+yaml");
        await until(() => isOver || present() !== healed, WAIT_MS);
      }
    };
    const healing = heal();
    return { stop: () => ((isOver = true), healing) };
  }

  it.runIf(name === "real")("a run asks for nothing but writes and, before each step up, its autoscaler; and those at rest beside it cost nothing", LIMIT, async () => {
    const app = APPS.counted;
    const others = await api.request<{ items: readonly ApiObject[] }>("GET", collection("weir.dev/v1alpha1", "rollouts"));
    for (const { metadata } of others.items) await until(async () => !String(await finalizersOf(metadata)).includes("weir.dev/traffic"), WAIT_MS);
    const { load, route } = await begin(app);
    await rested(app, "v1");
    const asks = (): readonly ApiRecord[] => api.requestsOf("daemon").filter(({ namespace, verb }) => namespace === scene.namespace && verb !== "watch");
    const before = asks().length;
    await setImage(app, "v2");
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app, route);
    await until(async () => (await finalizersOf(app)) === undefined, WAIT_MS);
    await daemon.stop(); // what it still had to ask, it has asked
    const asked = asks().slice(before);
    const counts = countBy(asked, ({ verb, resource }) => `${verb} ${resource}`);
    console.table(counts);
    const resting = Object.keys(APPS).filter((each) => each !== app.name);
    expect(asked.filter(({ name: about }) => resting.some((each) => about?.includes(each)))).toEqual([]);
    expect(counts).toMatchObject({ "create deployments": 1, "delete deployments": 1, "create destinationrules": 1, "patch destinationrules": 2, "delete destinationrules": 1, "patch virtualservices": 3 + app.ladder.length });
    const looks = asked.filter(({ verb }) => !["patch", "create", "delete"].includes(verb));
    expect(new Set(looks.map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(new Set(["list horizontalpodautoscalers"]));
    expect(looks.length).toBeLessThanOrEqual(2 * app.ladder.length); // a tick that was refused looks again
    await load.close();
  });
});
