/** Laws of the agenda: every unfinished Rollout has a next look that does not hang on Redis. */
import { describe, expect, it } from "vitest";
import { createAgenda } from "../../../src/scheduler/agenda.ts";
import { keyOf, type Schedule } from "../../../src/scheduler/schedule.ts";
import { aSchedule, createFakeQueue, createSchedules } from "../../support/fake-scheduling.ts";
import { createFakeTime } from "../../support/fake-time.ts";

const reviews = aSchedule({ intervalMs: 10_000 });

function anAgenda(known: Schedule = reviews) {
  const [time, queue, schedules] = [createFakeTime(), createFakeQueue(), createSchedules(known)];
  const due: { key: string; atMs: number }[] = [];
  const startMs = time.nowMs();
  const agenda = createAgenda({ queue, schedules, time, random: () => 0, onDue: (ref) => due.push({ key: keyOf(ref), atMs: time.nowMs() - startMs }) });
  return { agenda, time, queue, schedules, due, startMs };
}

describe("the agenda", () => {
  it("puts the next tick into the queue before this one begins, and the exact one after it", async () => {
    const { agenda, queue, startMs } = anAgenda();
    const visit = await agenda.before(reviews);
    expect(queue.puts).toEqual([{ key: "shop/reviews", delayMs: 10_000 }]);
    await agenda.after(reviews, { kind: "done", requeueAtMs: startMs + 7_000 }, visit);
    expect(queue.puts.at(-1)).toEqual({ key: "shop/reviews", delayMs: 7_000 });
  });

  it("puts nothing for a Rollout at rest", async () => {
    const { agenda, queue, time } = anAgenda(aSchedule({ unfinished: false }));
    const visit = await agenda.before(reviews);
    await agenda.after(reviews, { kind: "done" }, visit);
    agenda.rearm(reviews);
    expect([queue.puts, time.pending()]).toEqual([[], 0]);
  });

  it("does not put off a wake that came while the tick went on", async () => {
    const { agenda, queue, startMs } = anAgenda();
    const visit = await agenda.before(reviews);
    await agenda.wake(reviews);
    await agenda.after(reviews, { kind: "done", requeueAtMs: startMs + 7_000 }, visit);
    expect(queue.puts.at(-1)).toEqual({ key: "shop/reviews", delayMs: 0 });
  });

  it("keeps exact time by itself while Redis accepts nothing", async () => {
    const { agenda, queue, time, startMs, due } = anAgenda();
    queue.accepts = false;
    await agenda.after(reviews, { kind: "done", requeueAtMs: startMs + 7_000 });
    await time.advance(7_000);
    expect(due).toEqual([{ key: "shop/reviews", atMs: 7_000 }]);
  });

  it("looks one interval after the committed next look, although Redis accepted everything", async () => {
    const { agenda, schedules, time, due, startMs } = anAgenda();
    schedules.set({ ...reviews, nextLookAtMs: startMs + 5_000 });
    agenda.rearm(reviews);
    await time.advance(14_999);
    expect(due).toEqual([]);
    await time.advance(1);
    expect(due).toEqual([{ key: "shop/reviews", atMs: 15_000 }]);
  });

  it("does not look by itself while others commit one look after the other", async () => {
    const { agenda, schedules, time, due } = anAgenda();
    for (let look = 0; look < 20; look += 1) {
      schedules.set({ ...reviews, nextLookAtMs: time.nowMs() + 10_000 });
      agenda.rearm(reviews);
      await time.advance(10_000);
    }
    expect(due).toEqual([]);
  });

  it("tries again past the queue what began past the queue and met trouble", async () => {
    const { agenda, queue, time, startMs, due } = anAgenda();
    await agenda.after(reviews, { kind: "conflict", requeueAtMs: startMs + 50 });
    await time.advance(50);
    expect([queue.puts, due]).toEqual([[], [{ key: "shop/reviews", atMs: 50 }]]);
  });

  it("hands the retry of a queue's tick to the queue", async () => {
    const { agenda, queue, startMs } = anAgenda();
    const visit = await agenda.before(reviews);
    await agenda.after(reviews, { kind: "failed", requeueAtMs: startMs + 1_000 }, visit);
    expect(queue.puts.at(-1)).toEqual({ key: "shop/reviews", delayMs: 1_000 });
  });

  it("forgets a Rollout that is gone", async () => {
    const { agenda, queue, schedules, time, startMs } = anAgenda();
    queue.accepts = false;
    await agenda.after(reviews, { kind: "done", requeueAtMs: startMs + 7_000 });
    schedules.delete(reviews);
    agenda.rearm(reviews);
    expect(time.pending()).toBe(0);
    expect(await agenda.wake(reviews)).toBe(true);
  });

  it("says when Redis did not accept a wake", async () => {
    const { agenda, queue } = anAgenda();
    queue.accepts = false;
    expect(await agenda.wake(reviews)).toBe(false);
  });
});
