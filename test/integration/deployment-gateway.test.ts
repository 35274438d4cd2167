/** A Deployment that is updated in place and routed by an HTTPRoute: two Services of ours tell its pods and the canary's apart, and are gone at the end. The daemon as in production, real controllers, on both API servers. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
import { paced } from "../support/deliveries.ts";
import { httpRoutesIn } from "../support/gateway-route.ts";
import { aHeldApp, controlledApis, heldDeployment, heldSpec, installHeldApps } from "../support/held.ts";
import { followHistory, type History } from "../support/history.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 400_000 };
const WAIT_MS = 200_000;
const ENOUGH = 200;

const [good, bad, picked] = ["good", "bad", "picked"].map((name) => aHeldApp(name, [50, 100])) as [SampleApp, SampleApp, SampleApp];
const APPS = [good, bad, picked];
const TESTERS = { "x-tester": "true" };

interface Deployment extends ApiObject {
  readonly spec: { readonly paused?: boolean; readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } } };
}

describe.each(shortened(controlledApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  let routes: History;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, APPS, { install: installHeldApps });
    for (const app of APPS) await routeByGateway(app);
    routes = await followHistory(api.address, httpRoutesIn(scene.namespace));
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await routes?.close();
    await scene?.close();
    await api?.close();
  });

  /** In place of the VirtualService; with a timeout, which must survive. */
  async function routeByGateway({ name }: SampleApp): Promise<void> {
    await api.request("DELETE", `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${name}`);
    const rule = { name: "primary", timeouts: { request: "5s" }, backendRefs: [{ name, port: 9080 }] };
    await api.request("POST", httpRoutesIn(scene.namespace), { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name }, spec: { parentRefs: [{ group: "", kind: "Service", name, port: 9080 }], rules: [rule] } });
  }

  const services = (): string => `/api/v1/namespaces/${scene.namespace}/services`;
  const deployments = (): string => `/apis/apps/v1/namespaces/${scene.namespace}/deployments`;
  const namesIn = async (collection: string, { name }: SampleApp): Promise<readonly string[]> =>
    (await api.request<{ items: readonly ApiObject[] }>("GET", collection)).items.map(({ metadata }) => metadata.name).filter((each) => each.includes(name)).sort();
  const deploymentOf = ({ name }: SampleApp): Promise<Deployment> => api.request("GET", `${deployments()}/${name}`);
  const setImage = async (app: SampleApp, version: string): Promise<unknown> => api.request("PATCH", `${deployments()}/${app.name}?fieldManager=kubectl-set`, { spec: { template: (heldDeployment(app, version)["spec"] as Deployment["spec"]).template } });
  /** A real server tells keys in their order; the embedded one as they were written. */
  const asFound = (app: SampleApp): object => {
    const { spec, metadata } = routes.of(app.name).at(-1)!;
    return { spec, annotations: metadata["annotations"] };
  };
  const referencesOf = (app: SampleApp): readonly string[] => (routes.of(app.name).at(-1)!["spec"] as { rules: { backendRefs: { name: string; weight: number }[] }[] }).rules[0]!.backendRefs.map(({ name, weight }) => `${name} ${weight}`);
  /** The Deployment, its Service, and nothing of ours; the route is its owner's again. */
  const settled = (app: SampleApp, route: object): Promise<void> =>
    until(async () => isDeepStrictEqual(asFound(app), route) && (await namesIn(deployments(), app)).length === 1 && (await namesIn(services(), app)).length === 1, WAIT_MS);

  async function begin(app: SampleApp, steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>, analysis: RolloutSpecInput["analysis"] = paced(app, 1).analysis): Promise<object> {
    const { strategy } = paced(app, 1);
    await scene.deliver(app, { ...heldSpec(app), traffic: { gatewayApi: { httpRoutes: [{ name: app.name, rule: "primary" }] } }, strategy: { ...strategy, steps }, analysis });
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    await scene.served(app);
    if (api.name === "embedded") await until(async () => (await deploymentOf(app)).spec.paused === true, WAIT_MS); // its API server holds no template by itself
    return asFound(app);
  }

  it.concurrent("a new image that is good is delivered without a request lost, with its share, and nothing of ours is left", LIMIT, async () => {
    const route = await begin(good, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    const crowd = startCrowd(scene, good, { everybody: {} }, ENOUGH);
    const load = scene.startLoad(good, 20);
    await setImage(good, "v2");
    await scene.reached(good, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
    expect(referencesOf(good)).toEqual(["weir-stable-good 50", "weir-canary-good 50"]);
    const { everybody: [v1, v2] } = await crowd.answered();
    expect(Math.abs(v2 / (v1 + v2) - 0.5), `${v1}/${v2}`).toBeLessThan(6 * Math.sqrt(0.25 / (v1 + v2)));
    await scene.command(good, { verb: "promote" });
    await scene.reached(good, ({ run }) => run?.outcome === "Succeeded");
    await settled(good, route);
    expect((await deploymentOf(good)).spec.template.spec.containers[0]!.image).toBe(good.image("v2"));
    expect((await crowd.answered()).everybody[0]).toBe(0);
    expect(Object.keys(load.counts().answers).filter((answer) => !answer.endsWith(" 200"))).toEqual([]);
    await Promise.all([crowd.close(), load.close()]);
  });

  it.concurrent("a bad one is taken back, to the byte, also where somebody deleted the canary's Service meanwhile", LIMIT, async () => {
    const route = await begin(bad, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    const load = scene.startLoad(bad, 20);
    await setImage(bad, "v2");
    await scene.reached(bad, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
    await api.request("DELETE", `${services()}/weir-canary-bad`);
    await until(async () => (await namesIn(services(), bad)).length === 3, WAIT_MS);
    scene.samples.turn(bad.name, "v2", { errorRate: 0.6 });
    await scene.command(bad, { verb: "promote" });
    await scene.reached(bad, ({ run }) => run?.outcome === "RolledBack");
    await settled(bad, route);
    await load.close();
  });

  it.concurrent("testers meet the new pods first, and everybody else the old ones", LIMIT, async () => {
    const route = await begin(picked, [{ match: [{ headers: [{ name: "x-tester", exact: "true" }] }], hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }], { ...paced(picked, 1).analysis, metrics: [] });
    const crowd = startCrowd(scene, picked, { testers: TESTERS, others: {} }, ENOUGH);
    await setImage(picked, "v2");
    await scene.reached(picked, ({ phase, run }) => phase === "Paused" && run?.step === 1);
    const { testers, others } = await crowd.answered();
    expect([testers[0], others[1]]).toEqual([0, 0]);
    await scene.command(picked, { verb: "abort" });
    await scene.reached(picked, ({ run }) => run?.outcome === "Aborted");
    await settled(picked, route);
    expect((await crowd.answered()).testers[1]).toBe(0);
    await crowd.close();
  });
});
