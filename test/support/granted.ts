/** The single rights that the roles of deploy/ grant, and the same roles with one right less. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ApiObject } from "./api-request.ts";
import { parseObjects } from "./apply.ts";

export interface Right {
  readonly role: string;
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

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));

/** Every one, of every Role and ClusterRole in any of its files. */
export function grantedRights(): readonly Right[] {
  const files = readdirSync(DEPLOY).filter((file) => file.endsWith(".yaml"));
  const roles = files.flatMap((file) => parseObjects(readFileSync(`${DEPLOY}${file}`, "utf8"))).filter(({ kind }) => kind === "ClusterRole" || kind === "Role");
  return roles.flatMap((role) => (role["rules"] as readonly PolicyRule[]).flatMap((rule) => rightsIn(role.metadata.name, rule)));
}

function rightsIn(role: string, { apiGroups, resources, verbs, resourceNames }: PolicyRule): readonly Right[] {
  const names = resourceNames ?? [undefined];
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ role, group, resource, verb, ...(name !== undefined && { name }) })))),
  );
}

/** `weir: list pods`, `weir: get customresourcedefinitions.apiextensions.k8s.io rollouts.weir.dev`. */
export function saidOf({ role, group, resource, verb, name }: Right): string {
  return `${role}: ${verb} ${resource}${group === "" ? "" : `.${group}`}${name === undefined ? "" : ` ${name}`}`;
}

/** A ClusterRole with these rights. */
export function clusterRole(name: string, rights: readonly Right[]): ApiObject {
  const rules = rights.map(({ group, resource, verb, name: only }): PolicyRule => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...(only !== undefined && { resourceNames: [only] }) }));
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules };
}

export type Subject = { readonly kind: "User"; readonly name: string; readonly apiGroup: string } | { readonly kind: "ServiceAccount"; readonly name: string; readonly namespace: string };

/** In one namespace; none: everywhere. */
export function roleBinding(role: string, subject: Subject, namespace?: string): ApiObject {
  const metadata = { name: `${role}-${subject.name}`, ...(namespace !== undefined && { namespace }) };
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [subject],
  };
}
