/** Variables of custom queries: what they become, and that no value breaks out of its quotes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { promqlString, QUERY_VARIABLES, regexOf, substituteVariables, unknownVariables, type QueryValues } from "../../../src/rollout/analysis/query-variables.ts";

const VALUES: QueryValues = {
  namespace: ["bookinfo"],
  name: ["reviews"],
  "canary.workload": ["reviews-v3"],
  "canary.version": ["v3"],
  "canary.pods": ["reviews-v3-a", "reviews-v3-b"],
  "stable.workload": ["reviews.v2", "reviews-v2b"],
  "stable.version": ["v2"],
  "stable.pods": [],
  window: ["60s"],
};

function substituted(query: string, values: QueryValues = VALUES): string {
  const result = substituteVariables(query, values);
  if (result.kind === "invalid") throw new Error(result.message);
  return result.query;
}

describe("substitution", () => {
  it.each([
    ['sum(increase(orders_total{workload="$(canary.workload)"}[$(window)]))', 'sum(increase(orders_total{workload="reviews-v3"}[60s]))'],
    ["x{ns='$(namespace)',name=\"$(name)\"}", "x{ns='bookinfo',name=\"reviews\"}"],
    ['x{pod=~"$(canary.pods)"}', 'x{pod=~"reviews-v3-a|reviews-v3-b"}'],
    ['x{w=~"$(stable.workload)"}', 'x{w=~"reviews\\\\.v2|reviews-v2b"}'],
    ["x{w=~`$(stable.workload)`}", "x{w=~`reviews\\.v2|reviews-v2b`}"],
    ['x{w!~ "$(stable.version)"}', 'x{w!~ "v2"}'],
    ['x{v != "$(canary.version)"}', 'x{v != "v3"}'],
    ['x{v=~"(?:$(canary.pods))-.*"}', 'x{v=~"(?:reviews-v3-a|reviews-v3-b)-.*"}'],
    ["x # don't touch $(namespace)\n+ y", "x # don't touch $(namespace)\n+ y"],
    ["up", "up"],
  ])("makes of %s: %s", (query, expected) => {
    expect(substituted(query)).toBe(expected);
  });

  it.each([
    ["x{w=\"$(stable.workload)\"}", "$(stable.workload) stands for 2 names here: compare it with =~ instead of ="],
    ["sum($(canary.workload))", "expected $(canary.workload) in quotes, as a label's value, got it outside of them"],
    ['x{a="$(canary.deployment)"}', "the query names $(canary.deployment), expected one of namespace, name, canary.workload, canary.version, canary.pods, stable.workload, stable.version, stable.pods, window"],
  ])("refuses %s: %s", (query, message) => {
    expect(substituteVariables(query, VALUES)).toEqual({ kind: "invalid", message });
  });

  it("refuses a backquote inside backquotes", () => {
    expect(substituteVariables("x{a=`$(name)`}", { ...VALUES, name: ["a`b"] }).kind).toBe("invalid");
  });

  it("says so where a variable stands for nothing: =~\"\" would match whatever lacks the label", () => {
    expect(substituteVariables('x{pod=~"$(stable.pods)"}', VALUES)).toEqual({ kind: "empty", query: 'x{pod=~""}' });
  });

  it("lets no value out of its quotes", () => {
    const literal = /^x\{a=~?("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\}$/s;
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('x{a="$(name)"}', "x{a='$(name)'}", 'x{a=~"$(name)"}'), (value, query) => {
        expect(substituted(query, { ...VALUES, name: [value] })).toMatch(literal);
      }),
    );
  });
});

describe("names in PromQL", () => {
  it("are matched as they are, and nothing else is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme-ascii" }), fc.string({ unit: "grapheme-ascii" }), (name, other) => {
        expect(new RegExp(`^(?:${regexOf([name])})$`, "s").test(other)).toBe(other === name);
        expect(new RegExp(`^(?:${regexOf([name])})$`, "s").test(name)).toBe(true);
      }),
    );
  });

  it("are read back as they were", () => {
    expect(promqlString('a"b\\c\nd')).toBe('"a\\"b\\\\c\\nd"');
  });
});

describe("unknown variables", () => {
  it.each([
    ["up", []],
    [QUERY_VARIABLES.map((name) => `$(${name})`).join(" "), []],
    ["$(canary.pod) $(canary.pod) $( window) $()", ["canary.pod", " window", ""]],
    ['x{a="$(name', ["$(name"]],
    ['x{a=~"a$"}', []],
  ])("of %s are %j", (query, expected) => {
    expect(unknownVariables(query)).toEqual(expected);
  });
});
