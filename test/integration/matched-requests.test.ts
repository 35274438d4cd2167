/** Deliveries that begin with requests that are picked out: the daemon as in production, and who is really answered by which version, on both API servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startCrowd } from "../support/crowds.ts";
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
/** Of each kind of user, at each step. */
const ENOUGH = 200;

const TESTERS = [{ headers: [{ name: "x-team", prefix: "re" }] }, { cookies: [{ name: "beta", exact: "yes" }] }];
const KINDS_OF_USERS = {
  everybody: {},
  team: { "x-team": "reviews" },
  beta: { cookie: "theme=dark; beta=yes; seen=1" },
  almost: { "x-team": "sre", cookie: "beta=yesterday; alphabeta=yes" },
} as const;
type Kind = keyof typeof KINDS_OF_USERS;

const byHttpRoute = (name: string): RolloutSpecInput["traffic"] => ({ gatewayApi: { httpRoutes: [{ name, rule: "primary" }] } });
const byVirtualService = (name: string): RolloutSpecInput["traffic"] => ({ istio: { virtualServices: [{ name, routes: ["primary"] }] } });
/** By whom they are routed, what their versions are called, where their routes are, and what a delivery leaves of them. */
const ROUTERS = shortened([
  { router: "HTTPRoute", prefix: "hr", ...BY_HOSTS, traffic: byHttpRoute, left: withNewVersion },
  { router: "VirtualService, hosts", prefix: "vh", ...BY_HOSTS, traffic: byVirtualService, left: exchanged },
  { router: "VirtualService", prefix: "vs", ...BY_SUBSETS, traffic: byVirtualService, left: exchanged },
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

  describe.concurrent.each(ROUTERS)("by $router", ({ router, versionOf, traffic, left }) => {
    const { walked, bad, touched } = APPS[router]!;
    const versionsOf = ({ name }: SampleApp): readonly RouteObject[] => (router === "HTTPRoute" ? httpRoutes : scene.routes).of(name) as unknown as readonly RouteObject[];
    const isOwn = ({ name = "" }: Part): boolean => name.startsWith("weir-match.");
    const partsOf = ({ spec }: RouteObject): readonly Part[] => spec.http ?? spec.rules ?? [];
    const isMatching = (app: SampleApp): boolean => partsOf(versionsOf(app).at(-1)!).some(isOwn);
    const settled = (app: SampleApp): Promise<void> => until(() => versionsOf(app).length > 1 && versionsOf(app).at(-1)!.metadata.annotations?.[EPOCH_ANNOTATION] === undefined, WAIT_MS);
    const asFound = ({ spec, metadata: { annotations } }: RouteObject): string => JSON.stringify([spec, annotations]);

    const crowd = (app: SampleApp, kinds: readonly Kind[]) => startCrowd(scene, app, Object.fromEntries(kinds.map((kind) => [kind, KINDS_OF_USERS[kind]])) as typeof KINDS_OF_USERS, ENOUGH);

    async function begin(app: SampleApp, steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>): Promise<void> {
      const paces = paced(app, 1);
      await scene.deliver(app, { release: versionOf(app.name, "v1"), traffic: traffic(app.name), ...paces, strategy: { ...paces.strategy, steps } });
      await scene.reached(app, ({ phase }) => phase === "Healthy");
    }

    it.concurrent("testers get the new version first, everybody else their share, and the route is as it was", LIMIT, async () => {
      const users = crowd(walked, ["everybody", "team", "beta", "almost"]);
      await begin(walked, [{ match: TESTERS, hold: "5s" }, { pause: {} }, { weight: 50, match: TESTERS, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
      const before = versionsOf(walked).at(-1)!;
      await scene.release(walked, versionOf(walked.name, "v2"));
      await scene.reached(walked, ({ phase, run }) => phase === "Paused" && run?.step === 1);
      const first = await users.answered();
      for (const kind of ["team", "beta"] as const) expect(first[kind][0], `${kind} ${first[kind].join("/")}`).toBe(0);
      for (const kind of ["everybody", "almost"] as const) expect(first[kind][1], `${kind} ${first[kind].join("/")}`).toBe(0);
      expect(scene.statuses(walked).map(({ run }) => run?.checks[0])).toContainEqual(expect.objectContaining({ verdict: "Pass", limit: "at most 10%" }));
      await scene.command(walked, { verb: "promote" });
      await scene.reached(walked, ({ phase, run }) => phase === "Paused" && run?.step === 3);
      const second = await users.answered();
      for (const kind of ["team", "beta"] as const) expect(second[kind][0], `${kind} ${second[kind].join("/")}`).toBe(0);
      for (const kind of ["everybody", "almost"] as const) {
        const [v1, v2] = second[kind];
        expect(Math.abs(v2 / (v1 + v2) - 0.5), `${kind} ${v1}/${v2}`).toBeLessThan(6 * Math.sqrt(0.25 / (v1 + v2)));
      }
      await scene.command(walked, { verb: "promote" });
      await scene.reached(walked, ({ run }) => run?.outcome !== undefined);
      await settled(walked);
      expect(scene.status(walked)).toMatchObject({ phase: "Healthy", reason: "Succeeded", run: { outcome: "Succeeded", peak: 100 } });
      expect(scene.status(walked)!.run).not.toHaveProperty("matched");
      expect(versionsOf(walked).filter((version) => partsOf(version).some(isOwn)).length).toBeGreaterThan(0);
      const last = versionsOf(walked).at(-1)!;
      expect(router === "HTTPRoute" ? last.spec : JSON.stringify(last.spec)).toEqual(left(before.spec));
      expect(last.metadata.annotations).toEqual(before.metadata.annotations);
      await users.close();
    });

    it.concurrent("a bad version is taken back by what testers met, and nobody else has met it", LIMIT, async () => {
      const users = crowd(bad, ["everybody", "team"]);
      scene.samples.turn(bad.name, "v2", { errorRate: 0.6 });
      await begin(bad, [{ match: TESTERS, hold: "30s" }, { weight: 100, hold: "5s" }]);
      const before = versionsOf(bad).at(-1)!;
      await scene.release(bad, versionOf(bad.name, "v2"));
      await scene.reached(bad, ({ run }) => run?.outcome !== undefined);
      await settled(bad);
      expect(scene.status(bad)).toMatchObject({ phase: "Degraded", reason: "RolledBack", run: { outcome: "RolledBack", peak: 0 } });
      expect(scene.statuses(bad).some(({ run }: RolloutStatus) => (run?.evidence?.[0]?.canary.bad[0] ?? 0) > 0)).toBe(true);
      expect(asFound(versionsOf(bad).at(-1)!)).toBe(asFound(before));
      const [, v2] = (await users.answered()).everybody;
      expect(v2).toBe(0);
      await users.close();
    });

    it.concurrent("a hand that takes the matched requests away is obeyed, and asked about", LIMIT, async () => {
      const users = crowd(touched, ["team"]);
      await begin(touched, [{ match: TESTERS, hold: "200s" }, { weight: 100, hold: "5s" }]);
      await scene.release(touched, versionOf(touched.name, "v2"));
      await scene.reached(touched, ({ run }) => run?.matched !== undefined && run.inForceAt !== undefined);
      const { spec } = versionsOf(touched).at(-1)!;
      const path = router === "HTTPRoute" ? `${httpRoutesIn(scene.namespace)}/${touched.name}` : `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${touched.name}`;
      const left = spec.http ? { http: spec.http.filter((part) => !isOwn(part)) } : { rules: spec.rules!.filter((part) => !isOwn(part)) };
      await api.request("PATCH", `${path}?fieldManager=kubectl-edit`, { spec: left });
      await scene.reached(touched, ({ phase, reason, message }) => phase === "Paused" && reason === "RouteEditedByHand" && message.startsWith("kubectl-edit took the matched requests away from"));
      await until(async () => (await users.answered()).team[1] === 0, WAIT_MS); // the mesh hears of the route by a watch of its own
      await scene.command(touched, { verb: "resume" });
      await until(() => isMatching(touched), WAIT_MS);
      await scene.command(touched, { verb: "abort" });
      await scene.reached(touched, ({ run }) => run?.outcome === "Aborted");
      await settled(touched);
      expect(isMatching(touched)).toBe(false);
      await users.close();
    });
  });
});
