/** Deliveries by two http routes of one VirtualService: the daemon as in production, and who is really answered by which version on each of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Load } from "../../src/playground/arrivals.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { anApp, PRIMARY, paced } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { exchanged, routeLooks } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { canaryWeightIn, inEachForm, serveVersions, type Destination } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 240_000 };
const ENOUGH = 300;
const MOBILE = "mobile";

interface HttpRoute {
  readonly name?: string;
  readonly route?: readonly Destination[];
}

/** A route for some users, with a timeout of its own, before the one for everybody else. */
function anAppOfTwoRoutes(name: string): SampleApp {
  const app = anApp({ name, ladder: [10, 50, 100] });
  const http = app.virtualService["http"] as readonly HttpRoute[];
  const primary = http.find((route) => route.name === PRIMARY)!;
  return { ...app, virtualService: { ...app.virtualService, http: [{ ...primary, name: MOBILE, match: [{ headers: { "x-mobile": { exact: "true" } } }], timeout: "9s" }, ...http] }, routes: [PRIMARY, MOBILE] };
}

const walked = inEachForm("walked", anAppOfTwoRoutes);
const [bad, touched] = [anAppOfTwoRoutes("bad"), anAppOfTwoRoutes("touched")];

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  const { newest, asFound, settled } = routeLooks(() => scene);

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [...walked.map(({ app }) => app), bad, touched]);
    await serveVersions(api, scene.namespace, walked);
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const httpOf = (version: ApiObject): readonly HttpRoute[] => (version["spec"] as { readonly http: readonly HttpRoute[] }).http;
  /** Of v2, by route. */
  const sharesIn = (version: ApiObject): Readonly<Record<string, number>> =>
    Object.fromEntries([MOBILE, PRIMARY].map((name) => [name, canaryWeightIn(httpOf(version).find((route) => route.name === name)!.route!)]));

  async function begin(app: SampleApp, steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>, release = "v2"): Promise<void> {
    const paces = paced(app, 1);
    await scene.deliver(app, { release, traffic: { istio: { virtualServices: [{ name: app.name, routes: [PRIMARY, MOBILE] }] } }, ...paces, strategy: { ...paces.strategy, steps } });
  }

  /** How the next of these users' requests are shared. */
  async function answered(load: Load): Promise<readonly [v1: number, v2: number]> {
    const counts = (): readonly [number, number] => [load.counts().answers["v1 200"] ?? 0, load.counts().answers["v2 200"] ?? 0];
    const [v1, v2] = counts();
    await until(() => counts()[0] + counts()[1] - v1 - v2 >= ENOUGH, WAIT_MS);
    return [counts()[0] - v1, counts()[1] - v2];
  }

  it.concurrent.each(walked)("by $form: both give the new version the same share at each step, by one write each, and are left as they were", LIMIT, async ({ app, versionOf }) => {
    const before = newest(app);
    const loads = [scene.startLoad(app, 40), scene.startLoad(app, 40, { "x-mobile": "true" })];
    await begin(app, [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }], versionOf(app.name, "v2"));
    await scene.reached(app, ({ phase }) => phase === "Paused");
    for (const load of loads) {
      const [v1, v2] = await answered(load);
      expect(Math.abs(v2 / (v1 + v2) - 0.5), `${v1}/${v2}`).toBeLessThan(6 * Math.sqrt(0.25 / (v1 + v2)));
    }
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app);
    const shares = scene.routes.of(app.name).map(sharesIn);
    expect(shares.every((each) => each[MOBILE] === each[PRIMARY]), JSON.stringify(shares)).toBe(true);
    expect(scene.routes.of(app.name)).toHaveLength(1 + 4); // three weights, and the stamp taken away
    expect(JSON.stringify(httpOf(newest(app)))).toBe(exchanged(httpOf(before)));
    await Promise.all(loads.map((load) => load.close()));
  });

  it.concurrent("a version that is bad for the users of one of them is taken back from both, to the byte", LIMIT, async () => {
    const before = newest(bad);
    scene.samples.turn(bad.name, "v2", { errorRate: 0.6 });
    const load = scene.startLoad(bad, 40, { "x-mobile": "true" });
    await begin(bad, [{ weight: 50, hold: "30s" }, { weight: 100, hold: "5s" }]);
    await scene.reached(bad, ({ run }) => run?.outcome === "RolledBack");
    await settled(bad);
    expect(asFound(newest(bad))).toBe(asFound(before));
    await load.close();
  });

  it.concurrent("a hand that lowers one of them has lowered both, and one that raises one finds it put back", LIMIT, async () => {
    const load = scene.startLoad(touched, 20);
    await begin(touched, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    await scene.reached(touched, ({ phase, run }) => phase === "Paused" && run?.step === 1);
    await scene.hand(touched, 80, "kubectl-edit");
    await until(() => scene.statuses(touched).some(({ run }) => (run?.raises.length ?? 0) > 0) && sharesIn(newest(touched))[PRIMARY] === 50, WAIT_MS);
    await scene.hand(touched, 20, "kubectl-edit");
    await scene.reached(touched, ({ reason }) => reason === "RouteEditedByHand");
    await until(() => JSON.stringify(sharesIn(newest(touched))) === JSON.stringify({ [MOBILE]: 20, [PRIMARY]: 20 }), WAIT_MS);
    await scene.command(touched, { verb: "abort" });
    await settled(touched);
    expect(sharesIn(newest(touched))).toEqual({ [MOBILE]: 0, [PRIMARY]: 0 });
    await load.close();
  });
});
