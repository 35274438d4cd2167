/** Deliveries by other forms of an http route than subsets of one host: versions that are Services, and a VirtualService that is delegated to while its root is applied from git. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { exchanged, routeLooks } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { BY_HOSTS, createVersionServices, inForm } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 240_000 };
const ENOUGH = 200;

/** Each version is a Service of its own. */
const anAppOfServices = (name: string): SampleApp => inForm(BY_HOSTS, anApp({ name, ladder: [10, 50, 100] }));

/** Without hosts: its root has them. */
function aDelegate(name: string): SampleApp {
  const app = anApp({ name, ladder: [10, 50, 100] });
  const { hosts: _, ...rest } = app.virtualService;
  return { ...app, virtualService: rest };
}

const byServices = [anAppOfServices("served"), anAppOfServices("spoilt")] as const;
const delegated = [aDelegate("led"), aDelegate("misled")] as const;

const rootOf = ({ name }: SampleApp, namespace: string): ApiObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: `${name}-root`, namespace },
  spec: { hosts: [name], http: [{ match: [{ uri: { prefix: "/" } }], delegate: { name } }] },
});

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  const { newest, asFound, settled } = routeLooks(() => scene);

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [...byServices, ...delegated]);
    for (const { name } of byServices) await createVersionServices(api, scene.namespace, name);
    await applyRoots();
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const virtualServices = (): string => `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices`;
  /** As a GitOps tool does it, again and again. */
  const applyRoots = async (): Promise<void> => {
    for (const app of delegated) await api.request("PATCH", `${virtualServices()}/${app.name}-root?fieldManager=git&force=true`, rootOf(app, scene.namespace), "application/apply-patch+yaml");
  };
  const releaseOf = (app: SampleApp): string => (byServices.some((one) => one === app) ? BY_HOSTS.versionOf(app.name, "v2") : "v2");
  const begin = (app: SampleApp, steps: readonly object[]): Promise<void> => {
    const { strategy, analysis } = paced(app, 1);
    return scene.deliver(app, { release: releaseOf(app), strategy: { ...strategy, steps: steps as NonNullable<typeof strategy>["steps"] }, analysis });
  };

  it.concurrent.each([["Services", byServices[0]], ["a delegate", delegated[0]]] as const)("a good version is delivered by %s, with its share at each step, and nothing else of the route is touched", LIMIT, async (_, app) => {
    const before = newest(app);
    const crowd = startCrowd(scene, app, { everybody: {} }, ENOUGH);
    await begin(app, [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    await scene.reached(app, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
    await applyRoots();
    const { everybody: [stable, canary] } = await crowd.answered();
    expect(Math.abs(canary / (stable + canary) - 0.5), `${stable}/${canary}`).toBeLessThan(6 * Math.sqrt(0.25 / (stable + canary)));
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app);
    expect((await crowd.answered()).everybody[0]).toBe(0);
    expect(JSON.stringify(newest(app)["spec"])).toBe(exchanged(before["spec"]));
    await crowd.close();
  });

  it.concurrent.each([["Services", byServices[1]], ["a delegate", delegated[1]]] as const)("a bad one is taken back by %s, to the byte", LIMIT, async (_, app) => {
    const before = newest(app);
    scene.samples.turn(app.name, "v2", { errorRate: 0.6 });
    const load = scene.startLoad(app, 40);
    await begin(app, [{ weight: 50, hold: "30s" }, { weight: 100, hold: "5s" }]);
    await scene.reached(app, ({ run }) => run?.outcome === "RolledBack");
    await settled(app);
    expect(asFound(newest(app))).toBe(asFound(before));
    await load.close();
  });
});
