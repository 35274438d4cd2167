/** The CustomResourceDefinition, made from the zod schemas of spec and status. */
import { z } from "zod";
import { API_VERSION, GROUP, KIND, PLURAL } from "./rollout.ts";
import { RolloutSpec } from "./spec.ts";
import { VALIDATIONS } from "./spec-rule.ts";
import { RolloutStatus } from "./status.ts";

/** Raised with each change of the schema; a daemon that is newer than the CRD on the server takes no step up (law 15). */
export const SCHEMA_VERSION = 2;
/** Annotation of the CRD that carries its SCHEMA_VERSION. */
export const SCHEMA_VERSION_ANNOTATION = "weir.dev/schema-version";

/** One node of an OpenAPI v3 schema, as the API server calls "structural". */
export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  enum?: unknown[];
  maxLength?: number;
  maxItems?: number;
  [keyword: string]: unknown;
}

/** The whole CustomResourceDefinition, as `deploy/crd.yaml` and `weir crd` write it. */
export function crd() {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${PLURAL}.${GROUP}`,
      annotations: { [SCHEMA_VERSION_ANNOTATION]: String(SCHEMA_VERSION) },
      labels: { "app.kubernetes.io/name": "weir", "app.kubernetes.io/part-of": "weir" },
    },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { kind: KIND, listKind: `${KIND}List`, plural: PLURAL, singular: "rollout", shortNames: ["weir"], categories: ["weir"] },
      versions: [
        {
          name: API_VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: { openAPIV3Schema: rolloutSchema() },
        },
      ],
    },
  };
}

const COLUMNS = [
  { name: "Status", type: "string", jsonPath: ".status.phase", description: "Pending, Healthy, Progressing, Paused or Degraded." },
  { name: "Reason", type: "string", jsonPath: ".status.reason", description: "Why.", priority: 1 },
  { name: "Step", type: "string", jsonPath: ".status.step", description: "Which step of how many." },
  { name: "Weight", type: "string", jsonPath: ".status.weight", description: "Share of the traffic that the new version has." },
  { name: "Revision", type: "string", jsonPath: ".status.observedRevision.version", description: "The version that spec.release names, as last looked at." },
  { name: "Message", type: "string", jsonPath: ".status.message", description: "What is going on, and what to do." },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

function rolloutSchema(): Schema {
  return {
    type: "object",
    description: "Moves live traffic to a new version step by step, and takes it back by itself when it hurts.",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `${GROUP}/${API_VERSION}` },
      kind: { type: "string", description: KIND },
      metadata: { type: "object" },
      spec: { ...specSchema(), description: "What shall serve, and how the traffic gets there." },
      status: { ...statusSchema(), description: "What Weir sees and does. Written by Weir alone." },
    },
  };
}

/** The spec's schema: bounds and rules as declared beside the types, and no defaults. */
export function specSchema(): Schema {
  return withListKeys(structural(z.toJSONSchema(RolloutSpec, { io: "input", target: "openapi-3.0" }) as Schema, SPEC_KEYWORDS));
}

/** The status's schema: names and types alone, so that evidence is never refused for a bound (law 13). */
export function statusSchema(): Schema {
  return structural(z.toJSONSchema(RolloutStatus, { io: "input", target: "openapi-3.0" }) as Schema, STATUS_KEYWORDS);
}

const STATUS_KEYWORDS = ["type", "description"] as const;
const SPEC_KEYWORDS = [...STATUS_KEYWORDS, "required", "enum", "maxLength", "maxItems", VALIDATIONS] as const;

/** Keeps what the API server shall know. Anything else (defaults, the integers' technical bounds) is left out. */
function structural(schema: Schema, keywords: readonly string[]): Schema {
  const kept: Schema = Object.fromEntries(keywords.flatMap((keyword) => (keyword in schema ? [[keyword, schema[keyword]]] : [])));
  return {
    ...kept,
    ...(schema.items && { items: structural(schema.items, keywords) }),
    ...(schema.properties && {
      properties: Object.fromEntries(Object.entries(schema.properties).map(([name, each]) => [name, structural(each, keywords)])),
    }),
  };
}

/** Server-side apply merges metrics by their names; any other list has one owner. */
function withListKeys(spec: Schema): Schema {
  const metrics = spec.properties?.["analysis"]?.properties?.["metrics"];
  if (metrics) Object.assign(metrics, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });
  return spec;
}
