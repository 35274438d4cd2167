/** What to write in git so that a GitOps tool leaves the weights of a VirtualService to Weir. */
import type { KubernetesObject } from "../../kubernetes/client.ts";

/** For the Application of Argo CD. */
export function argoRule({ metadata }: KubernetesObject): string {
  return [
    "spec:",
    "  ignoreDifferences:",
    "    - group: networking.istio.io",
    "      kind: VirtualService",
    `      name: ${metadata.name}`,
    `      namespace: ${metadata.namespace}`,
    "      jsonPointers: [/spec/http]",
    "  syncPolicy:",
    "    syncOptions: [RespectIgnoreDifferences=true]",
  ].join("\n");
}

/** Flux applies whole objects: kustomize-controller leaves an annotated one alone once it is there, helm-controller can ignore a path when it corrects drift. */
export function fluxRule({ metadata }: KubernetesObject, manager: string): string {
  if (manager === "helm-controller") {
    return [
      "# in the HelmRelease",
      "spec:",
      "  driftDetection:",
      "    mode: enabled",
      "    ignore:",
      "      - paths: [/spec/http]",
      `        target: {kind: VirtualService, name: ${metadata.name}, namespace: ${metadata.namespace}}`,
    ].join("\n");
  }
  return ["# in the VirtualService's manifest: applied once, then left alone", "metadata:", "  annotations:", "    kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"].join("\n");
}
