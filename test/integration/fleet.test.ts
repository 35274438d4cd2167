/** Ten Rollouts at once under two daemons that share one Redis: whatever happens in a run happens once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { anApp, CANARY, STABLE } from "../support/deliveries.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT_MS = 600_000;
const apps = Array.from({ length: 10 }, (_, index) => anApp({ name: `fleet-${index}`, ladder: [50, 100] }));
const REQUESTS_PER_SECOND = 8;

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let scene: Scene;

  beforeAll(async () => {
    api = await open();
    scene = await openScene(api, apps);
  }, LIMIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  it("ten runs under two daemons make each of their transitions once", { timeout: LIMIT_MS }, async () => {
    const daemons = await Promise.all([scene.startDaemon(), scene.startDaemon()]);
    for (const app of apps) {
      scene.startLoad(app, REQUESTS_PER_SECOND);
      await scene.deliver(app, { release: STABLE });
    }
    await Promise.all(apps.map((app) => scene.reached(app, ({ phase }) => phase === "Healthy")));
    await Promise.all(apps.map((app) => scene.release(app, CANARY)));
    await Promise.all(apps.map((app) => scene.reached(app, ({ run }) => run?.outcome !== undefined)));
    await until(() => apps.every((app) => scene.route(app).stamp() === undefined && eventsOf(app).includes("Succeeded")), LIMIT_MS);
    const ticks = await Promise.all(daemons.map(({ url }) => ticksOf(url)));
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    for (const app of apps) {
      expect(scene.status(app)).toMatchObject({ phase: "Healthy", reason: "Succeeded", runs: 1, run: { number: 1, epoch: 2, outcome: "Succeeded" } });
      const changes = changesOf(scene.statuses(app));
      const hasWaited = changes.includes(WAITING); // on a busy machine its pods may not be known yet: then the first step is not where it starts
      expect(changes, app.name).toEqual(["no run", ...(hasWaited ? [WAITING] : []), "1.1 at 50%", "1.2 at 100%", "1.2 Succeeded at 100%"]);
      expect(scene.route(app).shares(), app.name).toEqual([0, 50, 100]);
      expect(eventsOf(app), app.name).toEqual(["Started", ...(hasWaited ? ["StepReached"] : []), "StepReached", "Succeeded"]);
      expect(scene.route(app).violations()).toEqual([]);
    }
    for (const count of ticks) expect(count).toBeGreaterThan(0); // both took their part
  });

  /** Reasons of the Events about a run, in the order in which they happened. */
  function eventsOf({ name }: SampleApp): readonly string[] {
    const isAbout = ({ kind, name: whose }: { readonly kind: string; readonly name: string }): boolean => kind === "Rollout" && whose === name;
    const about = scene.events.all().filter((event) => isAbout(event["involvedObject"] as { readonly kind: string; readonly name: string }));
    return about.map((event) => String(event["reason"]));
  }
});

/** Of a run that has begun and given nothing yet. */
const WAITING = "1.0 at 0%";

/** What the status has said of its run, one line for each change. */
function changesOf(statuses: readonly RolloutStatus[]): readonly string[] {
  const lines = statuses.map(({ run }) => (run ? `${run.number}.${run.epoch} ${run.outcome ? `${run.outcome} ` : ""}at ${run.weight}%` : "no run"));
  return lines.filter((line, index) => line !== lines[index - 1]);
}

/** How many ticks a daemon has made. */
async function ticksOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = [...text.matchAll(/^weir_tick_duration_seconds_count(?:\{.*\})? (\d+)$/gm)].map(([, count]) => Number(count));
  return counts.reduce((total, count) => total + count, 0);
}
