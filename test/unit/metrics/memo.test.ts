/** What is remembered of earlier answers, and for how long. */
import { describe, expect, it } from "vitest";
import { createMemo } from "../../../src/metrics/prometheus/memo.ts";

describe("a memory of answers", () => {
  it("lets the least recently used go where it becomes too heavy", () => {
    const memo = createMemo({ mostWeight: 10, keptMs: 1_000, nowMs: () => 0 });
    memo.set("a", 1, 4);
    memo.set("b", 2, 4);
    expect(memo.get("a")).toBe(1);
    memo.set("c", 3, 4);
    expect(["a", "b", "c"].map(memo.get)).toEqual([1, undefined, 3]);
  });

  it("lets go what nobody has asked for in a while, though there were room", () => {
    let now = 0;
    const memo = createMemo({ mostWeight: 100, keptMs: 1_000, nowMs: () => now });
    memo.set("a", 1, 1);
    memo.set("b", 2, 1);
    now = 600;
    expect(memo.get("a")).toBe(1);
    now = 1_200;
    memo.set("c", 3, 1);
    expect(["a", "b", "c"].map(memo.get)).toEqual([1, undefined, 3]);
  });

  it("keeps nothing that is too heavy alone", () => {
    const memo = createMemo({ mostWeight: 10, keptMs: 1_000, nowMs: () => 0 });
    memo.set("a", 1, 11);
    expect(memo.get("a")).toBeUndefined();
  });
});
