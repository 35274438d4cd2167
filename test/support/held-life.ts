/** The life of one Deployment that Weir delivers, on a real control plane with its real controllers: unjudged, with the daemon's parts, which look as often as the test waits. */
import { randomBytes } from "node:crypto";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { formatCommand, type Command } from "../../src/rollout/command.ts";
import { COMMAND_ANNOTATION, HOLD_POLICY } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject, ApiRequest } from "./api-request.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { openDaemonParts, type DaemonParts } from "./daemon-parts.ts";
import { aDelivery } from "./deliveries.ts";
import { admitDaemon, DAEMON, installDeployed } from "./deployed.ts";
import { aHeldApp, heldSpec, installHeldApps } from "./held.ts";
import { until } from "./until.ts";

export interface LiveDeployment extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly generation: number; readonly uid: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly replicas: number; readonly paused?: boolean; readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> }; readonly spec: { readonly containers: readonly [{ readonly name: string; readonly image: string }] } } } & Readonly<Record<string, unknown>>;
  readonly status: { readonly observedGeneration?: number; readonly replicas?: number; readonly updatedReplicas?: number; readonly readyReplicas?: number; readonly availableReplicas?: number; readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[] };
}

export interface LiveSet extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly generation?: number; readonly labels: Readonly<Record<string, string>>; readonly ownerReferences: readonly { readonly uid: string }[] };
  readonly spec: { readonly replicas: number; readonly template: LiveDeployment["spec"]["template"] };
  readonly status: { readonly observedGeneration?: number; readonly readyReplicas?: number };
}

export interface HeldLife {
  readonly namespace: string;
  /** Of the Deployment, its Service and its Rollout. */
  readonly name: string;
  /** `v2`: the image of that tag. */
  setImage(version: string): Promise<unknown>;
  /** By merge patch, as a person would. */
  edit(change: object): Promise<LiveDeployment>;
  deployment(): Promise<LiveDeployment>;
  /** Those of the Deployment itself, and those of its canaries. */
  sets(): Promise<{ readonly own: readonly LiveSet[]; readonly canary: readonly LiveSet[] }>;
  canary(): Promise<LiveDeployment | undefined>;
  /** As its controller will call the pods of this image, before there is any. */
  hashOf(version: string): Promise<string>;
  command(command: Pick<Command, "verb"> & Partial<Command>): Promise<void>;
  /** Empty before the daemon's first look. */
  status(): Promise<RolloutStatus>;
  /** Of a subset of the route, in percent; the Service alone is `all`. */
  shares(): Promise<Readonly<Record<string, number>>>;
  /** The daemon looks until it is so. */
  reached(isThere: (status: RolloutStatus) => unknown): Promise<RolloutStatus>;
  until(condition: () => unknown): Promise<void>;
  /** The daemon's clock goes ahead. */
  letPass(ms: number): void;
  close(): void;
}

export interface LifeOptions {
  readonly replicas?: number;
  /** Of the Deployment's spec. */
  readonly deployment?: object;
  readonly rollout?: Partial<RolloutSpecInput>;
  /** Of its namespace, before the Rollout is there. */
  readonly objects?: readonly ApiObject[];
  /** What its Rollout is to find; default: all pods are ready. */
  readonly found?: (life: HeldLife) => Promise<void>;
}

/** Also a kubelet's stand-in, and what deploy/ has. */
export async function openHeldPlane(): Promise<ControlPlane> {
  const plane = await startControlPlane({ controllers: true });
  try {
    await installDeployed(plane);
    return plane;
  } catch (error) {
    await plane.close();
    throw error;
  }
}

/** From now on the API server holds no template by itself. */
export async function withoutHold(plane: ControlPlane): Promise<void> {
  const policies = "/apis/admissionregistration.k8s.io/v1";
  for (const kind of ["mutating", "validating"]) await plane.request("DELETE", `${policies}/${kind}admissionpolicybindings/weir-hold`);
}

const QUICK: Partial<RolloutSpecInput> = {
  strategy: { propagation: "1s", progressDeadline: "2m", steps: [{ weight: 50, hold: "1s" }, { pause: {} }, { weight: 100, hold: "1s" }] },
  analysis: { interval: "1s", metrics: [] },
};
const LIMIT_MS = 60_000;
const ALL = "all";

