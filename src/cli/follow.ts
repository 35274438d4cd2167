/** One Rollout as it changes: read, then watched, through every end of a watch. */
import { RESOURCES, type KubernetesClient, type KubernetesObject, type WatchEvent } from "../kubernetes/client.ts";
import { ApiError, Unreachable } from "../kubernetes/errors.ts";
import { sleep, systemTime } from "../kubernetes/time.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import { EXIT, Failure } from "./failure.ts";

const WATCH_SECONDS = 240;
const AGAIN_MS = 1_000;

/** Each state that is seen, the present one first, until the signal aborts. Throws a `Failure` when the Rollout is gone. */
export async function* follow(client: KubernetesClient, { namespace, name }: RolloutRef, signal: AbortSignal): AsyncGenerator<KubernetesObject> {
  while (!signal.aborted) {
    const object = await readRollout(client, { namespace, name });
    yield object;
    yield* changes(client, object, signal);
    await sleep(systemTime, AGAIN_MS, signal);
  }
}

async function readRollout(client: KubernetesClient, { namespace, name }: RolloutRef): Promise<KubernetesObject> {
  try {
    return await client.get(RESOURCES.rollouts, namespace, name);
  } catch (error) {
    throw error instanceof ApiError && error.status === 404 ? goneFrom(namespace, name, error) : error;
  }
}

function goneFrom(namespace: string, name: string, cause?: unknown): Failure {
  return new Failure(`Rollout ${name} in namespace ${namespace} was deleted`, EXIT.notFound, { cause });
}

/** Returns when the watch ends, for whatever reason that reading again can mend. */
async function* changes(client: KubernetesClient, { metadata }: KubernetesObject, signal: AbortSignal): AsyncGenerator<KubernetesObject> {
  const { name, namespace = "", resourceVersion } = metadata;
  const options = { fieldSelector: `metadata.name=${name}`, ...(resourceVersion && { resourceVersion }), timeoutSeconds: WATCH_SECONDS };
  try {
    yield* statesIn(client.watch(RESOURCES.rollouts, namespace, options, signal), { namespace, name });
  } catch (error) {
    if (!(error instanceof Unreachable) && !isExpired(error)) throw error;
  }
}

async function* statesIn(events: AsyncIterable<WatchEvent>, { namespace, name }: RolloutRef): AsyncGenerator<KubernetesObject> {
  for await (const { type, object } of events) {
    if (type === "ERROR") return;
    if (type === "DELETED") throw goneFrom(namespace, name);
    if (type !== "BOOKMARK") yield object;
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.status >= 500);
}
