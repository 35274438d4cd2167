/** Writing the record of a run: once, again where the trouble may pass, and never in the way of anybody. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict, Unreachable } from "../../../src/kubernetes/errors.ts";
import { keepRecord } from "../../../src/kubernetes/rollout-runs.ts";
import type { RunRecord } from "../../../src/rollout/rollout-run.ts";
import { aRollout, at, v2, v3 } from "../../support/rollouts.ts";
import { createSilentLog } from "../../support/silent-log.ts";

const record: RunRecord = {
  namespace: "bookinfo",
  name: "reviews-uid-1-1",
  labels: { "weir.dev/rollout": "reviews" },
  spec: { rollout: { name: "reviews", uid: "uid-1" }, number: 1, from: v2, to: v3, outcome: "Succeeded", reason: "every step passed", message: "v3 has all the traffic since run 1", startedAt: at(0), endedAt: at(60), peak: 100, ladder: [], checks: [], told: [], resolved: {} },
};

function kept(error?: Error, deleted = false) {
  const sent: unknown[] = [];
  const create = async (_resource: unknown, _namespace: unknown, object: unknown): Promise<KubernetesObject> => {
    sent.push(object);
    if (error) throw error;
    return object as KubernetesObject;
  };
  const logger = createSilentLog();
  return { sent, logger, result: keepRecord({ client: { create }, logger }, aRollout({ deleted }).metadata, record) };
}

describe("a record", () => {
  test("is created as an object of its own", async () => {
    const { sent, result } = kept();
    expect(await result).toBeUndefined();
    expect(sent).toEqual([{ apiVersion: "weir.dev/v1alpha1", kind: "RolloutRun", metadata: { namespace: "bookinfo", name: "reviews-uid-1-1", labels: { "weir.dev/rollout": "reviews" } }, spec: record.spec }]);
  });

  test("that is there already is kept", async () => {
    expect(await kept(new Conflict('create /x: 409 rolloutruns.weir.dev "reviews-uid-1-1" already exists')).result).toBeUndefined();
  });

  test.each([
    ["there is no CRD", new ApiError('create /x: 404 "404 page not found\n"', 404, "Unknown"), "the API server knows no RolloutRun; apply deploy/crd.yaml (weir crd prints it)"],
    ["the namespace is gone", new ApiError('create /x: 404 namespaces "bookinfo" not found', 404, "NotFound"), 'create /x: 404 namespaces "bookinfo" not found'],
    ["it is forbidden", new ApiError("create /x: 403 no", 403, "Forbidden"), "create /x: 403 no"],
    ["it is invalid", new ApiError("create /x: 422 no", 422, "Invalid"), "create /x: 422 no"],
    ["it is too large", new ApiError("create /x: 413 no", 413, "RequestEntityTooLarge"), "create /x: 413 no"],
  ])("is given up where %s, with a sentence", async (_, error, sentence) => {
    const { result, logger } = kept(error);
    expect(await result).toBe(sentence);
    expect(logger.lines).toEqual([expect.objectContaining({ level: "warn", message: "a run has no record: the server does not take it" })]);
  });

  test.each([
    ["nobody answers", new Unreachable("timed out")],
    ["the server is out of order", new ApiError("create /x: 500 etcdserver: request timed out", 500, "InternalError")],
    ["there are too many requests", new ApiError("create /x: 429 slow down", 429, "TooManyRequests")],
    ["a token has run out", new ApiError("create /x: 401 no", 401, "Unauthorized")],
    ["a quota is being counted", new Conflict("create /x: 409 Operation cannot be fulfilled on resourcequotas")],
  ])("is tried again where %s, but not while somebody deletes the Rollout", async (_, error) => {
    await expect(kept(error).result).rejects.toBe(error);
    expect(await kept(error, true).result).toBe(error.message);
  });
});
