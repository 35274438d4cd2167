/** Pods whose requests go past the VirtualService, because no proxy of the mesh is in them. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { note, ok, type Finding } from "./finding.ts";

const PROXY = "istio-proxy";
const MOST_NAMED = 5;

const Containers = z.array(z.object({ name: z.string() })).default([]);
const PodSpec = z.object({ containers: Containers, initContainers: Containers });

export async function lookAtSidecars(client: KubernetesClient, namespace: string): Promise<Finding> {
  const subject = `callers in ${namespace}`;
  try {
    const pods = (await client.list(RESOURCES.pods, namespace)).items;
    const bare = pods.filter((pod) => !hasProxy(pod)).map(({ metadata }) => metadata.name);
    if (bare.length === 0) return ok(subject, "every pod is in the mesh");
    const more = bare.length > MOST_NAMED ? `, and ${bare.length - MOST_NAMED} more` : "";
    return note(subject, `${bare.length} of ${pods.length} pods have no sidecar, so their requests are not split and not counted: ${bare.slice(0, MOST_NAMED).join(", ")}${more}; kubectl label namespace ${namespace} istio-injection=enabled, and restart those that call others`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return note(subject, `not seen: you may not list pods in namespace ${namespace}`);
  }
}

/** Also as a native sidecar, which is an init container, and in ambient mode, where the node has the proxy. */
function hasProxy({ metadata, spec }: KubernetesObject): boolean {
  const { containers, initContainers } = PodSpec.safeParse(spec).data ?? { containers: [], initContainers: [] };
  return [...containers, ...initContainers].some(({ name }) => name === PROXY) || metadata.annotations?.["ambient.istio.io/redirection"] === "enabled";
}
