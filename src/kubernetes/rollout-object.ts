/** From the API server's object to the Rollout that the core sees. */
import { z } from "zod";
import { STATUS_VERSION, RolloutStatus } from "../rollout/status.ts";
import { problemsOf, type Problem } from "../rollout/spec-problems.ts";
import { RolloutSpec } from "../rollout/spec.ts";
import type { Rollout, RolloutMetadata } from "../rollout/rollout.ts";
import type { KubernetesObject, ManagedFieldsEntry } from "./client.ts";

/** More would not be read. */
const MOST_PROBLEMS_TOLD = 3;

const parsed = new WeakMap<KubernetesObject, Rollout>();

/** Never throws: what does not parse becomes `spec.invalid`, a sentence. Each version of an object is parsed once, however often it is asked for. */
export function rolloutOf(object: KubernetesObject): Rollout {
  const rollout = parsed.get(object) ?? parse(object);
  parsed.set(object, rollout);
  return rollout;
}

function parse(object: KubernetesObject): Rollout {
  const metadata = metadataOf(object);
  const written = object["status"];
  if (isEmpty(written)) return { metadata, spec: specOf(object), statusIsNewer: false };
  if (isFromLaterDaemon(written)) return { metadata, spec: specOf(object), statusIsNewer: true };
  const status = RolloutStatus.safeParse(written);
  if (status.success) return { metadata, spec: named(specOf(object), status.data), status: status.data, statusIsNewer: false };
  return { metadata, spec: { invalid: statusSentence(object, problemsOf(status.error, written, "status")) }, statusIsNewer: false, statusIsForeign: true };
}

function metadataOf({ metadata }: KubernetesObject): RolloutMetadata {
  const { name, namespace = "", uid = "", generation = 0, resourceVersion = "", creationTimestamp = "" } = metadata;
  const { deletionTimestamp, finalizers = [], annotations = {}, managedFields = [] } = metadata;
  const specManager = specManagerOf(managedFields);
  return {
    name, namespace, uid, generation, resourceVersion, creationTimestamp, finalizers, annotations,
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(specManager !== undefined && { specManager }),
  };
}

const SpecFields = z.object({ "f:spec": z.unknown().refine((fields) => fields !== undefined) });

/** The manager of the newest entry that owns a part of the spec. */
function specManagerOf(entries: readonly ManagedFieldsEntry[]): string | undefined {
  const ofSpec = entries.filter(({ subresource, fieldsV1 }) => subresource === undefined && SpecFields.safeParse(fieldsV1).success);
  return ofSpec.toSorted((one, other) => (other.time ?? "").localeCompare(one.time ?? ""))[0]?.manager;
}

function specOf(object: KubernetesObject): Rollout["spec"] {
  const spec = RolloutSpec.safeParse(object["spec"]);
  return spec.success ? spec.data : { invalid: sentenceOf(problemsOf(spec.error, object["spec"], "spec")) };
}

/** Of a Deployment the version is what was seen in it last; whoever looks at it now knows better. */
function named(spec: Rollout["spec"], { observedRevision }: RolloutStatus): Rollout["spec"] {
  return "invalid" in spec || !spec.deployment || !observedRevision ? spec : { ...spec, release: observedRevision.version };
}

const VersionedStatus = z.object({ version: z.int() });

function isFromLaterDaemon(status: unknown): boolean {
  const versioned = VersionedStatus.safeParse(status);
  return versioned.success && versioned.data.version > STATUS_VERSION;
}

function isEmpty(status: unknown): boolean {
  return status === undefined || status === null || (typeof status === "object" && Object.keys(status).length === 0);
}

function statusSentence({ metadata }: KubernetesObject, problems: readonly Problem[]): string {
  const empty = `kubectl patch weir/${metadata.name} -n ${metadata.namespace} --subresource=status --type=merge -p '{"status":null}'`;
  return `the status is not one that Weir wrote (${sentenceOf(problems)}); to have it begun anew from what the route serves: ${empty}`;
}

function sentenceOf(problems: readonly Problem[]): string {
  const told = problems.slice(0, MOST_PROBLEMS_TOLD).map(({ path, message }) => `${path}: ${message}`);
  const more = problems.length - told.length;
  return told.join("; ") + (more > 0 ? `; and ${more} more` : "");
}
