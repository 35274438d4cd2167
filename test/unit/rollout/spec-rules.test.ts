import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brokenRules } from "../../../src/playground/cel-rules.ts";
import { specSchema, type Schema } from "../../../src/rollout/crd.ts";
import { VALIDATIONS } from "../../../src/rollout/spec-rule.ts";
import { problemsOf } from "../../../src/rollout/spec-problems.ts";
import { RolloutSpec } from "../../../src/rollout/spec.ts";
import { aSpecWithAnyValues } from "../../support/spec-generators.ts";
import { BAD_SPECS } from "../../support/bad-specs.ts";

const schema = specSchema();

const sentencesOfZod = (spec: unknown): readonly string[] => {
  const parsed = RolloutSpec.safeParse(spec);
  return parsed.success ? [] : problemsOf(parsed.error, spec, "spec").map(({ path, message }) => `${path}: ${message}`);
};

const sentencesOfCel = (spec: unknown): readonly string[] => brokenRules(schema, spec, "spec").map(({ field, message }) => `${field}: ${message}`);

describe("the rules of the spec", () => {
  test("zod and CEL refuse the same specs at the same places with the same sentences", () => {
    fc.assert(
      fc.property(aSpecWithAnyValues, (spec) => {
        expect([...sentencesOfCel(spec)].sort()).toEqual([...sentencesOfZod(spec)].sort());
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(BAD_SPECS)("$name", ({ spec, sentences }) => {
    expect([...sentencesOfZod(spec)].sort()).toEqual([...sentences].sort());
    expect([...sentencesOfCel(spec)].sort()).toEqual([...sentences].sort());
  });

  test("each rule of the CRD is broken by one of the bad specs", () => {
    const broken = new Set(BAD_SPECS.flatMap(({ spec }) => brokenRules(schema, spec).map(({ rule }) => rule)));
    expect(rulesOf(schema).filter((rule) => !broken.has(rule))).toEqual([]);
  });
});

function rulesOf(node: Schema): readonly string[] {
  const own = (node[VALIDATIONS] ?? []) as readonly { readonly rule: string }[];
  const children = [...Object.values(node.properties ?? {}), ...(node.items ? [node.items] : [])];
  return [...own.map(({ rule }) => rule), ...children.flatMap(rulesOf)];
}
