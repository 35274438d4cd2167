/** What a pod template is called: readable, one name for one template, and the same name for ever. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Template, versionOf } from "../../../src/workload/deployment/template-version.ts";

function aTemplate(image?: string, labels: object = { app: "reviews" }, pod: object = {}): unknown {
  return { metadata: { labels }, spec: { containers: [{ name: "app", ...(image === undefined ? {} : { image }) }], ...pod } };
}

function nameOf(template: unknown): string {
  return versionOf(Template.parse(template)).version;
}

const DIGEST = "sha256:5d41402abc4b2a76b9719d911017c592ae4f8ec7b0a3c2d1e0f9a8b7c6d5e4f3";

describe("the name of a template", () => {
  it.each([
    ["the tag", "reviews:v2", "v2"],
    ["the tag, whatever registry and port", "registry.example:5000/team/reviews:1.4.0", "1.4.0"],
    ["latest, where a registry's port is no tag", "registry.example:5000/team/reviews", "latest"],
    ["latest, where there is no tag", "reviews", "latest"],
    ["the beginning of a digest", `registry.example:5000/reviews@${DIGEST}`, "5d41402"],
    ["the beginning of a digest, where there is a tag beside it", `reviews:v2@${DIGEST}`, "5d41402"],
    ["a dash for each odd character", "reviews:v2+build~7", "v2-build-7"],
    ["no more than forty characters of the tag", `reviews:${"a".repeat(128)}`, "a".repeat(40)],
    ["latest, where the image is empty", "", "latest"],
    ["latest, where there is no image", undefined, "latest"],
  ])("begins with %s", (_, image, tag) => {
    const name = nameOf(aTemplate(image));
    expect(name.slice(0, -8)).toBe(tag);
    expect(name.slice(-8)).toMatch(/^-[0-9a-f]{7}$/);
  });

  it("goes by the first container", () => {
    expect(nameOf({ spec: { containers: [{ image: "app:v1" }, { image: "proxy:v9" }] } })).toMatch(/^v1-/);
    expect(nameOf({ spec: { containers: [] } })).toMatch(/^latest-/);
  });

  it("is the same, in this and in every later Weir", () => {
    const template = {
      metadata: { labels: { app: "reviews", team: "books" }, annotations: { "prometheus.io/scrape": "true" } },
      spec: { containers: [{ name: "app", image: "registry.example/reviews:v2", ports: [{ containerPort: 9080 }], resources: { limits: { cpu: "1" } } }], terminationGracePeriodSeconds: 30 },
    };
    expect(versionOf(Template.parse(template))).toEqual({ version: "v2-35dcc5d", revision: "r1-35dcc5dac2" });
  });
});

describe("one name for one template", () => {
  const plain = aTemplate("reviews:v2", { app: "reviews", team: "books" }, { dnsPolicy: "ClusterFirst", nodeSelector: { disk: "ssd", arch: "arm64" } });

  it.each([
    ["with its keys in another order", { spec: { nodeSelector: { arch: "arm64", disk: "ssd" }, dnsPolicy: "ClusterFirst", containers: [{ image: "reviews:v2", name: "app" }] }, metadata: { labels: { team: "books", app: "reviews" } } }],
    ["as its ReplicaSet has it", aTemplate("reviews:v2", { app: "reviews", team: "books", "pod-template-hash": "7c4d9" }, { dnsPolicy: "ClusterFirst", nodeSelector: { disk: "ssd", arch: "arm64" } })],
    ["as its canary's ReplicaSet has it", aTemplate("reviews:v2", { app: "reviews", team: "books", "pod-template-hash": "7c4d9", "weir.dev/canary": "e0b8f1d" }, { dnsPolicy: "ClusterFirst", nodeSelector: { disk: "ssd", arch: "arm64" } })],
    ["with the nulls that some API servers write", { ...(plain as object), metadata: { creationTimestamp: null, labels: { app: "reviews", team: "books" } } }],
  ])("%s", (_, other) => {
    expect(versionOf(Template.parse(other))).toEqual(versionOf(Template.parse(plain)));
  });

  it("however keys are shuffled", () => {
    fc.assert(fc.property(anyTemplate.chain((template) => fc.tuple(fc.constant(template), fc.infiniteStream(fc.nat()))), ([template, order]) => {
      expect(nameOf(shuffled(template, order))).toBe(nameOf(template));
    }));
  });

  it.each([
    ["an image", aTemplate("reviews:v2@sha256:aa")],
    ["a label", aTemplate("reviews:v2", { app: "reviews", team: "films" })],
    ["a label more", aTemplate("reviews:v2", { app: "reviews", team: "books", more: "" })],
    ["an annotation, as `kubectl rollout restart` writes it", { ...(aTemplate("reviews:v2", { app: "reviews", team: "books" }) as object), metadata: { labels: { app: "reviews", team: "books" }, annotations: { "kubectl.kubernetes.io/restartedAt": "2026-11-21T12:00:00Z" } } }],
    ["a second container", { metadata: { labels: { app: "reviews", team: "books" } }, spec: { containers: [{ name: "app", image: "reviews:v2" }, { name: "proxy" }] } }],
    ["the order of a list", { metadata: { labels: { app: "reviews", team: "books" } }, spec: { containers: [{ name: "app", image: "reviews:v2", args: ["b", "a"] }] } }],
    ["a field that Weir does not know", aTemplate("reviews:v2", { app: "reviews", team: "books" }, { "x-new": false })],
  ])("another one where this differs: %s", (_, other) => {
    const inOrder = { metadata: { labels: { app: "reviews", team: "books" } }, spec: { containers: [{ name: "app", image: "reviews:v2", args: ["a", "b"] }] } };
    const one = aTemplate("reviews:v2", { app: "reviews", team: "books" });
    expect(new Set([nameOf(one), nameOf(inOrder), nameOf(other)])).toHaveLength(3);
  });

  it("another one for any other change", () => {
    fc.assert(fc.property(anyTemplate, anyTemplate, (one, other) => {
      fc.pre(JSON.stringify(sorted(one)) !== JSON.stringify(sorted(other)));
      expect(versionOf(Template.parse(one)).revision).not.toBe(versionOf(Template.parse(other)).revision);
    }));
  });
});

const anyTemplate = fc.record({
  metadata: fc.record({ labels: fc.dictionary(fc.constantFrom("app", "team", "tier"), fc.constantFrom("a", "b"), { minKeys: 1 }) }),
  spec: fc.record({
    containers: fc.array(fc.record({ name: fc.constantFrom("app", "proxy"), image: fc.constantFrom("r:v1", "r:v2"), env: fc.array(fc.record({ name: fc.constantFrom("A", "B"), value: fc.string({ maxLength: 3 }) }), { maxLength: 2 }) }), { minLength: 1, maxLength: 2 }),
    priority: fc.nat(3),
  }),
});

/** The same, with the keys of every object in the order that the numbers say. */
function shuffled(value: unknown, order: Iterator<number>): unknown {
  if (Array.isArray(value)) return value.map((each) => shuffled(each, order));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => ({ key, each: shuffled(each, order), at: order.next().value as number }));
  return Object.fromEntries(entries.sort((one, other) => one.at - other.at).map(({ key, each }) => [key, each]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, each]) => [key, sorted(each)]));
}
