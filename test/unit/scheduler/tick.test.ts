/** Laws of one tick: it ends, and whatever happened, somebody looks again. */
import { describe, expect, it } from "vitest";
import { Conflict } from "../../../src/kubernetes/errors.ts";
import { createTick, DEADLINE_MS, HARD_LIMIT_MS, INTERRUPTED, type Reconcile } from "../../../src/scheduler/tick.ts";
import { createCountingMetrics, createHeldReconcile, createKeptLog } from "../../support/fake-scheduling.ts";
import { createFakeTime } from "../../support/fake-time.ts";

const ref = { namespace: "shop", name: "reviews" };

function aTick(reconcile: Reconcile, random = 1) {
  const [time, metrics, logger] = [createFakeTime(), createCountingMetrics(), createKeptLog()];
  const tick = createTick({ reconcile, time, random: () => random, metrics, logger });
  return { time, metrics, logger, tick: (controller = new AbortController()) => tick(ref, "queue", time.nowMs() - 40, controller) };
}

describe("a tick", () => {
  it("ends with the next look that the reconciler names, and is counted with its lag", async () => {
    const { tick, metrics } = aTick(async () => ({ requeueAtMs: 123 }));
    expect(await tick()).toEqual({ kind: "done", requeueAtMs: 123 });
    expect(metrics.ticks).toEqual([{ source: "queue", result: "done", durationMs: 0, lagMs: 40 }]);
  });

  it("is tried again soon after a conflict, without a warning", async () => {
    const { tick, time, logger } = aTick(async () => { throw new Conflict("moved on"); });
    expect(await tick()).toEqual({ kind: "conflict", requeueAtMs: time.nowMs() + 50 });
    expect(logger.lines.map(({ level }) => level)).toEqual(["debug"]);
  });

  it("is tried again later and later while the world is broken, at least every 10 s, and warns once", async () => {
    const { tick, time, logger } = aTick(async () => { throw new Error("no answer"); });
    const delays: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      const outcome = await tick();
      if (outcome.kind === "failed") delays.push(outcome.requeueAtMs - time.nowMs());
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("spreads its retries by as much as half", async () => {
    const { tick, time } = aTick(async () => { throw new Error("no answer"); }, 0);
    expect(await tick()).toEqual({ kind: "failed", requeueAtMs: time.nowMs() + 500 });
  });

  it("starts its back-off anew once it has succeeded, and says so once", async () => {
    let broken = true;
    const { tick, time, logger } = aTick(async () => { if (broken) throw new Error("no answer"); return {}; });
    await tick();
    await tick();
    broken = false;
    await tick();
    await tick();
    broken = true;
    expect(await tick()).toEqual({ kind: "failed", requeueAtMs: time.nowMs() + 1_000 });
    expect(logger.lines.filter(({ level }) => level === "info")).toHaveLength(1);
  });

  it("stops looking at its deadline, which counts as a failure", async () => {
    const { reconcile, begun } = createHeldReconcile();
    const { tick, time } = aTick(reconcile);
    const outcome = tick();
    await time.advance(DEADLINE_MS - 1);
    expect(begun[0]!.signal.aborted).toBe(false);
    await time.advance(1);
    expect(begun[0]!.signal.aborted).toBe(true);
    expect((await outcome).kind).toBe("failed");
    expect(time.pending()).toBe(0);
  });

  it("is given up at its hard limit where it does not heed its signal", async () => {
    const { reconcile } = createHeldReconcile({ heeds: false });
    const { tick, time } = aTick(reconcile);
    const outcome = tick();
    await time.advance(HARD_LIMIT_MS);
    expect((await outcome).kind).toBe("failed");
  });

  it("that was interrupted is no failure", async () => {
    const { reconcile } = createHeldReconcile();
    const { tick, logger } = aTick(reconcile);
    const controller = new AbortController();
    const outcome = tick(controller);
    controller.abort(INTERRUPTED);
    expect(await outcome).toEqual({ kind: "interrupted" });
    expect(logger.lines).toEqual([]);
  });
});
