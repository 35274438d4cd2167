/** Deliveries that begin with shadows: the daemon as in production, and where requests and their copies really went. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Load } from "../../src/playground/arrivals.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { httpRoutesIn, routeByGateway, withNewVersion } from "../support/gateway-route.ts";
import { followHistory, type History } from "../support/history.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { exchanged } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { BY_HOSTS, BY_SUBSETS, createVersionServices, inForm } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 400_000 };
const WAIT_MS = 200_000;
/** Requests, at each step. */
const ENOUGH = 600;

const byVirtualService = {
  traffic: (name: string): RolloutSpecInput["traffic"] => ({ istio: { virtualServices: [{ name, routes: ["primary"] }] } }),
  mirrorIn: ({ mirror, mirrorPercentage }: Part) => mirror && `${mirror.subset ?? mirror.host} ${mirrorPercentage?.value}`,
  withMirror: ({ mirror, mirrorPercentage: _, ...part }: Part, percent?: number): Part => ({ ...part, ...(percent === undefined ? {} : { mirror, mirrorPercentage: { value: percent } }) }),
  left: exchanged,
};
/** By whom they are routed, what their versions and the Services behind them are called, where a mirror stands in the managed part of the route, and what a delivery leaves of it. */
const ROUTERS = shortened([
  {
    router: "HTTPRoute", prefix: "hr", ...BY_HOSTS,
    traffic: (name: string): RolloutSpecInput["traffic"] => ({ gatewayApi: { httpRoutes: [{ name, rule: "primary" }] } }),
    mirrorIn: ({ filters = [] }: Part) => filters.map(({ requestMirror }) => `${requestMirror!.backendRef.name} ${requestMirror!.percent}`)[0],
    withMirror: ({ filters = [], ...part }: Part, percent?: number): Part => ({ ...part, ...(percent === undefined ? {} : { filters: filters.map((each) => ({ ...each, requestMirror: { ...each.requestMirror!, percent } })) }) }),
    left: withNewVersion,
  },
  { router: "VirtualService, hosts", prefix: "vh", ...BY_HOSTS, ...byVirtualService },
  { router: "VirtualService", prefix: "vs", ...BY_SUBSETS, ...byVirtualService },
]);
const APPS = Object.fromEntries(ROUTERS.map(({ router, prefix, ...form }) => {
  const named = (name: string): SampleApp => inForm(form, anApp({ name: `${prefix}-${name}`, ladder: [50, 100] }));
  return [router, { walked: named("walked"), bad: named("bad"), touched: named("touched") }];
}));

interface RouteObject extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly http?: readonly Part[]; readonly rules?: readonly Part[] };
}

