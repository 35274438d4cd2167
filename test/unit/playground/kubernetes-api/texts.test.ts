/** Small notations: ages, paths of printer columns, selectors of routes, rules. */
import { describe, expect, it } from "vitest";
import { ageOf } from "../../../../src/playground/kubernetes-api/age.ts";
import { ruleCauses, ruleErrors } from "../../../../src/playground/kubernetes-api/cel-rules.ts";
import { valuesAt } from "../../../../src/playground/kubernetes-api/json-path.ts";
import { parseResourcePath } from "../../../../src/playground/kubernetes-api/resource-path.ts";
import type { CelRule, Schema } from "../../../../src/playground/kubernetes-api/schema.ts";

const now = new Date("2026-11-21T12:00:00Z");
const before = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString();

describe("ages", () => {
  it.each([
    [0, "0s"], [119, "119s"], [120, "2m"], [130, "2m10s"], [600, "10m"], [10_799, "179m"], [10_800, "3h"], [12_660, "3h31m"], [28_800, "8h"],
    [172_800, "2d"], [180_000, "2d2h"], [691_200, "8d"], [63_072_000, "2y"], [70_000_000, "2y80d"], [300_000_000, "9y"],
  ])("%d seconds are shown as %s", (seconds, shown) => expect(ageOf(before(seconds), now)).toBe(shown));

  it("what is no time is unknown, and what is to come is invalid", () => {
    expect([ageOf(undefined, now), ageOf(before(-60), now)]).toEqual(["<unknown>", "<invalid>"]);
  });
});

describe("paths of columns", () => {
  const object = { status: { conditions: [{ type: "Ready", status: "True" }, { type: "Stalled", status: "False" }], "a.b": 1 }, spec: { hosts: ["x", "y"] } };
  it.each([
    [".spec.hosts", [["x", "y"]]],
    [".spec.hosts[1]", ["y"]],
    [".spec.hosts[*]", ["x", "y"]],
    ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
    [".status.conditions[?(@.type == 'Stalled')].status", ["False"]],
    [".status['a.b']", [1]],
    [".status.a\\.b", [1]],
    [".status.missing.deeper", []],
    [".status..x", []],
  ])("%s", (path, values) => expect(valuesAt(object, path)).toEqual(values));
});

describe("paths of URLs", () => {
  it.each([
    ["/api/v1/namespaces", { group: "", version: "v1", plural: "namespaces" }],
    ["/api/v1/namespaces/a", { group: "", version: "v1", plural: "namespaces", name: "a" }],
    ["/api/v1/namespaces/a/status", { group: "", version: "v1", plural: "namespaces", name: "a", subresource: "status" }],
    ["/api/v1/namespaces/a/pods", { group: "", version: "v1", namespace: "a", plural: "pods" }],
    ["/apis/apps/v1/namespaces/a/deployments/b/status", { group: "apps", version: "v1", namespace: "a", plural: "deployments", name: "b", subresource: "status" }],
    ["/api/v1/namespaces/a/services/b:80/proxy/c/d", { group: "", version: "v1", namespace: "a", plural: "services", name: "b:80", subresource: "proxy", rest: ["c", "d"] }],
  ])("%s", (path, target) => expect(parseResourcePath(path)).toEqual({ rest: [], ...target }));

  it.each(["/version", "/api", "/apis/apps", "/apis/apps/v1", "/openapi/v3/apis/apps/v1"])("%s is about no resource", (path) => {
    expect(parseResourcePath(path)).toBeUndefined();
  });
});

describe("rules", () => {
  const ruled = (type: Schema, rule: CelRule): Schema => ({ type: "object", properties: { value: { ...type, "x-kubernetes-validations": [rule] } } });
  const holds = (rule: string, value: unknown, type: Schema = {}): boolean => ruleCauses({ value }, undefined, ruled(type, { rule })).length === 0;

  it("know whole numbers by the schema, and fields with names that CEL reserves", () => {
    expect(holds("self == 3 && type(self) == int", 3, { type: "integer" })).toBe(true);
    expect(holds("type(self) == double", 3, { type: "number" })).toBe(true);
    const schema = { type: "object", properties: { namespace: { type: "string" }, "a-b": { type: "integer" } } };
    expect(holds("self.__namespace__ == 'x' && self.a__dash__b == 1", { namespace: "x", "a-b": 1 }, schema)).toBe(true);
  });

  it("have Kubernetes' own functions", () => {
    const list = { type: "array", items: { type: "integer" } };
    expect(holds("self.isSorted() && self.sum() == 6 && self.min() == 1 && self.max() == 3", [1, 2, 3], list)).toBe(true);
    expect(holds("self.isSorted()", [2, 1], list)).toBe(false);
    expect(holds("self.find('[0-9]+') == '12' && self.findAll('[0-9]') == ['1', '2'] && self.replace('a', 'b') == 'b12'", "a12")).toBe(true);
    expect(holds("isURL(self)", "no url")).toBe(false);
    expect(holds("duration(self) < duration('1h')", "90s")).toBe(true);
    expect(holds("'%s of %d%%'.format([self, 3]) == 'x of 3%'", "x")).toBe(true);
  });

  it("may ask for an old value that need not be there", () => {
    const schema = ruled({ type: "integer" }, { rule: "!oldSelf.hasValue() || self >= oldSelf.value()", optionalOldSelf: true, message: "must not shrink" });
    const causes = (value: number, old?: number): number => ruleCauses({ value }, old === undefined ? undefined : { value: old }, schema).length;
    expect([causes(1), causes(2, 1), causes(1, 2)]).toEqual([0, 0, 1]);
  });

  it("say which items of a list with keys were which", () => {
    const items = { type: "object", properties: { name: { type: "string" }, size: { type: "integer" } }, "x-kubernetes-validations": [{ rule: "self.size >= oldSelf.size", message: "must not shrink" }] };
    const schema = { type: "object", properties: { list: { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], items } } };
    const old = { list: [{ name: "a", size: 1 }, { name: "b", size: 5 }] };
    const causes = ruleCauses({ list: [{ name: "b", size: 4 }, { name: "c", size: 0 }] }, old, schema);
    expect(causes).toEqual([{ reason: "FieldValueInvalid", message: "Invalid value: must not shrink", field: "list[0]" }]);
  });

  it("are themselves checked", () => {
    expect(ruleErrors(ruled({ type: "string" }, { rule: "self.(", messageExpression: "'a' +" }), "schema").map(({ field }) => field)).toEqual([
      "schema.properties[value].x-kubernetes-validations[0].rule",
      "schema.properties[value].x-kubernetes-validations[0].messageExpression",
    ]);
  });
});
