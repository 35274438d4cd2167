/** The resync and the watchdog: what Redis lost comes back, and what nobody looks at is noticed. */
import { describe, expect, it } from "vitest";
import { createResync, LOOK_AT_REST_EVERY_MS, RESYNC_EVERY_MS } from "../../../src/scheduler/resync.ts";
import type { Schedule } from "../../../src/scheduler/schedule.ts";
import { createWatchdog } from "../../../src/scheduler/watchdog.ts";
import { aSchedule, createCountingMetrics, createFakeQueue, createSchedules } from "../../support/fake-scheduling.ts";
import { createFakeTime } from "../../support/fake-time.ts";

function aResync(...known: readonly Schedule[]) {
  const [time, queue, metrics, schedules] = [createFakeTime(), createFakeQueue(), createCountingMetrics(), createSchedules(...known)];
  const refused: string[] = [];
  const resync = createResync({ queue, schedules, time, random: () => 0.5, metrics, onRefused: (atRest) => refused.push(...atRest.map(({ name }) => name)) });
  resync.start();
  return { resync, time, queue, metrics, schedules, refused };
}

describe("the resync", () => {
  it("offers every unfinished Rollout to the queue every few seconds, at its committed next look", async () => {
    const { time, queue, schedules, metrics } = aResync(aSchedule({ name: "overdue", nextLookAtMs: 0 }), aSchedule({ name: "resting", unfinished: false }));
    schedules.set(aSchedule({ name: "later", nextLookAtMs: time.nowMs() + 60_000 }));
    await time.advance(RESYNC_EVERY_MS + 500);
    expect(queue.fills).toEqual([{ key: "shop/overdue", delayMs: 500 }, { key: "shop/later", delayMs: 60_000 - RESYNC_EVERY_MS - 500 }]);
    await time.advance(RESYNC_EVERY_MS + 500);
    expect(queue.fills).toHaveLength(4);
    expect(metrics.resyncedTicks).toBe(4);
  });

  it("looks at Rollouts at rest every five minutes, spread over a minute", async () => {
    const { time, queue } = aResync(aSchedule({ name: "resting", unfinished: false }));
    await time.advance(LOOK_AT_REST_EVERY_MS - 1_000);
    expect(queue.fills).toEqual([]);
    await time.advance(10_000);
    expect(queue.fills).toEqual([{ key: "shop/resting", delayMs: 30_000 }]);
  });

  it("looks at Rollouts at rest by itself where Redis accepts nothing", async () => {
    const { time, queue, refused } = aResync(aSchedule({ name: "resting", unfinished: false }));
    queue.accepts = false;
    await time.advance(LOOK_AT_REST_EVERY_MS + 10_000);
    expect(refused).toEqual(["resting"]);
  });

  it("stops when told", async () => {
    const { resync, time, queue } = aResync(aSchedule());
    resync.stop();
    await time.advance(60_000);
    expect([queue.fills, time.pending()]).toEqual([[], 0]);
  });
});

describe("the watchdog", () => {
  it("reports a run that nobody has looked at for three intervals after the late timer", async () => {
    const time = createFakeTime();
    const schedules = createSchedules(aSchedule({ intervalMs: 20_000, nextLookAtMs: time.nowMs() }));
    const watchdog = createWatchdog(schedules, time);
    expect(watchdog.reasons()).toEqual([]);
    await time.advance(80_000);
    expect(watchdog.reasons()).toEqual([]);
    await time.advance(1_000);
    expect(watchdog.reasons()).toEqual(["shop/reviews has waited 61s for a tick, by Redis or by this daemon's own timer; restart the daemon"]);
    watchdog.saw(aSchedule());
    expect(watchdog.reasons()).toEqual([]);
  });

  it("is content while another daemon commits, and with Rollouts at rest", async () => {
    const time = createFakeTime();
    const schedules = createSchedules(aSchedule({ name: "resting", unfinished: false }));
    const watchdog = createWatchdog(schedules, time);
    for (let look = 0; look < 100; look += 1) {
      schedules.set(aSchedule({ nextLookAtMs: time.nowMs() + 10_000 }));
      await time.advance(10_000);
      expect(watchdog.reasons()).toEqual([]);
    }
  });

  it("is patient with short intervals, for one tick may take longer than three of them", async () => {
    const time = createFakeTime();
    const watchdog = createWatchdog(createSchedules(aSchedule({ intervalMs: 1_000, nextLookAtMs: time.nowMs() })), time);
    watchdog.saw(aSchedule());
    await time.advance(31_000);
    expect(watchdog.reasons()).toEqual([]);
    await time.advance(1_000);
    expect(watchdog.reasons()).toHaveLength(1);
  });
});
