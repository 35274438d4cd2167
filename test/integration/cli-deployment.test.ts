/** The command line and a Deployment: restarting it, following it, breaking the glass in mid-run, and letting go of all of it without a daemon, on both API servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { ApiObject } from "../support/api-request.ts";
import { paced } from "../support/deliveries.ts";
import { aHeldApp, controlledApis, heldSpec, installHeldApps } from "../support/held.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { weir, type Said } from "../support/weir.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 300_000 };
const WAIT_MS = 150_000;

const APP = aHeldApp("reviews", [50, 100]);

interface Deployment extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly paused?: boolean; readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } } };
}

describe.each(shortened(controlledApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  let daemon: DaemonProcess;

  const say = (line: string): Promise<Said> => weir(line.split(" "), { kubeconfig: api.kubeconfigFor("admin"), namespace: scene.namespace });
  const path = (group: string, plural: string, name = ""): string => `/apis/${group}/namespaces/${scene.namespace}/${plural}${name && `/${name}`}`;
  const deployment = (): Promise<Deployment> => api.request("GET", path("apps/v1", "deployments", APP.name));
  const namesOf = async (group: string, plural: string): Promise<readonly string[]> => (await api.request<{ items: readonly ApiObject[] }>("GET", path(group, plural))).items.map(({ metadata }) => metadata.name);
  const splitOf = async ({ name }: SampleApp): Promise<unknown> => {
    const { spec } = await api.request<ApiObject & { spec: { http: readonly { route: readonly { destination: { subset?: string }; weight?: number }[] }[] } }>("GET", path("networking.istio.io/v1", "virtualservices", name));
    return Object.fromEntries(spec.http[0]!.route.map(({ destination, weight }) => [destination.subset ?? "all", weight ?? "-"]));
  };
  const finalizers = async (): Promise<readonly string[]> => (await api.request<ApiObject & { metadata: { finalizers?: readonly string[] } }>("GET", path("weir.dev/v1alpha1", "rollouts", APP.name))).metadata.finalizers ?? [];

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [APP], { install: installHeldApps });
    daemon = await scene.startDaemon();
    const { strategy, ...rest } = paced(APP, 1);
    await scene.deliver(APP, { ...heldSpec(APP), ...rest, strategy: { ...strategy, steps: [{ weight: 50, hold: "5m" }, { weight: 100, hold: "5m" }] } });
    await scene.reached(APP, ({ phase }) => phase === "Healthy");
    await scene.served(APP);
    if (api.name === "embedded") await until(async () => (await deployment()).spec.paused === true, WAIT_MS); // its API server holds no template by itself
    scene.startLoad(APP, 10);
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  it("release is refused, and says what to do", async () => {
    expect(await say("release reviews v9")).toMatchObject({ exitCode: 2, out: "", err: expect.stringContaining("kubectl set image deployment/reviews '*=IMAGE:v9'") });
  });

  it("restart begins a run that stands at its first weight", LIMIT, async () => {
    expect(await say("restart reviews")).toMatchObject({ exitCode: 0, out: expect.stringContaining("a run of it starts") });
    await scene.reached(APP, ({ run }) => run?.weight === 50 && run.inForceAt !== undefined);
    expect((await deployment()).spec.template.metadata.annotations).toHaveProperty(["kubectl.kubernetes.io/restartedAt"]);
    expect(await say("restart reviews")).toMatchObject({ exitCode: 7, err: expect.stringContaining("goes on") });
    expect(await splitOf(APP)).toEqual({ "weir-stable": 50, "weir-canary": 50 });
    for (const line of ["get reviews", "explain reviews"]) expect((await say(line)).out).toMatch(/Deployment .*reviews/);
    if (process.env["WEIR_SHOW"]) for (const line of ["get reviews", "get -o wide", "explain reviews", "doctor reviews"]) console.log((await say(line)).out);
  });

  it("doctor says what holding costs here, what its template reads by name, and what nobody needs any more", LIMIT, async () => {
    await api.request("POST", path("apps/v1", "deployments"), { metadata: { name: "old-canary-1", labels: { "weir.dev/rollout": "gone" } }, spec: { replicas: 0, selector: { matchLabels: { app: "old" } }, template: { metadata: { labels: { app: "old" } }, spec: { containers: [{ name: "app", image: "registry.example/old:v1", envFrom: [{ configMapRef: { name: "settings" } }] }] } } } });
    const { out } = await say("doctor reviews");
    expect(out).toMatch(api.name === "embedded" ? /· hold +the API server does not know MutatingAdmissionPolicy v1/ : /✔ hold +the API server holds a new pod template by itself/);
    expect(out).toMatch(/✖ \S+\/gone +Deployment \S+\/old-canary-1 was made for a run of Rollout gone, which is gone/);
    expect(out).toMatch(/✔ \S+\/reviews /);
    await api.request("DELETE", path("apps/v1", "deployments", "old-canary-1"));
  });

  it("abort --force takes the traffic back without the daemon, and leaves the canary to it", LIMIT, async () => {
    await daemon.stop();
    expect(await say("abort reviews --force --timeout 1s")).toMatchObject({ exitCode: 0, err: "", out: expect.stringMatching(/all traffic is with v1-.*the canary of Deployment reviews goes when the daemon is back/) });
    expect(await splitOf(APP)).toEqual({ "weir-stable": 100 });
    expect((await namesOf("apps/v1", "deployments")).filter((name) => name.includes("canary"))).toHaveLength(1);
    expect(await finalizers()).toContain("weir.dev/traffic");
    if (process.env["WEIR_SHOW"]) for (const line of ["get reviews", "explain reviews"]) console.log((await say(line)).out);
  });

  it("uninstall takes canary and rule away, gives the route back, and holds nothing any more", LIMIT, async () => {
    if (api.name === "real") expect(await say("uninstall --yes"), "whoever leaves the policy to the rest of the cluster").toMatchObject({ exitCode: 7, err: expect.stringContaining(`kubectl delete weir/reviews -n ${scene.namespace} --wait=false`) });
    const { out, err, exitCode } = await weir(["uninstall", "--yes", "--timeout", "2m"], { kubeconfig: api.kubeconfigFor("admin") });
    expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
    expect(out.indexOf("weir-hold")).toBeLessThan(out.indexOf("kubectl delete crd"));
    expect(out).toContain("stays paused, since its template");
    expect(await splitOf(APP)).toEqual({ all: "-" });
    expect(await namesOf("apps/v1", "deployments")).toEqual(["reviews"]);
    expect(await namesOf("networking.istio.io/v1", "destinationrules")).toEqual([]);
    expect(await finalizers()).toEqual([]);
    expect((await deployment()).metadata.annotations ?? {}).not.toHaveProperty(["weir.dev/held-by"]);
  });
});
