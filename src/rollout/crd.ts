/** The CustomResourceDefinitions, made from the zod schemas of spec, status and record. */
import { z } from "zod";
import { API_VERSION, GROUP, KIND, PLURAL } from "./rollout.ts";
import { RolloutRunSpec, RUN_KIND, RUN_PLURAL } from "./rollout-run.ts";
import { RolloutSpec } from "./spec.ts";
import { VALIDATIONS } from "./spec-rule.ts";
import { RolloutStatus } from "./status.ts";

/** Raised with each change of the schema; a daemon that is newer than the CRD on the server takes no step up (law 15). */
export const SCHEMA_VERSION = 6;
/** Annotation of the CRD that carries its SCHEMA_VERSION. */
export const SCHEMA_VERSION_ANNOTATION = "weir.dev/schema-version";

/** One node of an OpenAPI v3 schema, as the API server calls "structural". */
export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  required?: string[];
  enum?: unknown[];
  maxLength?: number;
  maxItems?: number;
  [keyword: string]: unknown;
}

/** All of them, as `deploy/crd.yaml` and `weir crd` write them. */
export function crds() {
  return [crd(), runCrd()];
}

/** Of Rollouts. */
export function crd() {
  return definitionOf(
    { kind: KIND, listKind: `${KIND}List`, plural: PLURAL, singular: "rollout", shortNames: ["weir"], categories: ["weir"] },
    { subresources: { status: {} }, additionalPrinterColumns: COLUMNS, schema: { openAPIV3Schema: rolloutSchema() } },
  );
}

/** Of RolloutRuns. Not in the category `weir`: `kubectl get weir` would list them all beside the Rollouts. */
function runCrd() {
  return definitionOf(
    { kind: RUN_KIND, listKind: `${RUN_KIND}List`, plural: RUN_PLURAL, singular: "rolloutrun", shortNames: ["weirrun", "weirruns"] },
    { additionalPrinterColumns: RUN_COLUMNS, schema: { openAPIV3Schema: runSchema() } },
  );
}

function definitionOf<Names extends { readonly plural: string }, Version extends object>(names: Names, version: Version) {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${names.plural}.${GROUP}`,
      annotations: { [SCHEMA_VERSION_ANNOTATION]: String(SCHEMA_VERSION) },
      labels: { "app.kubernetes.io/name": "weir", "app.kubernetes.io/part-of": "weir" },
    },
    spec: { group: GROUP, scope: "Namespaced", names, versions: [{ name: API_VERSION, served: true, storage: true, ...version }] },
  };
}

const COLUMNS = [
  { name: "Status", type: "string", jsonPath: ".status.phase", description: "Pending, Healthy, Progressing, Paused or Degraded." },
  { name: "Reason", type: "string", jsonPath: ".status.reason", description: "Why.", priority: 1 },
  { name: "Step", type: "string", jsonPath: ".status.step", description: "Which step of how many." },
  { name: "Weight", type: "string", jsonPath: ".status.weight", description: "Share of the traffic that the new version has." },
  { name: "Revision", type: "string", jsonPath: ".status.observedRevision.version", description: "The version that is to be delivered, as last looked at: what spec.release names, or the template of the Deployment." },
  { name: "Message", type: "string", jsonPath: ".status.message", description: "What is going on, and what to do." },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const RUN_COLUMNS = [
  { name: "Rollout", type: "string", jsonPath: ".spec.rollout.name", description: "Whose run it was." },
  { name: "Run", type: "integer", jsonPath: ".spec.number", description: "The run's number." },
  { name: "Outcome", type: "string", jsonPath: ".spec.outcome", description: "Succeeded, RolledBack, Aborted or Superseded." },
  { name: "From", type: "string", jsonPath: ".spec.from.version", description: "What was stable.", priority: 1 },
  { name: "To", type: "string", jsonPath: ".spec.to.version", description: "The version that the run tried." },
  { name: "Peak", type: "number", jsonPath: ".spec.peak", description: "Highest share of the traffic that it reached, in percent." },
  { name: "By", type: "string", jsonPath: ".spec.actor", description: "Who ended it, or began it.", priority: 1 },
  { name: "Ended", type: "date", jsonPath: ".spec.endedAt", description: "How long ago it ended." },
  { name: "Reason", type: "string", jsonPath: ".spec.reason", description: "Why it ended so." },
];

/** Names and types alone, so that a record is never refused for a bound; what it says stays as it was written. */
function runSchema(): Schema {
  const spec = namesAndTypes(RolloutRunSpec);
  const { resolved } = spec.properties!;
  return {
    type: "object",
    description: "The record of one run of a Rollout that has ended. Weir writes it once; it outlives the Rollout.",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `${GROUP}/${API_VERSION}` },
      kind: { type: "string", description: RUN_KIND },
      metadata: { type: "object" },
      spec: {
        ...spec,
        description: "What happened, and what it rests on.",
        properties: { ...spec.properties, resolved: { ...resolved, "x-kubernetes-preserve-unknown-fields": true } }, // as it was, whatever a later schema knows
        [VALIDATIONS]: [{ rule: "self == oldSelf", message: "expected the record of a run to stay as it was written, got another spec; delete the record if it shall go" }],
      },
    },
  };
}

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
  return namesAndTypes(RolloutStatus);
}

function namesAndTypes(schema: z.ZodType): Schema {
  return structural(z.toJSONSchema(schema, { io: "input", target: "openapi-3.0" }) as Schema, STATUS_KEYWORDS);
}

const STATUS_KEYWORDS = ["type", "description"] as const;
const SPEC_KEYWORDS = [...STATUS_KEYWORDS, "required", "enum", "maxLength", "maxItems", "maxProperties", VALIDATIONS] as const;

/** Keeps what the API server shall know. Anything else (defaults, the integers' technical bounds) is left out. */
function structural(schema: Schema, keywords: readonly string[]): Schema {
  const kept: Schema = Object.fromEntries(keywords.flatMap((keyword) => (keyword in schema ? [[keyword, schema[keyword]]] : [])));
  return {
    ...kept,
    ...(schema.items && { items: structural(schema.items, keywords) }),
    ...(schema.additionalProperties?.type && { additionalProperties: structural(schema.additionalProperties, keywords) }),
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
