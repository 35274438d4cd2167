/** Canaries and rules of ours that no run needs any more: their Rollout is gone, or has nothing under way. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { FINALIZER, OWNER_LABEL } from "../../rollout/rollout.ts";
import { bad, type Finding } from "./finding.ts";

/** `rollouts`: all of the namespace. */
export async function lookForLeftovers(client: KubernetesClient, namespace: string, rollouts: readonly KubernetesObject[]): Promise<readonly Finding[]> {
  const kinds = [["Deployment", RESOURCES.deployments], ["DestinationRule", RESOURCES.destinationRules]] as const;
  const ofKinds = kinds.map(async ([kind, resource]) => (await labelled(client, resource, namespace)).flatMap((object) => leftover(kind, object, rollouts)));
  return (await Promise.all(ofKinds)).flat();
}

async function labelled(client: KubernetesClient, resource: typeof RESOURCES.deployments | typeof RESOURCES.destinationRules, namespace: string): Promise<readonly KubernetesObject[]> {
  try {
    return (await client.list(resource, namespace, { labelSelector: OWNER_LABEL })).items;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return [];
    throw error;
  }
}

function leftover(kind: string, { metadata }: KubernetesObject, rollouts: readonly KubernetesObject[]): readonly Finding[] {
  const name = metadata.labels?.[OWNER_LABEL] ?? "";
  const owner = rollouts.find((one) => one.metadata.namespace === metadata.namespace && one.metadata.name === name);
  if (owner && isUnderWay(owner)) return [];
  const why = owner ? "has nothing under way" : "is gone";
  const place = `${metadata.namespace}/${metadata.name}`;
  return [bad(`${metadata.namespace}/${name}`, `${kind} ${place} was made for a run of Rollout ${name}, which ${why}: look that no route leads there, then kubectl delete ${kind.toLowerCase()} ${metadata.name} -n ${metadata.namespace}`)];
}

/** Its finalizer goes when everything of the run has gone. */
function isUnderWay(object: KubernetesObject): boolean {
  const { metadata, status } = rolloutOf(object);
  return metadata.finalizers.includes(FINALIZER) || (status?.run !== undefined && status.run.outcome === undefined);
}
