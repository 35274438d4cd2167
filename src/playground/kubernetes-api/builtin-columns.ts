/** The columns of built-in kinds, as the real server has them; what only `-o wide` shows is kept to the useful ones. */
import { ageOf } from "./age.ts";
import { isObject, objectAt, textAt, valueAt, type JsonObject } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Column } from "./served-kind.ts";
import { AGE, NAME } from "./table.ts";

type Cell = (object: KubeObject, now: Date) => unknown;

function text(name: string, description: string, cell: Cell, priority = 0): Column {
  return { name, type: "string", description, priority, cell };
}

function count(name: string, description: string, ...path: readonly string[]): Column {
  return { name, type: "integer", description, priority: 0, cell: (object) => valueAt(object, ...path) ?? 0 };
}

function itemsAt(object: unknown, ...path: readonly string[]): readonly JsonObject[] {
  const found = valueAt(object, ...path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

function pairs(map: JsonObject): string {
  const said = Object.entries(map).map(([key, value]) => `${key}=${String(value)}`);
  return said.length === 0 ? "<none>" : said.sort().join(",");
}

const containers = (...path: readonly string[]): readonly Column[] => [
  text("Containers", "Names of the containers.", (object) => itemsAt(object, ...path).map(({ name }) => String(name)).join(","), 1),
  text("Images", "Images of the containers.", (object) => itemsAt(object, ...path).map(({ image }) => String(image)).join(","), 1),
];
const templateContainers = containers("spec", "template", "spec", "containers");
const selector = text("Selector", "Which pods belong to it.", (object) => pairs(objectAt(object, "spec", "selector", "matchLabels")), 1);

const isReady = (status: JsonObject): boolean => status.ready === true;
const readyOf: Cell = (pod) => {
  const total = itemsAt(pod, "spec", "containers").length;
  return `${itemsAt(pod, "status", "containerStatuses").filter(isReady).length}/${total}`;
};
const podStatus: Cell = (pod) => {
  if (pod.metadata.deletionTimestamp !== undefined) return "Terminating";
  const waiting = itemsAt(pod, "status", "containerStatuses").map((status) => textAt(status, "state", "waiting", "reason"));
  return waiting.find((reason) => reason !== "") ?? (textAt(pod, "status", "reason") || textAt(pod, "status", "phase"));
};
const restartsOf: Cell = (pod) =>
  String(itemsAt(pod, "status", "containerStatuses").reduce((sum, { restartCount }) => sum + (Number(restartCount) || 0), 0));

export const POD_COLUMNS: readonly Column[] = [
  text("Ready", "How many of its containers are ready.", readyOf),
  text("Status", "What it is doing.", podStatus),
  text("Restarts", "How often its containers were started again.", restartsOf),
  AGE,
  text("IP", "Its address.", (pod) => textAt(pod, "status", "podIP") || "<none>", 1),
  text("Node", "Where it runs.", (pod) => textAt(pod, "spec", "nodeName") || "<none>", 1),
  text("Nominated Node", "Where it is to run.", (pod) => textAt(pod, "status", "nominatedNodeName") || "<none>", 1),
  text("Readiness Gates", "How many of its gates are open.", () => "<none>", 1),
];

const portsOf: Cell = (service) =>
  itemsAt(service, "spec", "ports").map(({ port, protocol }) => `${String(port)}/${String(protocol ?? "TCP")}`).join(",") || "<none>";

export const SERVICE_COLUMNS: readonly Column[] = [
  text("Type", "How it is reached.", (service) => textAt(service, "spec", "type")),
  text("Cluster-IP", "Its address within the cluster.", (service) => textAt(service, "spec", "clusterIP") || "<none>"),
  text("External-IP", "Its address outside.", () => "<none>"),
  text("Port(s)", "Its ports.", portsOf),
  AGE,
  text("Selector", "Which pods it sends to.", (service) => pairs(objectAt(service, "spec", "selector")), 1),
];

export const NAMESPACE_COLUMNS: readonly Column[] = [
  text("Status", "Active or Terminating.", (namespace) => textAt(namespace, "status", "phase")),
  AGE,
];

const keysOf: Cell = (object) => Object.keys(objectAt(object, "data")).length;

export const SECRET_COLUMNS: readonly Column[] = [
  text("Type", "What it is for.", (secret) => textAt(secret, "type")),
  text("Data", "How many keys it has.", keysOf),
  AGE,
];

export const CONFIG_MAP_COLUMNS: readonly Column[] = [text("Data", "How many keys it has.", keysOf), AGE];

const lastSeen: Cell = (event, now) =>
  ageOf(textAt(event, "series", "lastObservedTime") || textAt(event, "lastTimestamp") || textAt(event, "eventTime") || textAt(event, "firstTimestamp"), now);
const involved: Cell = (event) => {
  const { kind, name } = objectAt(event, "involvedObject");
  return `${String(kind ?? "").toLowerCase()}/${String(name ?? "")}`;
};

export const EVENT_COLUMNS: readonly Column[] = [
  text("Last Seen", "When it happened last.", lastSeen),
  text("Type", "Normal or Warning.", (event) => textAt(event, "type")),
  text("Reason", "What happened, in a word.", (event) => textAt(event, "reason")),
  text("Object", "To what it happened.", involved),
  text("Subobject", "To which part of it.", (event) => textAt(event, "involvedObject", "fieldPath"), 1),
  text("Source", "Who said so.", (event) => textAt(event, "source", "component") || textAt(event, "reportingComponent"), 1),
  text("Message", "What happened.", (event) => textAt(event, "message").trim()),
  text("First Seen", "When it happened first.", (event, now) => ageOf(textAt(event, "firstTimestamp") || textAt(event, "eventTime"), now), 1),
  text("Count", "How often it happened.", (event) => valueAt(event, "count") ?? 1, 1),
  { ...NAME, priority: 1 },
];

export const REPLICA_SET_COLUMNS: readonly Column[] = [
  count("Desired", "How many pods it should have.", "spec", "replicas"),
  count("Current", "How many pods it has.", "status", "replicas"),
  count("Ready", "How many of them are ready.", "status", "readyReplicas"),
  AGE,
  ...templateContainers,
  selector,
];

const readyReplicas: Cell = (object) => `${Number(valueAt(object, "status", "readyReplicas") ?? 0)}/${Number(valueAt(object, "spec", "replicas") ?? 0)}`;

export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  text("Ready", "How many of its pods are ready.", readyReplicas),
  text("Up-to-date", "How many pods have the newest template.", (object) => valueAt(object, "status", "updatedReplicas") ?? 0),
  text("Available", "How many pods have been ready for long enough.", (object) => valueAt(object, "status", "availableReplicas") ?? 0),
  AGE,
  ...templateContainers,
  selector,
];

export const STATEFUL_SET_COLUMNS: readonly Column[] = [text("Ready", "How many of its pods are ready.", readyReplicas), AGE, ...templateContainers];

export const DAEMON_SET_COLUMNS: readonly Column[] = [
  count("Desired", "On how many nodes it should run.", "status", "desiredNumberScheduled"),
  count("Current", "On how many nodes it runs.", "status", "currentNumberScheduled"),
  count("Ready", "How many of its pods are ready.", "status", "numberReady"),
  count("Up-to-date", "How many pods have the newest template.", "status", "updatedNumberScheduled"),
  count("Available", "How many pods have been ready for long enough.", "status", "numberAvailable"),
  text("Node Selector", "On which nodes it may run.", (object) => pairs(objectAt(object, "spec", "template", "spec", "nodeSelector"))),
  AGE,
  ...templateContainers,
  selector,
];

const controllerOf: Cell = (object) => {
  const owner = itemsAt(object.metadata, "ownerReferences").find(({ controller }) => controller === true);
  return owner ? `${String(owner.kind).toLowerCase()}/${String(owner.name)}` : "<none>";
};

export const CONTROLLER_REVISION_COLUMNS: readonly Column[] = [
  text("Controller", "To whom it belongs.", controllerOf),
  text("Revision", "Its number.", (object) => String(valueAt(object, "revision") ?? 0)),
  AGE,
];

export const DEFINITION_COLUMNS: readonly Column[] = [
  { name: "Created At", type: "date", description: "When it was created.", priority: 0, cell: ({ metadata }) => metadata.creationTimestamp },
];
