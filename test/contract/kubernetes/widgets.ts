/** A small kind with one of everything that the protocol does with a schema. */
import type { ApiObject } from "../../support/api-request.ts";

const spec = {
  type: "object",
  description: "What is wanted.",
  required: ["release"],
  "x-kubernetes-validations": [
    {
      rule: "!has(self.stable) || self.stable != self.release",
      messageExpression: "'expected another version than ' + self.release",
      fieldPath: ".stable",
      reason: "FieldValueForbidden",
    },
    { rule: "self.release == oldSelf.release || self.size >= oldSelf.size", message: "size must not shrink with a new release" },
  ],
  properties: {
    release: { type: "string", description: "The version.", minLength: 1, maxLength: 63, pattern: "^[a-z]" },
    stable: { type: "string" },
    mode: { type: "string", enum: ["enforce", "observe"], default: "enforce" },
    size: { type: "integer", format: "int32", minimum: 0, maximum: 100, default: 1 },
    interval: { type: "string", "x-kubernetes-validations": [{ rule: "duration(self) >= duration('1s')", message: "expected at least 1s" }] },
    port: { "x-kubernetes-int-or-string": true },
    labels: { type: "object", additionalProperties: { type: "string" } },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    steps: {
      type: "array",
      maxItems: 10,
      default: [{ weight: 10 }],
      items: { type: "object", properties: { weight: { type: "integer" }, hold: { type: "string", default: "1m" } } },
    },
    metrics: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: { type: "object", required: ["name"], properties: { name: { type: "string" }, max: { type: "number" } } },
    },
  },
};

const status = {
  type: "object",
  properties: {
    phase: { type: "string" },
    weight: { type: "integer" },
    conditions: { type: "array", items: { type: "object", properties: { type: { type: "string" }, status: { type: "string" } } } },
  },
};

export const WIDGETS: ApiObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.contract.weir.dev" },
  spec: {
    group: "contract.weir.dev",
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget", shortNames: ["wdg"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: "Phase", type: "string", jsonPath: ".status.phase" },
          { name: "Weight", type: "integer", jsonPath: ".status.weight" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status', priority: 1 },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        schema: { openAPIV3Schema: { type: "object", description: "A widget.", required: ["spec"], properties: { spec, status } } },
      },
    ],
  },
};

export function widget(name: string, fields: object = {}, metadata: object = {}): ApiObject {
  return { apiVersion: "contract.weir.dev/v1", kind: "Widget", metadata: { name, ...metadata }, spec: { release: "v1", ...fields } };
}
