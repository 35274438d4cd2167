/** A GitOps tool with self-heal, beside a whole run: what it applies again and again, by server-side apply under its own field manager, and what comes of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { aDelivery, anApp, CANARY, STABLE } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 240_000;
const LIMIT = { timeout: LIMIT_MS };
const MANAGER = "argocd-controller";

/** Git says `spec.http` of the one, and leaves it out of the other. */
const excluded = anApp({ name: "excluded", ladder: [10, 50, 100] });
const shared = anApp({ name: "shared", ladder: [50, 100] });

const isOver = ({ run }: RolloutStatus): boolean => run?.outcome !== undefined;

/** The real one where it is there. */
describe.each(kubernetesApis().slice(-1))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [excluded, shared]);
    await scene.startDaemon();
  }, LIMIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  it.concurrent("a VirtualService whose spec.http is excluded is applied during a whole run: no fight, no lost step, no diff at rest", LIMIT, async () => {
    const load = scene.startLoad(excluded, 20);
    const git = startSelfHeal(excluded, { release: STABLE, route: "without http" });
    await scene.reached(excluded, ({ phase }) => phase === "Healthy");
    git.commit({ release: CANARY, route: "without http" });
    await scene.reached(excluded, isOver);
    await until(() => scene.rollouts.of(excluded.name).at(-1)!.metadata["finalizers"] === undefined, LIMIT_MS);
    const before = await versionsOf(excluded);
    await git.applied(2);
    expect(await versionsOf(excluded)).toEqual(before);
    await git.stop();
    expect(scene.status(excluded)).toMatchObject({ phase: "Healthy", reason: "Succeeded", runs: 1, run: { outcome: "Succeeded", raises: [] } });
    expect(scene.route(excluded).shares()).toEqual([0, 10, 50, 100]);
    expect(scene.route(excluded).violations()).toEqual([]);
    await load.close();
  });

  it.concurrent("where nothing is excluded the run pauses with the sentence that helps, and users stay with the version that git says", LIMIT, async () => {
    const load = scene.startLoad(shared, 20);
    const git = startSelfHeal(shared, { release: STABLE, route: "whole" });
    await scene.reached(shared, ({ phase }) => phase === "Healthy");
    git.commit({ release: CANARY, route: "whole" });
    await scene.reached(shared, ({ phase }) => phase === "Paused");
    await git.applied(3);
    expect(scene.status(shared)).toMatchObject({ reason: "RouteEditedByHand", run: { weight: 0 }, message: expect.stringContaining(`exclude spec.http of VirtualService ${scene.namespace}/shared, route primary from what it applies`) });
    expect(scene.route(shared).share()).toBe(0);
    git.commit({ release: CANARY, route: "left alone" }); // the advice is taken: what differs in an ignored field alone is not applied
    await git.applied(2);
    await scene.command(shared, { verb: "resume" });
    await scene.reached(shared, isOver);
    await git.stop();
    expect(scene.status(shared)).toMatchObject({ phase: "Healthy", reason: "Succeeded", runs: 1 });
    expect(scene.route(shared).violations()).toEqual([]);
    await load.close();
  });

  interface InGit {
    readonly release: string;
    readonly route: "whole" | "without http" | "left alone";
  }

  /** Applies everything that git says: whenever git or the cluster has changed, and as often as it is asked to. */
  function startSelfHeal(app: SampleApp, first: InGit) {
    let [inGit, rounds, goal, isStopped] = [first, 0, 1, false];
    let healed: string | undefined;
    const present = (): string => `${JSON.stringify(inGit)} ${scene.routes.of(app.name).length} ${scene.rollouts.of(app.name).length}`;
    const heal = async (): Promise<void> => {
      for (;;) {
        await until(() => isStopped || rounds < goal || present() !== healed, LIMIT_MS);
        if (isStopped) return;
        healed = present();
        for (const [path, object] of manifestsOf(app, inGit)) await api.request("PATCH", `${path}?fieldManager=${MANAGER}&force=true`, object, "application/apply-patch+yaml");
        rounds += 1;
      }
    };
    const healing = heal();
    return {
      commit: (next: InGit) => void (inGit = next),
      /** Settles when everything has been applied so often from now on. */
      applied: (times: number) => {
        goal = rounds + times + 1; // the present round may have begun before
        return Promise.race([until(() => rounds >= goal, LIMIT_MS), healing]);
      },
      stop: async () => {
        isStopped = true;
        await healing;
      },
    };
  }

  function manifestsOf(app: SampleApp, { release, route }: InGit): readonly (readonly [path: string, object: ApiObject])[] {
    const { name } = app;
    const { namespace } = scene;
    const { http: routes, ...rest } = app.virtualService as { readonly http: unknown };
    const istio = `/apis/networking.istio.io/v1/namespaces/${namespace}`;
    const virtualService = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name }, spec: route === "whole" ? { ...rest, http: routes } : rest };
    return [
      ...(route === "left alone" ? [] : [[`${istio}/virtualservices/${name}`, virtualService] as const]),
      [`${istio}/destinationrules/${name}`, { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { name }, spec: { host: name, subsets: app.versions.map((version) => ({ name: version, labels: { version } })) } }],
      [`/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${name}`, aDelivery(app, namespace, { release }) as unknown as ApiObject],
    ];
  }

  /** By resource versions: whoever writes nothing changes none. */
  async function versionsOf(app: SampleApp): Promise<readonly unknown[]> {
    const objects = await Promise.all(manifestsOf(app, { release: CANARY, route: "without http" }).map(([path]) => api.request("GET", path)));
    return objects.map(({ metadata }) => metadata["resourceVersion"]);
  }
});
