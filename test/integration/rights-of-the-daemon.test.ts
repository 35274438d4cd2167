/** Every right that deploy/ gives to the daemon is needed: each, taken away alone, breaks what its row says. */
import { randomBytes } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { lookAtDaemonRights } from "../../src/cli/doctor/rights.ts";
import { createCaches } from "../../src/kubernetes/caches.ts";
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import type { RequestSeen } from "../../src/kubernetes/wire.ts";
import { FINALIZER } from "../../src/rollout/rollout.ts";
import { RUN_KIND, RUN_LABELS } from "../../src/rollout/rollout-run.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { connectControlPlane } from "../support/control-plane.ts";
import { openDaemonParts, type DaemonParts } from "../support/daemon-parts.ts";
import { admitDaemon, DAEMON, isAllowed } from "../support/deployed.ts";
import { clusterRole, grantedRights, roleBinding, saidOf, singleRights, type GrantedRight, type PolicyRule, type Right } from "../support/granted.ts";
import { createSilentLog } from "../support/silent-log.ts";
import { openStandingRuns, type StandingRun } from "../support/standing-run.ts";
import { until } from "../support/until.ts";

const EVERYWHERE = "weir";
const PER_NAMESPACE = "weir-namespace";
const LIMIT = { timeout: 300_000 };
/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";
const APP = "app";

const spec: Partial<RolloutSpecInput> = {
  release: "v2",
  analysis: {
    interval: "1s",
    settle: "200ms",
    prometheus: { url: `http://${NOWHERE}`, auth: { bearer: { secretRef: { name: "prometheus", key: "token" } } } },
  },
};
const secret: ApiObject = { apiVersion: "v1", kind: "Secret", metadata: { name: "prometheus", labels: { "weir.dev/use": "true" } }, stringData: { token: "t1" } };

/** Two of them are one more than the daemon here may keep. */
const oldRecord = (number: number): ApiObject => ({
  apiVersion: "weir.dev/v1alpha1",
  kind: RUN_KIND,
  metadata: { name: `old-${number}`, labels: { [RUN_LABELS.rollout]: APP } },
  spec: { rollout: { name: APP, uid: "u" }, number, from: { version: "v1", revision: "" }, to: { version: "v2", revision: "" }, outcome: "Aborted", reason: "r", message: "m", startedAt: "2026-01-01T00:00:00.000Z", endedAt: "2026-01-01T00:01:00.000Z", peak: 10, ladder: [], checks: [], evidence: [], told: [], resolved: {} },
});

/** A daemon with an account of its own, and the namespace that it watches: a Rollout that begins its first run, and records of runs before. */
interface Stage extends Pick<DaemonParts, "log" | "asked"> {
  readonly runs: StandingRun;
  /** Looks at the Rollout until it is so. */
  reached(condition: () => unknown): Promise<void>;
}

const address = inject("controlPlane");

