/** Laws of field ownership, for any history of writes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fieldSetFrom, fieldsV1Of } from "../../../../src/playground/kubernetes-api/field-set.ts";
import type { JsonObject } from "../../../../src/playground/kubernetes-api/json.ts";
import type { ManagedFieldsEntry } from "../../../../src/playground/kubernetes-api/kube-object.ts";
import { applyConfiguration, entriesAfterUpdate } from "../../../../src/playground/kubernetes-api/managed-fields.ts";
import { compareFields, fieldSetOf, mergeFields, withoutFields } from "../../../../src/playground/kubernetes-api/object-fields.ts";
import { shapeOf } from "../../../../src/playground/kubernetes-api/shape.ts";

const shape = shapeOf({
  type: "object",
  properties: {
    release: { type: "string" },
    size: { type: "integer" },
    steps: { type: "array", items: { type: "integer" } },
    labels: { type: "object", additionalProperties: { type: "string" } },
    metrics: { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], items: { type: "object", properties: { name: { type: "string" }, max: { type: "integer" } } } },
    finalizers: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
});

const word = fc.constantFrom("a", "b", "c");
const metric = fc.record({ name: word, max: fc.nat(3) }, { requiredKeys: ["name"] });
const anObject: fc.Arbitrary<JsonObject> = fc.record(
  {
    release: word,
    size: fc.nat(3),
    steps: fc.array(fc.nat(3), { maxLength: 3 }),
    labels: fc.dictionary(word, word, { minKeys: 1 }),
    metrics: fc.uniqueArray(metric, { selector: ({ name }) => name, minLength: 1 }),
    finalizers: fc.uniqueArray(word, { minLength: 1 }),
    free: fc.dictionary(word, fc.oneof(fc.nat(3), fc.dictionary(word, word, { minKeys: 1 })), { minKeys: 1 }),
  },
  { requiredKeys: [] },
);

const writer = (manager: string, operation: "Update" | "Apply" = "Update") => ({ manager, operation, apiVersion: "v1", time: "2026-11-21T00:00:00Z" });
const ownFieldsOf = (object: unknown): ReadonlySet<string> => fieldSetOf(object, shape);
const setsOf = (entries: readonly ManagedFieldsEntry[]): readonly ReadonlySet<string>[] => entries.map(({ fieldsV1 = {} }) => fieldSetFrom(fieldsV1));

describe("fields and their owners", () => {
  it("field sets survive their wire form", () => {
    const survives = (object: JsonObject): void => {
      expect(fieldSetFrom(fieldsV1Of(ownFieldsOf(object)))).toEqual(ownFieldsOf(object));
    };
    fc.assert(fc.property(anObject, survives));
  });

  it("an object differs from itself in nothing, and from another in what is added, modified or removed", () => {
    fc.assert(
      fc.property(anObject, anObject, (before, after) => {
        expect(compareFields(before, before, shape)).toEqual({ added: new Set(), modified: new Set(), removed: new Set() });
        const { added, modified, removed } = compareFields(before, after, shape);
        const mirrored = compareFields(after, before, shape);
        expect([added, modified, removed]).toEqual([mirrored.removed, mirrored.modified, mirrored.added]);
      }),
    );
  });

  it("what is applied is in the result, and applying it again changes nothing", () => {
    fc.assert(
      fc.property(anObject, anObject, (live, config) => {
        const merged = mergeFields(live, config, shape);
        expect(compareFields(merged, mergeFields(merged, config, shape), shape).modified.size).toBe(0);
        const { removed, modified } = compareFields(config, merged, shape);
        expect([removed.size, modified.size]).toEqual([0, 0]);
      }),
    );
  });

  it("an object without its fields has none", () => {
    const isEmptied = (object: JsonObject): void => {
      const left = ownFieldsOf(withoutFields(object, ownFieldsOf(object), shape));
      expect([...left].filter((field) => ownFieldsOf(object).has(field))).toEqual([]);
    };
    fc.assert(fc.property(anObject, isEmptied));
  });

  it("after any history of updates every field has one owner: who changed it last", () => {
    const history = fc.array(fc.tuple(word, anObject), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(history, (writes) => {
        let entries: readonly ManagedFieldsEntry[] = [];
        let object: JsonObject = {};
        for (const [manager, next] of writes) {
          entries = entriesAfterUpdate(object, next, entries, shape, writer(manager));
          object = next;
        }
        const owned = setsOf(entries).flatMap((set) => [...set]);
        expect(new Set(owned).size).toBe(owned.length);
        const fields = compareFields({}, object, shape).added;
        expect([...fields].every((field) => owned.includes(field))).toBe(true);
        expect(owned.every((field) => fields.has(field))).toBe(true);
      }),
    );
  });

  it("who applies owns exactly what is in the configuration, and nothing that was applied before and is named no more stays", () => {
    fc.assert(
      fc.property(anObject, anObject, (first, second) => {
        const once = applyConfiguration(undefined, first, [], shape, { ...writer("a", "Apply"), isForced: false });
        const twice = applyConfiguration(once.object, second, once.managedFields, shape, { ...writer("a", "Apply"), isForced: false });
        expect(fieldSetOf(twice.object, shape)).toEqual(fieldSetOf(second, shape));
        expect(setsOf(twice.managedFields)).toEqual(fieldSetOf(second, shape).size === 0 ? [] : [fieldSetOf(second, shape)]);
      }),
    );
  });

  it("a field that another manager holds and that would change is a conflict, unless it is taken by force", () => {
    const apply = (isForced: boolean, size: number) => {
      const entries = entriesAfterUpdate({}, { size: 1 }, [], shape, writer("first"));
      return applyConfiguration({ size: 1 }, { size }, entries, shape, { ...writer("second", "Apply"), isForced });
    };
    expect(() => apply(false, 2)).toThrow('Apply failed with 1 conflict: conflict with "first" using v1: .size');
    expect(apply(false, 1).managedFields.map(({ manager }) => manager)).toEqual(["second", "first"]);
    expect(apply(true, 2).managedFields.map(({ manager }) => manager)).toEqual(["second"]);
  });
});
