/** Ticks past the queue: commands at once, the rest as room allows. */
import { describe, expect, it } from "vitest";
import { createLanes } from "../../../src/scheduler/lanes.ts";
import { createLocalTicks } from "../../../src/scheduler/local-ticks.ts";
import { createTick, type TickOutcome } from "../../../src/scheduler/tick.ts";
import { createCountingMetrics, createHeldReconcile, createKeptLog } from "../../support/fake-scheduling.ts";
import { createFakeTime, settled } from "../../support/fake-time.ts";

const ref = (name: string) => ({ namespace: "shop", name });

function someLocalTicks(atOnce: number) {
  const time = createFakeTime();
  const { reconcile, begun } = createHeldReconcile();
  const lanes = createLanes(createTick({ reconcile, time, random: () => 1, metrics: createCountingMetrics(), logger: createKeptLog() }), time);
  const outcomes: TickOutcome[] = [];
  const local = createLocalTicks(lanes, { after: async (_ref, outcome) => void outcomes.push(outcome) }, atOnce);
  return { local, begun, outcomes };
}

describe("local ticks", () => {
  it("begin at once for a command, although all places are taken by ticks that look", async () => {
    const { local, begun } = someLocalTicks(2);
    for (const name of ["one", "two", "three"]) void local.soon(ref(name), "timer", 0);
    await settled();
    expect(begun.map(({ ref: { name } }) => name)).toEqual(["one", "two"]);
    void local.now(ref("three"), 0);
    await settled();
    expect(begun.map(({ ref: { name } }) => name)).toEqual(["one", "two", "three"]);
  });

  it("wait in order for a place, each Rollout once", async () => {
    const { local, begun, outcomes } = someLocalTicks(1);
    for (const name of ["one", "two", "two", "two"]) void local.soon(ref(name), "event", 0);
    await settled();
    begun[0]!.finish();
    await settled();
    begun[1]!.finish(7);
    await settled();
    expect(begun.map(({ ref: { name } }) => name)).toEqual(["one", "two"]);
    expect(outcomes).toEqual([{ kind: "done" }, { kind: "done", requeueAtMs: 7 }]);
  });

  it("stop the looking of a timer's tick as soon as a command arrives", async () => {
    const { local, begun } = someLocalTicks(1);
    void local.soon(ref("reviews"), "timer", 0);
    await settled();
    void local.now(ref("reviews"), 0);
    await settled();
    expect([begun[0]!.signal.aborted, begun.length]).toEqual([true, 2]);
  });
});
