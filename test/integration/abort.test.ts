/** Abort at the worst time: by the real command line, on real servers, while what it usually goes through is dead, hanging, or fights for the same route. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DaemonOptions, DaemonProcess } from "../../src/playground/daemon-process.ts";
import { createNamedRandom } from "../../src/playground/random.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { brokenLaws, revisionOf, runOf, type Recorded } from "../chaos/laws.ts";
import { createPrometheusGate, hanging } from "../chaos/prometheus-gate.ts";
import { openReceivers, type Receivers } from "../chaos/receivers.ts";
import { createApiGate, type ApiGate } from "../support/api-gate.ts";
import { anApp, CANARY, paced } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { weir, type Said } from "../support/weir.ts";

const LIMIT_MS = 300_000;
const WAIT_MS = 60_000;
const LIMIT = { timeout: LIMIT_MS };
const SEED = 4;

/** Nobody calls them, so that nothing can be judged: their runs stay at the first step. */
const standing = (name: string): SampleApp => anApp({ name, ladder: [50, 100] });
/** Unjudged, step by step by time alone: for as long as the fight goes on. */
const climbing = Array.from({ length: 20 }, (_, index) => anApp({ name: `climbing-${index}`, ladder: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100] }));

const deaths = ["daemon", "Redis", "Prometheus", "daemon, Redis and Prometheus"] as const;
const forcedApps = new Map(deaths.map((dead, index) => [dead, standing(`forced-${index}`)]));
const troubles = ["Redis is dead", "Redis hangs", "Prometheus is dead", "Prometheus hangs"] as const;
const plainApps = new Map(troubles.map((trouble, index) => [trouble, standing(`plain-${index}`)]));
const orphaned = standing("orphaned");

