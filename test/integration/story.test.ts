/** Whole deliveries by the daemon as in production, on real HTTP, Redis and Prometheus: good, bad, aborted, with a hand on the wheel, and over the daemon's death. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRouteSteps, type RouteStep } from "../../src/playground/route-steps.ts";
import { shareOf, totalOf } from "../../src/playground/mesh/tally.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { anApp, CANARY, PRIMARY, STABLE } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { startScriptedServer, type ScriptedServer } from "../support/scripted-server.ts";
import { until } from "../support/until.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 600_000 };
const WAIT_MS = 240_000;

const good = anApp({ name: "good", share: 10, ladder: [10, 50, 100] });
const bad = anApp({ name: "bad", share: null, ladder: [20, 100] });
const aborted = anApp({ name: "aborted", ladder: [50, 100] });
const steered = anApp({ name: "steered", ladder: [50, 100] });
const survived = anApp({ name: "survived", share: null, ladder: [50, 100] });
const stopped = anApp({ name: "stopped", share: 10, ladder: [10, 50, 100] });
const hung = anApp({ name: "hung", share: 10, ladder: [10, 50, 100] });

const isOver = ({ run }: RolloutStatus): boolean => run?.outcome !== undefined;
const isAt = (weight: number) => ({ run }: RolloutStatus): boolean => run?.weight === weight && run.inForceAt !== undefined && run.checks.length > 0;

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, [good, bad, aborted, steered, survived, stopped, hung]);
    scene.samples.turn(bad.name, CANARY, { errorRate: 0.5 });
  }, WAIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  describe("one daemon", () => {
    let daemon: Awaited<ReturnType<Scene["startDaemon"]>>;
    beforeAll(async () => {
      daemon = await scene.startDaemon();
    }, WAIT_MS);
    afterAll(() => daemon?.stop());

    it.concurrent("brings a good version from 90/10 to 0/100, and the mesh sends the requests as the route says", LIMIT, async () => {
      const load = scene.startLoad(good, 20);
      const steps = createRouteSteps(scene.mesh, { namespace: scene.namespace, name: good.name, route: PRIMARY });
      await until(() => totalOf(steps.all().at(-1)?.counts() ?? {}) >= 50, WAIT_MS);
      await scene.deliver(good);
      await scene.reached(good, isOver);
      await until(() => scene.route(good).stamp() === undefined, WAIT_MS);
      await until(() => totalOf(steps.all().at(-1)!.counts()) >= 50, WAIT_MS);
      steps.stop();
      expect(scene.status(good)).toMatchObject({ phase: "Healthy", reason: "Succeeded", stable: { version: CANARY }, run: { outcome: "Succeeded" } });
      expect(scene.route(good).shares()).toEqual([10, 50, 100]);
      expect(steps.all().map(({ split }) => split[CANARY])).toEqual([10, 50, 100]);
      steps.all().forEach(expectSentAsTold);
      expect(scene.route(good).violations()).toEqual([]);
      await load.close();
    });

    it.concurrent("takes a bad version back by itself, refuses it, and leaves the route in the shape that it had", LIMIT, async () => {
      const load = scene.startLoad(bad, 20);
      await scene.deliver(bad, { release: STABLE });
      await scene.reached(bad, ({ phase }) => phase === "Healthy");
      await scene.release(bad, CANARY);
      await scene.reached(bad, isOver);
      await until(() => scene.route(bad).stamp() === undefined && scene.route(bad).share() === 0, WAIT_MS);
      expect(scene.status(bad)).toMatchObject({ phase: "Degraded", reason: "RolledBack", stable: { version: STABLE }, refused: { version: CANARY, because: "RolledBack" } });
      expect(scene.status(bad)!.run!.checks).toMatchObject([{ name: "errors", verdict: "Fail", failuresInARow: 1 }]);
      expectTakenBackInTheTickThatSawIt();
      expect(scene.route(bad).shares()).toEqual([0, 20, 0]);
      expect(scene.route(bad).violations()).toEqual([]);
      await load.close();
    });

    it.concurrent("takes a version back when a person says abort, and does not try it again", LIMIT, async () => {
      const load = scene.startLoad(aborted, 20);
      await scene.deliver(aborted, { release: STABLE });
      await scene.reached(aborted, ({ phase }) => phase === "Healthy");
      await scene.release(aborted, CANARY);
      await scene.reached(aborted, isAt(50));
      await scene.command(aborted, { verb: "abort", reason: "it looks odd" });
      await until(() => scene.route(aborted).share() === 0, WAIT_MS);
      await scene.reached(aborted, ({ lastCommand }) => lastCommand?.verb === "abort");
      expect(scene.status(aborted)).toMatchObject({
        phase: "Degraded",
        reason: "Aborted",
        refused: { version: CANARY, because: "Aborted" },
        lastCommand: { result: "Accepted", actor: "admin", reason: "it looks odd" },
        run: { number: 1, outcome: "Aborted" },
      });
      expect(scene.route(aborted).shares()).toEqual([0, 50, 0]);
      expect(scene.route(aborted).violations()).toEqual([]);
      await load.close();
    });

    it.concurrent("obeys a hand that lowers the share, goes on by resume, and puts back what a hand raises", LIMIT, async () => {
      const load = scene.startLoad(steered, 20);
      await scene.deliver(steered, { release: STABLE });
      await scene.reached(steered, ({ phase }) => phase === "Healthy");
      await scene.release(steered, CANARY);
      await scene.reached(steered, isAt(50));
      await scene.hand(steered, 25, "kubectl-edit");
      await scene.reached(steered, ({ phase, reason, run }) => phase === "Paused" && reason === "RouteEditedByHand" && run?.weight === 25);
      expect(scene.status(steered)!.message).toContain("kubectl-edit");
      await scene.command(steered, { verb: "resume" });
      await scene.reached(steered, isAt(50));
      await scene.hand(steered, 75, "argocd-controller");
      await scene.reached(steered, ({ run }) => run?.raises.length === 1);
      await scene.reached(steered, isOver);
      await until(() => scene.route(steered).stamp() === undefined, WAIT_MS);
      expect(scene.status(steered)).toMatchObject({ phase: "Healthy", reason: "Succeeded" });
      expect(scene.route(steered).shares()).toEqual([0, 50, 25, 50, 75, 50, 100]);
      expect(scene.route(steered).violations()).toEqual([]);
      await load.close();
    });
  });

  /** The status that first has the failing evidence ends the run, and the next write of all is the route's. */
  function expectTakenBackInTheTickThatSawIt(): void {
    const isSeen = ({ run }: RolloutStatus): boolean => run?.checks.some(({ failuresInARow }) => failuresInARow === 1) === true;
    const rollouts = scene.rollouts.of(bad.name);
    const at = rollouts.findIndex(({ status }) => status !== undefined && isSeen(status as RolloutStatus));
    expect((rollouts[at]!["status"] as RolloutStatus).run).toMatchObject({ outcome: "RolledBack" });
    const later = [...rollouts.slice(at + 1), ...scene.routes.of(bad.name)].filter((version) => revisionOf(version) > revisionOf(rollouts[at]!));
    expect(later.sort((a, b) => revisionOf(a) - revisionOf(b))[0]).toMatchObject({ kind: "VirtualService" });
  }

  it("ends a run as if nothing had been when the daemon is killed in the middle of it", LIMIT, async () => {
    const load = scene.startLoad(survived, 20);
    const killed = await scene.startDaemon();
    await scene.deliver(survived, { release: STABLE });
    await scene.reached(survived, ({ phase }) => phase === "Healthy");
    await scene.release(survived, CANARY);
    await scene.reached(survived, isAt(50));
    killed.signal("SIGKILL");
    await killed.ended;
    const inForceAt = scene.status(survived)!.run!.inForceAt;
    const heir = await scene.startDaemon();
    await scene.reached(survived, isOver);
    await until(() => scene.route(survived).stamp() === undefined, WAIT_MS);
    await heir.stop();
    const atHalf = scene.statuses(survived).filter(isAt(50)).map(({ run }) => run!.inForceAt);
    expect(new Set(atHalf)).toEqual(new Set([inForceAt])); // the hold was neither shortened nor extended
    expect(scene.status(survived)).toMatchObject({ phase: "Healthy", reason: "Succeeded", run: { number: 1, epoch: 2, outcome: "Succeeded" } });
    expect(scene.route(survived).shares()).toEqual([0, 50, 100]);
    expect(scene.route(survived).violations()).toEqual([]);
    await load.close();
  });

  describe("while Prometheus accepts connections and answers nothing", () => {
    let silent: ScriptedServer;
    beforeAll(async () => {
      silent = await startScriptedServer(() => undefined);
    });
    afterAll(() => silent.close());

    it.each([
      { how: "stopped", app: stopped, away: "stop", back: "start" },
      { how: "hanging", app: hung, away: "pause", back: "resume" },
    ] as const)("and Redis is $how, an abort is in force before any query has timed out", LIMIT, async ({ app, away, back }) => {
      const daemon = await scene.startDaemon({ prometheusUrl: silent.url });
      const askedBefore = silent.asked.length;
      await scene.deliver(app);
      await until(() => scene.route(app).share() === 50, WAIT_MS);
      await scene.redis[away]();
      try {
        await until(() => silent.asked.length > askedBefore, WAIT_MS);
        expect(silent.asked.at(-1)!.response.closed).toBe(false);
        await scene.command(app, { verb: "abort" });
        await until(() => scene.route(app).share() === 0, WAIT_MS);
      } finally {
        await scene.redis[back]();
      }
      // A query that fails leaves an Error in the next status: there was none.
      expect(scene.statuses(app).flatMap(({ run }) => run?.checks ?? [])).toEqual([]);
      await scene.reached(app, ({ lastCommand }) => lastCommand?.verb === "abort");
      expect(scene.status(app)).toMatchObject({ phase: "Degraded", reason: "Aborted", lastCommand: { result: "Accepted" } });
      expect(scene.route(app).shares()).toEqual([10, 50, 0]);
      expect(scene.route(app).violations()).toEqual([]);
      await daemon.stop();
    });
  });
});

/** The server numbers all its writes in their order. */
function revisionOf({ metadata }: ApiObject): number {
  return Number(metadata["resourceVersion"]);
}

/** Within five standard deviations of what the weights say. */
function expectSentAsTold({ split, counts }: RouteStep): void {
  const expected = (split[CANARY] ?? 0) / 100;
  const deviation = Math.sqrt((expected * (1 - expected)) / totalOf(counts()));
  expect(Math.abs(shareOf(counts(), CANARY) - expected), JSON.stringify({ split, counts: counts() })).toBeLessThanOrEqual(5 * deviation);
}
