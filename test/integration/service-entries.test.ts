/** Deliveries of applications whose hosts are no Services, but those of ServiceEntries that select pods: versions that are subsets of one host, and versions with a host each. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RESOURCES } from "../../src/kubernetes/client.ts";
import { installApps } from "../../src/playground/cluster-objects.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { startCrowd } from "../support/crowds.ts";
import { anApp, CANARY, paced, STABLE } from "../support/deliveries.ts";
import { aServiceEntry } from "../support/istio-objects.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { exchanged, routeLooks } from "../support/route-looks.ts";
import { openScene, type Install, type Scene } from "../support/scene.ts";
import { BY_HOSTS, BY_SUBSETS, inForm, type Destination, type VersionForm } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 300_000 };
const ENOUGH = 200;

interface Entered extends VersionForm {
  readonly app: SampleApp;
  /** Of one host; empty: it has endpoints elsewhere. */
  readonly selectors: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const outside = (name: string): string => `${name}.internal`;

/** In either form, with every host of its routes outside the cluster's own names. */
function entered(name: string, form: VersionForm): Entered {
  const app = inForm(form, anApp({ name, ladder: [20, 50, 100] }));
  const tell = (key: string, value: unknown): unknown => (key === "destination" ? { ...(value as object), host: outside((value as Destination["destination"]).host) } : value);
  const virtualService = { ...(JSON.parse(JSON.stringify(app.virtualService), tell) as SampleApp["virtualService"]), hosts: [outside(name)] };
  const ofVersions = [STABLE, CANARY].map((version) => [form.serviceOf(name, version), { app: name, version }] as const);
  return { ...form, app: { ...app, virtualService }, selectors: form === BY_SUBSETS ? { [name]: { app: name } } : Object.fromEntries(ofVersions) };
}

const good = [entered("entered", BY_SUBSETS), entered("entered-hosts", BY_HOSTS)] as const;
const bad = [entered("spoilt", BY_SUBSETS), entered("spoilt-hosts", BY_HOSTS)] as const;
const late = entered("late", BY_SUBSETS);
const all = [...good, ...bad, late];

/** With ServiceEntries in the place of the Services. */
const installEntered: Install = async (client, namespace, apps, seed) => {
  await installApps(client, namespace, apps, seed);
  for (const { app: { name }, selectors } of all) {
    await client.delete(RESOURCES.services, namespace, name);
    await client.patch(RESOURCES.destinationRules, namespace, name, { type: "merge", body: { spec: { host: outside(name) } } });
    for (const [host, selector] of Object.entries(selectors)) {
      await client.create(RESOURCES.serviceEntries, namespace, aServiceEntry({ name: host, namespace, host: outside(host), selector: name === late.app.name ? null : selector }));
    }
  }
};

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  const { newest, asFound, settled } = routeLooks(() => scene);

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, all.map(({ app }) => app), { install: installEntered });
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const begin = ({ app, versionOf }: Entered, steps: readonly object[]): Promise<void> => {
    const { strategy, analysis } = paced(app, 1);
    return scene.deliver(app, { release: versionOf(app.name, CANARY), strategy: { ...strategy, steps: steps as NonNullable<typeof strategy>["steps"] }, analysis });
  };
  const asking = ({ name }: SampleApp): Readonly<Record<string, string>> => ({ host: outside(name) });

  it.concurrent.each(good.map((each) => [each.form, each] as const))("a good version is delivered, with its share of the requests at each step: %s", LIMIT, async (_, each) => {
    const { app } = each;
    const before = newest(app);
    const crowd = startCrowd(scene, app, { everybody: asking(app) }, ENOUGH);
    await begin(each, [{ weight: 20, hold: "5s" }, { pause: {} }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    for (const weight of [20, 50]) {
      await scene.reached(app, ({ phase, run }) => phase === "Paused" && run?.weight === weight);
      const { everybody: [stable, canary] } = await crowd.answered();
      const share = weight / 100;
      expect(Math.abs(canary / (stable + canary) - share), `${stable}/${canary}`).toBeLessThan(6 * Math.sqrt((share * (1 - share)) / (stable + canary)));
      await scene.command(app, { verb: "promote" });
    }
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app);
    expect((await crowd.answered()).everybody[0]).toBe(0);
    expect(JSON.stringify(newest(app)["spec"])).toBe(exchanged(before["spec"]));
    await crowd.close();
  });

  it.concurrent.each(bad.map((each) => [each.form, each] as const))("a bad one is taken back, to the byte: %s", LIMIT, async (_, each) => {
    const { app } = each;
    const before = newest(app);
    scene.samples.turn(app.name, CANARY, { errorRate: 0.6 });
    const load = scene.startLoad(app, 40, asking(app));
    await begin(each, [{ weight: 50, hold: "30s" }, { weight: 100, hold: "5s" }]);
    await scene.reached(app, ({ run }) => run?.outcome === "RolledBack");
    await settled(app);
    expect(asFound(newest(app))).toBe(asFound(before));
    await load.close();
  });

  it.concurrent("nothing begins while the ServiceEntry selects no pods, and the run goes on once it does", LIMIT, async () => {
    const { app } = late;
    const before = newest(app);
    await begin(late, [{ weight: 50, hold: "5s" }, { weight: 100, hold: "5s" }]);
    await scene.reached(app, ({ message }) => message.includes(`ServiceEntry ${scene.namespace}/${app.name} is for ${outside(app.name)} and has no workloadSelector`));
    expect(asFound(newest(app))).toBe(asFound(before));
    const path = `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/serviceentries/${app.name}`;
    await api.request("PATCH", path, { spec: { endpoints: null, workloadSelector: { labels: { app: app.name } } } });
    const load = scene.startLoad(app, 40, asking(app));
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await load.close();
  });
});
