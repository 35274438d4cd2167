/** What the daemon asks of the API server, counted by the server's own audit log (law 11). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { anApp, CANARY, paced, STABLE } from "../support/deliveries.ts";
import { kubernetesApis, type ApiRecord, type TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 600_000;
const resting = anApp({ name: "resting", ladder: [50, 100] });
const busy = anApp({ name: "busy", ladder: [10, 50, 100] });

const [real] = kubernetesApis().filter(({ name }) => name === "real");

describe.runIf(real)("on a real API server, which needs KUBEBUILDER_ASSETS", () => {
  let api: TestApi;
  let scene: Scene;
  /** What the daemon asked while `busy` was delivered, and until its Rollout was at rest again. */
  let asked: readonly ApiRecord[];

  beforeAll(async () => {
    api = await real!.open();
    scene = await openScene(api, [resting, busy]);
    scene.startLoad(busy, 40);
    const daemon = await scene.startDaemon();
    await scene.deliver(resting, { release: STABLE });
    await scene.deliver(busy, { release: STABLE, ...paced(busy, 2) }); // so that each look finds a new scrape
    await Promise.all([resting, busy].map((app) => scene.reached(app, ({ phase }) => phase === "Healthy")));
    const before = asksOf().length;
    await scene.release(busy, CANARY);
    await scene.reached(busy, ({ phase, run }) => phase === "Healthy" && run?.outcome === "Succeeded");
    await until(() => scene.rollouts.of(busy.name).at(-1)!.metadata["finalizers"] === undefined, LIMIT_MS);
    await until(() => eventsOf(busy).includes("Succeeded"), LIMIT_MS);
    await daemon.stop(); // what it still had to ask, it has asked
    asked = asksOf().slice(before);
  }, LIMIT_MS);
  afterAll(async () => {
    await scene?.close();
    await api?.close();
  });

  it("a Rollout at rest costs no request while another one beside it is delivered", () => {
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ name }) => name === resting.name)).toEqual([]);
  });

  it("a run asks for nothing but writes, and none of them twice", () => {
    expect(asked.filter(({ verb }) => verb !== "patch" && verb !== "create")).toEqual([]);
    expect(asked.filter(({ status }) => status >= 300)).toEqual([]);
  });

  it("a step that was judged k times costs at most 2 + k writes and one Event, the last one 4 + k and the record of the run", () => {
    const steps = stepsIn(asked);
    const judged = steps.map((_, index) => instantsJudged(index + 1));
    const costs = steps.map((writes, index) => ({ step: `${busy.ladder[index]}%`, judged: judged[index]!, writes: writes.length }));
    console.table(costs);
    expect(steps).toHaveLength(busy.ladder.length);
    const said = scene.statuses(busy).map(({ run, reason, message }) => `${run?.epoch} ${reason}: ${message}`).join("\n");
    costs.forEach(({ judged: k, writes }, index) => expect(writes, said).toBeLessThanOrEqual(k + (index === costs.length - 1 ? 4 + 1 : 2)));
    expect(asked.filter(({ resource }) => resource === "rolloutruns").map(({ verb }) => verb)).toEqual(["create"]);
    expect(asked.filter(({ resource }) => resource === "events")).toHaveLength(busy.ladder.length + 1); // one for each step, and one for the end
    expect(eventsOf(busy)).toEqual(["Started", "StepReached", "StepReached", "Succeeded"]);
    expect(scene.route(busy).violations()).toEqual([]);
  });

  /** In its own namespace; watches apart. */
  function asksOf(): readonly ApiRecord[] {
    return api.requestsOf("daemon").filter(({ namespace, verb }) => namespace === scene.namespace && verb !== "watch");
  }

  function eventsOf({ name }: SampleApp): readonly string[] {
    const about = scene.events.all().filter((event) => (event["involvedObject"] as { readonly name: string }).name === name);
    return about.map((event) => String(event["reason"]));
  }

  /** How often evidence was looked at while an intent stood: each look that its status shows, and the one that led on to the next intent. */
  function instantsJudged(epoch: number): number {
    const checks = scene.statuses(busy).flatMap(({ run }) => (run?.epoch === epoch ? run.checks : []));
    const isLast = epoch === busy.ladder.length;
    return new Set(checks.map(({ at }) => at)).size + (isLast ? 0 : 1);
  }
});

/** Writes of each step: from the status that holds its intent, which is the one right before its route write, to the next one's. */
function stepsIn(asked: readonly ApiRecord[]): readonly (readonly ApiRecord[])[] {
  const writes = asked.filter(({ resource }) => resource !== "events");
  const routes = writes.flatMap(({ resource }, index) => (resource === "virtualservices" ? [index] : []));
  const intents = routes.slice(0, -1).map((at) => writes.slice(0, at).findLastIndex(({ subresource }) => subresource === "status"));
  return intents.map((from, index) => writes.slice(from, intents[index + 1]));
}
