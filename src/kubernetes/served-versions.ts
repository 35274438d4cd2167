/** Lets everybody name one version of Istio's API, whichever of its versions the server has. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type Resource } from "./client.ts";
import { ApiError } from "./errors.ts";

/** Newest first. */
const READABLE = ["v1", "v1beta1"];
const { group: ISTIO_GROUP, version: WRITTEN_VERSION } = RESOURCES.virtualServices;

const ApiGroup = z.object({ versions: z.array(z.object({ version: z.string() })) });

/** The same client, with resources of networking.istio.io at the version found by one discovery request: `v1`, else `v1beta1`; `v1` where Istio is not installed yet. */
export async function withServedVersions(client: KubernetesClient): Promise<KubernetesClient> {
  const version = await istioVersion(client);
  return version === WRITTEN_VERSION ? client : atVersion(client, version);
}

async function istioVersion(client: KubernetesClient): Promise<string> {
  try {
    const { versions } = ApiGroup.parse(await client.request("GET", `/apis/${ISTIO_GROUP}`));
    return READABLE.find((wanted) => versions.some(({ version }) => version === wanted)) ?? WRITTEN_VERSION;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return WRITTEN_VERSION;
    throw error;
  }
}

function atVersion(client: KubernetesClient, version: string): KubernetesClient {
  const served = (resource: Resource): Resource => (resource.group === ISTIO_GROUP ? { ...resource, version } : resource);
  return {
    get: (resource, ...rest) => client.get(served(resource), ...rest),
    list: (resource, ...rest) => client.list(served(resource), ...rest),
    create: (resource, ...rest) => client.create(served(resource), ...rest),
    patch: (resource, ...rest) => client.patch(served(resource), ...rest),
    delete: (resource, ...rest) => client.delete(served(resource), ...rest),
    watch: (resource, ...rest) => client.watch(served(resource), ...rest),
    request: (...all) => client.request(...all),
  };
}
