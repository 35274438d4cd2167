/** The subresource `scale`: how many replicas an object wants and has, in one form for every kind that has them. */
import { isObject, objectAt, valueAt, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import { badRequest, invalid } from "./status-error.ts";

/** Where a kind keeps them. */
export interface ScalePaths {
  readonly wanted: readonly string[];
  readonly present: readonly string[];
  /** A selector in one line; built-in kinds have theirs as an object. */
  readonly selector?: readonly string[];
}

export const SCALE_KIND = { group: "autoscaling", version: "v1", kind: "Scale" };

export function scaleOf(paths: ScalePaths, object: KubeObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorOf(paths, object);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, ...paths.wanted) ?? 0 },
    status: { replicas: valueAt(object, ...paths.present) ?? 0, ...(selector !== "" && { selector }) },
  };
}

function selectorOf({ selector }: ScalePaths, object: KubeObject): string {
  const said = selector && valueAt(object, ...selector);
  if (typeof said === "string") return said;
  return Object.entries(objectAt(object, "spec", "selector", "matchLabels")).map(([key, value]) => `${key}=${String(value)}`).sort().join(",");
}

/** The object with the replicas of a Scale; throws 400 for another object, 422 for a number that is none. */
export function withScale({ wanted }: ScalePaths, object: KubeObject, scale: unknown): KubeObject {
  if (!isObject(scale) || scale.kind !== "Scale") throw badRequest("expected a Scale of autoscaling/v1");
  const { name = object.metadata.name, resourceVersion } = objectAt(scale, "metadata") as Partial<KubeObject["metadata"]>;
  const replicas = valueAt(scale, "spec", "replicas") ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas)) throw badRequest(`expected spec.replicas to be a whole number, got ${JSON.stringify(replicas)}`);
  if (replicas < 0) throw tooFew(object.metadata.name, replicas);
  const fresh = withValue(object, wanted, replicas) as KubeObject;
  return { ...fresh, metadata: { ...fresh.metadata, name, ...(resourceVersion ? { resourceVersion } : {}) } };
}

function tooFew(name: string, replicas: number): Error {
  const cause = { reason: "FieldValueInvalid", message: `Invalid value: ${replicas}: must be greater than or equal to 0`, field: "spec.replicas" };
  return invalid(SCALE_KIND.group, SCALE_KIND.kind, name, [cause]);
}

function withValue(object: JsonObject, [field = "", ...rest]: readonly string[], value: unknown): JsonObject {
  return { ...object, [field]: rest.length === 0 ? value : withValue(objectAt(object, field), rest, value) };
}
