/** Roles made of single rights. */
import type { ApiObject } from "./api-request.ts";

interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Only for this object. */
  readonly name?: string;
}

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** A ClusterRole with these rights. */
export function clusterRole(name: string, rights: readonly Right[]): ApiObject {
  const rules = rights.map(({ group, resource, verb, name: only }): PolicyRule => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...(only !== undefined && { resourceNames: [only] }) }));
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules };
}
