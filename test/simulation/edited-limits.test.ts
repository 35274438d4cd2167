/** Edits of what a step needs, in mid-step. */
import { expect, test } from "vitest";
import { aVirtualService, subsets } from "../support/istio-objects.ts";
import { aWorld } from "../support/world.ts";

const MINUTE = 60_000;
const steps = [{ weight: 10, hold: "5m" }, { weight: 100, hold: "1m" }];

test("passes that rested on fewer requests than are asked for now are none", async () => {
  const world = aWorld({ spec: { strategy: { steps }, analysis: { interval: "10s", minRequests: 5 } } });
  world.answers = { bad: 0, requests: 10 };
  const errors = () => world.rollout().status!.run!.checks[0]!;
  await world.run(5 * MINUTE, () => world.rollout().status?.run?.checks[0]?.passes === 4);
  world.spec({ analysis: { interval: "10s", minRequests: 20 } });
  await world.run(MINUTE);
  expect(errors()).toMatchObject({ verdict: "Inconclusive", passes: 0, minRequests: 20 });
  world.spec({ analysis: { interval: "10s", minRequests: 8 } });
  await world.run(MINUTE / 2);
  const passes = errors().passes;
  expect(passes).toBeGreaterThan(1);
  world.spec({ analysis: { interval: "10s", minRequests: 5 } }); // what was enough for more is enough for less
  await world.run(MINUTE / 2);
  expect(errors().passes).toBeGreaterThan(passes);
});

test("the share that is shown when a run ends is the one that is shown from then on", async () => {
  const world = aWorld({ spec: { strategy: { steps: [{ weight: 100, hold: "1m" }] }, stable: "v2" }, virtualService: aVirtualService({ http: [{ route: subsets({ v1: 20, v2: 80, v3: 0 }) }] }) });
  await world.run(10 * MINUTE, () => world.rollout().status?.run?.outcome === "Succeeded");
  const shown = world.status().weight;
  expect(shown).toBe("80%");
  await world.run(10 * MINUTE);
  expect(world.status().weight).toBe(shown);
});
