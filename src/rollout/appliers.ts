/** Field managers that apply from git again and again: what is put right against them they write anew. */
export const ARGO_CD: ReadonlySet<string> = new Set(["argocd-controller", "argocd-application-controller"]);
export const FLUX: ReadonlySet<string> = new Set(["kustomize-controller", "helm-controller"]);

export function appliesFromGit(manager: string): boolean {
  return ARGO_CD.has(manager) || FLUX.has(manager);
}
