/** Creates or updates objects of any kind on any Kubernetes API, as `kubectl apply` would, without starting a program. */
import { setTimeout as delay } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import { RequestRefused, type ApiObject, type ApiRequest } from "./api-request.ts";

export interface ApplyOptions {
  /** For namespaced objects that name none; default "default". */
  readonly namespace?: string;
  /** Default "kubectl-create". */
  readonly fieldManager?: string;
}

/** Creates each object, or merges it into the one that is there. Returns them as the server has them. */
export async function applyObjects(
  request: ApiRequest,
  objects: string | readonly ApiObject[],
  options: ApplyOptions = {},
): Promise<readonly ApiObject[]> {
  const applied: ApiObject[] = [];
  // One after the other: later ones may need earlier ones, such as their namespace.
  for (const object of typeof objects === "string" ? parseObjects(objects) : objects) applied.push(await applyObject(request, object, options));
  return applied;
}

export function parseObjects(yaml: string): readonly ApiObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as ApiObject | null)
    .filter((object) => object !== null);
}

async function applyObject(request: ApiRequest, object: ApiObject, options: ApplyOptions): Promise<ApiObject> {
  const collection = await collectionOf(request, object, options.namespace ?? "default");
  const manager = `fieldManager=${options.fieldManager ?? "kubectl-create"}`;
  try {
    return await request("POST", `${collection}?${manager}`, object);
  } catch (error) {
    if (!(error instanceof RequestRefused) || error.status !== 409) throw error;
    return await request("PATCH", `${collection}/${object.metadata.name}?${manager}`, object);
  }
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

async function collectionOf(request: ApiRequest, object: ApiObject, namespace: string): Promise<string> {
  const group = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const { resources } = await request<ResourceList>("GET", group);
  const resource = resources.find((candidate) => candidate.kind === object.kind && !candidate.name.includes("/"));
  if (!resource) throw new Error(`the API server has no kind ${object.kind} in ${object.apiVersion}`);
  return resource.namespaced ? `${group}/namespaces/${object.metadata.namespace ?? namespace}/${resource.name}` : `${group}/${resource.name}`;
}

/** Settles when the API server serves every one of these CustomResourceDefinitions. */
export async function applyCustomResourceDefinitions(request: ApiRequest, definitions: readonly ApiObject[]): Promise<void> {
  await applyObjects(request, definitions);
  for (const { metadata } of definitions) await untilServed(request, metadata.name);
}

async function untilServed(request: ApiRequest, name: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  for (;;) {
    const definition = await request<Definition>("GET", path);
    const isEstablished = definition.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True");
    if (isEstablished && (await isDiscovered(request, definition))) return;
    if (Date.now() > deadline) throw new Error(`the API server does not serve ${name} after 20 s: ${JSON.stringify(definition.status)}`);
    await delay(20);
  }
}

interface Definition {
  readonly spec: { readonly group: string; readonly names: { readonly plural: string }; readonly versions: readonly { readonly name: string }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

// Discovery follows "Established" by a moment.
async function isDiscovered(request: ApiRequest, { spec }: Definition): Promise<boolean> {
  const path = `/apis/${spec.group}/${spec.versions[0]?.name ?? ""}`;
  const { resources } = await request<ResourceList>("GET", path).catch(() => ({ resources: [] }));
  return resources.some(({ name }) => name === spec.names.plural);
}
