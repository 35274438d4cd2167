/** Deliveries with session affinity: the daemon as in production, and which version really answers each of a thousand users with a cookie jar. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { anApp, paced } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { exchanged } from "../support/route-looks.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { createUsers, type Answers, type Users } from "../support/users.ts";
import { inEachForm, serveVersions } from "../support/version-forms.ts";
import { shortened } from "../support/whole-run.ts";

const WAIT_MS = 90_000;
const LIMIT = { timeout: 420_000 };
const USERS = 1_000;
const NEWCOMERS = 400;
const REQUESTS_EACH = 10;
/** Where it is not about how many there are. */
const SOME = 400;
/** By chance further off once in some millions of times. */
const SIGMAS = 5;

const walked = inEachForm("walked", (name) => anApp({ name, ladder: [10, 30, 60, 100] }));
const aborted = anApp({ name: "aborted", ladder: [50, 100] });
const touched = anApp({ name: "touched", ladder: [50, 100] });

type Http = readonly { readonly name?: string }[];

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [...walked.map(({ app }) => app), aborted, touched]);
    await serveVersions(api, scene.namespace, walked);
    await scene.startDaemon();
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  const newest = ({ name }: SampleApp): ApiObject => scene.routes.of(name).at(-1)!;
  const httpOf = (version: ApiObject): Http => (version["spec"] as { readonly http: Http }).http;
  const ownIn = (version: ApiObject): readonly string[] => httpOf(version).flatMap(({ name = "" }) => (name.startsWith("weir-session.") ? [name.split(".").at(-1)!] : []));
  const stampOf = ({ metadata }: ApiObject): string | undefined => (metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations?.[EPOCH_ANNOTATION];
  const asFound = (version: ApiObject): string => JSON.stringify([version["spec"], (version.metadata as { readonly annotations?: object }).annotations]);
  const settled = (app: SampleApp): Promise<void> => until(() => stampOf(newest(app)) === undefined, WAIT_MS);
  const usersOf = ({ name }: SampleApp): Users => createUsers({ url: scene.mesh.proxyOf("client").url, host: name });

  async function newcomersCookie(app: SampleApp): Promise<string> {
    const users = usersOf(app);
    await users.ask(1, 1);
    users.close();
    return users.jar(0).get("side") ?? "";
  }

  async function begin(app: SampleApp, steps: NonNullable<NonNullable<RolloutSpecInput["strategy"]>["steps"]>, release = "v2"): Promise<void> {
    const paces = paced(app, 1);
    await scene.deliver(app, { release, ...paces, strategy: { ...paces.strategy, steps, sessionAffinity: { cookieName: "side", httpOnly: false } } });
  }

  /** The users who are answered by v2; fails where one was answered by two versions, or by none. */
  function onCanary(all: readonly Answers[]): ReadonlySet<number> {
    const flipped = all.flatMap((answers, user) => (new Set(answers).size === 1 && /^v[12]$/.test(answers[0]!) ? [] : [`user ${user}: ${answers.join(" ")}`]));
    expect(flipped).toEqual([]);
    return new Set(all.flatMap((answers, user) => (answers[0] === "v2" ? [user] : [])));
  }

  /** Within what chance allows, of so many who drew. */
  function expectShare(label: string, got: number, of: number, share: number): void {
    const said = `${label}: ${got} of ${of}, expected ${(100 * share).toFixed(1)}% (mesh seed 7)`;
    console.info(said);
    expect(Math.abs(got / of - share), said).toBeLessThan(SIGMAS * Math.sqrt((share * (1 - share)) / of));
  }

  it.concurrent.each(walked)("by $form: stay with the version that answered them, and at each step as many of them are on the new one as it says", LIMIT, async ({ app, versionOf }) => {
    const before = newest(app);
    const [load, users] = [scene.startLoad(app, 20), usersOf(app)];
    const hold = "5s";
    await begin(app, [{ weight: 10, hold }, { pause: {} }, { weight: 30, hold }, { pause: {} }, { weight: 60, hold }, { pause: {} }, { weight: 100, hold }], versionOf(app.name, "v2"));
    let [earlier, count, from]: [ReadonlySet<number>, number, number] = [new Set(), USERS, 0];
    for (const [index, to] of [0.1, 0.3, 0.6].entries()) {
      await scene.reached(app, ({ phase, run }) => phase === "Paused" && run?.step === 2 * index + 1);
      if (index === 1) count += NEWCOMERS;
      const now = onCanary(await users.ask(count, REQUESTS_EACH));
      expect([...earlier].filter((user) => !now.has(user)), "went back").toEqual([]);
      expectShare(`at ${100 * to}% all users`, now.size, count, to);
      const before = index === 1 ? USERS : count;
      const [drew, went] = [before - earlier.size, [...now].filter((user) => user < before && !earlier.has(user)).length];
      expectShare(`at ${100 * to}% who had drawn stable`, went, drew, (to - from) / (1 - from));
      if (index === 1) expectShare(`at ${100 * to}% newcomers`, [...now].filter((user) => user >= USERS).length, NEWCOMERS, to);
      [earlier, from] = [now, to];
      await scene.command(app, { verb: "promote" });
    }
    expect(users.jar(0).get("visitor"), "the application's own cookie").toBe("known");
    await scene.reached(app, ({ run }) => run?.outcome === "Succeeded");
    await settled(app);
    expect(onCanary(await users.ask(count, 1)).size).toBe(count);
    const shapes = scene.routes.of(app.name).map(ownIn).filter((names, at, all) => JSON.stringify(names) !== JSON.stringify(all[at - 1]));
    expect(shapes).toEqual([[], ["canary", "stable", "newcomers"], ["canary", "stable", "stable-10", "newcomers"], ["canary", "stable", "stable-10", "stable-30", "newcomers"], []]);
    expect(scene.routes.of(app.name)).toHaveLength(1 + 5); // four weights, and the stamp taken away
    expect(JSON.stringify(httpOf(newest(app)))).toBe(exchanged(httpOf(before)));
    users.close();
    await load.close();
  });

  it.concurrent("are freed at once by an abort, and draw anew in the next run", LIMIT, async () => {
    const before = newest(aborted);
    const [load, users] = [scene.startLoad(aborted, 20), usersOf(aborted)];
    await begin(aborted, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    await scene.reached(aborted, ({ phase }) => phase === "Paused");
    const first = onCanary(await users.ask(SOME, 5));
    expectShare("at 50%", first.size, SOME, 0.5);
    await scene.command(aborted, { verb: "abort" });
    await settled(aborted);
    expect(asFound(newest(aborted))).toBe(asFound(before));
    await until(async () => (await users.ask(SOME, 1)).every(([answer]) => answer === "v1"), WAIT_MS); // the mesh hears later
    expect(scene.routes.of(aborted.name)).toHaveLength(1 + 2); // no write between the weight and its end
    await scene.command(aborted, { verb: "retry" });
    await scene.reached(aborted, ({ phase, run }) => phase === "Paused" && run?.number === 2);
    const second = onCanary(await users.ask(SOME, 5));
    expectShare("of those who were on it", [...first].filter((user) => second.has(user)).length, first.size, 0.5);
    expectShare("at 50% of run 2", second.size, SOME, 0.5);
    await scene.command(aborted, { verb: "abort", run: 2 });
    await settled(aborted);
    expect(asFound(newest(aborted))).toBe(asFound(before));
    users.close();
    await load.close();
  });

  it.concurrent("draw anew where a hand lowers the weight, and stay with what they drew", LIMIT, async () => {
    const before = newest(touched);
    const [load, users] = [scene.startLoad(touched, 20), usersOf(touched)];
    await begin(touched, [{ weight: 50, hold: "5s" }, { pause: {} }, { weight: 100, hold: "5s" }]);
    await scene.reached(touched, ({ phase }) => phase === "Paused");
    const first = onCanary(await users.ask(SOME, 5));
    expectShare("at 50%", first.size, SOME, 0.5);
    await scene.hand(touched, 20, "kubectl-edit");
    await scene.reached(touched, ({ reason, run }) => reason === "RouteEditedByHand" && run?.inForceAt !== undefined);
    await until(async () => (await newcomersCookie(touched)).endsWith(".20"), WAIT_MS); // the mesh hears of the route by a watch of its own
    const second = onCanary(await users.ask(SOME, 5));
    expectShare("at the hand's 20%", second.size, SOME, 0.2);
    expectShare("of those who were on it", [...first].filter((user) => second.has(user)).length, first.size, 0.2);
    await scene.hand(touched, 0, "kubectl-edit");
    await until(() => ownIn(newest(touched)).length === 0, WAIT_MS);
    await until(async () => (await users.ask(SOME, 1)).every(([answer]) => answer === "v1"), WAIT_MS);
    await scene.command(touched, { verb: "abort" });
    await settled(touched);
    expect(asFound(newest(touched))).toBe(asFound(before));
    users.close();
    await load.close();
  });
});
