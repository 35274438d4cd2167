/** Deliveries of two services at once, of which one calls the other: by which versions of both each request is really answered, and a daemon that is killed between the writes of their routes. */
import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createArrivals, type Load } from "../../src/playground/arrivals.ts";
import type { DaemonProcess } from "../../src/playground/daemon-process.ts";
import { ask } from "../../src/playground/load.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { createApiGate, type StopSide } from "../support/api-gate.ts";
import type { ApiObject } from "../support/api-request.ts";
import { anApp, CANARY, paced, PRIMARY, STABLE } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { killedAtRoute } from "../support/route-kills.ts";
import { exchanged, routeLooks, stampIn } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { canaryWeightIn, type Destination } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 240_000 };
const ENOUGH = 200;
const REQUESTS_PER_SECOND = 20;
const SEED = 11;
/** As many as come in two seconds: propagation is one. */
const UNDER_WAY = 2 * REQUESTS_PER_SECOND;

type Steps = NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>;
type Metrics = NonNullable<NonNullable<RolloutSpecInput["analysis"]>["metrics"]>;

/** `front` calls `back`. */
interface Pair {
  readonly front: SampleApp;
  readonly back: SampleApp;
}
const pairOf = (name: string): Pair => ({ front: anApp({ name: `${name}-front`, ladder: [10, 50, 100] }), back: anApp({ name: `${name}-back`, ladder: [10, 50, 100] }) });
const [walked, picked, bad, touched, cut] = [pairOf("walked"), pairOf("picked"), pairOf("bad"), pairOf("touched"), pairOf("cut")] as const;
const PAIRS = [walked, picked, bad, touched, cut];

