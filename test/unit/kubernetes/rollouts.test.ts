/** The Rollouts port: what is written, on which condition, and what becomes of refusals. */
import fastJsonPatch from "fast-json-patch";
import { describe, expect, test } from "vitest";
import type { JsonPatchOperation, KubernetesObject, Patch } from "../../../src/kubernetes/client.ts";
import { createCrdCheck } from "../../../src/kubernetes/crd-check.ts";
import { ApiError, Conflict } from "../../../src/kubernetes/errors.ts";
import { createRollouts } from "../../../src/kubernetes/rollouts.ts";
import { STATUS_VERSION, type RolloutStatus } from "../../../src/rollout/status.ts";
import { createFakeTime } from "../../support/fake-time.ts";
import { aCheck, aRun, aStatus } from "../../support/a-status.ts";
import { createSilentLog } from "../../support/silent-log.ts";

const ref = { namespace: "shop", name: "reviews" };
const spec = { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } };
const invalid = (): ApiError => new ApiError("Rollout is invalid", 422, "Invalid");

interface Setting {
  readonly status?: unknown;
  readonly metadata?: Partial<KubernetesObject["metadata"]>;
  /** What the server makes of the status that it is sent; may throw. */
  readonly store?: (status: RolloutStatus) => unknown;
  readonly crd?: () => KubernetesObject;
}

/** One Rollout on a server that merges patches of its status, and keeps what it is sent. */
function aServer({ status, metadata = {}, store = (sent) => sent, crd = () => crdOf("1") }: Setting = {}) {
  let object: KubernetesObject = { metadata: { ...ref, uid: "u", resourceVersion: "7", ...metadata }, spec, status };
  const sent: { readonly patch: Patch; readonly subresource: string | undefined }[] = [];
  const log = createSilentLog();
  const time = createFakeTime();
  const client = {
    get: async () => crd(),
    async patch(_resource: unknown, _namespace: unknown, _name: unknown, patch: Patch, options?: { readonly subresource?: "status" }) {
      sent.push({ patch, subresource: options?.subresource });
      if (patch.type === "merge") {
        const body = patch.body as { readonly metadata: { readonly resourceVersion: string }; readonly status: object };
        if (body.metadata.resourceVersion !== object.metadata.resourceVersion) throw new Conflict("modified");
        const merged = { ...(object["status"] as object), ...body.status } as RolloutStatus;
        object = { ...object, metadata: { ...object.metadata, resourceVersion: "8" }, status: store(merged) };
      }
      return object;
    },
  };
  const check = createCrdCheck({ client, logger: log, time, schemaVersion: 1 });
  const rollouts = createRollouts({ client: client as never, cache: { get: () => object }, crd: check, logger: log });
  return { rollouts, check, sent, log, time, replace: (changed: KubernetesObject) => void (object = changed), object: () => object };
}

function crdOf(version: string | undefined): KubernetesObject {
  return { metadata: { name: "rollouts.weir.dev", annotations: version === undefined ? {} : { "weir.dev/schema-version": version } } };
}

/** The JSON patch as sent, applied to an object. */
function applied(object: KubernetesObject, patch: Patch | undefined): KubernetesObject {
  return fastJsonPatch.applyPatch(structuredClone(object), patch?.body as fastJsonPatch.Operation[], true).newDocument;
}

describe("reading", () => {
  test("parses an object once, and again when it has changed", () => {
    const server = aServer();
    const first = server.rollouts.get(ref);
    expect(server.rollouts.get(ref)).toBe(first);
    server.replace({ ...server.object() });
    expect(server.rollouts.get(ref)).not.toBe(first);
  });

  test("finds nothing where there is nothing", () => {
    const rollouts = createRollouts({ client: {} as never, cache: { get: () => undefined }, crd: aServer().check, logger: createSilentLog() });
    expect(rollouts.get(ref)).toBeUndefined();
  });
});

