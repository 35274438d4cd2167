/** The form of built-in kinds, as far as apply and defaults need it: which lists have keys, what is owned as a whole, what the server fills in. */
import { isObject, objectAt, type JsonObject } from "./json.ts";
import type { Schema } from "./schema.ts";

const TEXTS: Schema = { type: "object", additionalProperties: { type: "string" } };
const WHOLE: Schema = { type: "object", "x-kubernetes-map-type": "atomic", "x-kubernetes-preserve-unknown-fields": true };

const object = (properties: Readonly<Record<string, Schema>>, rest: Schema = {}): Schema => ({ type: "object", additionalProperties: true, properties, ...rest });
const keyed = (keys: readonly string[], items: Schema = object({})): Schema => ({ type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });

const PROTOCOL: Schema = { type: "string", default: "TCP" };

const CONTAINER = object({
  env: keyed(["name"]),
  ports: keyed(["containerPort", "protocol"], object({ containerPort: { type: "integer" }, protocol: PROTOCOL })),
  volumeMounts: keyed(["mountPath"]),
  volumeDevices: keyed(["devicePath"]),
  resources: { type: "object", additionalProperties: true, default: {} },
  terminationMessagePath: { type: "string", default: "/dev/termination-log" },
  terminationMessagePolicy: { type: "string", default: "File" },
});

const POD_SPEC: Readonly<Record<string, Schema>> = {
  containers: keyed(["name"], CONTAINER),
  initContainers: keyed(["name"], CONTAINER),
  volumes: keyed(["name"]),
  imagePullSecrets: keyed(["name"]),
  nodeSelector: WHOLE,
  restartPolicy: { type: "string", default: "Always" },
  terminationGracePeriodSeconds: { type: "integer", default: 30 },
  dnsPolicy: { type: "string", default: "ClusterFirst" },
  securityContext: { type: "object", additionalProperties: true, default: {} },
  schedulerName: { type: "string", default: "default-scheduler" },
};

const TEMPLATE = object({ metadata: object({ labels: TEXTS, annotations: TEXTS }), spec: object(POD_SPEC) });
const STATUS = object({ conditions: keyed(["type"]) });

const workload = (fields: Readonly<Record<string, Schema>>): Schema => object({ spec: object({ selector: WHOLE, template: TEMPLATE, ...fields }), status: STATUS });
const REPLICAS: Schema = { type: "integer", default: 1 };
const HISTORY: Schema = { type: "integer", default: 10 };

export const DEPLOYMENT_FORM = workload({
  replicas: REPLICAS,
  strategy: object({}, { default: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } } }),
  revisionHistoryLimit: HISTORY,
  progressDeadlineSeconds: { type: "integer", default: 600 },
});
export const REPLICA_SET_FORM = workload({ replicas: REPLICAS });
export const STATEFUL_SET_FORM = workload({
  replicas: REPLICAS,
  podManagementPolicy: { type: "string", default: "OrderedReady" },
  updateStrategy: object({}, { default: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } }),
  revisionHistoryLimit: HISTORY,
});
export const DAEMON_SET_FORM = workload({
  updateStrategy: object({}, { default: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } }),
  revisionHistoryLimit: HISTORY,
});
export const POD_FORM = object({ spec: object({ ...POD_SPEC, enableServiceLinks: { type: "boolean", default: true } }), status: STATUS });
export const SERVICE_FORM = object({ spec: object({ selector: WHOLE, ports: keyed(["port", "protocol"], object({ port: { type: "integer" }, protocol: PROTOCOL })) }), status: STATUS });
export const DATA_FORM = object({ data: TEXTS, binaryData: TEXTS, stringData: TEXTS });
export const DEFINITION_FORM = object({ spec: object({ group: { type: "string" }, scope: { type: "string" }, names: object({}), versions: { type: "array" } }) });
export const EVENT_FORM = object({ involvedObject: WHOLE, related: WHOLE, source: WHOLE });

/** `imagePullPolicy` goes by the image's tag. */
export function withPullPolicies(podSpec: JsonObject): JsonObject {
  const lists = ["containers", "initContainers"].flatMap((name) => {
    const list = podSpec[name];
    return Array.isArray(list) ? [[name, list.map((each: unknown) => (isObject(each) ? { imagePullPolicy: pullPolicyOf(each.image), ...each } : each))] as const] : [];
  });
  return { ...podSpec, ...Object.fromEntries(lists) };
}

function pullPolicyOf(image: unknown): string {
  const [, tag] = /^.*?(?:@sha256)?:([^/:]+)$/.exec(typeof image === "string" ? image : "") ?? [];
  return tag === undefined || tag === "latest" ? "Always" : "IfNotPresent";
}

/** The same within `spec.template`. */
export function withTemplatePullPolicies(spec: JsonObject): JsonObject {
  const template = objectAt(spec, "template");
  return isObject(template.spec) ? { ...spec, template: { ...template, spec: withPullPolicies(template.spec) } } : spec;
}
