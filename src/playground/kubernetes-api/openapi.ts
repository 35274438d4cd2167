/** OpenAPI v3: what `kubectl explain` prints, and where `kubectl apply` looks whether the server checks fields. */
import { createHash } from "node:crypto";
import type { Answer } from "./api-call.ts";
import { PAGE_NOT_FOUND } from "./discovery.ts";
import type { JsonObject } from "./json.ts";
import type { Registry } from "./registry.ts";
import { apiVersionOf, type ServedKind } from "./served-kind.ts";

/** `/openapi/v3`: one document for each group and version. */
export function openApiIndex(registry: Registry): Answer {
  const versions = new Set(registry.kinds().map(pathOf));
  const paths = [...versions].sort().map((path) => {
    const hash = createHash("sha512").update(JSON.stringify(documentOf(registry, path))).digest("hex").toUpperCase();
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { status: 200, body: { paths: Object.fromEntries(paths) }, contentType: "text/plain; charset=utf-8" };
}

/** `path` as in the index: `api/v1`, `apis/weir.dev/v1alpha1`. */
export function openApiDocument(registry: Registry, path: string): Answer {
  if (!registry.kinds().some((kind) => pathOf(kind) === path)) return PAGE_NOT_FOUND;
  return { status: 200, body: documentOf(registry, path) };
}

function pathOf(kind: ServedKind): string {
  return `${kind.group === "" ? "api" : "apis"}/${apiVersionOf(kind)}`;
}

function documentOf(registry: Registry, path: string): JsonObject {
  const kinds = registry.kinds().filter((kind) => pathOf(kind) === path);
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1" },
    paths: Object.fromEntries(kinds.flatMap((kind) => Object.entries(pathsOf(kind, path)))),
    components: { schemas: { ...Object.fromEntries(kinds.map((kind) => [schemaName(kind), schemaOf(kind)])), ...SHARED } },
  };
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";

function schemaName({ group, version, kind }: ServedKind): string {
  return [...(group || "core").split(".").reverse(), version, kind].join(".");
}

function pathsOf(kind: ServedKind, path: string): JsonObject {
  const collection = `/${path}${kind.isNamespaced ? "/namespaces/{namespace}" : ""}/${kind.plural}`;
  const object = { get: operation(kind, "get"), put: operation(kind, "put"), patch: operation(kind, "patch"), delete: operation(kind, "delete") };
  return {
    [collection]: { get: operation(kind, "list"), post: operation(kind, "post") },
    [`${collection}/{name}`]: object,
    ...(kind.hasStatus && { [`${collection}/{name}/status`]: object }),
  };
}

const WRITE_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({ name, in: "query", schema: { type: "string" } }));

function operation(kind: ServedKind, action: string): JsonObject {
  return {
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { group: kind.group, version: kind.version, kind: kind.kind },
    parameters: ["post", "put", "patch"].includes(action) ? WRITE_PARAMETERS : [],
    responses: { 200: { description: "OK", content: { "application/json": { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } } } },
  };
}

function schemaOf(kind: ServedKind): JsonObject {
  const schema = kind.schema ?? { "x-kubernetes-preserve-unknown-fields": true };
  return {
    ...schema,
    type: "object",
    properties: { ...schema.properties, ...TYPE_PROPERTIES },
    "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: kind.kind }],
  };
}

const TYPE_PROPERTIES = {
  apiVersion: { type: "string", description: "The group and version of this object's form." },
  kind: { type: "string", description: "What this object is." },
  metadata: { description: "The object's metadata.", allOf: [{ $ref: `#/components/schemas/${META}.ObjectMeta` }] },
};

const text = (description: string): JsonObject => ({ type: "string", description });
const texts = (description: string): JsonObject => ({ type: "object", description, additionalProperties: { type: "string" } });

const SHARED: JsonObject = {
  [`${META}.ObjectMeta`]: {
    type: "object",
    description: "The metadata that every object has.",
    properties: {
      name: text("The name, unique within the namespace."),
      namespace: text("The namespace that the object is in."),
      labels: texts("Keys and values by which objects are selected."),
      annotations: texts("Keys and values for tools and people."),
      finalizers: { type: "array", description: "Who must agree before the object is gone.", items: { type: "string" } },
      creationTimestamp: text("When the object was created."),
      deletionTimestamp: text("When the object was asked to go."),
      generation: { type: "integer", format: "int64", description: "Counts the changes of what is wanted." },
      resourceVersion: text("Changes with every write; for conditional writes."),
      uid: text("Unique in space and time."),
    },
  },
};
