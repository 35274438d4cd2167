/** Questions about oneself: everybody may do everything here, and is who the token says. */
import type { Answer, ApiCall } from "./api-call.ts";
import { objectOf } from "./body.ts";
import { objectAt, type JsonObject } from "./json.ts";
import { StatusError } from "./status-error.ts";

export interface Review {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly status: (call: ApiCall) => JsonObject;
}

function review(group: string, kind: string, status: Review["status"]): Review {
  return { group, version: "v1", kind, plural: `${kind.toLowerCase()}s`, singular: kind.toLowerCase(), status };
}

const EVERYTHING = { resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }], incomplete: false };

export const REVIEWS: readonly Review[] = [
  review("authorization.k8s.io", "SelfSubjectAccessReview", () => ({ allowed: true })),
  review("authorization.k8s.io", "SelfSubjectRulesReview", () => EVERYTHING),
  review("authentication.k8s.io", "SelfSubjectReview", ({ user }) => ({ userInfo: { username: user, groups: ["system:authenticated"] } })),
];

export function answerReview({ group, version, kind, status }: Review, call: ApiCall): Answer {
  if (call.method !== "POST") throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  // kubectl asks in protobuf, which nobody here reads: the answer does not depend on the question.
  const isJson = call.headers["content-type"]?.startsWith("application/json") ?? false;
  const spec = isJson ? objectAt(objectOf(call.body, "application/json", { group, version, kind, isBuiltin: true }), "spec") : {};
  return { status: 201, body: { kind, apiVersion: `${group}/${version}`, metadata: {}, spec, status: status(call) } };
}
