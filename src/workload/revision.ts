/** The hash that tells whether what runs behind a version has changed. */
import { createHash } from "node:crypto";

/** Raised when the same templates would get another hash (law 15): then hashes of different versions are not compared. */
const HASH_VERSION = "r1";
const HASH_LENGTH = 10;
/** Put into a template by controllers, not by people. */
const GENERATED_LABELS = ["pod-template-hash", "controller-revision-hash", "pod-template-generation"];

interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
}

/** Of the pod templates, in the order of their owners' names; the same for the same templates, whatever the order of their keys. */
export function revisionOf(templates: readonly PodTemplate[]): string {
  const digest = createHash("sha256").update(JSON.stringify(templates.map((template) => canonical(withoutGenerated(template)))));
  return `${HASH_VERSION}-${digest.digest("hex").slice(0, HASH_LENGTH)}`;
}

function withoutGenerated(template: PodTemplate): PodTemplate {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([key]) => !GENERATED_LABELS.includes(key));
  return { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } };
}

/** Keys sorted; nulls left out, since API servers of different versions differ in them. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, each]) => [key, canonical(each)] as const)
    .filter(([, each]) => each !== null && each !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries);
}
