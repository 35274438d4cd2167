/** Single rights: those that deploy/ gives, and roles made of some of them. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ApiObject } from "./api-request.ts";
import { parseObjects } from "./apply.ts";

export interface Right {
  readonly group: string;
  /** `rollouts`, `rollouts/status`. */
  readonly resource: string;
  readonly verb: string;
  /** Only for this object. */
  readonly name?: string;
}

export interface GrantedRight extends Right {
  /** The name of the role that gives it. */
  readonly role: string;
}

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface RoleObject extends ApiObject {
  readonly rules: readonly PolicyRule[];
}

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const API_GROUP = "rbac.authorization.k8s.io";

/** Of every role that a file of deploy/ has, one by one. */
export function grantedRights(): readonly GrantedRight[] {
  const files = readdirSync(DEPLOY).filter((file) => file.endsWith(".yaml") && file !== "crd.yaml");
  const objects = files.flatMap((file) => parseObjects(readFileSync(`${DEPLOY}${file}`, "utf8")));
  return objects.filter(isRole).flatMap(({ metadata, rules }) => rules.flatMap((rule) => singleRights(rule).map((right) => ({ role: metadata.name, ...right }))));
}

function isRole(object: ApiObject): object is RoleObject {
  return object.kind === "ClusterRole" || object.kind === "Role";
}

export function singleRights({ apiGroups, resources, verbs, resourceNames }: PolicyRule): readonly Right[] {
  const names = resourceNames?.map((name) => ({ name })) ?? [{}];
  return apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ group, resource, verb, ...name })))));
}

/** `patch rollouts/status.weir.dev`. */
export function saidOf({ group, resource, verb, name }: Right): string {
  return `${verb} ${resource}${group && `.${group}`}${name === undefined ? "" : ` ${name}`}`;
}

/** A ClusterRole with these rights. */
export function clusterRole(name: string, rights: readonly Right[]): ApiObject {
  const rules = rights.map(({ group, resource, verb, name: only }): PolicyRule => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...(only !== undefined && { resourceNames: [only] }) }));
  return { apiVersion: `${API_GROUP}/v1`, kind: "ClusterRole", metadata: { name }, rules };
}

export interface Subject {
  readonly kind: "ServiceAccount" | "User";
  readonly name: string;
  readonly namespace?: string;
}

/** Binds a ClusterRole, in one namespace or (where none is named) in all. */
export function roleBinding(role: string, subject: Subject, namespace?: string, name = role): ApiObject {
  const apiGroup = subject.kind === "User" ? { apiGroup: API_GROUP } : {};
  return {
    apiVersion: `${API_GROUP}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    roleRef: { apiGroup: API_GROUP, kind: "ClusterRole", name: role },
    subjects: [{ ...subject, ...apiGroup }],
  };
}
