/** GitOps tools as field managers: what they own must be changed in git. */
import { z } from "zod";
import type { KubernetesObject } from "../kubernetes/client.ts";
import { appliesFromGit } from "../rollout/appliers.ts";
import type { RolloutRef } from "../rollout/rollout.ts";

const SpecFields = z.object({ "f:spec": z.record(z.string(), z.unknown()) });

/** Managers of `spec.FIELD`, by their names. */
export function managersOf({ metadata }: KubernetesObject, field: string): readonly string[] {
  const owns = (fields: unknown): boolean => `f:${field}` in (SpecFields.safeParse(fields).data?.["f:spec"] ?? {});
  const names = (metadata.managedFields ?? []).filter(({ fieldsV1, subresource }) => !subresource && owns(fieldsV1)).map(({ manager }) => manager ?? "unknown");
  return [...new Set(names)];
}

export function gitOpsManagerOf(object: KubernetesObject, field: string): string | undefined {
  return managersOf(object, field).find(appliesFromGit);
}

export function gitSentence({ name, namespace }: RolloutRef, manager: string, before: string, version: string): string {
  return [
    `spec.release of ${name} in namespace ${namespace} is applied from git by ${manager}, which would undo a change made here; change this line in git:`,
    `  spec:`,
    `-   release: ${before}`,
    `+   release: ${version}`,
  ].join("\n");
}
