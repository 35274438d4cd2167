/** GitOps tools as field managers: what they own must be changed in git. */
import { z } from "zod";
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { RolloutRef } from "../rollout/rollout.ts";

export const ARGO_CD: ReadonlySet<string> = new Set(["argocd-controller", "argocd-application-controller"]);
export const FLUX: ReadonlySet<string> = new Set(["kustomize-controller", "helm-controller"]);

const SpecFields = z.object({ "f:spec": z.record(z.string(), z.unknown()) });

/** Managers of `spec.FIELD`, by their names. */
export function managersOf({ metadata }: KubernetesObject, field: string): readonly string[] {
  const owns = (fields: unknown): boolean => `f:${field}` in (SpecFields.safeParse(fields).data?.["f:spec"] ?? {});
  const names = (metadata.managedFields ?? []).filter(({ fieldsV1, subresource }) => !subresource && owns(fieldsV1)).map(({ manager }) => manager ?? "unknown");
  return [...new Set(names)];
}

export function gitOpsManagerOf(object: KubernetesObject, field: string): string | undefined {
  return managersOf(object, field).find((manager) => ARGO_CD.has(manager) || FLUX.has(manager));
}

export function gitSentence({ name, namespace }: RolloutRef, manager: string, before: string, version: string): string {
  return [
    `spec.release of ${name} in namespace ${namespace} is applied from git by ${manager}, which would undo a change made here; change this line in git:`,
    `  spec:`,
    `-   release: ${before}`,
    `+   release: ${version}`,
  ].join("\n");
}