describe("a status that somebody mangled", () => {
  const mangled = { ...aStatus(), phase: "Dancing", refused: { version: "v3", revision: "r3", because: "RolledBack", reason: "it hurt" } };
  const said = { ...aStatus(), phase: "Degraded" as const, reason: "InvalidSpec" as const, message: "the status is not one that Weir wrote" };

  test("keeps all that is in it but for what is said", async () => {
    const server = aServer({ status: mangled });
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, said);
    const { phase, reason, message, conditions, observedGeneration } = said;
    expect(server.sent[0]?.patch.body).toEqual({ metadata: { resourceVersion: "7" }, status: { phase, reason, message, conditions, observedGeneration } });
    expect(server.object()["status"]).toMatchObject({ refused: mangled.refused, run: mangled.run });
  });

  test("is told once", async () => {
    const server = aServer({ status: { ...mangled, message: said.message } });
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, said);
    expect(server.sent).toEqual([]);
  });
});

describe("a status", () => {
  test("is written to the subresource on the condition of what was read, and comes back as stored", async () => {
    const server = aServer();
    const written = await server.rollouts.updateStatus(server.rollouts.get(ref)!, aStatus());
    expect(server.sent).toEqual([{ patch: { type: "merge", body: { metadata: { resourceVersion: "7" }, status: aStatus() } }, subresource: "status" }]);
    expect(written.status).toEqual(aStatus());
    expect(written.metadata.resourceVersion).toBe("8");
  });

  test("that changes nothing is still put to the server, so that a stale one is found out", async () => {
    const server = aServer({ status: aStatus() });
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, aStatus());
    expect(server.sent[0]?.patch.body).toEqual({ metadata: { resourceVersion: "7" }, status: {} });
  });

  test("takes away fields that it lacks, also some that this daemon does not know", async () => {
    const server = aServer({ status: { ...aStatus({ run: aRun({ pausedBy: "Step" }) }), old: 1 } });
    const status = aStatus();
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, { ...status, step: undefined });
    expect(server.sent[0]?.patch.body).toMatchObject({ status: { old: null, step: null, run: { pausedBy: null } } });
  });

  test("decided from what is no longer there is a Conflict, and is not sent", async () => {
    const server = aServer();
    const rollout = server.rollouts.get(ref)!;
    server.replace({ ...server.object(), metadata: { ...server.object().metadata, resourceVersion: "9" } });
    await expect(server.rollouts.updateStatus(rollout, aStatus())).rejects.toBeInstanceOf(Conflict);
    expect(server.sent).toEqual([]);
  });

  test("of a Rollout that is gone is a Conflict", async () => {
    const server = aServer();
    const rollout = server.rollouts.get(ref)!;
    const rollouts = createRollouts({ client: {} as never, cache: { get: () => undefined }, crd: server.check, logger: createSilentLog() });
    await expect(rollouts.updateStatus(rollout, aStatus())).rejects.toBeInstanceOf(Conflict);
  });
});