interface HttpRoute {
  readonly name?: string;
  readonly match?: readonly { readonly sourceLabels?: object }[];
  readonly route: readonly Destination[];
}
const routesIn = ({ spec }: ApiObject): readonly HttpRoute[] => (spec as { readonly http: readonly HttpRoute[] }).http;
const weightIn = (version: ApiObject): number => canaryWeightIn(routesIn(version).find(({ name }) => name === PRIMARY)!.route);
const callersIn = (version: ApiObject): readonly object[] => routesIn(version).flatMap(({ match = [] }) => match.flatMap(({ sourceLabels }) => sourceLabels ?? []));

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  const { newest, asFound, settled } = routeLooks(() => scene);

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, PAIRS.flatMap(({ front, back }) => [front, back]), { calls: Object.fromEntries(PAIRS.map(({ front, back }) => [front.name, back.name])) });
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const begin = ({ front, back }: Pair, steps: Steps, metrics?: Metrics): Promise<void> => {
    const { strategy, analysis } = paced(front, 1);
    const traffic = { istio: { virtualServices: [{ name: front.name, routes: [PRIMARY] }, { name: back.name, routes: [PRIMARY], follow: front.name }] } };
    return scene.deliver(front, { traffic, strategy: { ...strategy, steps }, analysis: { ...analysis, ...(metrics ? { metrics } : {}) } });
  };
  const bothSettled = ({ front, back }: Pair): Promise<unknown> => Promise.all([settled(front), settled(back)]);

  describe("with a daemon", () => {
    let daemon: DaemonProcess;

    beforeAll(async () => {
      daemon = await scene.startDaemon();
    }, WAIT_MS);
    afterAll(() => daemon?.stop()); // the ones that are killed must be alone

    it.concurrent("the new versions call each other alone at every step, all others reach the new one with the last, and both are left as they were", LIMIT, async () => {
      const { front, back } = walked;
      const before = [newest(front), newest(back)];
      const users = startUsers(front);
      const others = scene.startLoad(back, 5);
      await begin(walked, [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
      await scene.reached(front, ({ phase, run }) => phase === "Paused" && run?.weight === 50);
      const { "v1>v1": old = 0, "v2>v2": young = 0, ...crossed } = await users.answered();
      expect([crossed, others.counts().answers[`${CANARY} 200`]]).toEqual([{}, undefined]);
      expect(Math.abs(young / (old + young) - 0.5), `${old}/${young}`).toBeLessThan(6 * Math.sqrt(0.25 / (old + young)));
      expect(callersIn(newest(back))).toEqual([{ app: front.name, version: CANARY }]);
      await scene.command(front, { verb: "promote" });
      await scene.reached(front, ({ run }) => run?.outcome === "Succeeded");
      await bothSettled(walked);
      expect(Object.keys(await users.answered())).toEqual(["v2>v2"]);
      expect(scene.routes.of(back.name).map(weightIn)).toEqual([0, 0, 0, 100, 100]); // the last one takes our route and the stamp away
      expect([newest(front), newest(back)].map(({ spec }) => JSON.stringify(spec))).toEqual(before.map(({ spec }) => exchanged(spec)));
      expect(users.failures()).toBe(0);
      await Promise.all([users.close(), others.close()]);
    });

    it.concurrent("requests that are picked out go to the new version of both", LIMIT, async () => {
      const { front, back } = picked;
      const [testers, users] = [startUsers(front, { "x-beta": "true" }), startUsers(front)];
      await begin(picked, [{ match: [{ headers: [{ name: "x-beta", exact: "true" }] }], hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }], [{ name: "errors", errorRate: { max: "10%", compare: "none" } }]);
      await scene.reached(front, ({ phase, run }) => phase === "Paused" && run?.step === 1);
      expect([Object.keys(await testers.answered()), Object.keys(await users.answered())]).toEqual([["v2>v2"], ["v1>v1"]]);
      await scene.command(front, { verb: "abort" });
      await scene.reached(front, ({ run }) => run?.outcome === "Aborted");
      await bothSettled(picked);
      expect([Object.keys(await testers.answered()), callersIn(newest(back))]).toEqual([["v1>v1"], []]);
      await Promise.all([testers.close(), users.close()]);
    });

    it.concurrent("a version that is bad for whoever calls it is taken back from both, to the byte", LIMIT, async () => {
      const { front, back } = bad;
      const before = [front, back].map((app) => asFound(newest(app)));
      scene.samples.turn(back.name, CANARY, { errorRate: 0.6 });
      const users = startUsers(front);
      await begin(bad, [{ weight: 50, hold: "30s" }, { weight: 100, hold: "5s" }], [{ name: "errors", of: back.name, errorRate: { max: "10%" } }]);
      await scene.reached(front, ({ run }) => run?.outcome === "RolledBack");
      await bothSettled(bad);
      expect([front, back].map((app) => asFound(newest(app)))).toEqual(before);
      expect(scene.status(front)?.message).toMatch(/errors: /);
      await users.close();
    });

    it.concurrent("a hand that takes our route out of the one that follows has taken the new version's traffic, and abort leaves both as they were", LIMIT, async () => {
      const { front, back } = touched;
      const before = [front, back].map((app) => asFound(newest(app)));
      const users = startUsers(front);
      await begin(touched, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
      await scene.reached(front, ({ phase, run }) => phase === "Paused" && run?.step === 1);
      const own = newest(back);
      await api.request("PATCH", `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${back.name}?fieldManager=kubectl-edit`, { spec: { http: routesIn(own).filter((route) => callersIn({ ...own, spec: { http: [route] } }).length === 0) } });
      await scene.reached(front, ({ reason }) => reason === "RouteEditedByHand");
      await scene.command(front, { verb: "abort" });
      await scene.reached(front, ({ run }) => run?.outcome === "Aborted");
      await bothSettled(touched);
      expect([front, back].map((app) => asFound(newest(app)))).toEqual(before);
      await users.close();
    });
  });

  it("a daemon that is killed before and after each write of each of them repairs itself, and no new version ever calls an old one", LIMIT, async () => {
    const { front, back } = cut;
    const gate = await createApiGate(api, "daemon");
    const users = startUsers(front);
    await begin(cut, [{ weight: 10, hold: "5s" }, { weight: 50, hold: "5s" }, { weight: 100, hold: "5s" }]);
    const kills: readonly (readonly [app: SampleApp, side: StopSide])[] = [[back, "after"], [front, "before"], [front, "after"], [back, "before"], [front, "before"], [front, "before"]];
    for (const [app, side] of kills) await killedAtRoute(scene, gate, app.name, side);
    const daemon = await scene.startDaemon({ kubeconfig: gate.kubeconfig });
    await scene.reached(front, ({ run }) => run?.outcome === "Succeeded");
    await bothSettled(cut);
    const ladder = [0, 10, 50, 100];
    for (const app of [front, back]) {
      const seen = scene.routes.of(app.name).map(weightIn);
      expect(seen.every((share, index) => ladder.includes(share) && share >= (seen[index - 1] ?? 0)), `${app.name}: ${seen.join()}`).toBe(true);
    }
    expect([Object.keys(await users.answered()), callersIn(newest(back)), stampIn(newest(back))]).toEqual([["v2>v2"], [], undefined]);
    expect(Object.keys(users.all())).not.toContain(`${CANARY}>${STABLE}`);
    await users.close();
    await daemon.stop();
    await gate.close();
  });

  /** Users of the one that calls the other. */
  function startUsers({ name }: SampleApp, headers: Readonly<Record<string, string>> = {}): Users {
    const agent = new Agent({ keepAlive: true });
    const pairs: Record<string, number> = {};
    const asked = { url: `${scene.mesh.proxyOf("client").url}/`, host: name, headers };
    const send = (): Promise<string> => ask(asked, agent, (answer) => {
      const pair = `${String(answer["x-version"])}>${String(answer["x-called"])}`;
      pairs[pair] = (pairs[pair] ?? 0) + 1;
    });
    return usersOf(createArrivals({ requestsPerSecond: REQUESTS_PER_SECOND, seed: SEED }, send, () => agent.destroy()), pairs);
  }
});

interface Users {
  /** Of requests from now on, but for those under way, how many were answered by which version, and which one that had called: `v1>v2`. */
  answered(): Promise<Readonly<Record<string, number>>>;
  all(): Readonly<Record<string, number>>;
  failures(): number;
  close(): Promise<void>;
}

function usersOf(load: Load, pairs: Readonly<Record<string, number>>): Users {
  const next = async (count: number): Promise<Readonly<Record<string, number>>> => {
    const before = { ...pairs };
    const since = (): readonly (readonly [string, number])[] => Object.entries(pairs).map(([pair, all]) => [pair, all - (before[pair] ?? 0)]);
    await until(() => since().reduce((sum, [, each]) => sum + each, 0) >= count, 200_000);
    return Object.fromEntries(since().filter(([, each]) => each > 0));
  };
  return {
    answered: async () => (await next(UNDER_WAY), next(ENOUGH)),
    all: () => pairs,
    failures: () => Object.entries(load.counts().answers).reduce((sum, [outcome, each]) => (outcome.endsWith(" 200") ? sum : sum + each), 0),
    close: load.close,
  };
}

