/** The Rollouts port on the API server: reads from the informer cache, every write conditional on what was read. */
import { z } from "zod";
import type { Rollouts } from "../reconciler/ports.ts";
import { COMMAND_ANNOTATION, FINALIZER, type Rollout } from "../rollout/rollout.ts";
import type { RolloutStatus } from "../rollout/status.ts";
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject } from "./client.ts";
import type { CrdCheck } from "./crd-check.ts";
import { ApiError, Conflict } from "./errors.ts";
import type { InformerCache } from "./informer-cache.ts";
import type { Logger } from "./logger.ts";
import { hasField, mergePatch, missingPaths } from "./merge-patch.ts";
import { statusForms } from "./reduced-status.ts";
import { rolloutOf } from "./rollout-object.ts";
import { keepRecord } from "./rollout-runs.ts";

export interface RolloutsOptions {
  /** One that puts the answers to its writes into `cache`: `caches.client`. */
  readonly client: KubernetesClient;
  readonly cache: Pick<InformerCache, "get">;
  readonly crd: CrdCheck;
  readonly logger: Logger;
}

export function createRollouts(options: RolloutsOptions): Rollouts {
  return {
    get({ namespace, name }) {
      const object = options.cache.get(namespace, name);
      return object && rolloutOf(object);
    },
    updateStatus: (rollout, status) => updateStatus(options, rollout, status),
    setFinalizer: (rollout, present, name = FINALIZER) => edit(options, rollout, finalizerOperations(rollout, name, present)),
    keepRecord: (rollout, record) => keepRecord(options, rollout, record),
    replaceCommand: (rollout, expected, value) => edit(options, rollout, commandOperations(expected, value)),
    crdIsCurrent: () => options.crd.isCurrent(),
  };
}

async function updateStatus(options: RolloutsOptions, rollout: Rollout, status: RolloutStatus): Promise<Rollout> {
  const { name, namespace, resourceVersion } = rollout.metadata;
  const before = options.cache.get(namespace, name);
  if (before?.metadata.resourceVersion !== resourceVersion) throw new Conflict(`Rollout ${namespace}/${name} has changed since it was read: nothing was written`);
  return rolloutOf(rollout.statusIsForeign ? await sayIn(options.client, before, status) : await writeAnyForm(options, before, statusForms(status)));
}

/** Only what is said: what else is in a status that somebody mangled may be all that is known of a run. */
async function sayIn(client: KubernetesClient, before: KubernetesObject, { phase, reason, message, conditions, observedGeneration }: RolloutStatus): Promise<KubernetesObject> {
  if (Said.safeParse(before["status"]).data?.message === message) return before;
  const { name, namespace, resourceVersion } = before.metadata;
  const body = { metadata: { resourceVersion }, status: { phase, reason, message, conditions, observedGeneration } };
  return client.patch(RESOURCES.rollouts, namespace, name, { type: "merge", body }, { subresource: "status" });
}

const Said = z.object({ message: z.string() });

/** The first form that the server takes; the last refusal where it takes none. */
async function writeAnyForm(options: RolloutsOptions, before: KubernetesObject, [form, ...smaller]: readonly RolloutStatus[]): Promise<KubernetesObject> {
  const sent = plain(form);
  try {
    const written = await writeStatus(options.client, before, sent);
    options.crd.sawDropped(missingPaths(sent, written["status"]), (field) => hasField(sent, field));
    return written;
  } catch (error) {
    if (!isRefusedAsInvalid(error) || smaller.length === 0) throw error;
    const { namespace, name } = before.metadata;
    options.logger.error({ error, rollout: `${namespace}/${name}` }, "the server refused a status as invalid; it is written again with less evidence");
    return writeAnyForm(options, before, smaller);
  }
}

/** A merge patch with the resourceVersion that was read: 409 when it is stale, and what the new status lacks goes. */
function writeStatus(client: KubernetesClient, before: KubernetesObject, status: Readonly<Record<string, unknown>>): Promise<KubernetesObject> {
  const { name, namespace, resourceVersion } = before.metadata;
  const written = (before["status"] ?? {}) as Readonly<Record<string, unknown>>;
  const body = { metadata: { resourceVersion }, status: mergePatch(written, status) };
  return client.patch(RESOURCES.rollouts, namespace, name, { type: "merge", body }, { subresource: "status" });
}

/** 413: the whole is too large. */
function isRefusedAsInvalid(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 422 || error.status === 413);
}

function plain(value: unknown): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(value)) as Readonly<Record<string, unknown>>;
}

async function edit({ client }: RolloutsOptions, { metadata }: Rollout, operations: readonly JsonPatchOperation[]): Promise<void> {
  if (operations.length === 0) return;
  const sameObject: JsonPatchOperation = { op: "test", path: "/metadata/uid", value: metadata.uid };
  await client.patch(RESOURCES.rollouts, metadata.namespace, metadata.name, { type: "json", body: [sameObject, ...operations] });
}

/**
 * Only ours comes or goes; the finalizers of others are not touched, not even when they came since. It goes only while the Rollout is still
 * as the ending was committed: a run that another daemon has begun since needs it.
 */
function finalizerOperations({ metadata }: Rollout, name: string, present: boolean): readonly JsonPatchOperation[] {
  const index = metadata.finalizers.indexOf(name);
  if (present === index >= 0) return [];
  const unmoved: JsonPatchOperation = { op: "test", path: "/metadata/resourceVersion", value: metadata.resourceVersion };
  if (!present) return [unmoved, { op: "remove", path: `/metadata/finalizers/${index}` }];
  if (metadata.finalizers.length > 0) return [{ op: "test", path: "/metadata/finalizers", value: [...metadata.finalizers] }, { op: "add", path: "/metadata/finalizers/-", value: name }]; // else two daemons at once would put it there twice
  return [unmoved, { op: "add", path: "/metadata/finalizers", value: [name] }];
}

function commandOperations(expected: string, value: string | null): readonly JsonPatchOperation[] {
  const path = `/metadata/annotations/${COMMAND_ANNOTATION.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const test: JsonPatchOperation = { op: "test", path, value: expected };
  return [test, value === null ? { op: "remove", path } : { op: "replace", path, value }];
}
