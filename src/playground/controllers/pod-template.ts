/** Pod templates: which are the same, and the hash that tells pods of one from those of another. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { PodTemplate } from "./workloads.ts";

export const TEMPLATE_HASH = "pod-template-hash";

/** But for the label with the hash, and whatever is said to be nothing. */
export function isSameTemplate(one: PodTemplate, other: PodTemplate): boolean {
  return isDeepStrictEqual(bare(one), bare(other));
}

export function withTemplateHash(template: PodTemplate, hash: string): PodTemplate {
  return { ...template, metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [TEMPLATE_HASH]: hash } } };
}

/** Without vowels, as Kubernetes writes them: no hash spells a word. */
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** `collisions`: how often a hash of the same Deployment was taken. */
export function templateHashOf(template: PodTemplate, collisions: number): string {
  const digest = createHash("sha256").update(JSON.stringify([sorted(bare(template)), collisions])).digest();
  return [...digest.subarray(0, 10)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
}

function bare({ metadata, ...rest }: PodTemplate): unknown {
  const { [TEMPLATE_HASH]: _hash, ...labels } = metadata?.labels ?? {};
  return said({ ...rest, metadata: { ...metadata, labels } });
}

/** Without nulls: clients write them where they have nothing to say. */
function said(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(said);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([field, inner]: [string, unknown]) => (inner === null || inner === undefined ? [] : [[field, said(inner)]])));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([field, inner]: [string, unknown]) => [field, sorted(inner)]);
}