/** At rest at v1, and known to the daemon. */
export async function beginLife(plane: ControlPlane, { replicas = 4, deployment = {}, rollout = {}, objects = [], found = allReady }: LifeOptions = {}): Promise<HeldLife> {
  const app = aHeldApp("app", [50, 100]);
  const namespace = `life-${randomBytes(4).toString("hex")}`;
  const transport = createTransport(loadConnection({ kubeconfig: plane.kubeconfigFor("admin") }), { userAgent: "life" });
  await installHeldApps(createKubernetesClient(transport), namespace, [app]);
  transport.close();
  await plane.apply(objects, { namespace });
  await admitDaemon(plane.request, namespace);
  const parts = await openDaemonParts({ kubeconfig: plane.kubeconfigFor(DAEMON.kubeconfig), namespace });
  const life = lifeIn({ request: plane.request, namespace, name: app.name }, parts);
  await life.edit({ spec: { replicas, ...deployment } });
  await found(life);
  await plane.request("POST", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts`, aDelivery(app, namespace, { ...heldSpec(app), ...QUICK, ...rollout }));
  await life.reached(({ phase }) => phase === "Healthy");
  await until(() => isHeard(plane, life), LIMIT_MS);
  return life;
}

/** The policies, where there are any, hear of a new Rollout by a watch of their own. */
async function isHeard({ request }: ControlPlane, { namespace, name, deployment }: HeldLife): Promise<boolean> {
  const { items } = await request<{ items: readonly ApiObject[] }>("GET", "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings");
  if (!items.some(({ metadata }) => metadata.name === HOLD_POLICY)) return true;
  const containers = containersAt(await deployment(), "unheard-of");
  const { spec } = await request<LiveDeployment>("PATCH", `${appsIn({ namespace })}/deployments/${name}?dryRun=All`, { spec: { template: { spec: { containers } } } });
  return spec.paused === true;
}

async function allReady({ deployment }: HeldLife): Promise<void> {
  await until(async () => isAllReady(await deployment()), LIMIT_MS);
}

function isAllReady({ metadata, spec, status }: LiveDeployment): boolean {
  return status.observedGeneration === metadata.generation && (status.replicas ?? 0) === spec.replicas && (status.updatedReplicas ?? 0) === spec.replicas && (status.readyReplicas ?? 0) === spec.replicas;
}

interface At {
  readonly request: ApiRequest;
  readonly namespace: string;
  readonly name: string;
}

function lifeIn(at: At, parts: DaemonParts): HeldLife {
  const { namespace, name } = at;
  const looks = looksAt(at);
  const { deployment, status } = looks;
  const edit = (change: object): Promise<LiveDeployment> => at.request("PATCH", `${appsIn(at)}/deployments/${name}?fieldManager=kubectl-edit`, change);
  /** Rejects with what there is instead. */
  const until = (condition: () => unknown): Promise<void> => parts.tickUntil({ namespace, name }, condition).catch(async (error: unknown) => {
    const held = await deployment().then(({ spec: { paused, replicas }, status: rolled }) => ({ paused, replicas, rolled }), () => ({ deployment: "gone" }));
    const there = { ...held, shares: await looks.shares().catch(() => "gone"), status: await status() };
    throw new Error(`not so: ${condition.toString()}; there is ${JSON.stringify(there)}; the daemon said ${parts.log().slice(-2_000)}`, { cause: error });
  });
  return {
    namespace, name, ...looks, edit, until,
    setImage: async (version) => edit({ spec: { template: { spec: { containers: containersAt(await deployment(), version) } } } }),
    command: async (command) => {
      const text = formatCommand({ id: randomBytes(4).toString("hex"), run: (await status()).run?.number ?? 0, actor: "admin", ...command });
      await at.request("PATCH", rolloutAt(at), { metadata: { annotations: { [COMMAND_ANNOTATION]: text } } });
    },
    reached: async (isThere) => {
      await until(async () => isThere(await status()));
      return status();
    },
    letPass: parts.letPass,
    close: parts.close,
  };
}

function appsIn({ namespace }: Pick<At, "namespace">): string {
  return `/apis/apps/v1/namespaces/${namespace}`;
}

function rolloutAt({ namespace, name }: At): string {
  return `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${name}`;
}

function containersAt({ spec: { template } }: Pick<LiveDeployment, "spec">, version: string): readonly object[] {
  return template.spec.containers.map((each) => ({ ...each, image: each.image.replace(/:[^:]*$/, `:${version}`) }));
}

async function listed<T>(at: At, plural: string): Promise<readonly T[]> {
  return (await at.request<{ items: readonly T[] }>("GET", `${appsIn(at)}/${plural}`)).items;
}

function looksAt(at: At): Pick<HeldLife, "deployment" | "canary" | "status" | "sets" | "shares" | "hashOf"> {
  const { request, namespace, name } = at;
  const deployment = (): Promise<LiveDeployment> => request("GET", `${appsIn(at)}/deployments/${name}`);
  return {
    deployment,
    canary: async () => (await listed<LiveDeployment>(at, "deployments")).find(({ metadata }) => metadata.name.startsWith(`${name}-canary-`)),
    status: async () => ((await request<ApiObject>("GET", rolloutAt(at)))["status"] ?? {}) as RolloutStatus,
    sets: async () => {
      const { metadata: { uid } } = await deployment();
      const all = await listed<LiveSet>(at, "replicasets");
      const isOwn = ({ metadata }: LiveSet): boolean => metadata.ownerReferences.some((owner) => owner.uid === uid);
      return { own: all.filter(isOwn), canary: all.filter((set) => !isOwn(set) && set.metadata.name.startsWith(`${name}-canary-`)) };
    },
    shares: async () => {
      const { spec } = await request<RouteObject>("GET", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${name}`);
      return Object.fromEntries(spec.http[0].route.map(({ destination, weight = 100 }) => [destination.subset ?? ALL, weight]));
    },
    hashOf: async (version) => hashOf(at, await deployment(), version),
  };
}

/** By a Deployment without pods, of the same template. */
async function hashOf(at: At, { spec }: LiveDeployment, version: string): Promise<string> {
  const probe = `probe-${randomBytes(4).toString("hex")}`;
  const template = { ...spec.template, spec: { ...spec.template.spec, containers: containersAt({ spec }, version) } };
  await at.request("POST", `${appsIn(at)}/deployments`, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: probe }, spec: { ...spec, paused: false, replicas: 0, template } });
  const setOf = async (): Promise<LiveSet | undefined> => (await listed<LiveSet>(at, "replicasets")).find(({ metadata }) => metadata.name.startsWith(`${probe}-`));
  await until(setOf, LIMIT_MS);
  return (await setOf())!.metadata.labels["pod-template-hash"]!;
}

interface RouteObject extends ApiObject {
  readonly spec: { readonly http: readonly [{ readonly route: readonly { readonly destination: { readonly subset?: string }; readonly weight?: number }[] }] };
}
