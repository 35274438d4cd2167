/** What a pod template is called as a version: the tag of its first image, so that people know it, and a hash, so that no two share a name. */
import { z } from "zod";
import { CANARY_LABEL, HASH_LABEL } from "../../rollout/rollout.ts";
import type { VersionRevision } from "../../rollout/status.ts";
import { revisionOf } from "../revision.ts";

export const Template = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }).default({ labels: {} }),
  spec: z.looseObject({ containers: z.array(z.looseObject({ image: z.string().optional() })).default([]) }).prefault({}),
});
export type Template = z.infer<typeof Template>;

/** Enough to tell the templates of one Deployment apart. */
const HASH_LENGTH = 7;
const TAG_LENGTH = 40;

const known = new WeakMap<Template, VersionRevision>();

/** `v3-5d41402`: never another one for the same template (law 15). */
export function versionOf(template: Template): VersionRevision {
  const version = known.get(template) ?? named(template);
  known.set(template, version);
  return version;
}

function named(template: Template): VersionRevision {
  const revision = revisionOf([withoutOurs(template)]);
  const hash = revision.slice(revision.indexOf("-") + 1).slice(0, HASH_LENGTH);
  return { version: `${tagOf(template.spec.containers[0]?.image ?? "")}-${hash}`, revision };
}

/** Without what was put into it for a ReplicaSet or a canary of ours. */
export function withoutOurs(template: Template): Template {
  const { [HASH_LABEL]: _hash, [CANARY_LABEL]: _canary, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** What follows the last colon of `registry:5000/name:tag`; of a digest its beginning. */
function tagOf(image: string): string {
  const [named = "", digest] = image.split("@");
  if (digest) return digest.replace(/^[^:]*:/, "").slice(0, HASH_LENGTH);
  const last = named.slice(named.lastIndexOf("/") + 1);
  const tag = last.includes(":") ? last.slice(last.indexOf(":") + 1) : "latest";
  return tag.replaceAll(/[^-._a-zA-Z0-9]/g, "-").slice(0, TAG_LENGTH);
}
