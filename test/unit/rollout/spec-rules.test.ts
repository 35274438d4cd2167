/** Zod, CEL and the table of bad specs agree on every rule of the spec. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ruleCauses } from "../../../src/playground/kubernetes-api/cel-rules.ts";
import type { Schema } from "../../../src/playground/kubernetes-api/schema.ts";
import { specSchema } from "../../../src/rollout/crd.ts";
import { VALIDATIONS } from "../../../src/rollout/spec-rule.ts";
import { problemsOf } from "../../../src/rollout/spec-problems.ts";
import { RolloutSpec } from "../../../src/rollout/spec.ts";
import { aSpecWithAnyValues } from "../../support/spec-generators.ts";
import { BAD_SPECS } from "../../support/bad-specs.ts";

const schema: Schema = { type: "object", properties: { spec: specSchema() } };

const sentencesOfZod = (spec: unknown): readonly string[] => {
  const parsed = RolloutSpec.safeParse(spec);
  return parsed.success ? [] : problemsOf(parsed.error, spec, "spec").map(({ path, message }) => `${path}: ${message}`);
};

const sentencesOfCel = (spec: unknown, rules: Schema = schema): readonly string[] =>
  ruleCauses({ spec }, undefined, rules).map(({ field, message }) => `${field}: ${message.replace(/^Invalid value: (?:.*?: )??(?=expected )/s, "")}`);

describe("the rules of the spec", () => {
  test("zod and CEL refuse the same specs at the same places with the same sentences", () => {
    fc.assert(
      fc.property(aSpecWithAnyValues, (spec) => {
        expect([...sentencesOfCel(spec)].sort()).toEqual([...sentencesOfZod(spec)].sort());
      }),
      { numRuns: 500 },
    );
  }, 120_000);

  test.each(BAD_SPECS)("$name", ({ spec, sentences }) => {
    expect([...sentencesOfZod(spec)].sort()).toEqual([...sentences].sort());
    expect([...sentencesOfCel(spec)].sort()).toEqual([...sentences].sort());
  });

  test("each rule of the CRD is broken by one of the bad specs", () => {
    const unbroken = [...rulesOf(schema)].filter((rule) => BAD_SPECS.every(({ spec }) => sentencesOfCel(spec, withOnly(schema, rule)).length === 0));
    expect(unbroken).toEqual([]);
  });
});

function rulesOf(node: Schema): ReadonlySet<string> {
  const children = [...Object.values(node.properties ?? {}), ...(node.items ? [node.items] : [])];
  return new Set([...(node[VALIDATIONS] ?? []).map(({ rule }) => rule), ...children.flatMap((child) => [...rulesOf(child)])]);
}

/** The schema without any other rule. */
function withOnly(node: Schema, rule: string): Schema {
  return {
    ...node,
    [VALIDATIONS]: (node[VALIDATIONS] ?? []).filter((each) => each.rule === rule),
    ...(node.items && { items: withOnly(node.items, rule) }),
    ...(node.properties && { properties: Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, withOnly(child, rule)])) }),
  };
}
