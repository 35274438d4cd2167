/** From the API server's object to a Rollout. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject, ObjectMetadata } from "../../../src/kubernetes/client.ts";
import { rolloutOf } from "../../../src/kubernetes/rollout-object.ts";
import { aStatus } from "../../support/a-status.ts";

const spec = { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } };
const metadata: ObjectMetadata = { name: "reviews", namespace: "shop", uid: "u", generation: 2, resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" };
const object = (changes: Partial<KubernetesObject> = {}): KubernetesObject => ({ metadata, spec, ...changes });

describe("a Rollout", () => {
  test("has every default filled in, and no status before the first look", () => {
    const rollout = rolloutOf(object());
    expect(rollout.spec).toMatchObject({ release: "v3", suspend: false, strategy: { propagation: "5s" }, analysis: { interval: "10s" } });
    expect(rollout.metadata).toEqual({ ...metadata, finalizers: [], annotations: {} });
    expect(rollout).not.toHaveProperty("status");
    expect(rollout.statusIsNewer).toBe(false);
  });

  test.each([undefined, null, {}])("with the status %j has none", (status) => {
    expect(rolloutOf(object({ status })).status).toBeUndefined();
  });

  test("has its status as it was written", () => {
    expect(rolloutOf(object({ status: aStatus() })).status).toEqual(aStatus());
  });

  test("is parsed once for each version of its object", () => {
    const written = object({ status: aStatus() });
    expect(rolloutOf(written)).toBe(rolloutOf(written));
  });

  test("whose spec does not parse says so in one sentence, and keeps its status", () => {
    const rollout = rolloutOf(object({ spec: { ...spec, release: 3 }, status: aStatus() }));
    expect(rollout.spec).toEqual({ invalid: expect.stringMatching(/^spec\.release: expected a text, got 3/) as string });
    expect(rollout.status).toEqual(aStatus());
  });

  test("whose spec has many faults tells three of them", () => {
    const steps = [{ weight: "a" }, { weight: "b" }, { weight: "c" }, { weight: "d" }, { weight: "e" }];
    const { spec: parsed } = rolloutOf(object({ spec: { ...spec, strategy: { steps } } }));
    expect("invalid" in parsed && parsed.invalid.split("; and ")).toEqual([expect.any(String), "2 more"]);
  });

  test("without a spec is invalid, not a crash", () => {
    expect(rolloutOf(object({ spec: undefined })).spec).toHaveProperty("invalid");
  });

  test("whose status a later daemon wrote is left alone, whatever is in it", () => {
    const rollout = rolloutOf(object({ status: { version: 99, phase: "Dancing" } }));
    expect(rollout.statusIsNewer).toBe(true);
    expect(rollout.status).toBeUndefined();
    expect(rollout.spec).toMatchObject({ release: "v3" });
  });

  test.each([{ phase: "Progressing" }, { version: 1, phase: "Dancing" }, { ...aStatus(), run: { number: "x" } }, "odd"])("whose status %j is not ours is invalid, with the way out", (status) => {
    const rollout = rolloutOf(object({ status }));
    expect(rollout.status).toBeUndefined();
    expect(rollout.spec).toEqual({ invalid: expect.stringMatching(/^the status is not one that Weir wrote \(status.*kubectl patch weir\/reviews -n shop --subresource=status/) as string });
  });

  test("names who wrote its spec last", () => {
    const managedFields = [
      { manager: "git", time: "2026-01-02T00:00:00Z", fieldsV1: { "f:spec": { "f:release": {} } } },
      { manager: "alice", time: "2026-01-03T00:00:00Z", fieldsV1: { "f:spec": {} } },
      { manager: "weir", time: "2026-01-04T00:00:00Z", subresource: "status", fieldsV1: { "f:status": {} } },
      { manager: "bob", time: "2026-01-05T00:00:00Z", fieldsV1: { "f:metadata": {} } },
    ];
    expect(rolloutOf(object({ metadata: { ...metadata, managedFields } })).metadata.specManager).toBe("alice");
  });
});
