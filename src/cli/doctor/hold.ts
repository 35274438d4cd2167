/** Does the API server hold a new pod template by itself? Asked only where Rollouts deliver Deployments. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { HOLD_POLICY } from "../../rollout/rollout.ts";
import { bad, note, ok, type Finding } from "./finding.ts";

const SUBJECT = "hold";
const COST = "so Weir keeps Deployments paused also at rest, and what shows health by kstatus, as Flux does, calls them in progress, Argo CD suspended";

export async function lookAtHold(client: KubernetesClient): Promise<Finding> {
  try {
    if (!(await knowsPolicies(client))) return note(SUBJECT, `the API server does not know MutatingAdmissionPolicy v1 (Kubernetes 1.36 does), ${COST}`);
    await client.get(RESOURCES.mutatingAdmissionPolicyBindings, undefined, HOLD_POLICY);
    return ok(SUBJECT, "the API server holds a new pod template by itself");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return bad(SUBJECT, `the policy ${HOLD_POLICY} is not installed, although the API server knows MutatingAdmissionPolicy v1, ${COST}: kubectl apply -f deploy/hold.yaml`);
    return note(SUBJECT, `not seen: you may not read mutatingadmissionpolicybindings ${HOLD_POLICY}`);
  }
}

const Resources = z.object({ resources: z.array(z.object({ name: z.string() })).default([]) });

async function knowsPolicies(client: KubernetesClient): Promise<boolean> {
  const { group, version, plural } = RESOURCES.mutatingAdmissionPolicyBindings;
  try {
    return Resources.parse(await client.request("GET", `/apis/${group}/${version}`)).resources.some(({ name }) => name === plural);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
