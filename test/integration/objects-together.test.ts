/** Deliveries by two VirtualServices, one for callers in the mesh and one for another host: who is really answered by which version on each, and a daemon that is killed between their writes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import { RESOURCES } from "../../src/kubernetes/client.ts";
import { installApps } from "../../src/playground/cluster-objects.ts";
import type { DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { createApiGate, type StopSide } from "../support/api-gate.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
import { anApp, paced, PRIMARY } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { killedAtRoute } from "../support/route-kills.ts";
import { exchanged, routeLooks, stampIn } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { canaryWeightIn, inEachForm, serveVersions, type Destination } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 240_000 };
const ENOUGH = 200;

type Steps = NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>;

const named = (name: string): SampleApp => anApp({ name, ladder: [10, 50, 100] });
const walked = inEachForm("walked", named);
const [bad, touched, cut] = [named("bad"), named("touched"), named("cut")];
const APPS = [...walked.map(({ app }) => app), bad, touched, cut];

interface HttpRoute {
  readonly name?: string;
  readonly route: readonly Destination[];
}
const routeIn = (virtualService: unknown, route: string): readonly Destination[] => (virtualService as { readonly http: readonly HttpRoute[] }).http.find(({ name }) => name === route)!.route;

const edgeOf = ({ name }: SampleApp): string => `${name}-edge`;
const hostOf = ({ name }: SampleApp): string => `${name}.edge.example`;

async function install(client: KubernetesClient, namespace: string, apps: readonly SampleApp[], seed: number): Promise<void> {
  await installApps(client, namespace, apps, seed);
  for (const app of apps) {
    const route = routeIn(app.virtualService, PRIMARY);
    await client.create(RESOURCES.virtualServices, namespace, { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: edgeOf(app), namespace, annotations: { team: "edge" } }, spec: { hosts: [hostOf(app)], http: [{ name: "from-outside", timeout: "9s", route }] } });
  }
}

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  const { newest, asFound, settled } = routeLooks(() => scene);

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, APPS, { install });
    await serveVersions(api, scene.namespace, walked);
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const edge = (app: SampleApp): ApiObject => scene.routes.of(edgeOf(app)).at(-1)!;
  const shareIn = (version: ApiObject, route: string): number => canaryWeightIn(routeIn(version["spec"], route));
  const shares = (app: SampleApp): readonly [inside: number, outside: number] => [shareIn(newest(app), PRIMARY), shareIn(edge(app), "from-outside")];
  const bothSettled = async (app: SampleApp): Promise<void> => {
    await settled(app);
    await until(() => stampIn(edge(app)) === undefined, WAIT_MS);
  };
  const begin = (app: SampleApp, steps: Steps, release = "v2"): Promise<void> => {
    const { strategy, analysis } = paced(app, 1);
    return scene.deliver(app, { release, traffic: { istio: { virtualServices: [{ name: app.name, routes: [PRIMARY] }, { name: edgeOf(app) }] } }, strategy: { ...strategy, steps }, analysis });
  };
  const crowdOf = (app: SampleApp) => startCrowd(scene, app, { inside: {}, outside: { host: hostOf(app) } }, ENOUGH);

  describe("with a daemon", () => {
    let daemon: DaemonProcess;

    beforeAll(async () => {
      daemon = await scene.startDaemon();
    }, WAIT_MS);
    afterAll(() => daemon?.stop()); // the ones that are killed must be alone

    it.concurrent.each(walked)("by $form: both give the new version the same share at each step, and are left as they were", LIMIT, async ({ app, versionOf }) => {
      const before = [newest(app), edge(app)];
      const crowd = crowdOf(app);
      await begin(app, [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }], versionOf(app.name, "v2"));
      await scene.reached(app, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
      for (const [kind, [v1, v2]] of Object.entries(await crowd.answered())) expect(Math.abs(v2 / (v1 + v2) - 0.5), `${kind}: ${v1}/${v2}`).toBeLessThan(6 * Math.sqrt(0.25 / (v1 + v2)));
      await scene.command(app, { verb: "promote" });
      await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
      await bothSettled(app);
      expect(Object.values(await crowd.answered()).map(([v1]) => v1)).toEqual([0, 0]);
      expect(scene.routes.of(edgeOf(app)).map((version) => shareIn(version, "from-outside"))).toEqual([0, 10, 50, 100, 100]); // the last one takes the stamp away
      expect([newest(app), edge(app)].map(({ spec }) => JSON.stringify(spec))).toEqual(before.map(({ spec }) => exchanged(spec)));
      await crowd.close();
    });

    it.concurrent("a version that is bad for callers of one of them is taken back from both, to the byte", LIMIT, async () => {
      const before = [newest(bad), edge(bad)].map(asFound);
      scene.samples.turn(bad.name, "v2", { errorRate: 0.6 });
      const load = scene.startLoad(bad, 40, { host: hostOf(bad) });
      await begin(bad, [{ weight: 50, hold: "30s" }, { weight: 100, hold: "5s" }]);
      await scene.reached(bad, ({ run }) => run?.outcome === "RolledBack");
      await bothSettled(bad);
      expect([newest(bad), edge(bad)].map(asFound)).toEqual(before);
      await load.close();
    });

    it.concurrent("a hand that lowers one of them has lowered both, and abort gives both back", LIMIT, async () => {
      const load = scene.startLoad(touched, 20);
      await begin(touched, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
      await scene.reached(touched, ({ phase, run }) => phase === "Paused" && run?.step === 1);
      await scene.hand(touched, 20, "kubectl-edit");
      await scene.reached(touched, ({ reason }) => reason === "RouteEditedByHand");
      await until(() => shares(touched).join() === "20,20", WAIT_MS);
      await scene.command(touched, { verb: "abort" });
      await scene.reached(touched, ({ run }) => run?.outcome === "Aborted");
      await bothSettled(touched);
      expect(shares(touched)).toEqual([0, 0]);
      await load.close();
    });
  });

  it("a daemon that is killed before and after each write of each of them repairs itself: what one of them lacks is written next", LIMIT, async () => {
    const gate = await createApiGate(api, "daemon");
    const crowd = crowdOf(cut);
    await begin(cut, [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { weight: 100, hold: "5s" }]);
    const kills: readonly (readonly [name: string, side: StopSide])[] = [[cut.name, "after"], [edgeOf(cut), "before"], [edgeOf(cut), "after"], [cut.name, "before"], [edgeOf(cut), "before"], [edgeOf(cut), "before"]];
    for (const [name, side] of kills) await killedAtRoute(scene, gate, name, side);
    const daemon = await scene.startDaemon({ kubeconfig: gate.kubeconfig });
    await scene.reached(cut, ({ run }) => run?.outcome === "Succeeded");
    await bothSettled(cut);
    expect(shares(cut)).toEqual([100, 100]);
    const ladder = [0, 10, 50, 100];
    for (const [name, route] of [[cut.name, PRIMARY], [edgeOf(cut), "from-outside"]] as const) {
      const seen = scene.routes.of(name).map((version) => shareIn(version, route));
      expect(seen.every((share, index) => ladder.includes(share) && share >= (seen[index - 1] ?? 0)), `${name}: ${seen.join()}`).toBe(true);
    }
    expect(Object.values(await crowd.answered()).map(([v1]) => v1)).toEqual([0, 0]);
    await crowd.close();
    await daemon.stop();
    await gate.close();
  });
});
