/** Rows about the built-in kinds, our own, and what is told of all of them: discovery, tables, `scale`, status. */
import { expect } from "vitest";
import { names, owners, type Behaviour } from "./behaviour.ts";
import { JSON_PATCH, MERGE_PATCH, type Answer, type Body, type Subject } from "./subject.ts";

const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
const ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const ONE_VERBS = ALL_VERBS.filter((verb) => verb !== "deletecollection");
const PART_VERBS = ["get", "patch", "update"];

const deployments = ({ namespace }: Subject): string => `/apis/apps/v1/namespaces/${namespace}/deployments`;
const deployment = (replicas = 1): object => ({
  metadata: { name: "web", labels: { app: "web" } },
  spec: { replicas, selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web:1" }] } } },
});

async function deployed(subject: Subject, replicas = 1): Promise<Body> {
  const { status, body } = await subject.ask("POST", `${deployments(subject)}?fieldManager=m`, deployment(replicas));
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

interface Columns {
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: Body | null }[];
}
const tableIn = ({ body }: Answer): Columns => body as unknown as Columns;

/** Below the namespace unless it begins with a slash; those with a star are for `-o wide` only. */
const COLUMNS: Readonly<Record<string, string>> = {
  "api/v1 pods": "Name Ready Status Restarts Age IP* Node* Nominated-Node* Readiness-Gates*",
  "api/v1 services": "Name Type Cluster-IP External-IP Port(s) Age Selector*",
  "api/v1 configmaps": "Name Data Age",
  "api/v1 secrets": "Name Type Data Age",
  "api/v1 events": "Last-Seen Type Reason Object Subobject* Source* Message First-Seen* Count* Name*",
  "apis/apps/v1 deployments": "Name Ready Up-to-date Available Age Containers* Images* Selector*",
  "apis/apps/v1 replicasets": "Name Desired Current Ready Age Containers* Images* Selector*",
  "apis/apps/v1 statefulsets": "Name Ready Age Containers* Images*",
  "apis/apps/v1 daemonsets": "Name Desired Current Ready Up-to-date Available Node-Selector Age Containers* Images* Selector*",
  "apis/apps/v1 controllerrevisions": "Name Controller Revision Age",
  "apis/weir.dev/v1alpha1 rollouts": "Name Status Reason* Step Weight Revision Message Age",
  "apis/weir.dev/v1alpha1 rolloutruns": "Name Rollout Run Outcome From* To Peak By* Ended Reason",
  "apis/networking.istio.io/v1 virtualservices": "Name Gateways Hosts Age",
  "apis/networking.istio.io/v1 serviceentries": "Name Hosts Location Resolution Age",
  "apis/gateway.networking.k8s.io/v1 httproutes": "Name Hostnames Age",
  "apis/gateway.networking.k8s.io/v1 grpcroutes": "Name Hostnames Age",
};

const RESOURCES: readonly (readonly [groupVersion: string, resource: string, expected: object])[] = [
  ["api/v1", "namespaces", { kind: "Namespace", namespaced: false, shortNames: ["ns"], verbs: ONE_VERBS }],
  ["api/v1", "pods", { kind: "Pod", namespaced: true, shortNames: ["po"], categories: ["all"], verbs: ALL_VERBS }],
  ["api/v1", "events", { kind: "Event", namespaced: true, shortNames: ["ev"], verbs: ALL_VERBS }],
  ["apis/apps/v1", "deployments", { kind: "Deployment", namespaced: true, shortNames: ["deploy"], categories: ["all"], verbs: ALL_VERBS }],
  ["apis/apps/v1", "deployments/scale", { kind: "Scale", group: "autoscaling", version: "v1", namespaced: true, verbs: PART_VERBS }],
  ["apis/apps/v1", "deployments/status", { kind: "Deployment", namespaced: true, verbs: PART_VERBS }],
  ["apis/weir.dev/v1alpha1", "rollouts", { kind: "Rollout", singularName: "rollout", namespaced: true, shortNames: ["weir"], categories: ["weir"], verbs: ALL_VERBS }],
  ["apis/weir.dev/v1alpha1", "rollouts/status", { kind: "Rollout", namespaced: true, verbs: PART_VERBS }],
  ["apis/weir.dev/v1alpha1", "rolloutruns", { kind: "RolloutRun", singularName: "rolloutrun", namespaced: true, verbs: ALL_VERBS }],
  ["apis/gateway.networking.k8s.io/v1", "httproutes", { kind: "HTTPRoute", singularName: "httproute", namespaced: true, categories: ["gateway-api"], verbs: ALL_VERBS }],
  ["apis/gateway.networking.k8s.io/v1", "grpcroutes", { kind: "GRPCRoute", singularName: "grpcroute", namespaced: true, categories: ["gateway-api"], verbs: ALL_VERBS }],
  ["apis/networking.istio.io/v1", "destinationrules", { kind: "DestinationRule", namespaced: true, shortNames: ["dr"], verbs: ALL_VERBS }],
  ["apis/networking.istio.io/v1", "serviceentries", { kind: "ServiceEntry", singularName: "serviceentry", namespaced: true, shortNames: ["se"], verbs: ALL_VERBS }],
];

const discovery: readonly Behaviour[] = [
  ...RESOURCES.map(([groupVersion, resource, expected]): Behaviour => ({
    name: `${resource} are discovered, with their names and verbs`,
    async check({ ask }) {
      const resources = (await ask("GET", `/${groupVersion}`)).body.resources as unknown as readonly { readonly name: string; readonly verbs: readonly string[] }[];
      const found = resources.find(({ name }) => name === resource);
      expect({ ...found, verbs: found?.verbs.toSorted() }).toMatchObject(expected);
    },
  })),
  {
    name: "Groups are discovered with their versions, the preferred one first",
    async check({ ask }) {
      const version = { groupVersion: "weir.dev/v1alpha1", version: "v1alpha1" };
      expect((await ask("GET", "/apis/weir.dev")).body).toEqual({ kind: "APIGroup", apiVersion: "v1", name: "weir.dev", versions: [version], preferredVersion: version });
      const groups = (await ask("GET", "/apis")).body.groups as unknown as readonly { name: string; preferredVersion: { version: string } }[];
      const preferred = Object.fromEntries(groups.map((group) => [group.name, group.preferredVersion.version]));
      expect(preferred).toMatchObject({ apps: "v1", "weir.dev": "v1alpha1", "networking.istio.io": "v1", "apiextensions.k8s.io": "v1", "authorization.k8s.io": "v1" });
      expect((await ask("GET", "/api")).body).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    },
  },
];

const tables: readonly Behaviour[] = [
  ...Object.entries(COLUMNS).map(([path, columns]): Behaviour => ({
    name: `A table of ${path.split(" ")[1] ?? ""} has its columns`,
    async check({ ask, namespace }) {
      const [groupVersion = "", plural = ""] = path.split(" ");
      const { columnDefinitions } = tableIn(await ask("GET", `/${groupVersion}/namespaces/${namespace}/${plural}`, undefined, TABLE));
      expect(columnDefinitions.map(({ name, priority }) => name.replaceAll(" ", "-") + (priority > 0 ? "*" : "")).join(" ")).toBe(columns);
    },
  })),
  {
    name: "A table's rows hold the cells, and as much of the object as was asked for",
    async check(subject) {
      await deployed(subject, 2);
      const rowOf = async (query: string): Promise<Columns["rows"][number] | undefined> => tableIn(await subject.ask("GET", deployments(subject) + query, undefined, TABLE)).rows[0];
      const row = await rowOf("");
      expect(row?.cells).toEqual(["web", "0/2", 0, 0, expect.stringMatching(/^\d+s$/), "web", "web:1", "app=web"]);
      expect([row?.object?.kind, row?.object?.spec]).toEqual(["PartialObjectMetadata", undefined]);
      expect((await rowOf("?includeObject=None"))?.object).toBeNull();
      expect((await rowOf("?includeObject=Object"))?.object).toMatchObject({ kind: "Deployment", spec: { replicas: 2 } });
      expect(tableIn(await subject.ask("GET", `${deployments(subject)}/web`, undefined, TABLE)).rows).toHaveLength(1);
    },
  },
];

const scaling: readonly Behaviour[] = [
  {
    name: "A Deployment is scaled through its own door, which shows what there is",
    async check(subject) {
      const { metadata } = await deployed(subject, 2);
      const path = `${deployments(subject)}/web`;
      const scale = (await subject.ask("GET", `${path}/scale`)).body;
      expect(scale).toEqual({
        kind: "Scale", apiVersion: "autoscaling/v1",
        metadata: { name: "web", namespace: subject.namespace, uid: metadata?.uid, resourceVersion: metadata?.resourceVersion, creationTimestamp: metadata?.creationTimestamp },
        spec: { replicas: 2 }, status: { replicas: 0, selector: "app=web" },
      });
      const patched = await subject.ask("PATCH", `${path}/scale?fieldManager=scaler`, { spec: { replicas: 5 } }, MERGE_PATCH);
      expect([patched.status, patched.body.spec, patched.body.status]).toEqual([200, { replicas: 5 }, { replicas: 0, selector: "app=web" }]);
      const { body } = await subject.ask("GET", path);
      expect([body.spec?.replicas, body.metadata?.generation]).toEqual([5, 2]);
      expect(owners(body)).toContainEqual(["scaler", "Update", "scale", { "f:spec": { "f:replicas": {} } }]);
    },
  },
  {
    name: "A Scale that is stale, below nothing or of another object is refused",
    async check(subject) {
      await deployed(subject, 2);
      const path = `${deployments(subject)}/web/scale`;
      const stale = await subject.ask("PATCH", path, { metadata: { resourceVersion: "1" }, spec: { replicas: 4 } }, MERGE_PATCH);
      expect([stale.status, stale.body.reason]).toEqual([409, "Conflict"]);
      const negative = await subject.ask("PATCH", path, { spec: { replicas: -1 } }, MERGE_PATCH);
      expect([negative.status, negative.body.message]).toEqual([422, expect.stringContaining("spec.replicas: Invalid value: -1: must be greater than or equal to 0")]);
      const put = await subject.ask("PUT", path, { kind: "Scale", apiVersion: "autoscaling/v1", metadata: { name: "web", namespace: subject.namespace }, spec: { replicas: 3 } });
      expect([put.status, put.body.spec]).toEqual([200, { replicas: 3 }]);
      expect((await subject.ask("DELETE", path)).status).toBe(405);
      expect((await subject.ask("GET", `${subject.widgets}/a/scale`)).status).toBe(404);
    },
  },
];

const kinds: readonly Behaviour[] = [
  {
    name: "A Deployment's status is its own door; a new template is a new generation, a label is not",
    async check(subject) {
      const path = `${deployments(subject)}/web`;
      expect((await deployed(subject)).metadata?.generation).toBe(1);
      const status = await subject.ask("PATCH", `${path}/status`, { spec: { replicas: 9 }, status: { observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 } }, MERGE_PATCH);
      expect([status.body.status?.readyReplicas, status.body.spec?.replicas, status.body.metadata?.generation]).toEqual([1, 1, 1]);
      const labelled = await subject.ask("PATCH", path, { metadata: { labels: { a: "b" } }, status: { readyReplicas: 7 } }, MERGE_PATCH);
      expect([labelled.body.metadata?.generation, labelled.body.status?.readyReplicas]).toEqual([1, 1]);
      const image = [{ op: "test", path: "/spec/template/spec/containers/0/image", value: "web:1" }, { op: "replace", path: "/spec/template/spec/containers/0/image", value: "web:2" }];
      expect((await subject.ask("PATCH", path, image, JSON_PATCH)).body.metadata?.generation).toBe(2);
      const moved = await subject.ask("PATCH", path, { spec: { selector: { matchLabels: { app: "web", more: "x" } }, template: { metadata: { labels: { more: "x" } } } } }, MERGE_PATCH);
      expect([moved.status, moved.body.message]).toEqual([422, expect.stringContaining("field is immutable")]);
    },
  },
  {
    name: "Built-in kinds are selected by the fields that they name",
    async check(subject) {
      const path = `/api/v1/namespaces/${subject.namespace}`;
      for (const name of ["a", "b"]) await subject.ask("POST", `${path}/pods`, { metadata: { name }, spec: { nodeName: `node-${name}`, containers: [{ name, image: name }] } });
      await subject.ask("PATCH", `${path}/pods/b/status`, { status: { phase: "Running" } }, MERGE_PATCH);
      expect(names(await subject.ask("GET", `${path}/pods?fieldSelector=spec.nodeName%3Dnode-a`))).toEqual(["a"]);
      expect(names(await subject.ask("GET", `${path}/pods?fieldSelector=status.phase!%3DPending`))).toEqual(["b"]);
      await subject.ask("POST", `${path}/secrets`, { metadata: { name: "s" }, type: "weir.dev/token", stringData: { token: "x" } });
      const secrets = await subject.ask("GET", `${path}/secrets?fieldSelector=type%3Dweir.dev/token`);
      const [secret] = secrets.body.items as unknown as readonly Body[];
      expect([secret?.metadata?.name, secret?.data, secret?.stringData]).toEqual(["s", { token: "eA==" }, undefined]);
    },
  },
  {
    name: "An Event is counted up by a patch, and goes like any other object",
    async check({ ask, namespace }) {
      const path = `/api/v1/namespaces/${namespace}/events`;
      const involvedObject = { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", name: "reviews", namespace };
      const event = { metadata: { generateName: "reviews." }, involvedObject, type: "Normal", reason: "StepReached", message: "10 %", count: 1, source: { component: "weir" }, reportingComponent: "weir", reportingInstance: "weir-0" };
      const { body } = await ask("POST", path, event);
      const name = String(body.metadata?.name);
      expect(name).toMatch(/^reviews\.[a-z0-9]{5}$/);
      const counted = await ask("PATCH", `${path}/${name}`, { count: 2, message: "25 %" }, MERGE_PATCH);
      expect([counted.status, counted.body.count, counted.body.message, counted.body.involvedObject]).toEqual([200, 2, "25 %", involvedObject]);
      expect(names(await ask("GET", `${path}?fieldSelector=reason%3DStepReached,type%3DNormal`))).toEqual([name]);
      expect((await ask("DELETE", `${path}/${name}`)).status).toBe(200);
    },
  },
  {
    name: "A namespace that goes takes what is in it along, takes nothing new, and is Terminating until then",
    async check({ ask, namespace }) {
      const path = `/api/v1/namespaces/${namespace}`;
      await ask("POST", `${path}/configmaps`, { metadata: { name: "kept", finalizers: ["weir.dev/hold"] } });
      const { status, body } = await ask("DELETE", path);
      expect([status, body.status?.phase]).toEqual([200, "Terminating"]);
      const late = await ask("POST", `${path}/configmaps`, { metadata: { name: "late" } });
      expect([late.status, late.body.reason, late.body.message]).toEqual([403, "Forbidden", expect.stringContaining(`because it is being terminated`)]);
      await ask("PATCH", `${path}/configmaps/kept`, { metadata: { finalizers: null } }, MERGE_PATCH);
    },
  },
];

export const builtins: readonly Behaviour[] = [...discovery, ...tables, ...scaling, ...kinds];
