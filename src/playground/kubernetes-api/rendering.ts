/** In which form an answer is wanted: whole objects, a table or metadata alone, as JSON or YAML. */
import { stringify } from "yaml";
import type { ApiCall } from "./api-call.ts";
import { OBJECT_TYPES } from "./body.ts";
import { without, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import { apiVersionOf, inVersion, type ServedKind } from "./served-kind.ts";
import { StatusError } from "./status-error.ts";
import { partialOf, tableOf, type TableOptions } from "./table.ts";

export interface Rendering {
  readonly as: "Object" | "Table" | "PartialObjectMetadata";
  readonly contentType: "application/json" | "application/yaml";
  readonly includeObject: TableOptions["includeObject"];
}

/** The first form among those accepted that the server has. Throws 406 if there is none. */
export function renderingFor({ headers, query }: ApiCall): Rendering {
  for (const range of (headers.accept ?? "*/*").split(",")) {
    const rendering = renderingOf(range.trim(), query);
    if (rendering) return rendering;
  }
  throw new StatusError(406, "NotAcceptable", `only the following media types are accepted: ${OBJECT_TYPES.join(", ")}`);
}

const CONTENT_TYPES: Readonly<Record<string, Rendering["contentType"]>> = {
  "application/json": "application/json",
  "application/yaml": "application/yaml",
  "application/*": "application/json",
  "*/*": "application/json",
};

function renderingOf(range: string, query: URLSearchParams): Rendering | undefined {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
  const contentType = CONTENT_TYPES[type];
  if (contentType === undefined) return undefined;
  const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3) ?? "Object";
  const form = FORMS[as];
  const include = query.get("includeObject");
  return form && { as: form, contentType, includeObject: include === "None" || include === "Object" ? include : "Metadata" };
}

const FORMS: Readonly<Record<string, Rendering["as"]>> = {
  Object: "Object",
  Table: "Table",
  PartialObjectMetadata: "PartialObjectMetadata",
  PartialObjectMetadataList: "PartialObjectMetadata",
};

export function renderObject(kind: ServedKind, object: KubeObject, rendering: Rendering, now: Date, hasDefinitions = true): JsonObject {
  const { as, includeObject } = rendering;
  const shown = inVersion(kind, object);
  if (as === "PartialObjectMetadata") return partialOf(shown);
  if (as === "Object") return shown;
  return tableOf(kind, [shown], { resourceVersion: shown.metadata.resourceVersion ?? "" }, now, { includeObject, hasDefinitions });
}

export interface Page {
  readonly items: readonly KubeObject[];
  readonly metadata: JsonObject;
}

/** Items of built-in kinds do not say their kind in a list, those of others do. */
export function renderList(kind: ServedKind, { items, metadata }: Page, rendering: Rendering, now: Date): JsonObject {
  const shown = items.map((item) => inVersion(kind, item));
  const { as, includeObject } = rendering;
  if (as === "Table") return tableOf(kind, shown, metadata, now, { includeObject, hasDefinitions: true });
  if (as === "PartialObjectMetadata") return { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items: shown.map(partialOf) };
  const rows = kind.schema === undefined ? shown.map((item) => without(item, "apiVersion", "kind")) : shown;
  return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata: { ...(kind.schema && { continue: "" }), ...metadata }, items: rows };
}

export function textOf(body: unknown, contentType: string): string {
  if (typeof body === "string") return body;
  return contentType === "application/yaml" ? stringify(body, { version: "1.1" }) : `${JSON.stringify(body)}\n`;
}
