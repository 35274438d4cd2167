/** Objects as the API server stores them: versioned, and with managedFields of spec and annotations. */
import type { KubernetesObject, ManagedFieldsEntry } from "../../src/kubernetes/client.ts";
import { isEqual } from "../../src/rollout/equal.ts";

export interface Mark {
  readonly version: number;
  /** Whole seconds of the API server's clock. */
  readonly time: string;
}

/** As the server stores it: an empty annotations map is left out, and whoever changed a field owns it from now on. */
export function stamped(before: KubernetesObject | undefined, after: KubernetesObject, manager: string, { version, time }: Mark): KubernetesObject {
  const { annotations, managedFields: _, ...metadata } = after.metadata;
  const kept = annotations && Object.keys(annotations).length > 0 ? { annotations } : {};
  return {
    ...after,
    metadata: {
      creationTimestamp: time,
      uid: `uid-${version}`,
      ...metadata,
      ...(before && { creationTimestamp: before.metadata.creationTimestamp, uid: before.metadata.uid }),
      ...kept,
      resourceVersion: `${version}`,
      managedFields: ownersAfter(before, after, manager, time),
    },
  };
}

function ownersAfter(before: KubernetesObject | undefined, after: KubernetesObject, manager: string, time: string): readonly ManagedFieldsEntry[] {
  const [old, now] = [before ? fieldsOf(before) : new Map<string, unknown>(), fieldsOf(after)];
  const taken = [...now.keys()].filter((field) => !old.has(field) || !isEqual(old.get(field), now.get(field)));
  const lost = new Set([...taken, ...[...old.keys()].filter((field) => !now.has(field))]);
  const kept = (before?.metadata.managedFields ?? []).map((entry) => entryOf(entry.manager!, entry.time!, ownedBy(entry).filter((field) => !lost.has(field))));
  const mine = kept.find((entry) => entry.manager === manager);
  // Who only takes something away owns nothing new, and the server then notes no time.
  const entry = entryOf(manager, taken.length > 0 ? time : (mine?.time ?? time), [...(mine ? ownedBy(mine) : []), ...taken]);
  return [...kept.filter((each) => each !== mine), entry].filter((each) => ownedBy(each).length > 0);
}

/** `spec.<name>` and `annotations.<key>`: the places whose owners anybody asks for. */
function fieldsOf({ spec, metadata }: KubernetesObject): ReadonlyMap<string, unknown> {
  return new Map([
    ...Object.entries(spec ?? {}).map(([name, value]) => [`spec ${name}`, value] as const),
    ...Object.entries(metadata.annotations ?? {}).map(([key, value]) => [`annotations ${key}`, value] as const),
  ]);
}

function entryOf(manager: string, time: string, owned: readonly string[]): ManagedFieldsEntry {
  const under = (root: string) => Object.fromEntries(owned.filter((each) => each.startsWith(`${root} `)).map((each) => [`f:${each.slice(root.length + 1)}`, {}]));
  const spec = under("spec");
  const annotations = under("annotations");
  return {
    manager,
    operation: "Update",
    time,
    fieldsV1: {
      ...(Object.keys(spec).length > 0 && { "f:spec": spec }),
      ...(Object.keys(annotations).length > 0 && { "f:metadata": { "f:annotations": annotations } }),
    },
  };
}

function ownedBy({ fieldsV1 }: ManagedFieldsEntry): readonly string[] {
  const fields = (fieldsV1 ?? {}) as { "f:spec"?: object; "f:metadata"?: { "f:annotations"?: object } };
  const spec = Object.keys(fields["f:spec"] ?? {}).map((key) => `spec ${key.slice(2)}`);
  return [...spec, ...Object.keys(fields["f:metadata"]?.["f:annotations"] ?? {}).map((key) => `annotations ${key.slice(2)}`)];
}

export function wholeSecond(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