describe("a status that the server refuses as invalid", () => {
  const full = aStatus({
    phase: "Degraded",
    reason: "RolledBack",
    message: "m".repeat(500),
    refused: { version: "v3", revision: "r3", because: "RolledBack", reason: "errors" },
    run: aRun({ weight: 0, outcome: "RolledBack", reason: "r".repeat(500), checks: [aCheck({ verdict: "Fail", failuresInARow: 2 })] }),
    history: [],
  });
  const essence = { phase: "Degraded", reason: "RolledBack", stable: { version: "v2" }, refused: { version: "v3" }, run: { number: 7, weight: 0, outcome: "RolledBack" } };

  test("is written again without evidence: outcome, weight and reason stay, and so do the rows of verdicts", async () => {
    const server = aServer({
      store(status) {
        if (status.run?.checks.some(({ query }) => query !== undefined)) throw invalid();
        return status;
      },
    });
    const { status } = await server.rollouts.updateStatus(server.rollouts.get(ref)!, full);
    expect(server.sent).toHaveLength(2);
    expect(status).toMatchObject(essence);
    expect(status?.message).toHaveLength(200);
    expect(status?.run?.reason).toHaveLength(200);
    expect(status?.run?.announcements).toEqual([]);
    expect(status?.run?.checks).toEqual([{ name: "errors", verdict: "Fail", failuresInARow: 2, passes: 2, definition: "d1", at: aCheck().at, since: aCheck().since }]);
  });

  test("twice is written without any check, condition or history", async () => {
    const server = aServer({
      store(status) {
        if ((status.run?.checks.length ?? 0) > 0) throw invalid();
        return status;
      },
    });
    const { status } = await server.rollouts.updateStatus(server.rollouts.get(ref)!, full);
    expect(server.sent).toHaveLength(3);
    expect(status).toMatchObject({ ...essence, conditions: [], history: [], run: { ...essence.run, checks: [] } });
  });

  test("in every form is the caller's trouble", async () => {
    const server = aServer({
      store() {
        throw invalid();
      },
    });
    await expect(server.rollouts.updateStatus(server.rollouts.get(ref)!, full)).rejects.toMatchObject({ status: 422 });
    expect(server.sent).toHaveLength(3);
  });

  test("is not confused with one that is stale or forbidden: those are not written again", async () => {
    for (const refusal of [new Conflict("modified"), new ApiError("no", 403, "Forbidden")]) {
      const server = aServer({
        store() {
          throw refusal;
        },
      });
      await expect(server.rollouts.updateStatus(server.rollouts.get(ref)!, full)).rejects.toBe(refusal);
      expect(server.sent).toHaveLength(1);
    }
  });
});

describe("the finalizer", () => {
  const ours = "weir.dev/traffic";

  test("is put beside those of others", async () => {
    const server = aServer({ metadata: { finalizers: ["x/y"] } });
    await server.rollouts.setFinalizer(server.rollouts.get(ref)!, true);
    expect(applied(server.object(), server.sent[0]?.patch).metadata.finalizers).toEqual(["x/y", ours]);
    expect(() => applied({ ...server.object(), metadata: { ...server.object().metadata, finalizers: ["x/y", ours] } }, server.sent[0]?.patch)).toThrow(); // another daemon was faster
  });

  test("is put where there was none, on the condition that there still is none", async () => {
    const server = aServer();
    await server.rollouts.setFinalizer(server.rollouts.get(ref)!, true);
    expect(applied(server.object(), server.sent[0]?.patch).metadata.finalizers).toEqual([ours]);
    expect(() => applied({ ...server.object(), metadata: { ...server.object().metadata, resourceVersion: "8", finalizers: ["x/y"] } }, server.sent[0]?.patch)).toThrow();
  });

  test("alone is taken away, and only where it still is", async () => {
    const server = aServer({ metadata: { finalizers: ["x/y", ours] } });
    await server.rollouts.setFinalizer(server.rollouts.get(ref)!, false);
    expect(applied(server.object(), server.sent[0]?.patch).metadata.finalizers).toEqual(["x/y"]);
    expect(() => applied({ ...server.object(), metadata: { ...server.object().metadata, resourceVersion: "8", finalizers: [ours, "x/y"] } }, server.sent[0]?.patch)).toThrow();
  });

  test("stays where the Rollout has moved on since the run's end was committed: the next run may have begun", async () => {
    const server = aServer({ metadata: { finalizers: [ours] } });
    await server.rollouts.setFinalizer(server.rollouts.get(ref)!, false);
    expect(() => applied({ ...server.object(), metadata: { ...server.object().metadata, resourceVersion: "8" } }, server.sent[0]?.patch)).toThrow();
  });

  test("that is as it should be costs no request", async () => {
    const server = aServer({ metadata: { finalizers: [ours] } });
    await server.rollouts.setFinalizer(server.rollouts.get(ref)!, true);
    const other = aServer();
    await other.rollouts.setFinalizer(other.rollouts.get(ref)!, false);
    expect([...server.sent, ...other.sent]).toEqual([]);
  });

  test("is never set on another Rollout of the same name", async () => {
    const server = aServer({ metadata: { finalizers: ["x/y"] } });
    await server.rollouts.setFinalizer(server.rollouts.get(ref)!, true);
    expect(() => applied({ ...server.object(), metadata: { ...server.object().metadata, uid: "other" } }, server.sent[0]?.patch)).toThrow();
  });
});

