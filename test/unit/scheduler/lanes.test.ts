/** Laws of the lanes: one tick at a time per Rollout, none lost, and a command never waits for somebody's looking. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLanes } from "../../../src/scheduler/lanes.ts";
import { createTick, type Reconcile } from "../../../src/scheduler/tick.ts";
import { createCountingMetrics, createHeldReconcile, createKeptLog } from "../../support/fake-scheduling.ts";
import { createFakeTime, settled } from "../../support/fake-time.ts";

const ref = { namespace: "shop", name: "reviews" };

function someLanes(reconcile: Reconcile) {
  const time = createFakeTime();
  const tick = createTick({ reconcile, time, random: () => 1, metrics: createCountingMetrics(), logger: createKeptLog() });
  const lanes = createLanes(tick, time);
  const enter = (interrupts: boolean, name = ref.name) => lanes.enter({ ref: { ...ref, name }, source: "queue", dueAtMs: time.nowMs() }, interrupts);
  return { time, lanes, enter };
}

describe("the lanes", () => {
  it("interrupt a tick that looks as soon as a command comes, and look anew", async () => {
    const { reconcile, begun } = createHeldReconcile();
    const { enter } = someLanes(reconcile);
    const looking = enter(false);
    const command = enter(true);
    expect(begun[0]!.signal.aborted).toBe(true);
    expect(await looking).toEqual({ kind: "interrupted" });
    await settled();
    expect(begun).toHaveLength(2);
    begun[1]!.finish(5);
    expect(await command).toEqual({ kind: "done", requeueAtMs: 5 });
  });

  it("let a tick that writes finish, but wait for it no longer than half a second", async () => {
    const { reconcile, begun } = createHeldReconcile({ heeds: false });
    const { enter, time } = someLanes(reconcile);
    const writing = enter(false);
    const command = enter(true);
    await time.advance(499);
    expect(begun).toHaveLength(1);
    await time.advance(1);
    expect(begun).toHaveLength(2);
    begun[1]!.finish();
    expect((await command).kind).toBe("done");
    begun[0]!.finish();
    expect((await writing).kind).toBe("done");
  });

  it("collapse all that comes meanwhile into one that follows", async () => {
    const { reconcile, begun } = createHeldReconcile();
    const { enter } = someLanes(reconcile);
    const first = enter(false);
    const others = [enter(false), enter(false), enter(false)];
    begun[0]!.finish();
    await first;
    await settled();
    expect(begun).toHaveLength(2);
    begun[1]!.finish(9);
    expect(await Promise.all(others)).toEqual(others.map(() => ({ kind: "done", requeueAtMs: 9 })));
  });

  it("keep Rollouts apart", async () => {
    const { reconcile, begun } = createHeldReconcile();
    const { enter } = someLanes(reconcile);
    void enter(false, "reviews");
    void enter(false, "ratings");
    await settled();
    expect(begun).toHaveLength(2);
  });

  it("drain: looking stops, writing is waited for, nothing more begins", async () => {
    const { reconcile, begun } = createHeldReconcile({ heeds: false });
    const { enter, lanes, time } = someLanes(reconcile);
    const writing = enter(false);
    let drained = false;
    const drain = lanes.drain(7_000).then(() => (drained = true));
    expect(begun[0]!.signal.aborted).toBe(true);
    expect(await enter(true, "ratings")).toEqual({ kind: "interrupted" });
    await time.advance(6_000);
    expect(drained).toBe(false);
    begun[0]!.finish();
    await writing;
    await drain;
    expect(begun).toHaveLength(1);
  });

  it("answer everybody with a tick that began after they asked, and never run two at once", async () => {
    const action = fc.record({ interrupts: fc.boolean(), finishes: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 20 }), async (actions) => {
        const { reconcile, begun } = createHeldReconcile();
        let [running, most] = [0, 0];
        const counted: Reconcile = async (...args) => {
          most = Math.max(most, (running += 1));
          return reconcile(...args).finally(() => (running -= 1));
        };
        const { enter } = someLanes(counted);
        const answers: Promise<unknown>[] = [];
        for (const { interrupts, finishes } of actions) {
          const before = begun.length;
          answers.push(enter(interrupts).then((outcome) => { if (outcome.kind === "done") expect(outcome.requeueAtMs).toBeGreaterThan(before - 1); }));
          await settled();
          if (finishes) begun.at(-1)!.finish(begun.length - 1);
          await settled();
        }
        for (let last = -1; last !== begun.length; ) {
          last = begun.length;
          begun.at(-1)!.finish(begun.length - 1);
          await settled();
        }
        await Promise.all(answers);
        expect(most).toBe(1);
      }),
      { numRuns: 100 },
    );
  });
});
