/** Looks come one after the other, once for each name, and again after trouble. */
import { describe, expect, it } from "vitest";
import { Conflict } from "../../../../src/kubernetes/errors.ts";
import { createWorkQueue } from "../../../../src/playground/controllers/work-queue.ts";
import { createFakeTime, settled } from "../../../support/fake-time.ts";
import { createSilentLog } from "../../../support/silent-log.ts";

function aQueue(look: (key: string, count: number) => number | undefined | Error) {
  const [time, logger, looks] = [createFakeTime(), createSilentLog(), [] as string[]];
  const queue = createWorkQueue({
    time,
    logger,
    random: () => 0,
    async look(key) {
      looks.push(key);
      await settled();
      const answer = look(key, looks.length);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { queue, time, logger, looks };
}

describe("a queue", () => {
  it("looks once at a name that waits, and again at one that was added while it was looked at", async () => {
    const { queue, time, looks } = aQueue(() => undefined);
    ["a", "b", "a"].forEach(queue.add);
    await Promise.resolve();
    queue.add("a");
    await time.advance(0);
    await settled();
    await settled();
    expect(looks).toEqual(["a", "b", "a"]);
    expect(time.pending()).toBe(0);
  });

  it("looks again later after trouble, and says so unless it was a conflict", async () => {
    const { queue, time, logger, looks } = aQueue((_key, count) => [new Conflict("moved on"), new Error("broken")][count - 1]);
    queue.add("a");
    for (let turn = 0; turn < 6; turn++) await time.advance(50);
    expect(looks).toEqual(["a", "a", "a"]);
    expect(logger.lines.map(({ fields }) => (fields["error"] as Error).message)).toEqual(["broken"]);
    expect(time.pending()).toBe(0);
  });

  it("looks again when it is told to, and no more once it is stopped", async () => {
    const { queue, time, looks } = aQueue(() => 1_000);
    queue.add("a");
    for (let turn = 0; turn < 5; turn++) await time.advance(500);
    expect(looks).toEqual(["a", "a", "a"]);
    await queue.stop();
    queue.add("b");
    await time.advance(5_000);
    expect([looks.length, time.pending()]).toEqual([3, 0]);
  });
});
