/** Deliveries by routes of the Gateway API: the daemon as in production, requests that really go where the route says, on both API servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { alsoRouteByGateway, httpRoutesIn, routeByGateway, withNewVersion } from "../support/gateway-route.ts";
import { followHistory, type History } from "../support/history.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 400_000 };
const WAIT_MS = 200_000;
const ENOUGH = 400;

const walked = anApp({ name: "walked", ladder: [10, 50, 100] });
const bad = anApp({ name: "bad", ladder: [20, 100] });
const untaken = anApp({ name: "untaken", ladder: [50, 100] });
const told = [
  { by: "Linkerd", app: anApp({ name: "linked", ladder: [30, 100] }), from: { source: "linkerd" as const }, query: /^sum by \(classification\) \(response_total\{direction="outbound",/ },
  { by: "Envoy", app: anApp({ name: "clustered", ladder: [30, 100] }), from: { source: "envoy" as const, envoyCluster: "$(namespace)/$(version)" }, query: /^sum by \(envoy_response_code_class\) \(envoy_cluster_upstream_rq_xx\{/ },
];
/** Each with two routes, one for callers of its own Service and one for those of another. */
const [paired, spoilt] = [anApp({ name: "paired", ladder: [50, 100] }), anApp({ name: "spoilt", ladder: [50, 100] })];
const edgeOf = ({ name }: SampleApp): string => `${name}-edge`;
const namesOf = (app: SampleApp): readonly [inside: string, outside: string] => [app.name, edgeOf(app)];
const apps = [walked, bad, untaken, paired, spoilt, ...told.map(({ app }) => app)];

interface Reference {
  readonly name: string;
  readonly weight: number;
}

interface HttpRoute extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly generation: number; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly rules: readonly { readonly name: string; readonly backendRefs: readonly Reference[] }[] };
}

