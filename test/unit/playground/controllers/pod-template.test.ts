/** Which pod templates are the same, and what their hashes depend on. */
import { expect, it } from "vitest";
import { isSameTemplate, templateHashOf, withTemplateHash } from "../../../../src/playground/controllers/pod-template.ts";
import type { PodTemplate } from "../../../../src/playground/controllers/workloads.ts";
import { aTemplate } from "./workload.fixture.ts";

const template = (...given: Parameters<typeof aTemplate>): PodTemplate => aTemplate(...given) as PodTemplate;

it("A template is the same with its hash, with nulls, and in another order", () => {
  const { metadata, spec } = template();
  const given = { spec, metadata: { creationTimestamp: null, ...metadata } } as PodTemplate;
  for (const other of [withTemplateHash(template(), "abc"), given]) {
    expect(isSameTemplate(template(), other)).toBe(true);
    expect(templateHashOf(other, 0)).toBe(templateHashOf(template(), 0));
  }
});

it("Another image, another label or a collision makes another hash", () => {
  const hashes = [templateHashOf(template(), 0), templateHashOf(template("v2"), 0), templateHashOf(template("v1", { a: "b" }), 0), templateHashOf(template(), 1)];
  expect(new Set(hashes).size).toBe(4);
  for (const hash of hashes) expect(hash).toMatch(/^[b-df-hj-np-tv-xz2-9]{10}$/);
  expect(isSameTemplate(template(), template("v2"))).toBe(false);
});