interface Part {
  readonly name?: string;
  readonly mirror?: { readonly host: string; readonly subset?: string };
  readonly mirrorPercentage?: { readonly value: number };
  readonly filters?: readonly { readonly requestMirror?: { readonly backendRef: { readonly name: string }; readonly percent?: number } }[];
}

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  let httpRoutes: History;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, Object.values(APPS).flatMap((apps) => Object.values(apps)));
    for (const { name } of Object.values(APPS["HTTPRoute"] ?? {})) await routeByGateway(api, scene.namespace, name);
    for (const { name } of Object.values(APPS["VirtualService, hosts"] ?? {})) await createVersionServices(api, scene.namespace, name);
    httpRoutes = await followHistory(api.address, httpRoutesIn(scene.namespace));
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await httpRoutes?.close();
    await scene?.close();
    await api?.close();
  });

  describe.concurrent.each(ROUTERS)("by $router", ({ router, versionOf, serviceOf, traffic, mirrorIn, withMirror, left }) => {
    const { walked, bad, touched } = APPS[router]!;
    const versionsOf = ({ name }: SampleApp): readonly RouteObject[] => (router === "HTTPRoute" ? httpRoutes : scene.routes).of(name) as unknown as readonly RouteObject[];
    const partsOf = ({ spec }: RouteObject): readonly Part[] => spec.http ?? spec.rules ?? [];
    const mirrorOf = (route: RouteObject): string | undefined => partsOf(route).map(mirrorIn).find((each) => each !== undefined);
    const mirrorNow = (app: SampleApp): string | undefined => mirrorOf(versionsOf(app).at(-1)!);
    const mirrorAt = ({ name }: SampleApp, percent: number): string => `${versionOf(name, "v2")} ${percent}`;
    const settled = (app: SampleApp): Promise<void> => until(() => versionsOf(app).length > 1 && versionsOf(app).at(-1)!.metadata.annotations?.[EPOCH_ANNOTATION] === undefined, WAIT_MS);
    const asFound = ({ spec, metadata: { annotations } }: RouteObject): string => JSON.stringify([spec, annotations]);

    /** What the next requests come to: answered by each version, and copied. */
    async function counted({ name }: SampleApp): Promise<{ readonly v1: number; readonly v2: number; readonly shadows: number }> {
      const services = [...new Set(["v1", "v2"].map((version) => serviceOf(name, version)))];
      for (const service of services) scene.mesh.resetRouted(scene.namespace, service);
      const answeredBy = (version: string): number => scene.mesh.routed(scene.namespace, serviceOf(name, version))[version]?.requests ?? 0;
      await until(() => answeredBy("v1") + answeredBy("v2") >= ENOUGH, WAIT_MS);
      const shadowed = services.map((service) => scene.mesh.shadowed(scene.namespace, service));
      expect(shadowed.flatMap((counts) => Object.keys(counts)).filter((version) => version !== "v2")).toEqual([]);
      return { v1: answeredBy("v1"), v2: answeredBy("v2"), shadows: shadowed.reduce((sum, { v2 }) => sum + (v2?.requests ?? 0), 0) };
    }

    const isShare = (part: number, all: number, share: number, what: string): void => expect(Math.abs(part / all - share), `${what} ${part}/${all}`).toBeLessThan(6 * Math.sqrt((share * (1 - share)) / all));
    const answersOf = (load: Load): readonly string[] => Object.keys(load.counts().answers);

    async function begin(app: SampleApp, steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>): Promise<void> {
      const paces = paced(app, 1);
      await scene.deliver(app, { release: versionOf(app.name, "v1"), traffic: traffic(app.name), ...paces, strategy: { ...paces.strategy, steps } });
      await scene.reached(app, ({ phase }) => phase === "Healthy");
    }

    it.concurrent("copies come first, which answer nobody, then shares without copies, and the route is as it was", LIMIT, async () => {
      const load = scene.startLoad(walked, 40);
      await begin(walked, [{ mirror: 20, hold: "5s" }, { pause: {} }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
      const before = versionsOf(walked).at(-1)!;
      await scene.release(walked, versionOf(walked.name, "v2"));
      await scene.reached(walked, ({ phase, run }) => phase === "Paused" && run?.step === 1);
      const first = await counted(walked);
      expect(first.v2).toBe(0);
      isShare(first.shadows, first.v1, 0.2, "copied");
      expect(answersOf(load)).toEqual(["v1 200"]);
      expect(scene.statuses(walked).map(({ run }) => run?.checks[0])).toContainEqual(expect.objectContaining({ verdict: "Pass", limit: "at most 10%" }));
      expect(mirrorNow(walked)).toBe(mirrorAt(walked, 20));
      await scene.command(walked, { verb: "promote" });
      await scene.reached(walked, ({ phase, run }) => phase === "Paused" && run?.step === 3);
      const second = await counted(walked);
      expect(second.shadows).toBe(0);
      isShare(second.v2, second.v1 + second.v2, 0.5, "shared");
      expect(mirrorNow(walked)).toBeUndefined();
      await scene.command(walked, { verb: "promote" });
      await scene.reached(walked, ({ run }) => run?.outcome !== undefined);
      await settled(walked);
      expect(scene.status(walked)).toMatchObject({ phase: "Healthy", reason: "Succeeded", run: { outcome: "Succeeded", peak: 100 } });
      const last = versionsOf(walked).at(-1)!;
      expect(router === "HTTPRoute" ? last.spec : JSON.stringify(last.spec)).toEqual(left(before.spec));
      expect(last.metadata.annotations).toEqual(before.metadata.annotations);
      await load.close();
    });

    it.concurrent("a bad version is taken back by what its shadows met, and no user has met it", LIMIT, async () => {
      const load = scene.startLoad(bad, 20);
      scene.samples.turn(bad.name, "v2", { errorRate: 0.6 });
      await begin(bad, [{ mirror: 50, hold: "60s" }, { weight: 100, hold: "5s" }]);
      const before = versionsOf(bad).at(-1)!;
      await scene.release(bad, versionOf(bad.name, "v2"));
      await scene.reached(bad, ({ run }) => run?.outcome !== undefined);
      await settled(bad);
      expect(scene.status(bad)).toMatchObject({ phase: "Degraded", reason: "RolledBack", run: { outcome: "RolledBack", peak: 0 } });
      expect(scene.statuses(bad).some(({ run }: RolloutStatus) => (run?.evidence?.[0]?.canary.bad[0] ?? 0) > 0)).toBe(true);
      expect(asFound(versionsOf(bad).at(-1)!)).toBe(asFound(before));
      const after = await counted(bad);
      expect(after).toMatchObject({ v2: 0, shadows: 0 });
      expect(answersOf(load)).toEqual(["v1 200"]);
      await load.close();
    });

    it.concurrent("a hand that takes the mirror away is obeyed and asked about, one that turns it up finds it put right, and abort takes it away at once", LIMIT, async () => {
      const load = scene.startLoad(touched, 10);
      await begin(touched, [{ mirror: 20, hold: "200s" }, { weight: 100, hold: "5s" }]);
      const before = versionsOf(touched).at(-1)!;
      await scene.release(touched, versionOf(touched.name, "v2"));
      const path = router === "HTTPRoute" ? `${httpRoutesIn(scene.namespace)}/${touched.name}` : `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${touched.name}`;
      const edit = async (percent?: number): Promise<void> => {
        const { spec } = versionsOf(touched).at(-1)!;
        const parts = partsOf(versionsOf(touched).at(-1)!).map((part) => (mirrorIn(part) === undefined ? part : withMirror(part, percent)));
        await api.request("PATCH", `${path}?fieldManager=kubectl-edit`, { spec: spec.http ? { http: parts } : { rules: parts } });
      };
      const isInForce = ({ run }: RolloutStatus): boolean => run?.mirrored === 20 && run.inForceAt !== undefined && Date.parse(run.inForceAt) < Date.now();
      await scene.reached(touched, isInForce);
      await edit(90);
      await until(() => versionsOf(touched).some((one) => mirrorOf(one) === mirrorAt(touched, 90)) && mirrorNow(touched) === mirrorAt(touched, 20), WAIT_MS);
      await scene.reached(touched, isInForce);
      await edit();
      await scene.reached(touched, ({ phase, reason, message }) => phase === "Paused" && reason === "RouteEditedByHand" && message.startsWith("kubectl-edit took the shadows of requests away from"));
      expect(mirrorNow(touched)).toBeUndefined();
      await scene.command(touched, { verb: "resume" });
      await until(() => mirrorNow(touched) === mirrorAt(touched, 20), WAIT_MS);
      await scene.command(touched, { verb: "abort" });
      await scene.reached(touched, ({ run }) => run?.outcome === "Aborted");
      await settled(touched);
      expect(asFound(versionsOf(touched).at(-1)!)).toBe(asFound(before));
      expect(answersOf(load)).toEqual(["v1 200"]);
      await load.close();
    });
  });
});
