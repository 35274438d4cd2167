/** What the server says it serves: groups, versions and resources, one by one or aggregated. */
import type { Answer, ApiCall } from "./api-call.ts";
import type { JsonObject } from "./json.ts";
import type { Registry } from "./registry.ts";
import { REVIEWS } from "./reviews.ts";
import { SCALE_KIND } from "./scale.ts";
import { isDeletedTogether, type ServedKind } from "./served-kind.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const STATUS_VERBS = ["get", "patch", "update"];

type Listed = Pick<ServedKind, "group" | "version" | "kind" | "plural" | "singular" | "shortNames" | "categories" | "isNamespaced" | "hasStatus" | "scale"> & {
  readonly verbs: readonly string[];
};

function listed(registry: Registry): readonly Listed[] {
  const reviews = REVIEWS.map((review) => ({ ...review, shortNames: [], categories: [], isNamespaced: false, hasStatus: false, verbs: ["create"] }));
  return [...registry.kinds().map((kind) => ({ ...kind, verbs: VERBS.filter((verb) => verb !== "deletecollection" || isDeletedTogether(kind)) })), ...reviews];
}

const AGGREGATED = /application\/json;g=apidiscovery\.k8s\.io;v=v2;as=APIGroupDiscoveryList/;
const AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** `/api`: the core group. */
export function coreVersions(registry: Registry, { headers }: ApiCall): Answer {
  if (AGGREGATED.test(headers.accept ?? "")) return aggregated(listed(registry).filter(({ group }) => group === ""));
  return { status: 200, body: { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] } };
}

/** `/apis`: all other groups. */
export function groupList(registry: Registry, { headers }: ApiCall): Answer {
  const kinds = listed(registry).filter(({ group }) => group !== "");
  if (AGGREGATED.test(headers.accept ?? "")) return aggregated(kinds);
  return { status: 200, body: { kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(kinds).map((group) => groupObject(group, kinds)) } };
}

/** `/apis/GROUP`. */
export function groupOf(registry: Registry, group: string): Answer {
  const kinds = listed(registry).filter((kind) => kind.group === group);
  if (kinds.length === 0) return PAGE_NOT_FOUND;
  return { status: 200, body: { kind: "APIGroup", apiVersion: "v1", ...groupObject(group, kinds) } };
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function resourceList(registry: Registry, group: string, version: string): Answer {
  const kinds = listed(registry).filter((kind) => kind.group === group && kind.version === version);
  if (kinds.length === 0) return PAGE_NOT_FOUND;
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return { status: 200, body: { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: kinds.flatMap(resourcesOf) } };
}

/** For paths that nothing is served at; no `Status` object, as on the real server. */
export const PAGE_NOT_FOUND: Answer = { status: 404, body: "404 page not found\n", contentType: "text/plain; charset=utf-8" };

function resourcesOf(kind: Listed): readonly JsonObject[] {
  const { plural, singular, isNamespaced, verbs, shortNames, categories, hasStatus, scale } = kind;
  const own = {
    name: plural,
    singularName: singular,
    namespaced: isNamespaced,
    kind: kind.kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  };
  const below = { singularName: "", namespaced: isNamespaced, verbs: STATUS_VERBS };
  const scaled = scale ? [{ ...below, ...SCALE_KIND, name: `${plural}/scale` }] : [];
  return [own, ...scaled, ...(hasStatus ? [{ ...below, name: `${plural}/status`, kind: kind.kind }] : [])];
}

function groupsOf(kinds: readonly Listed[]): readonly string[] {
  return [...new Set(kinds.map(({ group }) => group))].sort();
}

/** The first one is preferred. */
function versionsOf(group: string, kinds: readonly Listed[]): readonly string[] {
  return [...new Set(kinds.filter((kind) => kind.group === group).map(({ version }) => version))];
}

function groupObject(group: string, kinds: readonly Listed[]): JsonObject {
  const versions = versionsOf(group, kinds).map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function aggregated(kinds: readonly Listed[]): Answer {
  const items = groupsOf(kinds).map((group) => ({
    metadata: group === "" ? {} : { name: group },
    versions: versionsOf(group, kinds).map((version) => ({
      version,
      resources: kinds.filter((kind) => kind.group === group && kind.version === version).map(discovered),
      freshness: "Current",
    })),
  }));
  return { status: 200, body: { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items }, contentType: AGGREGATED_TYPE };
}

function discovered(kind: Listed): JsonObject {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind };
  const subresources = [
    ...(kind.scale ? [{ subresource: "scale", responseKind: SCALE_KIND, verbs: STATUS_VERBS }] : []),
    ...(kind.hasStatus ? [{ subresource: "status", responseKind, verbs: STATUS_VERBS }] : []),
  ];
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.isNamespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources }),
  };
}
