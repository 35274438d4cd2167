/** The built-in kinds that the server has: one table. */
import * as checks from "./builtin-checks.ts";
import * as columns from "./builtin-columns.ts";
import * as forms from "./builtin-forms.ts";
import { completeDefinition, definitionCauses } from "./definitions.ts";
import { isObject, objectAt, textAt, type JsonObject } from "./json.ts";
import { withMetadata, type KubeObject } from "./kube-object.ts";
import { withDefaults, type Schema } from "./schema.ts";
import type { ScalePaths } from "./scale.ts";
import type { ServedKind } from "./served-kind.ts";
import { shapeOfObject } from "./shape.ts";

/** `form`: which lists have keys, and what is filled in. */
type Given = Pick<ServedKind, "kind" | "shortNames" | "columns"> & Partial<ServedKind> & { readonly form?: Schema };

function builtin(group: string, { form, complete = asGiven, ...given }: Given): ServedKind {
  const singular = given.kind.toLowerCase();
  return {
    group,
    version: "v1",
    listKind: `${given.kind}List`,
    plural: `${singular}s`,
    singular,
    categories: [],
    isNamespaced: true,
    hasStatus: false,
    hasGeneration: false,
    shape: shapeOfObject(form),
    selectableFields: [],
    complete: (object, now) => complete(form ? (withDefaults(object, form) as KubeObject) : object, now),
    ...(form && { form }),
    ...given,
  };
}

function asGiven(object: KubeObject): KubeObject {
  return object;
}

/** Counts that are there from the beginning. */
const NO_STATUS: Readonly<Record<string, JsonObject>> = {
  ReplicaSet: { replicas: 0 },
  StatefulSet: { replicas: 0, availableReplicas: 0 },
  DaemonSet: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
};

const SCALE: ScalePaths = { wanted: ["spec", "replicas"], present: ["status", "replicas"] };

function workload(given: Given): ServedKind {
  return builtin("apps", { categories: ["all"], hasStatus: true, hasGeneration: true, complete: completeWorkload(NO_STATUS[given.kind] ?? {}), check: checks.workloadCauses, ...given });
}

const EVENT_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((field) => `involvedObject.${field}`);

export const BUILTIN_KINDS: readonly ServedKind[] = [
  builtin("", { kind: "Namespace", shortNames: ["ns"], isNamespaced: false, hasStatus: true, columns: columns.NAMESPACE_COLUMNS, complete: completeNamespace, selectableFields: ["status.phase"] }),
  builtin("", { kind: "Pod", shortNames: ["po"], categories: ["all"], hasStatus: true, hasGeneration: true, columns: columns.POD_COLUMNS, form: forms.POD_FORM, complete: completePod, check: checks.podCauses, selectableFields: ["spec.nodeName", "status.phase", "status.podIP"] }),
  builtin("", { kind: "Service", shortNames: ["svc"], categories: ["all"], hasStatus: true, columns: columns.SERVICE_COLUMNS, form: forms.SERVICE_FORM, complete: completeService, check: checks.serviceCauses }),
  builtin("", { kind: "Secret", shortNames: [], columns: columns.SECRET_COLUMNS, form: forms.DATA_FORM, complete: completeSecret, check: checks.dataCauses, selectableFields: ["type"] }),
  builtin("", { kind: "ConfigMap", shortNames: ["cm"], columns: columns.CONFIG_MAP_COLUMNS, form: forms.DATA_FORM, check: checks.dataCauses }),
  builtin("", { kind: "Event", shortNames: ["ev"], columns: columns.EVENT_COLUMNS, form: forms.EVENT_FORM, complete: completeEvent, check: checks.eventCauses, selectableFields: [...EVENT_FIELDS, "reason", "type", "source", "reportingComponent"] }),
  workload({ kind: "Deployment", scale: SCALE, shortNames: ["deploy"], columns: columns.DEPLOYMENT_COLUMNS, form: forms.DEPLOYMENT_FORM }),
  workload({ kind: "ReplicaSet", scale: SCALE, shortNames: ["rs"], columns: columns.REPLICA_SET_COLUMNS, form: forms.REPLICA_SET_FORM }),
  workload({ kind: "StatefulSet", scale: SCALE, shortNames: ["sts"], columns: columns.STATEFUL_SET_COLUMNS, form: forms.STATEFUL_SET_FORM }),
  workload({ kind: "DaemonSet", shortNames: ["ds"], columns: columns.DAEMON_SET_COLUMNS, form: forms.DAEMON_SET_FORM }),
  builtin("apps", { kind: "ControllerRevision", shortNames: [], columns: columns.CONTROLLER_REVISION_COLUMNS }),
  builtin("apiextensions.k8s.io", {
    kind: "CustomResourceDefinition", shortNames: ["crd", "crds"], categories: ["api-extensions"], isNamespaced: false, hasStatus: true, hasGeneration: true,
    columns: columns.DEFINITION_COLUMNS, form: forms.DEFINITION_FORM, complete: completeDefinition, check: definitionCauses,
  }),
];

// ── what the server adds ─────────────────────────────────────────────────────────────────────────────────────────────

function completeNamespace(object: KubeObject): KubeObject {
  const labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  return { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" }, ...withMetadata(object, { labels }) };
}

function completePod(object: KubeObject): KubeObject {
  return { ...object, spec: forms.withPullPolicies(objectAt(object, "spec")), status: { phase: "Pending", qosClass: "BestEffort", ...objectAt(object, "status") } };
}

function completeWorkload(counts: JsonObject): (object: KubeObject) => KubeObject {
  return (object) => ({ ...object, spec: forms.withTemplatePullPolicies(objectAt(object, "spec")), status: { ...counts, ...objectAt(object, "status") } });
}

function completeService(object: KubeObject): KubeObject {
  const spec = objectAt(object, "spec");
  const ports = Array.isArray(spec.ports) ? spec.ports.filter(isObject).map(completePort) : [];
  const type = textAt(spec, "type") || "ClusterIP";
  return { ...object, spec: { ...SERVICE_DEFAULTS, ...addressOf(object), ...spec, type, ports }, status: { loadBalancer: {}, ...objectAt(object, "status") } };
}

const SERVICE_DEFAULTS = { sessionAffinity: "None", ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", internalTrafficPolicy: "Cluster" };

function completePort(port: JsonObject): JsonObject {
  return { protocol: "TCP", targetPort: port.port, ...port };
}

/** An address that stays the same, made from the uid; nothing listens there. */
function addressOf({ metadata }: KubeObject): JsonObject {
  const digits = (metadata.uid ?? "").replaceAll("-", "");
  const clusterIP = `10.96.${parseInt(digits.slice(0, 2) || "0", 16)}.${parseInt(digits.slice(2, 4) || "1", 16)}`;
  return { clusterIP, clusterIPs: [clusterIP] };
}

function completeSecret({ stringData, ...object }: KubeObject): KubeObject {
  const texts = isObject(stringData) ? Object.entries(stringData) : [];
  const encoded = Object.fromEntries(texts.map(([key, value]) => [key, Buffer.from(String(value)).toString("base64")]));
  const data = { ...objectAt(object, "data"), ...encoded };
  return { type: "Opaque", ...object, ...(Object.keys(data).length > 0 && { data }) };
}

const EVENT_DEFAULTS = { eventTime: null, firstTimestamp: null, lastTimestamp: null, reportingComponent: "", reportingInstance: "", source: {} };

function completeEvent(object: KubeObject): KubeObject {
  return { ...EVENT_DEFAULTS, ...object };
}
