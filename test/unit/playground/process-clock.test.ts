/** The clock of load, mesh and sample applications: a machine that is too busy for them makes nobody slow. */
import { describe, expect, test } from "vitest";
import { createProcessClock, type TimeSource } from "../../../src/playground/process-clock.ts";

/** A process whose event loop is turned by hand. */
function aProcess(): { readonly source: TimeSource; turnAfter(durationMs: number): void; spend(durationMs: number): void } {
  let nowMs = 1_000;
  const ticks: (() => void)[] = [];
  const spend = (durationMs: number): void => void (nowMs += durationMs);
  const turnAfter = (durationMs: number): void => {
    spend(durationMs);
    for (const tick of ticks) tick();
  };
  return { source: { nowMs: () => nowMs, every: (_, act) => void ticks.push(act), sleep: async (durationMs) => turnAfter(durationMs) }, turnAfter, spend };
}

describe("the process clock", () => {
  test("goes as the wall's while the process runs", () => {
    const { source, turnAfter, spend } = aProcess();
    const clock = createProcessClock(source);
    for (let turns = 0; turns < 100; turns++) turnAfter(10);
    spend(4);
    expect(clock.nowMs()).toBe(1_004);
  });

  test("stands still while the process does, and never goes back", () => {
    const { source, turnAfter, spend } = aProcess();
    const clock = createProcessClock(source);
    spend(3_500);
    expect(clock.nowMs()).toBe(50);
    turnAfter(10);
    expect(clock.nowMs()).toBe(50);
    turnAfter(10);
    expect(clock.nowMs()).toBe(60);
  });

  test("a wait of a slow version is as long as ever, however long the process stood still in it", async () => {
    const { source, turnAfter } = aProcess();
    const clock = createProcessClock({ ...source, sleep: async () => turnAfter(700) });
    const fromMs = source.nowMs();
    await clock.wait(200);
    expect(clock.nowMs()).toBe(200);
    expect(source.nowMs() - fromMs).toBe(4 * 700);
  });
});
