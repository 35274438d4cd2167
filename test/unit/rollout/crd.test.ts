/** The CustomResourceDefinitions are structural, bounded, described, and as the schemas say. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { crds, specSchema, statusSchema, type Schema } from "../../../src/rollout/crd.ts";

describe("the CustomResourceDefinition", () => {
  test("deploy/crd.yaml is what the schemas say (if not: npm run generate)", () => {
    expect(parseAllDocuments(readFileSync("deploy/crd.yaml", "utf8")).map((each) => each.toJS() as unknown)).toEqual(JSON.parse(JSON.stringify(crds())));
  });

  test("every field of the spec has a description for kubectl explain", () => {
    expect(fieldsOf(specSchema(), "spec").filter(([, field]) => !field.description).map(([path]) => path)).toEqual([]);
  });

  test("every text and list of the spec is bounded, so that the cost of the rules is", () => {
    const unbounded = fieldsOf(specSchema(), "spec").filter(
      ([, field]) => (field.type === "string" && !field.enum && field.maxLength === undefined) || (field.type === "array" && field.maxItems === undefined),
    );
    expect(unbounded.map(([path]) => path)).toEqual([]);
  });

  test("no default is persisted, so that an upgrade changes no stored spec", () => {
    expect(fieldsOf(specSchema(), "spec").filter(([, field]) => "default" in field)).toEqual([]);
  });

  test("nothing in the status can be refused for its value", () => {
    const keywords = new Set(fieldsOf(statusSchema(), "status").flatMap(([, field]) => Object.keys(field)));
    expect([...keywords].filter((keyword) => !["type", "description", "properties", "additionalProperties", "items"].includes(keyword))).toEqual([]);
  });

  test("every node has a type, as a structural schema needs", () => {
    const nodes = [...fieldsOf(specSchema(), "spec"), ...fieldsOf(statusSchema(), "status")];
    expect(nodes.filter(([, field]) => field.type === undefined).map(([path]) => path)).toEqual([]);
  });
});

describe("the record of a run", () => {
  const [, runs] = crds();
  const { spec } = (runs!.spec.versions[0]!["schema"] as { readonly openAPIV3Schema: { readonly properties: { readonly spec: Schema } } }).openAPIV3Schema.properties;

  test("is explained field by field", () => {
    expect(Object.entries(spec.properties!).filter(([, field]) => !field.description).map(([name]) => name)).toEqual([]);
  });

  test("can be refused for nothing but a change", () => {
    const keywords = new Set(fieldsOf(spec, "spec").flatMap(([, field]) => Object.keys(field)));
    expect([...keywords].filter((keyword) => !["type", "description", "properties", "additionalProperties", "items", "x-kubernetes-preserve-unknown-fields"].includes(keyword))).toEqual([]);
    expect(spec["x-kubernetes-validations"]).toEqual([{ rule: "self == oldSelf", message: expect.stringMatching(/^expected .*, got .*; /) }]);
  });

  test("keeps the Rollout's spec as it was, whatever this schema knows of it", () => {
    expect(spec.properties?.["resolved"]).toMatchObject({ type: "object", "x-kubernetes-preserve-unknown-fields": true });
  });
});

function fieldsOf(schema: Schema, path: string): readonly (readonly [string, Schema])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    const items = field.items ? ([[`${here}[]`, { description: "an item", ...field.items }], ...fieldsOf(field.items, `${here}[]`)] as const) : [];
    return [[here, field] as const, ...items, ...fieldsOf(field, here)];
  });
}
