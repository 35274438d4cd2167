/** What else may be wrong with objects of built-in kinds: as much of it as people meet. */
import { isObject, isSame, objectAt, textAt, valueAt, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Cause } from "./status-error.ts";

function required(field: string): Cause {
  return { reason: "FieldValueRequired", message: "Required value", field };
}

function wrong(field: string, value: unknown, rule: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${rule}`, field };
}

function itemsAt(object: unknown, ...path: readonly string[]): readonly JsonObject[] {
  const found = valueAt(object, ...path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export function podCauses(object: KubeObject): readonly Cause[] {
  return podSpecCauses(object, "spec");
}

function podSpecCauses(object: KubeObject, ...path: readonly string[]): readonly Cause[] {
  const containers = itemsAt(object, ...path, "containers");
  const field = `${path.join(".")}.containers`;
  if (containers.length === 0) return [required(field)];
  return containers.flatMap((container, index) => ["name", "image"].flatMap((each) => (textAt(container, each) === "" ? [required(`${field}[${index}].${each}`)] : [])));
}

/** Of a Deployment, ReplicaSet, StatefulSet or DaemonSet. */
export function workloadCauses(object: KubeObject, current: KubeObject | undefined): readonly Cause[] {
  const selector = objectAt(object, "spec", "selector");
  const labels = valueAt(object, "spec", "template", "metadata", "labels") ?? null;
  const isSelected = Object.keys(selector).length > 0 && Object.entries(objectAt(selector, "matchLabels")).every(([key, value]) => isObject(labels) && labels[key] === value);
  const replicas = valueAt(object, "spec", "replicas");
  return [
    ...(typeof replicas === "number" && replicas < 0 ? [wrong("spec.replicas", replicas, "must be greater than or equal to 0")] : []),
    ...(Object.keys(selector).length === 0 ? [required("spec.selector")] : []),
    ...(isSelected ? [] : [wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")]),
    ...podSpecCauses(object, "spec", "template", "spec"),
    ...(current && !isSame(selector, objectAt(current, "spec", "selector")) ? [wrong("spec.selector", selector, "field is immutable")] : []),
  ];
}

const SERVICE_TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

export function serviceCauses(object: KubeObject): readonly Cause[] {
  const type = textAt(object, "spec", "type");
  const ports = itemsAt(object, "spec", "ports");
  const isPortless = type === "ExternalName" || textAt(object, "spec", "clusterIP") === "None";
  const supported = SERVICE_TYPES.map((each) => JSON.stringify(each)).join(", ");
  return [
    ...(ports.length === 0 && !isPortless ? [required("spec.ports")] : []),
    ...ports.flatMap(({ port = 0 }, index) => (isPort(port) ? [] : [wrong(`spec.ports[${index}].port`, port, "must be between 1 and 65535, inclusive")])),
    ...(SERVICE_TYPES.includes(type) ? [] : [{ reason: "FieldValueNotSupported", message: `Unsupported value: ${JSON.stringify(type)}: supported values: ${supported}`, field: "spec.type" }]),
  ];
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && value >= 1 && value <= 65_535;
}

const KEY = "[-._a-zA-Z0-9]+";

/** Of a ConfigMap or a Secret. */
export function dataCauses(object: KubeObject): readonly Cause[] {
  const rule = `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '${KEY}')`;
  const keys = Object.keys(objectAt(object, "data")).filter((key) => !new RegExp(`^${KEY}$`).test(key));
  return keys.map((key) => wrong(`data[${key}]`, key, rule));
}

export function eventCauses(object: KubeObject): readonly Cause[] {
  const namespace = textAt(object, "involvedObject", "namespace") || "default";
  if (namespace === object.metadata.namespace) return [];
  return [wrong("involvedObject.namespace", textAt(object, "involvedObject", "namespace"), "does not match event.namespace")];
}