describe.runIf(address)("what deploy/ lets the daemon do", () => {
  const rights = grantedRights().filter(({ role }) => role === EVERYWHERE || role === PER_NAMESPACE);
  const following = rights.filter(({ verb, resource }) => (verb === "list" || verb === "watch") && resource !== "rolloutruns" && resource !== "horizontalpodautoscalers");
  const plane = connectControlPlane(address!);
  const reached = (condition: () => unknown): Promise<void> => until(condition, { limitMs: 240_000, everyMs: 200 });
  const named = (kind: string) => `${kind}-${randomBytes(4).toString("hex")}`;

  /** The kubeconfig of a new account that has all the daemon's rights but one. */
  async function accountWithout(right: GrantedRight | undefined, namespace: string): Promise<string> {
    const name = named(namespace);
    const subject = { kind: "ServiceAccount", name, namespace: DAEMON.namespace } as const;
    const left = (role: string): readonly Right[] => rights.filter((each) => each.role === role && each !== right);
    const here = `${name}-here`;
    await plane.apply([
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: DAEMON.namespace } },
      clusterRole(name, left(EVERYWHERE)), roleBinding(name, subject),
      clusterRole(here, left(PER_NAMESPACE)), roleBinding(here, subject, namespace),
    ]);
    const user = `system:serviceaccount:${DAEMON.namespace}:${name}`;
    const reachable = [left(EVERYWHERE), left(PER_NAMESPACE)].flatMap(([first]) => first ?? []);
    for (const each of reachable) await reached(() => isAllowed(plane.request, user, each, namespace));
    return plane.kubeconfigForServiceAccount(DAEMON.namespace, name);
  }

  /** With the daemon's parts for as long as `act` takes. */
  async function onStage(right: GrantedRight | undefined, act: (stage: Stage) => Promise<void>): Promise<void> {
    const runs = await openStandingRuns(plane, [{ name: APP, share: 0, spec }]);
    await plane.apply([secret, oldRecord(1), oldRecord(2)], { namespace: runs.namespace });
    const daemon = await openDaemonParts({ kubeconfig: await accountWithout(right, runs.namespace), namespace: runs.namespace, runLimit: 1 });
    const ref = { namespace: runs.namespace, name: APP };
    daemon.sweep();
    try {
      await act({ runs, ...daemon, reached: (condition) => daemon.tickUntil(ref, condition) });
    } finally {
      daemon.close();
    }
  }

  const inNamespace = async <Item>({ runs }: Stage, collection: string): Promise<readonly Item[]> => (await plane.request<{ readonly items: readonly Item[] }>("GET", `${collection.replace("NAMESPACE", runs.namespace)}`)).items;
  const eventsIn = (stage: Stage) => inNamespace<{ readonly reason: string; readonly message: string }>(stage, "/api/v1/namespaces/NAMESPACE/events");
  const recordsIn = async (stage: Stage): Promise<readonly string[]> => (await inNamespace<ApiObject>(stage, "/apis/weir.dev/v1alpha1/namespaces/NAMESPACE/rolloutruns")).map(({ metadata }) => metadata.name);
  const shareIn = async ({ runs }: Stage): Promise<number | undefined> => (await runs.split(APP))["v2"];
  const checkIn = async ({ runs }: Stage): Promise<string | undefined> => (await runs.status(APP))?.run?.checks[0]?.message;
  const says = (stage: Stage, sentence: RegExp): Promise<void> => stage.reached(() => sentence.test(stage.log()));

  /** By naming stable: the policy lets no other account than the daemon's own stamp and remove a command. */
  async function abort(stage: Stage): Promise<void> {
    await stage.reached(async () => (await shareIn(stage)) === 10);
    await plane.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${stage.runs.namespace}/rollouts/${APP}`, { spec: { release: "v1" } });
    await stage.reached(async () => (await stage.runs.status(APP))?.run?.outcome === "Aborted" && (await shareIn(stage)) === 0);
  }

  /** The Rollout's traffic by a route of the Gateway API, before it has begun. */
  async function routeBy(kind: string, { runs: { namespace } }: Stage): Promise<void> {
    const backend = (version: string): ApiObject => ({ apiVersion: "v1", kind: "Service", metadata: { name: `${APP}-${version}` }, spec: { selector: { app: APP, version }, ports: [{ port: 9080 }] } });
    const rules = [{ backendRefs: [{ name: `${APP}-v1`, port: 9080 }] }];
    const route: ApiObject = { apiVersion: "gateway.networking.k8s.io/v1", kind, metadata: { name: APP }, spec: { parentRefs: [{ group: "", kind: "Service", name: APP, port: 9080 }], rules } };
    await plane.apply([backend("v1"), backend("v2"), route], { namespace });
    const traffic = { istio: null, gatewayApi: { [`${kind.toLowerCase().replace("route", "Route")}s`]: [{ name: APP }] } };
    await plane.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${APP}`, { spec: { release: `${APP}-v2`, traffic } });
  }

  const heldPath = ({ runs: { namespace } }: Stage): string => `/apis/apps/v1/namespaces/${namespace}/deployments/${APP}-v1`;
  const setImage = (stage: Stage, image: string) => plane.request("PATCH", heldPath(stage), { spec: { template: { spec: { containers: [{ name: APP, image, ports: [{ containerPort: 9080 }] }] } } } });
  const imageOf = async (stage: Stage): Promise<string> => (await plane.request<ApiObject & Held>("GET", heldPath(stage))).spec.template.spec.containers[0].image;

  /** The Rollout delivers the Deployment of v1, whose template has another image by now. */
  async function holdDeployment(stage: Stage): Promise<string> {
    const { namespace } = stage.runs;
    const destinations = [{ destination: { host: APP } }];
    await plane.request("PATCH", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${APP}`, { spec: { http: [{ name: "primary", route: destinations }] } });
    await plane.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${APP}`, { spec: { release: null, deployment: { name: `${APP}-v1` }, strategy: { propagation: "0s" } } });
    const image = await imageOf(stage);
    await stage.reached(async () => (await stage.runs.status(APP))?.phase === "Healthy");
    await setImage(stage, "registry.example/app:other");
    return image;
  }

  /** The same, by an HTTPRoute that leads to its Service. */
  async function holdByRoute(stage: Stage): Promise<string> {
    const { namespace } = stage.runs;
    const image = await imageOf(stage);
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: `${APP}-v1` }, spec: { selector: { app: APP, version: "v1" }, ports: [{ port: 9080 }] } };
    const rules = [{ backendRefs: [{ name: `${APP}-v1`, port: 9080 }] }];
    await plane.apply([service, { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name: APP }, spec: { parentRefs: [{ group: "", kind: "Service", name: APP, port: 9080 }], rules } }], { namespace });
    const spec = { release: null, deployment: { name: `${APP}-v1` }, traffic: { istio: null, gatewayApi: { httpRoutes: [{ name: APP }] } }, strategy: { propagation: "0s" } };
    await plane.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${APP}`, { spec });
    await stage.reached(async () => (await stage.runs.status(APP))?.phase === "Healthy");
    await setImage(stage, "registry.example/app:other");
    return image;
  }

  const canaryObjectsIn = async (stage: Stage): Promise<readonly ApiObject[]> => (await inNamespace<ApiObject>(stage, "/apis/apps/v1/namespaces/NAMESPACE/deployments")).filter(({ metadata }) => metadata.name.includes("-canary-"));
  const canariesIn = async (stage: Stage): Promise<readonly string[]> => (await canaryObjectsIn(stage)).map(({ metadata }) => metadata.name);

  /** Its canary gets a ready pod: here there is no controller to make one. */
  async function standCanary(stage: Stage): Promise<void> {
    await stage.reached(async () => (await canariesIn(stage)).length === 1);
    const [canary] = (await canaryObjectsIn(stage)) as readonly (ApiObject & Templated)[];
    const { metadata: { labels }, spec } = canary!.spec.template;
    const metadata = { name: "canary", labels: { ...labels, "pod-template-hash": "new" } };
    const template = { metadata: { labels: metadata.labels }, spec };
    const { metadata: { uid } } = await plane.request<Templated>("POST", `/apis/apps/v1/namespaces/${stage.runs.namespace}/replicasets`, { metadata: { ...metadata, ownerReferences: [ownerOf("Deployment", canary!.metadata)] }, spec: { replicas: 1, selector: { matchLabels: metadata.labels }, template } });
    await plane.request("POST", `/api/v1/namespaces/${stage.runs.namespace}/pods`, { metadata: { ...metadata, ownerReferences: [ownerOf("ReplicaSet", { ...metadata, uid })] }, spec });
    await plane.request("PATCH", `/api/v1/namespaces/${stage.runs.namespace}/pods/canary/status`, { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } });
  }

  /** A canary that is being deleted goes once its pods are gone: here there is no garbage collector to say so. */
  async function collectCanaries(stage: Stage): Promise<void> {
    const isGoing = ({ metadata }: ApiObject): boolean => "deletionTimestamp" in metadata;
    await stage.reached(async () => (await canaryObjectsIn(stage)).some(isGoing));
    for (const { metadata } of await canaryObjectsIn(stage)) await plane.request("PATCH", `/apis/apps/v1/namespaces/${stage.runs.namespace}/deployments/${metadata.name}`, { metadata: { finalizers: null } });
  }

  /** What a daemon with all its rights does here. */
  const whole = async (stage: Stage): Promise<void> => {
    await stage.reached(async () => (await checkIn(stage)) !== undefined);
    await stage.reached(async () => (await eventsIn(stage)).length > 0);
    expect((await stage.runs.rollout(APP)).metadata.finalizers).toEqual([FINALIZER]);
    expect(await checkIn(stage)).not.toMatch(/Secret/);
    await stage.reached(async () => !(await recordsIn(stage)).includes("old-1"));
    await abort(stage);
    await stage.reached(async () => (await recordsIn(stage)).length === 2);
    expect(stage.log()).not.toContain("forbidden");
    expect(stage.asked.filter(({ status }) => status === 403)).toEqual([]);
  };

  /** Row by row: what breaks, and how that shows. */
  const acting: Readonly<Record<string, readonly [breaks: string, shows: (stage: Stage) => Promise<void>]>> = {
    "patch rollouts.weir.dev": ["no finalizer can be set, so the traffic stays where it is", async (stage) => {
      await says(stage, /cannot patch resource "rollouts" in/);
      expect(await shareIn(stage)).toBe(0);
    }],
    "patch rollouts/status.weir.dev": ["nothing can be committed, so nothing is done", async (stage) => {
      await says(stage, /cannot patch resource "rollouts\/status"/);
      expect(await stage.runs.status(APP)).toBeUndefined();
      expect(await shareIn(stage)).toBe(0);
    }],
    "create rolloutruns.weir.dev": ["an ended run leaves no record, which an Event says", async (stage) => {
      await abort(stage);
      await stage.reached(async () => (await eventsIn(stage)).some(({ reason, message }) => reason === "NotRecorded" && /cannot create resource "rolloutruns"/.test(message)));
      expect(await recordsIn(stage)).toEqual(["old-2"]);
    }],
    "list rolloutruns.weir.dev": ["nobody finds the records that are too many", async (stage) => {
      await says(stage, /cannot list resource "rolloutruns".*old records of runs could not be deleted/);
      expect(await recordsIn(stage)).toEqual(expect.arrayContaining(["old-1", "old-2"]));
    }],
    "delete rolloutruns.weir.dev": ["nobody takes away the records that are too many", async (stage) => {
      await says(stage, /cannot delete resource "rolloutruns".*old records of runs could not be deleted/);
      expect(await recordsIn(stage)).toEqual(expect.arrayContaining(["old-1", "old-2"]));
    }],
    "create events": ["nobody finds Events", async (stage) => {
      await says(stage, /cannot create resource "events".*an Event could not be recorded/);
      expect(await eventsIn(stage)).toEqual([]);
    }],
    "get customresourcedefinitions.apiextensions.k8s.io rollouts.weir.dev": ["it cannot see that the CRD is older than itself", async (stage) => {
      expect(stage.log()).toMatch(/"takenForCurrent":true.*the CRD could not be read/);
      await stage.reached(async () => (await shareIn(stage)) === 10); // what has no right to look works nevertheless
    }],
    "patch virtualservices.networking.istio.io": ["the traffic cannot be moved", async (stage) => {
      await says(stage, /cannot patch resource "virtualservices"/);
      expect(await shareIn(stage)).toBe(0);
    }],
    ...Object.fromEntries(["HTTPRoute", "GRPCRoute"].map((kind): [string, readonly [string, (stage: Stage) => Promise<void>]] => [`patch ${kind.toLowerCase()}s.gateway.networking.k8s.io`, ["the traffic cannot be moved", async (stage) => {
      await routeBy(kind, stage);
      await says(stage, new RegExp(`cannot patch resource "${kind.toLowerCase()}s"`));
    }]])),
    "create destinationrules.networking.istio.io": ["nothing tells a Deployment's pods from its canary's, so no canary comes", async (stage) => {
      await holdDeployment(stage);
      await says(stage, /cannot create resource "destinationrules"/);
      expect(await canariesIn(stage)).toEqual([]);
    }],
    "patch destinationrules.networking.istio.io": ["a rule of ours that tells the wrong pods apart stays so", async (stage) => {
      await holdDeployment(stage);
      const rule = `/apis/networking.istio.io/v1/namespaces/${stage.runs.namespace}/destinationrules/weir-${APP}`;
      await stage.reached(() => plane.request("GET", rule).then(() => true, () => false));
      await plane.request("PATCH", rule, { spec: { subsets: [{ name: "weir-stable", labels: { "pod-template-hash": "other" } }] } });
      await says(stage, /cannot patch resource "destinationrules"/);
      expect(await canariesIn(stage)).toEqual([]);
    }],
    "delete destinationrules.networking.istio.io": ["the rule stays behind", async (stage) => {
      const image = await holdDeployment(stage);
      await stage.reached(async () => (await canariesIn(stage)).length === 1);
      await setImage(stage, image);
      await collectCanaries(stage);
      await says(stage, /cannot delete resource "destinationrules"/);
    }],
    "create services": ["nothing tells a Deployment's pods from its canary's for an HTTPRoute, so no canary comes", async (stage) => {
      await holdByRoute(stage);
      await says(stage, /cannot create resource "services"/);
      expect(await canariesIn(stage)).toEqual([]);
    }],
    "patch services": ["a Service of ours that selects the wrong pods stays so", async (stage) => {
      await holdByRoute(stage);
      const service = `/api/v1/namespaces/${stage.runs.namespace}/services/weir-stable-${APP}`;
      await stage.reached(() => plane.request("GET", service).then(() => true, () => false));
      await plane.request("PATCH", service, { spec: { selector: { "pod-template-hash": "other" } } });
      await says(stage, /cannot patch resource "services"/);
      expect(await canariesIn(stage)).toEqual([]);
    }],
    "delete services": ["the Services stay behind", async (stage) => {
      const image = await holdByRoute(stage);
      await stage.reached(async () => (await canariesIn(stage)).length === 1);
      await setImage(stage, image);
      await collectCanaries(stage);
      await says(stage, /cannot delete resource "services"/);
    }],
    "create deployments.apps": ["no canary comes", async (stage) => {
      await holdDeployment(stage);
      await says(stage, /cannot create resource "deployments"/);
      expect(await canariesIn(stage)).toEqual([]);
    }],
    "patch deployments.apps": ["a Deployment that waits is not let go", async (stage) => {
      const image = await holdDeployment(stage);
      await setImage(stage, image);
      await says(stage, /cannot patch resource "deployments"/);
    }],
    "delete deployments.apps": ["the canary stays behind", async (stage) => {
      const image = await holdDeployment(stage);
      await stage.reached(async () => (await canariesIn(stage)).length === 1);
      await setImage(stage, image);
      await says(stage, /cannot delete resource "deployments"/);
      expect(await canariesIn(stage)).toHaveLength(1);
    }],
    "list horizontalpodautoscalers.autoscaling": ["nobody knows whether a Deployment could take its traffic back, so its canary gets none", async (stage) => {
      await holdDeployment(stage);
      await standCanary(stage);
      await stage.reached(async () => (await stage.runs.status(APP))?.message.includes("Weir may not list horizontalpodautoscalers"));
      expect((await stage.runs.status(APP))?.run?.weight).toBe(0);
    }],
    "get secrets": ["Prometheus cannot be asked with the Secret's token", (stage) => stage.reached(async () => (await checkIn(stage))?.includes("Weir may not read Secret"))],
  };

  it("has a row for every right, and no row for a right that it has not", () => {
    expect([...Object.keys(acting), ...following.map(saidOf)].sort()).toEqual(rights.map(saidOf).sort());
    const kinds = ["rollouts.weir.dev", "virtualservices.networking.istio.io", "destinationrules.networking.istio.io", "serviceentries.networking.istio.io", "mutatingadmissionpolicybindings.admissionregistration.k8s.io", "httproutes.gateway.networking.k8s.io", "grpcroutes.gateway.networking.k8s.io", "services", "pods", ...["deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"].map((kind) => `${kind}.apps`)];
    expect(following.map(saidOf).sort()).toEqual(kinds.flatMap((kind) => [`list ${kind}`, `watch ${kind}`]).sort());
  });

  it("is all that the account of the end-to-end tests may do: nothing else is bound to it", async () => {
    await admitDaemon(plane.request, await newNamespace());
    const bindings = await Promise.all(["clusterrolebindings", "rolebindings"].map(async (plural) => (await plane.request<{ readonly items: readonly Binding[] }>("GET", `/apis/rbac.authorization.k8s.io/v1/${plural}`)).items));
    const bound = bindings.flat().filter(({ subjects = [] }) => subjects.some(({ name, namespace }) => name === DAEMON.account && namespace === DAEMON.namespace));
    expect(new Set(bound.map(({ metadata, roleRef }) => `${roleRef.name} ${metadata.namespace === undefined ? "everywhere" : "in a namespace"}`))).toEqual(new Set([`${EVERYWHERE} everywhere`, `${PER_NAMESPACE} in a namespace`]));
    for (const role of [EVERYWHERE, PER_NAMESPACE]) {
      const { rules } = await plane.request<ApiObject & { readonly rules: readonly PolicyRule[] }>("GET", `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`);
      expect(singled(rules)).toEqual(rights.filter((right) => right.role === role).map(saidOf).sort());
    }
  });

  it("is what weir doctor looks for, right by right", async () => {
    const asked: string[] = [];
    const request = async (_: string, __: string, body: unknown): Promise<unknown> => {
      const { group, resource, subresource, verb, name } = (body as { readonly spec: { readonly resourceAttributes: Right & { readonly subresource?: string } } }).spec.resourceAttributes;
      asked.push(saidOf({ group, resource: subresource === undefined ? resource : `${resource}/${subresource}`, verb, ...(name !== undefined && { name }) }));
      return { status: { allowed: true } };
    };
    await lookAtDaemonRights({ request } as unknown as KubernetesClient, { namespaces: ["bookinfo"], withDeployments: ["bookinfo"] }, DAEMON.namespace);
    expect(asked.sort()).toEqual(rights.map(saidOf).sort());
  });

  it.concurrent("with all of them a run begins and ends, Prometheus is asked, records are kept, and nothing is refused", LIMIT, () => onStage(undefined, whole));

  it.concurrent.each(Object.entries(acting).map(([said, [breaks, shows]]) => ({ said, breaks, shows })))("without the right to $said: $breaks", LIMIT, ({ said, shows }) =>
    onStage(rights.find((right) => saidOf(right) === said), shows),
  );

  it.concurrent.each(following.map((right) => ({ right, said: saidOf(right), breaks: right.verb === "list" ? "the caches are never filled, so the daemon is never ready" : "the caches must list again and again to hear of anything" })))("without the right to $said: $breaks", LIMIT, async ({ right }) => {
    const namespace = await newNamespace();
    const asked: RequestSeen[] = [];
    const transport = createTransport(loadConnection({ kubeconfig: await accountWithout(right, namespace) }), { userAgent: "weir/test", onRequest: (request) => asked.push(request) });
    const caches = createCaches({ client: createKubernetesClient(transport), namespace, logger: createSilentLog() });
    let isSynced = false;
    caches.synced.then(() => (isSynced = true), () => undefined);
    caches.start();
    await reached(() => asked.filter(({ verb, resource }) => verb === "list" && resource === right.resource).length >= 2);
    caches.stop();
    transport.close();
    expect(isSynced).toBe(right.verb === "watch");
    expect(new Set(asked.filter(({ status }) => status === 403).map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(new Set([`${right.verb} ${right.resource}`]));
  });

  async function newNamespace(): Promise<string> {
    const name = named("rights");
    await plane.request("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    return name;
  }

  it.concurrent("Secrets of other namespaces are out of its reach, and of its own it reads none but by name", async () => {
    const [here, elsewhere] = [await newNamespace(), await newNamespace()];
    for (const namespace of [here, elsewhere]) await plane.apply([secret], { namespace });
    const transport = createTransport(loadConnection({ kubeconfig: await accountWithout(undefined, here) }), { userAgent: "weir/test" });
    const statusOf = async (where: string): Promise<number> => (await transport.send({ method: "GET", path: where, verb: "get", resource: "secrets" })).status;
    expect(await statusOf(`/api/v1/namespaces/${here}/secrets/prometheus`)).toBe(200);
    for (const where of [`${elsewhere}/secrets/prometheus`, `${elsewhere}/secrets`, `${here}/secrets`, "kube-system/secrets", `${DAEMON.namespace}/secrets/weir-slack`]) {
      expect(await statusOf(`/api/v1/namespaces/${where}`), where).toBe(403);
    }
    expect(await statusOf("/api/v1/secrets")).toBe(403);
    expect(await statusOf(`/api/v1/namespaces/${here}/secrets?watch=true`)).toBe(403);
    transport.close();
  });
});

interface Held {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [{ readonly image: string }] } } };
}

interface Templated {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> }; readonly spec: object } };
}

function ownerOf(kind: string, { name, uid }: Templated["metadata"]): object {
  return { apiVersion: "apps/v1", kind, name, uid, controller: true };
}

interface Binding extends ApiObject {
  readonly roleRef: { readonly name: string };
  readonly subjects?: readonly { readonly name: string; readonly namespace?: string }[];
}

function singled(rules: readonly PolicyRule[]): readonly string[] {
  return rules.flatMap(singleRights).map(saidOf).sort();
}
