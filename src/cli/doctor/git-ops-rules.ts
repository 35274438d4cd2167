/** What to write in git so that a GitOps tool leaves the weights of a route to Weir. */
import type { KubernetesObject } from "../../kubernetes/client.ts";

/** For the Application of Argo CD. */
export function argoRule({ apiVersion = "", kind = "", metadata }: KubernetesObject, field: string): string {
  return [
    "spec:",
    "  ignoreDifferences:",
    `    - group: ${apiVersion.split("/", 1)[0]}`,
    `      kind: ${kind}`,
    `      name: ${metadata.name}`,
    `      namespace: ${metadata.namespace}`,
    `      jsonPointers: [/spec/${field}]`,
    "  syncPolicy:",
    "    syncOptions: [RespectIgnoreDifferences=true]",
  ].join("\n");
}

/** Flux applies whole objects: kustomize-controller leaves an annotated one alone once it is there, helm-controller can ignore a path when it corrects drift. */
export function fluxRule({ kind = "", metadata }: KubernetesObject, field: string, manager: string): string {
  if (manager === "helm-controller") {
    return [
      "# in the HelmRelease",
      "spec:",
      "  driftDetection:",
      "    mode: enabled",
      "    ignore:",
      `      - paths: [/spec/${field}]`,
      `        target: {kind: ${kind}, name: ${metadata.name}, namespace: ${metadata.namespace}}`,
    ].join("\n");
  }
  return [`# in the ${kind}'s manifest: applied once, then left alone`, "metadata:", "  annotations:", "    kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"].join("\n");
}
