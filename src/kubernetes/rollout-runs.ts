/** Records of ended runs on the API server: written once. */
import { API_VERSION, GROUP, type RolloutMetadata } from "../rollout/rollout.ts";
import { RUN_KIND, type RunRecord } from "../rollout/rollout-run.ts";
import { RESOURCES, type KubernetesClient } from "./client.ts";
import { ApiError, Conflict } from "./errors.ts";
import type { Logger } from "./logger.ts";

export interface RunKeeping {
  readonly client: Pick<KubernetesClient, "create">;
  readonly logger: Logger;
}

/** As the Rollouts port has it: what may pass throws, so that it is tried again; but nobody who deletes a Rollout waits for its record. */
export async function keepRecord({ client, logger }: RunKeeping, rollout: RolloutMetadata, record: RunRecord): Promise<string | undefined> {
  const { namespace, name, labels, spec } = record;
  const object = { apiVersion: `${GROUP}/${API_VERSION}`, kind: RUN_KIND, metadata: { namespace, name, labels }, spec };
  try {
    await client.create(RESOURCES.rolloutRuns, namespace, object);
    return undefined;
  } catch (error) {
    if (isThereAlready(error)) return undefined;
    if (!isFinal(error) && rollout.deletionTimestamp === undefined) throw error;
    logger.warn({ error, rollout: `${namespace}/${rollout.name}`, run: spec.number }, "a run has no record: the server does not take it");
    return sentenceOf(error);
  }
}

/** Written before a crash, or by another daemon. A 409 may also be a quota that is being counted. */
function isThereAlready(error: unknown): boolean {
  return error instanceof Conflict && error.message.includes("already exists");
}

/** Not understood, no right to write it, no such resource, too large, not valid: the next time it would be the same. */
const FINAL: ReadonlySet<number> = new Set([400, 403, 404, 405, 413, 422]);

function isFinal(error: unknown): boolean {
  return error instanceof ApiError && FINAL.has(error.status);
}

function sentenceOf(error: unknown): string {
  const isUnknownKind = error instanceof ApiError && error.status === 404 && !error.message.includes("namespaces "); // else the namespace is gone
  if (isUnknownKind) return "the API server knows no RolloutRun; apply deploy/crd.yaml (weir crd prints it)";
  return error instanceof Error ? error.message : String(error);
}
