/** What a URL path of the API names. */

export interface ResourcePath {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly namespace?: string;
  readonly plural: string;
  readonly name?: string;
  readonly subresource?: string;
  /** What follows the subresource; for `proxy`. */
  readonly rest: readonly string[];
}

/** Nothing for paths that are not about resources. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const [root, ...parts] = path.split("/").slice(1).map(decodeURIComponent);
  if (root === "api") return inGroup("", parts[0], parts.slice(1));
  if (root === "apis") return inGroup(parts[0], parts[1], parts.slice(2));
  return undefined;
}

const NAMESPACE_SUBRESOURCES = ["status", "finalize"];

function inGroup(group: string | undefined, version: string | undefined, parts: readonly string[]): ResourcePath | undefined {
  if (group === undefined || version === undefined) return undefined;
  const [first, namespace, third = ""] = parts;
  const isWithinNamespace = first === "namespaces" && third !== "" && !NAMESPACE_SUBRESOURCES.includes(third);
  const [plural = "", name, subresource, ...rest] = isWithinNamespace ? parts.slice(2) : parts;
  if (plural === "") return undefined;
  return {
    group,
    version,
    plural,
    rest,
    ...(isWithinNamespace && namespace !== undefined && { namespace }),
    ...(name !== undefined && name !== "" && { name }),
    ...(subresource !== undefined && { subresource }),
  };
}
