/** The Deployment of a Rollout as it is now, with its canaries and pods: read with GETs instead of informer caches. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { deploymentOf } from "../rollout/deployment.ts";
import type { DeploymentAbsent, DeploymentSeen } from "../rollout/observation.ts";
import { HOLD_POLICY, OWNER_LABEL, type Rollout, type ValidRollout } from "../rollout/rollout.ts";
import { createWorkload } from "../workload/registry.ts";
import { versionIn } from "../workload/deployment/deployment-object.ts";
import type { Workload } from "../workload/workload.ts";
import { cacheOf } from "./route-look.ts";

export interface DeploymentLook {
  readonly seen: DeploymentSeen | DeploymentAbsent;
  /** Writes are conditional on what was seen here. */
  readonly workload: Workload;
}

/** Undefined where the Rollout names versions. Throws where it may not be read. */
export async function lookAtDeployment(client: KubernetesClient, rollout: ValidRollout): Promise<DeploymentLook | undefined> {
  const name = deploymentOf(rollout);
  if (name === undefined) return undefined;
  const { namespace } = rollout.metadata;
  const [deployment, canaries, replicaSets, pods, isGuarded] = await Promise.all([
    readDeployment(client, namespace, name),
    listed(client, "deployments", namespace, `${OWNER_LABEL}=${rollout.metadata.name}`),
    listed(client, "replicaSets", namespace),
    listed(client, "pods", namespace),
    isHoldInstalled(client),
  ]);
  const none = cacheOf([]);
  const caches = { deployments: cacheOf([...(deployment ? [deployment] : []), ...canaries]), replicaSets: cacheOf(replicaSets), pods: cacheOf(pods), statefulSets: none, daemonSets: none, controllerRevisions: none };
  const workload = createWorkload({ caches, client, isGuarded: () => isGuarded });
  return { workload, seen: workload.deployment(rollout)! };
}

/** The same to look at only: undefined, too, where the person may not read it. */
export async function glanceAtDeployment(client: KubernetesClient, rollout: ValidRollout): Promise<DeploymentLook | undefined> {
  return lookAtDeployment(client, rollout).catch(unlessForbidden);
}

/** What the template of the Deployment is called now; undefined where there is none, or it may not be read. */
export async function templateNow(client: KubernetesClient, rollout: Rollout): Promise<string | undefined> {
  const { spec, metadata } = rollout;
  if ("invalid" in spec || !spec.deployment) return undefined;
  const object = await readDeployment(client, metadata.namespace, spec.deployment.name).catch(unlessForbidden);
  return object && versionIn(object);
}

export async function readDeployment(client: KubernetesClient, namespace: string, name: string): Promise<KubernetesObject | undefined> {
  try {
    return await client.get(RESOURCES.deployments, namespace, name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether the API server holds a new template by itself; who may not read that sees none. */
async function isHoldInstalled(client: KubernetesClient): Promise<boolean> {
  try {
    await client.get(RESOURCES.mutatingAdmissionPolicyBindings, undefined, HOLD_POLICY);
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return false;
    throw error;
  }
}

async function listed(client: KubernetesClient, kind: "deployments" | "replicaSets" | "pods", namespace: string, labelSelector?: string): Promise<readonly KubernetesObject[]> {
  return (await client.list(RESOURCES[kind], namespace, labelSelector === undefined ? {} : { labelSelector })).items;
}

function unlessForbidden(error: unknown): undefined {
  if (!(error instanceof ApiError) || error.status !== 403) throw error;
}