describe("a command", () => {
  const annotated = { annotations: { "weir.dev/command": "abort", other: "kept" } };

  test.each([
    ["abort id=1 run=7", { "weir.dev/command": "abort id=1 run=7", other: "kept" }],
    [null, { other: "kept" }],
  ])("is replaced by %j if it still is what was seen", async (value, expected) => {
    const server = aServer({ metadata: annotated });
    await server.rollouts.replaceCommand(server.rollouts.get(ref)!, "abort", value);
    const { patch } = server.sent[0]!;
    expect(applied(server.object(), patch).metadata.annotations).toEqual(expected);
    const overtaken = { ...server.object(), metadata: { ...server.object().metadata, annotations: { "weir.dev/command": "resume" } } };
    expect(() => applied(overtaken, patch)).toThrow();
    expect((patch.body as readonly JsonPatchOperation[]).some(({ path }) => path === "/metadata/annotations/weir.dev~1command")).toBe(true);
  });
});

describe("the CRD", () => {
  test.each([
    ["1", true],
    ["2", true],
    ["0", false],
    [undefined, false],
    ["new", false],
  ])("with schema version %s is current: %s", async (version, expected) => {
    const server = aServer({ crd: () => crdOf(version) });
    expect(server.rollouts.crdIsCurrent()).toBe(false);
    await server.check.refresh();
    expect(server.rollouts.crdIsCurrent()).toBe(expected);
  });

  test.each([403, 404])("that may not be read (%i) is taken for current, and that is logged", async (status) => {
    const server = aServer({
      crd() {
        throw new ApiError("no", status, "x");
      },
    });
    await server.check.refresh();
    expect(server.rollouts.crdIsCurrent()).toBe(true);
    expect(server.log.lines).toMatchObject([{ level: "warn", fields: { takenForCurrent: true } }]);
  });

  test("that could not be read for another reason is not current, and is read again after 30 s", async () => {
    let reads = 0;
    const server = aServer({
      crd() {
        if (++reads === 1) throw new ApiError("no", 500, "x");
        return crdOf("1");
      },
    });
    await server.check.refresh();
    await server.time.advance(29_999);
    expect(server.rollouts.crdIsCurrent()).toBe(false);
    expect(reads).toBe(1);
    await server.time.advance(1);
    expect(server.rollouts.crdIsCurrent()).toBe(false);
    await server.time.advance(0);
    expect(server.rollouts.crdIsCurrent()).toBe(true);
    expect(reads).toBe(2);
  });

  test("that drops a field of a status is not current, until it drops none", async () => {
    let drops = true;
    const server = aServer({ store: ({ weight, ...status }) => (drops ? status : { ...status, weight }) });
    await server.check.refresh();
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, aStatus());
    expect(server.rollouts.crdIsCurrent()).toBe(false);
    expect(server.log.lines).toMatchObject([{ level: "error", fields: { paths: ["weight"] } }]);
    drops = false;
    server.replace({ ...server.object(), metadata: { ...server.object().metadata, resourceVersion: "9" }, status: { version: STATUS_VERSION } });
    server.replace({ ...server.object(), status: aStatus() });
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, aStatus({ weight: "25%" }));
    expect(server.rollouts.crdIsCurrent()).toBe(true);
  });

  test("that drops a field learns nothing from a status without it", async () => {
    const server = aServer({ store: ({ weight: _, ...status }) => status });
    await server.check.refresh();
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, aStatus());
    server.replace({ ...server.object(), metadata: { ...server.object().metadata, resourceVersion: "9" }, status: { version: STATUS_VERSION } });
    const { weight: _, ...without } = aStatus({ message: "another Rollout" });
    await server.rollouts.updateStatus(server.rollouts.get(ref)!, without);
    expect(server.rollouts.crdIsCurrent()).toBe(false);
  });
});
