/** Deliveries by GRPCRoutes: the daemon as in production, and where calls really went, on both API servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { grpcRoutesIn, routeCallsByGateway } from "../support/gateway-route.ts";
import { followHistory, type History } from "../support/history.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 400_000 };
const WAIT_MS = 200_000;
/** Of each kind of caller, at each step. */
const ENOUGH = 150;

const OWN = { service: "shop.Reviews", method: "Write" };
const [LIST, WRITE] = ["/shop.Reviews/List", `/${OWN.service}/${OWN.method}`];
const CALLERS = { everybody: {}, testers: { "x-team": "reviews" } } as const;

const [walked, picked, bad] = ["walked", "picked", "bad"].map((name) => anApp({ name, ladder: [50, 100] })) as [SampleApp, SampleApp, SampleApp];
const APPS = [walked, picked, bad];

interface GrpcRoute extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly rules: readonly { readonly name: string; readonly backendRefs: readonly { readonly name: string; readonly weight: number }[] }[] };
}

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  let routes: History;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, APPS);
    for (const { name } of APPS) await routeCallsByGateway(api, scene.namespace, name, OWN);
    routes = await followHistory(api.address, grpcRoutesIn(scene.namespace));
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await routes?.close();
    await scene?.close();
    await api?.close();
  });

  const versionsOf = ({ name }: SampleApp): readonly GrpcRoute[] => routes.of(name) as readonly GrpcRoute[];
  const newest = (app: SampleApp): GrpcRoute => versionsOf(app).at(-1)!;
  const asFound = ({ spec, metadata: { annotations } }: GrpcRoute): string => JSON.stringify([spec, annotations]);
  const settled = (app: SampleApp): Promise<void> => until(() => versionsOf(app).length > 1 && newest(app).metadata.annotations?.[EPOCH_ANNOTATION] === undefined, WAIT_MS);
  const splitOf = ({ spec }: GrpcRoute): string => spec.rules.find(({ name }) => name === "primary")!.backendRefs.map(({ name, weight }) => `${name} ${weight}`).join(", ");
  const splitsOf = (app: SampleApp): readonly string[] => versionsOf(app).map(splitOf).filter((split, index, all) => split !== all[index - 1]);
  const isShare = (part: number, all: number, share: number): void => expect(Math.abs(part / all - share), `${part}/${all}`).toBeLessThan(6 * Math.sqrt((share * (1 - share)) / all));

  /** Settles where stable is known, and returns the route as it is then. */
  async function begin(app: SampleApp, steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>): Promise<GrpcRoute> {
    const { strategy, analysis } = paced(app, 1);
    await scene.deliver(app, { release: `${app.name}-v1`, traffic: { gatewayApi: { grpcRoutes: [{ name: app.name, rule: "primary" }] } }, strategy: { ...strategy, steps }, analysis });
    await scene.reached(app, ({ phase }) => phase === "Healthy");
    const before = newest(app);
    await scene.release(app, `${app.name}-v2`);
    return before;
  }

  it.concurrent("brings a good version to all calls by its shares, and leaves alone the method that has a rule of its own", LIMIT, async () => {
    const crowd = startCrowd(scene, walked, { everybody: {} }, ENOUGH, LIST);
    const writers = startCrowd(scene, walked, { writers: {} }, ENOUGH, WRITE);
    const before = await begin(walked, [{ weight: 50, hold: "4s" }, { pause: {} }, { weight: 100, hold: "4s" }]);
    await scene.reached(walked, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
    const { everybody: [stable, canary] } = await crowd.answered();
    isShare(canary, stable + canary, 0.5);
    await scene.command(walked, { verb: "promote" });
    await scene.reached(walked, ({ run }) => run?.outcome === "Succeeded");
    await settled(walked);
    const [after, written] = await Promise.all([crowd.answered(), writers.answered()]);
    expect([after.everybody[0], written.writers[0]]).toEqual([0, 0]);
    expect(splitsOf(walked)).toEqual(["walked-v1 1", "walked-v1 50, walked-v2 50", "walked-v1 0, walked-v2 100", "walked-v2 1"]);
    expect(newest(walked).spec).toEqual(JSON.parse(JSON.stringify(before.spec).replaceAll("walked-v1", "walked-v2")));
    await Promise.all([crowd.close(), writers.close()]);
  });

  it.concurrent("copies of calls come first, then the calls of testers, and an abort takes both away, to the byte", LIMIT, async () => {
    const crowd = startCrowd(scene, picked, CALLERS, ENOUGH, LIST);
    const before = await begin(picked, [{ mirror: 20, hold: "4s" }, { pause: {} }, { match: [{ headers: [{ name: "x-team", exact: "reviews" }] }], hold: "4s" }, { pause: {} }, { weight: 100, hold: "4s" }]);
    await scene.reached(picked, ({ phase, run }) => phase === "Paused" && run?.step === 1);
    const copies = await copied(picked);
    isShare(copies.shadows, copies.calls, 0.2);
    expect(copies.canary).toBe(0);
    await scene.command(picked, { verb: "promote" });
    await scene.reached(picked, ({ phase, run }) => phase === "Paused" && run?.step === 3);
    const { everybody, testers } = await crowd.answered();
    expect([everybody[1], testers[0]], `${everybody.join("/")}, testers ${testers.join("/")}`).toEqual([0, 0]);
    await scene.command(picked, { verb: "abort" });
    await scene.reached(picked, ({ run }) => run?.outcome === "Aborted");
    await settled(picked);
    expect(asFound(newest(picked))).toBe(asFound(before));
    await crowd.close();
  });

  /** What the next calls come to. */
  async function copied({ name }: SampleApp): Promise<{ readonly calls: number; readonly canary: number; readonly shadows: number }> {
    const services = [`${name}-v1`, `${name}-v2`];
    for (const service of services) scene.mesh.resetRouted(scene.namespace, service);
    const [stable, canary] = services.map((service) => () => Object.values(scene.mesh.routed(scene.namespace, service)).reduce((sum, { requests }) => sum + requests, 0)) as [() => number, () => number];
    await until(() => stable() + canary() >= 2 * ENOUGH, WAIT_MS);
    return { calls: stable() + canary(), canary: canary(), shadows: scene.mesh.shadowed(scene.namespace, `${name}-v2`)["v2"]?.requests ?? 0 };
  }

  it.concurrent("takes back a version whose calls end with INTERNAL, each of them with 200, to the byte", LIMIT, async () => {
    const load = scene.startLoad(bad, 40, {}, LIST);
    scene.samples.turn(bad.name, "v2", { errorRate: 0.6 });
    const before = await begin(bad, [{ weight: 50, hold: "30s" }, { weight: 100, hold: "4s" }]);
    await scene.reached(bad, ({ run }) => run?.outcome === "RolledBack");
    await settled(bad);
    expect(scene.status(bad)).toMatchObject({ phase: "Degraded", reason: "RolledBack", run: { checks: [{ name: "errors", verdict: "Fail" }] } });
    expect(Object.keys(load.counts().answers).toSorted()).toEqual(["v1 200", "v2 200"]);
    expect(asFound(newest(bad))).toBe(asFound(before));
    await load.close();
  });
});
