/** Merge patches: applied by the RFC's own rule, they make of one value the other. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasField, mergePatch, missingPaths } from "../../../src/kubernetes/merge-patch.ts";

/** RFC 7386, section 2. */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = applied(result[name], value);
  }
  return result;
}

/** JSON without null, as statuses are. */
const { mapping } = fc.letrec<{ value: unknown; mapping: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.constantFrom("a", "b"), fc.boolean(), fc.array(tie("value"), { maxLength: 3 }), tie("mapping")),
  mapping: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value"), { maxKeys: 4, noNullPrototype: true }),
}));

describe("a merge patch", () => {
  test("makes of one value the other", () => {
    fc.assert(fc.property(mapping, mapping, (from, to) => void expect(applied(from, mergePatch(from, to))).toEqual(to)));
  });

  test("says nothing where nothing differs", () => {
    fc.assert(fc.property(mapping, (value) => void expect(mergePatch(value, structuredClone(value))).toEqual({})));
  });

  test("says only what differs: gone fields are null, lists are whole", () => {
    const from = { phase: "Paused", run: { weight: 10, pausedBy: "Step", checks: [{ a: 1 }, { b: 2 }] }, kept: { deep: true } };
    const to = { phase: "Progressing", run: { weight: 10, checks: [{ a: 1 }] }, kept: { deep: true }, absent: undefined };
    expect(mergePatch(from, to)).toEqual({ phase: "Progressing", run: { pausedBy: null, checks: [{ a: 1 }] } });
  });
});

describe("missing paths", () => {
  test("name what was sent and not stored, and nothing else", () => {
    const sent = { phase: "a", run: { checks: [{ name: "x", query: "q" }], weight: 5 }, gone: { deep: 1 }, absent: undefined };
    const stored = { phase: "other", run: { checks: [{ name: "x" }], weight: 5, extra: 1 } };
    expect(missingPaths(sent, stored)).toEqual(["run.checks[0].query", "gone"]);
    expect(missingPaths(sent, sent)).toEqual([]);
    expect(["run.checks.query", "gone", "run.checks.other", "run.none.query"].map((field) => hasField(sent, field))).toEqual([true, true, false, false]);
  });
});
