/** Deliveries by tcp and tls routes, together and alone: the daemon as in production, and where connections were really led. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { VirtualServiceRef } from "../../src/rollout/spec-traffic.ts";
import type { ApiObject } from "../support/api-request.ts";
import { greet, openConnection, versionsOf } from "../support/connections.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { routeLooks } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { canaryWeightIn, inEachForm, serveVersions, type Destination } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 240_000 };
const ENOUGH = 300;

interface Route {
  readonly route: readonly Destination[];
}
type Spec = Readonly<Record<"http" | "tls" | "tcp", readonly Route[]>>;

const nameOfServer = (name: string): string => `${name}.example`;

/** With routes of connections beside its http routes, each with something of its own. */
function anAppOfConnections(name: string): SampleApp {
  const app = anApp({ name, ladder: [10, 50, 100] });
  const route = ["v1", "v2"].map((subset, index) => ({ destination: { host: name, subset }, weight: index === 0 ? 100 : 0 }));
  const tls = [{ match: [{ port: 443, sniHosts: [nameOfServer(name)] }], route }];
  const tcp = [{ match: [{ port: 3306, sourceLabels: { app: "nobody" } }], route: route.slice(0, 1) }, { match: [{ port: 9000 }], route }];
  return { ...app, virtualService: { ...app.virtualService, tls, tcp } };
}