/** The real one where it is there: these runs are about servers that die. */
describe.each(kubernetesApis().slice(-1))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;
  let receivers: Receivers;
  const daemons: DaemonProcess[] = [];
  const startDaemon = async (options: Partial<DaemonOptions> = {}): Promise<DaemonProcess> => {
    const daemon = await scene.startDaemon(options);
    daemons.push(daemon);
    return daemon;
  };
  const say = (line: string): Promise<Said> => weir(line.split(" "), { kubeconfig: api.kubeconfigFor("admin"), namespace: scene.namespace });

  beforeAll(async () => {
    api = await open();
    receivers = await openReceivers();
    scene = await openScene(api, [...forcedApps.values(), ...plainApps.values(), orphaned, ...climbing]);
  }, LIMIT_MS);
  afterAll(async () => {
    await scene?.close();
    await receivers?.close();
    await api?.close();
  });

  afterEach(async () => {
    await Promise.all(daemons.splice(0).map((daemon) => daemon.stop()));
  });

  describe("weir abort --force", () => {
    it.each(deaths)("takes the traffic back while this is dead: %s; and the daemon then agrees, and says who did it", LIMIT, async (dead) => {
      const app = forcedApps.get(dead)!;
      const daemon = await startDaemon(receivers.telling.daemon);
      await stand(app, receivers.telling.delivery);
      await scene.reached(app, ({ run }) => run?.notified.length === 2); // a job that a dead daemon has in its hands would wait for 45 s
      if (dead.includes("daemon")) await killed(daemon);
      if (dead.includes("Redis")) await scene.redis.kill();
      if (dead.includes("Prometheus")) await scene.prometheus.kill();
      const said = await say(`abort ${app.name} --force --reason 3am`);
      const sentence = dead.includes("daemon") ? "no daemon obeyed, so run 1 was aborted without it, by admin; all traffic is with v1" : "run 1 is aborted; traffic goes to v1";
      expect(said).toMatchObject({ exitCode: 0, out: expect.stringContaining(sentence) });
      await until(() => scene.route(app).share() === 0, WAIT_MS); // the recorder's own watch is a moment later
      if (dead.includes("Redis")) await scene.redis.start();
      if (dead.includes("Prometheus")) await scene.prometheus.start();
      if (dead.includes("daemon")) await startDaemon(receivers.telling.daemon);
      await until(() => receivers.toldOf(app.name).every((told) => told.at(-1)?.message.includes("aborted by admin: 3am")), WAIT_MS);
      expect(scene.status(app)).toMatchObject({ phase: "Degraded", reason: "Aborted", runs: 1, refused: { version: CANARY }, run: { outcome: "Aborted", actor: "admin" }, lastCommand: { verb: "abort", actor: "admin", result: "Accepted" } });
      await until(() => commandOf(app) === undefined, WAIT_MS);
      expect(scene.route(app).shares()).toEqual([0, 50, 0]);
      expect(brokenLaws(recordedOf(app))).toEqual([]);
    });

    it("twenty times at random instants, with two daemons that fight for the same routes, and hear late: no illegal weight is ever seen", LIMIT, async () => {
      const gate = await createApiGate(api, "daemon");
      await Promise.all([startDaemon({ kubeconfig: gate.kubeconfig }), startDaemon({ kubeconfig: gate.kubeconfig })]);
      const random = createNamedRandom(SEED, "offsets");
      const fights = climbing.map((app) => fight(app, random() * 12_000));
      await withWatchesLate(gate, random, Promise.all(fights));
      const said = await Promise.all(fights);
      expect(said.map(({ exitCode }) => exitCode), said.map(({ err }) => err).join("")).toEqual(climbing.map(() => 0));
      await until(() => climbing.every((app) => scene.route(app).stamp() === undefined && commandOf(app) === undefined), WAIT_MS);
      for (const app of climbing) {
        expect(scene.status(app)).toMatchObject({ runs: 1, run: { outcome: "Aborted", actor: "admin" } });
        expect(scene.route(app).share()).toBe(0);
        expect(brokenLaws(recordedOf(app))).toEqual([]);
      }
      await gate.close();
    });
  });

  describe("weir abort, with the daemon alive", () => {
    it.each(troubles)("is in force at the next write although %s", LIMIT, async (trouble) => {
      const app = plainApps.get(trouble)!;
      await startDaemon();
      await stand(app);
      const isOf = (server: string, how: string): boolean => trouble === `${server} ${how}`;
      if (isOf("Redis", "is dead")) await scene.redis.kill();
      if (isOf("Redis", "hangs")) scene.redis.pause();
      if (isOf("Prometheus", "is dead")) await scene.prometheus.kill();
      if (isOf("Prometheus", "hangs")) scene.prometheus.pause();
      await expectInForceAtNextWrite(app);
      if (isOf("Redis", "is dead")) await scene.redis.start();
      if (isOf("Prometheus", "is dead")) await scene.prometheus.start();
      scene.redis.resume();
      scene.prometheus.resume();
    });

    it("is in force at the next write although another daemon was killed in mid-tick, and BullMQ still holds its job", LIMIT, async () => {
      const gate = await createPrometheusGate(scene.prometheus.url);
      gate.answer(hanging);
      const client = new Redis(scene.redis.url);
      const activeJobs = (): Promise<string[]> => client.lrange("{weir}:tick:active", 0, -1);
      await startDaemon();
      await stand(orphaned);
      const victim = await startDaemon({ prometheusUrl: gate.url });
      const held = await heldJob(activeJobs);
      await killed(victim);
      await expectInForceAtNextWrite(orphaned);
      expect(await activeJobs()).toContain(held);
      client.disconnect();
      await gate.close();
    });
  });

  /** Delivered, and in force at its first step. */
  async function stand(app: SampleApp, change: Partial<RolloutSpecInput> = {}): Promise<void> {
    await scene.deliver(app, { ...paced(app, 1), ...change });
    await scene.reached(app, ({ run }) => run?.weight === 50 && run.inForceAt !== undefined);
  }

  /** The command line does not wait for the daemons: it writes while they obey. */
  async function fight(app: SampleApp, afterMs: number): Promise<Said> {
    const steps = app.ladder.map((weight) => ({ weight, hold: "1s" }));
    await scene.deliver(app, { strategy: { propagation: "1s", steps }, analysis: { interval: "1s", settle: "200ms", metrics: [] } });
    await scene.reached(app, ({ run }) => run !== undefined);
    await new Promise((resolve) => setTimeout(resolve, afterMs)); // random instants are what is tested
    return say(`abort ${app.name} --force --timeout 1ms`);
  }

  /** What the daemons know is late for as long as the work goes on. */
  async function withWatchesLate(gate: ApiGate, random: () => number, work: Promise<unknown>): Promise<void> {
    let isOver = false;
    void work.finally(() => (isOver = true)).catch(() => undefined);
    while (!isOver) {
      gate.holdWatches();
      await new Promise((resolve) => setTimeout(resolve, random() * 1_500));
      gate.open();
      await new Promise((resolve) => setTimeout(resolve, random() * 1_500));
    }
  }

  async function expectInForceAtNextWrite(app: SampleApp): Promise<void> {
    expect(await say(`abort ${app.name} --reason enough`)).toMatchObject({ exitCode: 0, out: expect.stringContaining("run 1 is aborted; traffic goes to v1") });
    await until(() => scene.route(app).share() === 0 && scene.status(app)?.run?.outcome === "Aborted", WAIT_MS);
    const versions = scene.rollouts.of(app.name);
    const command = versions.find(({ metadata }) => metadata["annotations"] !== undefined && commandIn(metadata))!;
    const next = versions.slice(versions.indexOf(command)).find(({ status }) => JSON.stringify(status) !== JSON.stringify(command["status"]))!;
    expect(runOf(next)).toMatchObject({ outcome: "Aborted", actor: "admin" });
    const routeWrite = scene.routes.of(app.name).find((version) => revisionOf(version) > revisionOf(command))!;
    expect(scene.route(app).shareOf(routeWrite)).toBe(0);
    expect(brokenLaws(recordedOf(app))).toEqual([]);
  }

  function recordedOf(app: SampleApp): Recorded {
    return { name: app.name, rollouts: scene.rollouts.of(app.name), routes: scene.routes.of(app.name), recorder: scene.route(app), propagation: "1s" };
  }

  function commandOf(app: SampleApp): string | undefined {
    return commandIn(scene.rollouts.of(app.name).at(-1)!.metadata);
  }
});

function commandIn(metadata: Readonly<Record<string, unknown>>): string | undefined {
  return (metadata["annotations"] as Readonly<Record<string, string>> | undefined)?.[COMMAND_ANNOTATION];
}

async function killed(daemon: DaemonProcess): Promise<void> {
  daemon.signal("SIGKILL");
  await daemon.ended;
}

/** The job of a tick that hangs: other ticks come and go. */
async function heldJob(activeJobs: () => Promise<readonly string[]>): Promise<string> {
  const since = new Map<string, number>();
  let held: string | undefined;
  const isHeld = async (): Promise<boolean> => {
    const active = await activeJobs();
    for (const job of since.keys()) if (!active.includes(job)) since.delete(job);
    for (const job of active) since.set(job, since.get(job) ?? Date.now());
    held = active.find((job) => Date.now() - since.get(job)! > 2_000);
    return held !== undefined;
  };
  await until(isHeld, WAIT_MS);
  return held!;
}
