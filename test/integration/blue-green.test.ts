/** Deliveries that show the new version at a host of its own, and then switch at once: the daemon as in production, and who is really answered by which version, on both API servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import { type Crowd, startCrowd } from "../support/crowds.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { exchanged } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { inEachForm, serveVersions } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 400_000 };
const WAIT_MS = 200_000;
/** Requests of each kind of user, at each step. */
const ENOUGH = 200;

const hostOf = (name: string): string => `preview.${name}.example`;
const anAppAt = (name: string, ...hosts: readonly string[]): SampleApp => {
  const app = anApp({ name, ladder: [100] });
  return { ...app, virtualService: { ...app.virtualService, hosts: [name, ...hosts] } };
};
const APPS = { bad: anAppAt("bad", hostOf("bad")), plain: anAppAt("plain") };
const promoted = inEachForm("promoted", anAppAt);
const delivered = inEachForm("delivered", (name) => anAppAt(name, `*.${name}.example`));
type User = "everybody" | "preview" | "port";

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;

  beforeAll(async () => {
    api = await open();
    const inForms = [...promoted, ...delivered];
    scene = await openScene(api, [...Object.values(APPS), ...inForms.map(({ app }) => app)]);
    await serveVersions(api, scene.namespace, inForms);
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const partsOf = (app: SampleApp): readonly unknown[] => [scene.routes.of(app.name).at(-1)!["spec"], scene.routes.of(app.name).at(-1)!.metadata["annotations"]];
  const routeOf = (app: SampleApp): string => JSON.stringify(partsOf(app));
  const settled = (app: SampleApp): Promise<void> => until(() => !routeOf(app).includes(EPOCH_ANNOTATION), WAIT_MS);
  const crowd = (app: SampleApp): Crowd<User> => startCrowd(scene, app, { everybody: {}, preview: { host: hostOf(app.name) }, port: { host: `${hostOf(app.name)}:9080` } }, ENOUGH);

  async function begin(app: SampleApp, blueGreen: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["blueGreen"]>, release = "v1"): Promise<void> {
    const { strategy, analysis } = paced(app, 1);
    const { steps: _, ...rest } = strategy!;
    await scene.deliver(app, { release, analysis, strategy: { ...rest, blueGreen: { hold: "5s", ...blueGreen } } });
    await scene.reached(app, ({ phase }) => phase === "Healthy");
  }

  const expectAll = (answered: Readonly<Record<User, readonly [number, number]>>, of: Readonly<Partial<Record<User, 0 | 1>>>): void => {
    for (const [user, version] of Object.entries(of)) expect(answered[user as User][1 - version], `${user} ${answered[user as User].join("/")}`).toBe(0);
  };
  const isShown = ({ phase, reason, run }: RolloutStatus): boolean => phase === "Paused" && reason === "Step" && run?.previewed !== undefined && run.inForceAt !== undefined && Date.parse(run.inForceAt) < Date.now();
  const isSwitched = ({ run }: RolloutStatus): boolean => run?.keptSince !== undefined;

  it.concurrent.each(promoted)("by $form: whoever asks for the preview's host meets the new version first, then everybody, and an abort takes all of it back at once", LIMIT, async ({ app, versionOf }) => {
    await begin(app, { preview: hostOf(app.name), keepOld: "10m" }, versionOf(app.name, "v1"));
    await scene.release(app, versionOf(app.name, "v2"));
    await scene.reached(app, ({ message }) => message.endsWith(`add - ${hostOf(app.name)} to spec.hosts of VirtualService ${scene.namespace}/${app.name}`));
    await api.request("PATCH", `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${app.name}?fieldManager=kubectl-edit`, { spec: { hosts: [app.name, hostOf(app.name)] } });
    await until(() => routeOf(app).includes(hostOf(app.name)), WAIT_MS);
    await scene.reached(app, isShown);
    const users = crowd(app);
    expectAll(await users.answered(), { everybody: 0, preview: 1, port: 1 });
    expect(scene.status(app)!.message).toContain(`waits previewed at ${hostOf(app.name)} until somebody says promote`);
    await scene.reached(app, ({ phase, run }) => phase === "Paused" && (run?.checks[0]?.passes ?? 0) > 1 && run?.checks[0]?.limit === "at most 10%");
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, isSwitched);
    expectAll(await users.answered(), { everybody: 1, preview: 1, port: 1 });
    expect(scene.status(app)).toMatchObject({ phase: "Progressing", reason: "Holding", weight: "100%", stable: { version: versionOf(app.name, "v1") } });
    await scene.command(app, { verb: "abort" });
    await scene.reached(app, ({ run }) => run?.outcome === "Aborted");
    await settled(app);
    expectAll(await users.answered(), { everybody: 0, preview: 0, port: 0 });
    const [found] = scene.routes.of(app.name).filter(({ spec }) => JSON.stringify(spec).includes(hostOf(app.name)));
    expect(routeOf(app)).toBe(JSON.stringify([found!["spec"], found!.metadata["annotations"]]));
    await users.close();
  });

  it.concurrent("a bad version is taken back by what its preview met, and nobody else has met it", LIMIT, async () => {
    const app = APPS.bad;
    scene.samples.turn(app.name, "v2", { errorRate: 0.6 });
    await begin(app, { preview: hostOf(app.name), autoPromote: "60s" });
    const [before, users] = [routeOf(app), crowd(app)];
    await scene.release(app, "v2");
    await scene.reached(app, ({ run }) => run?.outcome !== undefined);
    await settled(app);
    expect(scene.status(app)).toMatchObject({ phase: "Degraded", reason: "RolledBack", run: { outcome: "RolledBack", peak: 0 } });
    expect(routeOf(app)).toBe(before);
    expectAll(await users.answered(), { everybody: 0, preview: 0 });
    await users.close();
  });

  it.concurrent.each(delivered)("by $form: a good version is promoted by itself, and the run ends once the old one has been kept long enough", LIMIT, async ({ app, versionOf }) => {
    await begin(app, { preview: hostOf(app.name), autoPromote: "6s", keepOld: "6s" }, versionOf(app.name, "v1"));
    const [before, users] = [partsOf(app), crowd(app)];
    await scene.release(app, versionOf(app.name, "v2"));
    await scene.reached(app, ({ run }) => run?.outcome !== undefined);
    await settled(app);
    const { phase, run } = scene.status(app)!;
    expect({ phase, outcome: run?.outcome }).toEqual({ phase: "Healthy", outcome: "Succeeded" });
    expect(Date.parse(run!.endedAt!) - Date.parse(run!.keptSince!)).toBeGreaterThanOrEqual(6_000);
    expectAll(await users.answered(), { everybody: 1, preview: 1 });
    expect(routeOf(app)).toBe(exchanged(before));
    await users.close();
  });

  it.concurrent("without a preview all of it is switched by one write, and a second promote ends the run before the old version has had its time", LIMIT, async () => {
    const app = APPS.plain;
    await begin(app, { keepOld: "10m" });
    await scene.release(app, "v2");
    await scene.reached(app, ({ phase, reason }) => phase === "Paused" && reason === "Step");
    const users = startCrowd(scene, app, { everybody: {} }, ENOUGH);
    expect((await users.answered()).everybody[1]).toBe(0);
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, isSwitched);
    expect((await users.answered()).everybody[0]).toBe(0);
    expect(scene.route(app).shares()).toEqual([0, 100]);
    await scene.command(app, { verb: "promote" });
    await scene.reached(app, ({ phase, run }) => phase === "Healthy" && run?.outcome === "Succeeded");
    expect(scene.status(app)!.stable).toMatchObject({ version: "v2" });
    await users.close();
  });
});
