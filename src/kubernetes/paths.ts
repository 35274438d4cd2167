/** Where things live on the API server. */
import type { ListOptions, PatchOptions, Resource } from "./client.ts";

/** `/api/v1/...` for the core group, `/apis/GROUP/VERSION/...` for the others. */
export function pathOf(resource: Resource, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = resource.group === "" ? ["api"] : ["apis", resource.group];
  const scope = namespace === undefined ? [] : ["namespaces", namespace];
  const parts = [...root, resource.version, ...scope, resource.plural, name, subresource];
  return `/${parts.filter((part) => part !== undefined).map(encodeURIComponent).join("/")}`;
}

/** With `?`, or empty; absent and empty values are left out. */
export function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return query === "" ? "" : `?${query}`;
}

export function listQuery(options: ListOptions): Record<string, string | number | undefined> {
  const { labelSelector, fieldSelector, limit, resourceVersion } = options;
  return { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
}

export function writeQuery(options: PatchOptions | undefined): Record<string, string | undefined> {
  return { fieldManager: options?.fieldManager, dryRun: options?.dryRun === true ? "All" : undefined };
}