const walked = inEachForm("walked", anAppOfConnections);
const [judged, touched] = [anAppOfConnections("judged"), anAppOfConnections("touched")];

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  const { newest, asFound, settled } = routeLooks(() => scene);
  let proxy: string;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [...walked.map(({ app }) => app), judged, touched]);
    await serveVersions(api, scene.namespace, walked);
    proxy = scene.mesh.proxyOf("client").url;
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  /** Of v2, by kind of route. */
  const sharesIn = (version: ApiObject): Readonly<Record<string, number>> => {
    const { http, tls, tcp } = version["spec"] as Spec;
    return { http: canaryWeightIn(http[1]!.route), tls: canaryWeightIn(tls[0]!.route), tcp: canaryWeightIn(tcp[1]!.route) };
  };

  async function begin(app: SampleApp, asked: Omit<VirtualServiceRef, "name">, { release = "v2", steps, metrics = [] }: { readonly release?: string; readonly steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>; readonly metrics?: NonNullable<RolloutSpecInput["analysis"]>["metrics"] }): Promise<void> {
    const { strategy, analysis } = paced(app, 1);
    await scene.deliver(app, { release, traffic: { istio: { virtualServices: [{ name: app.name, ...asked }] } }, strategy: { ...strategy, steps }, analysis: { ...analysis, metrics } });
  }

  const toPort = ({ name }: SampleApp, port: number): string => `${name}:${port}`;

  it.concurrent.each(walked)("by $form: tcp and tls routes give the new version the same share at each step, by one write each; what is open stays, and the rest of the route is left alone", LIMIT, async ({ app, versionOf, serviceOf }) => {
    const before = newest(app);
    const open = await openConnection(proxy, toPort(app, 9000));
    expect(await open.version()).toBe("v1");
    await begin(app, { tlsRoutes: [{ port: 443 }], tcpRoutes: [{ port: 9000 }] }, { release: versionOf(app.name, "v2"), steps: [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }] });
    await scene.reached(app, ({ phase }) => phase === "Paused");
    const versions = await versionsOf(proxy, toPort(app, 9000), ENOUGH);
    const share = versions.filter((each) => each === "v2").length / ENOUGH;
    expect(Math.abs(share - 0.5), `${share}`).toBeLessThan(6 * Math.sqrt(0.25 / ENOUGH));
    const counted = (version: string): number => scene.mesh.routed(scene.namespace, serviceOf(app.name, version))[version]?.requests ?? 0;
    const seen = { v1: counted("v1"), v2: counted("v2") };
    await greet(proxy, toPort(app, 443), { serverName: nameOfServer(app.name), count: ENOUGH });
    const greeted = (version: "v1" | "v2"): number => counted(version) - seen[version];
    expect(greeted("v1") + greeted("v2")).toBe(ENOUGH);
    expect(Math.abs(greeted("v2") / ENOUGH - 0.5)).toBeLessThan(6 * Math.sqrt(0.25 / ENOUGH));
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app);
    const shares = scene.routes.of(app.name).map(sharesIn);
    expect(shares.every(({ http, tls, tcp }) => http === 0 && tls === tcp), JSON.stringify(shares)).toBe(true);
    expect(shares).toHaveLength(1 + 4); // three weights, and the stamp taken away
    const swapped = (routes: readonly Route[]): unknown => routes.map((each) => ({ ...each, route: each.route.length > 1 ? each.route.map((one) => ({ ...one, weight: 100 - one.weight! })) : each.route }));
    const { tls, tcp, ...others } = before["spec"] as Spec;
    expect(newest(app)["spec"]).toEqual({ ...others, tls: swapped(tls), tcp: swapped(tcp) });
    expect([await open.version(), ...(await versionsOf(proxy, toPort(app, 9000), 5))]).toEqual(["v1", "v2", "v2", "v2", "v2", "v2"]);
    open.close();
  });

  it.concurrent("a query about connections takes the new version back, to the byte", LIMIT, async () => {
    const before = newest(judged);
    const query = `sum(istio_tcp_connections_opened_total{destination_service_name="${judged.name}",destination_version="v2"})`;
    await begin(judged, { tcpRoutes: [{ port: 9000 }] }, { steps: [{ weight: 50, hold: "60s" }, { weight: 100, hold: "5s" }], metrics: [{ name: "too-many", query, max: 20, failures: 1 }] });
    await scene.reached(judged, ({ run }) => run?.weight === 50 && run.inForceAt !== undefined);
    await until(async () => (await versionsOf(proxy, toPort(judged, 9000), 10), scene.status(judged)?.run?.outcome !== undefined), WAIT_MS);
    expect(scene.status(judged)).toMatchObject({ phase: "Degraded", run: { outcome: "RolledBack", reason: expect.stringContaining("too-many was ") as string } });
    await settled(judged);
    expect(asFound(newest(judged))).toBe(asFound(before));
    expect(new Set(await versionsOf(proxy, toPort(judged, 9000), 5))).toEqual(new Set(["v1"]));
  });

  it.concurrent("together with an http route: a hand that lowers one of them has lowered all, and an abort takes all back", LIMIT, async () => {
    const before = newest(touched);
    const load = scene.startLoad(touched, 20);
    await begin(touched, { routes: ["primary"], tlsRoutes: [{}], tcpRoutes: [{ port: 9000 }] }, { steps: [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }], metrics: [{ name: "errors", errorRate: { max: "10%" } }] });
    await scene.reached(touched, ({ phase, run }) => phase === "Paused" && run?.step === 1);
    expect(sharesIn(newest(touched))).toEqual({ http: 50, tls: 50, tcp: 50 });
    const { tcp } = newest(touched)["spec"] as Spec;
    const lowered = tcp.map((each, index) => (index === 1 ? { ...each, route: each.route.map((one, at) => ({ ...one, weight: [80, 20][at] })) } : each));
    await api.request("PATCH", `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${touched.name}?fieldManager=kubectl-edit`, { spec: { tcp: lowered } });
    await scene.reached(touched, ({ reason, message }) => reason === "RouteEditedByHand" && message.includes("kubectl-edit lowered v2 from 50% to 20%"));
    await until(() => JSON.stringify(sharesIn(newest(touched))) === JSON.stringify({ http: 20, tls: 20, tcp: 20 }), WAIT_MS);
    await scene.command(touched, { verb: "abort" });
    await settled(touched);
    expect(asFound(newest(touched))).toBe(asFound(before));
    await load.close();
  });
});
