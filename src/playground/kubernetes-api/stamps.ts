/** What the server itself writes into metadata. */
import { randomInt, randomUUID } from "node:crypto";
import { isSame, without, type JsonObject } from "./json.ts";
import { timestampOf, withMetadata, type KubeObject, type ManagedFieldsEntry, type Metadata } from "./kube-object.ts";
import { entriesAfterUpdate, type Writer } from "./managed-fields.ts";
import type { ServedKind } from "./served-kind.ts";
import type { Place } from "./place.ts";

const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** Of a new object. */
export function withFreshMetadata(object: KubeObject, namespace: string | undefined, now: Date): KubeObject {
  const { name = "", generateName = "" } = object.metadata;
  const suffix = Array.from({ length: 5 }, () => NAME_LETTERS[randomInt(NAME_LETTERS.length)]).join("");
  const metadata = without(object.metadata, "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink") as Metadata;
  const fresh = withMetadata(
    { ...object, metadata },
    { uid: randomUUID(), creationTimestamp: timestampOf(now), ...(namespace !== undefined && { namespace }) },
  );
  const given = name === "" && generateName !== "" ? generateName + suffix : name;
  return { ...fresh, metadata: { ...fresh.metadata, name: given } };
}

/** Of an object that replaces `current`. */
export function withKeptMetadata(kind: ServedKind, object: KubeObject, current: KubeObject, managedFields: readonly ManagedFieldsEntry[]): KubeObject {
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation = 0, namespace, resourceVersion } = current.metadata;
  const isChanged = kind.hasGeneration && !isSame(specOf(kind, object), specOf(kind, current));
  return withMetadata(object, {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    namespace,
    resourceVersion,
    managedFields,
    ...(kind.hasGeneration && { generation: isChanged ? generation + 1 : generation }),
  });
}

/** What counts as a new generation when it changes. */
function specOf({ hasStatus }: ServedKind, object: KubeObject): JsonObject {
  return without(object, "apiVersion", "kind", "metadata", ...(hasStatus ? ["status"] : []));
}

/** A writer may replace the entries by hand, all of them by `[{}]`; through the status they stay. */
export function updatedEntries(place: Place, current: KubeObject, object: KubeObject, given: KubeObject, writer: Writer): readonly ManagedFieldsEntry[] {
  const known = current.metadata.managedFields ?? [];
  const stated = place.subresource ? known : (given.metadata.managedFields ?? []);
  const isReset = stated.length === 1 && Object.keys(stated[0] ?? {}).length === 0;
  const entries = isReset || stated.length > 0 ? stated : known;
  return entriesAfterUpdate(current, object, entries, place.kind.shape, writer);
}