const isOver = ({ run }: RolloutStatus): boolean => run?.outcome !== undefined;

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  let routes: History;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, apps);
    for (const { name } of apps) await routeByGateway(api, scene.namespace, name);
    for (const app of [paired, spoilt]) await alsoRouteByGateway(api, scene.namespace, app.name, edgeOf(app));
    routes = await followHistory(api.address, httpRoutesIn(scene.namespace));
    await accept(untaken.name, "False");
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await routes?.close();
    await scene?.close();
    await api?.close();
  });

  /** As the implementation would, of the route as it is. */
  async function accept(name: string, status: "True" | "False"): Promise<void> {
    const { generation } = versionsOf(name).at(-1)!.metadata;
    const condition = { type: "Accepted", status, reason: "NoMatchingParent", message: "the listener is gone", lastTransitionTime: "2026-01-01T00:00:00Z", observedGeneration: generation };
    const parent = { parentRef: { group: "", kind: "Service", name }, controllerName: "example.com/mesh", conditions: [condition] };
    await api.request("PATCH", `${pathOf(name)}/status`, { status: { parents: [parent] } });
  }

  const pathOf = (name: string): string => `${httpRoutesIn(scene.namespace)}/${name}`;
  const versionsOf = (name: string): readonly HttpRoute[] => routes.of(name) as readonly HttpRoute[];
  const splitOf = ({ spec }: HttpRoute): string => spec.rules.find((rule) => rule.name === "primary")!.backendRefs.map(({ name, weight }) => `${name} ${weight}`).join(", ");
  const splitsOf = (name: string): readonly string[] => versionsOf(name).map(splitOf).filter((split, index, all) => split !== all[index - 1]);
  const ends = (name: string): Promise<void> => until(() => versionsOf(name).at(-1)!.metadata.annotations?.[EPOCH_ANNOTATION] === undefined && versionsOf(name).length > 1, WAIT_MS);
  const traffic = (...names: readonly string[]) => ({ gatewayApi: { httpRoutes: names.map((name) => ({ name, rule: "primary" })) } });

  /** Of requests that really arrived: the canary's, and all. */
  async function arrived(name: string): Promise<{ readonly canary: number; readonly all: number }> {
    const counted = (version: string): number => Object.values(scene.mesh.routed(scene.namespace, `${name}-${version}`)).reduce((sum, { requests }) => sum + requests, 0);
    for (const version of ["v1", "v2"]) scene.mesh.resetRouted(scene.namespace, `${name}-${version}`);
    await until(() => counted("v1") + counted("v2") >= ENOUGH, WAIT_MS);
    return { canary: counted("v2"), all: counted("v1") + counted("v2") };
  }

  it.concurrent("brings a good version from 90/10 to 0/100, and at each step the requests go as the route says", LIMIT, async () => {
    const { name } = walked;
    const load = scene.startLoad(walked, 60);
    const paces = paced(walked, 1);
    const steps = [10, 50].flatMap((weight) => [{ weight, hold: "4s" }, { pause: {} }]);
    await scene.deliver(walked, { release: `${name}-v1`, traffic: traffic(name), ...paces, strategy: { ...paces.strategy, steps: [...steps, { weight: 100, hold: "5s" }] } });
    await scene.reached(walked, ({ phase }) => phase === "Healthy");
    const before = versionsOf(name).at(-1)!;
    await scene.release(walked, `${name}-v2`);
    for (const weight of [10, 50]) {
      await scene.reached(walked, ({ phase, reason, run }) => phase === "Paused" && reason === "Step" && run?.weight === weight);
      const { canary, all } = await arrived(name);
      const share = weight / 100;
      expect(Math.abs(canary / all - share), `${canary} of ${all} at ${weight}%`).toBeLessThan(6 * Math.sqrt((share * (1 - share)) / all));
      await scene.command(walked, { verb: "promote" });
    }
    await scene.reached(walked, isOver);
    await ends(name);
    expect(scene.status(walked)).toMatchObject({ phase: "Healthy", reason: "Succeeded", stable: { version: "walked-v2" }, run: { outcome: "Succeeded" } });
    expect(splitsOf(name)).toEqual(["walked-v1 1", "walked-v1 90, walked-v2 10", "walked-v1 50, walked-v2 50", "walked-v1 0, walked-v2 100", "walked-v2 1"]);
    expect(versionsOf(name).at(-1)!.spec).toEqual(withNewVersion(before.spec));
    await load.close();
  });

  it.concurrent("takes a bad version back by itself, and leaves the route as it was, to the byte", LIMIT, async () => {
    const { name } = bad;
    const load = scene.startLoad(bad, 20);
    scene.samples.turn(name, "v2", { errorRate: 0.5 });
    await scene.deliver(bad, { release: `${name}-v1`, traffic: traffic(name) });
    await scene.reached(bad, ({ phase }) => phase === "Healthy");
    const before = versionsOf(name).at(-1)!;
    await scene.release(bad, `${name}-v2`);
    await scene.reached(bad, isOver);
    await ends(name);
    expect(scene.status(bad)).toMatchObject({ phase: "Degraded", reason: "RolledBack", stable: { version: "bad-v1" }, refused: { version: "bad-v2" } });
    expect(splitsOf(name)).toEqual(["bad-v1 1", "bad-v1 80, bad-v2 20", "bad-v1 1"]);
    const { spec, metadata } = versionsOf(name).at(-1)!;
    expect(JSON.stringify([spec, metadata.annotations])).toBe(JSON.stringify([before.spec, before.metadata.annotations]));
    await load.close();
  });

  it.concurrent("brings a good version to two routes that move together, each by writes of its own and with the same share, and leaves both as they were", LIMIT, async () => {
    const crowd = startCrowd(scene, paired, { inside: {}, outside: { host: edgeOf(paired) } }, ENOUGH / 2);
    const { strategy, analysis } = paced(paired, 1);
    await scene.deliver(paired, { release: "paired-v1", traffic: traffic(...namesOf(paired)), analysis, strategy: { ...strategy, steps: [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }] } });
    await scene.reached(paired, ({ phase }) => phase === "Healthy");
    const before = namesOf(paired).map((name) => versionsOf(name).at(-1)!);
    await scene.release(paired, "paired-v2");
    await scene.reached(paired, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
    for (const [kind, [v1, v2]] of Object.entries(await crowd.answered())) expect(Math.abs(v2 / (v1 + v2) - 0.5), `${kind}: ${v1}/${v2}`).toBeLessThan(6 * Math.sqrt(0.25 / (v1 + v2)));
    await scene.command(paired, { verb: "promote" });
    await scene.reached(paired, ({ run }) => run?.outcome === "Succeeded");
    await Promise.all(namesOf(paired).map(ends));
    expect(Object.values(await crowd.answered()).map(([v1]) => v1)).toEqual([0, 0]);
    const splits = ["paired-v1 1", "paired-v1 50, paired-v2 50", "paired-v1 0, paired-v2 100", "paired-v2 1"];
    expect(namesOf(paired).map(splitsOf)).toEqual([splits, splits]);
    expect(namesOf(paired).map((name) => versionsOf(name).at(-1)!.spec)).toEqual(before.map(({ spec }) => withNewVersion(spec)));
    await crowd.close();
  });

  it.concurrent("takes a version that is bad for callers of one of two routes back from both, to the byte", LIMIT, async () => {
    const load = scene.startLoad(spoilt, 20, { host: edgeOf(spoilt) });
    scene.samples.turn(spoilt.name, "v2", { errorRate: 0.5 });
    await scene.deliver(spoilt, { release: "spoilt-v1", traffic: traffic(...namesOf(spoilt)) });
    await scene.reached(spoilt, ({ phase }) => phase === "Healthy");
    const asFound = (name: string): string => JSON.stringify([versionsOf(name).at(-1)!.spec, versionsOf(name).at(-1)!.metadata.annotations]);
    const before = namesOf(spoilt).map(asFound);
    await scene.release(spoilt, "spoilt-v2");
    await scene.reached(spoilt, ({ run }) => run?.outcome === "RolledBack");
    await Promise.all(namesOf(spoilt).map(ends));
    const splits = ["spoilt-v1 1", "spoilt-v1 50, spoilt-v2 50", "spoilt-v1 1"];
    expect(namesOf(spoilt).map(splitsOf)).toEqual([splits, splits]);
    expect(namesOf(spoilt).map(asFound)).toEqual(before);
    await load.close();
  });

  it.concurrent.each(told)("delivers a good version and takes a bad one back by what $by's proxies report", LIMIT, async ({ app, from, query }) => {
    const { name } = app;
    const load = scene.startLoad(app, 30);
    const { analysis, strategy } = paced(app, 1);
    await scene.deliver(app, { release: `${name}-v1`, traffic: traffic(name), strategy: { ...strategy, rollbackWindow: 0 }, analysis: { ...analysis, ...from } });
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    await scene.release(app, `${name}-v2`);
    await scene.reached(app, isOver);
    const judged = { query: expect.stringMatching(query), samples: expect.any(Number) };
    expect(scene.status(app)).toMatchObject({ phase: "Healthy", reason: "Succeeded", stable: { version: `${name}-v2` }, run: { checks: [{ name: "errors", verdict: "Pass", ...judged }] } });
    await until(() => versionsOf(name).at(-1)!.metadata.annotations?.[EPOCH_ANNOTATION] === undefined, WAIT_MS);
    scene.samples.turn(name, "v1", { errorRate: 0.5 });
    await scene.release(app, `${name}-v1`);
    await scene.reached(app, ({ run }) => run?.number === 2 && run.outcome !== undefined);
    expect(scene.status(app)).toMatchObject({ phase: "Degraded", reason: "RolledBack", refused: { version: `${name}-v1` }, run: { checks: [{ name: "errors", verdict: "Fail", ...judged }] } });
    const [v1, v2] = [`${name}-v1`, `${name}-v2`];
    await until(() => splitsOf(name).at(-1) === `${v2} 1`, WAIT_MS);
    expect(splitsOf(name)).toEqual([`${v1} 1`, `${v1} 70, ${v2} 30`, `${v1} 0, ${v2} 100`, `${v2} 1`, `${v2} 70, ${v1} 30`, `${v2} 1`]);
    await load.close();
  });

  it.concurrent("begins nothing on a route that none of its parents takes, and says so", LIMIT, async () => {
    const { name } = untaken;
    await scene.deliver(untaken, { release: `${name}-v2`, traffic: traffic(name) });
    const message = `HTTPRoute ${scene.namespace}/${name} is accepted by none of its parents: ${name}: the listener is gone`;
    await scene.reached(untaken, (status) => status.phase === "Degraded" && status.message === message);
    await accept(name, "True");
    await scene.reached(untaken, ({ run }) => run?.weight === 50);
  });
});
