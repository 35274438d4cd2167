/** A Rollout in the middle of a run that no daemon drives: the objects of an application, a status, and the route's stamp. */
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { installApps } from "../../src/playground/cluster-objects.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { FINALIZER, EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus, Run } from "../../src/rollout/status.ts";
import { aRun, aStatus } from "./a-status.ts";
import type { ApiObject } from "./api-request.ts";
import { aDelivery, anApp, CANARY, PRIMARY, STABLE } from "./deliveries.ts";
import type { TestApi } from "./kubernetes-apis.ts";

export interface StandingRun {
  readonly namespace: string;
  rollout(name: string): Promise<KubernetesObject>;
  status(name: string): Promise<RolloutStatus | undefined>;
  setStatus(name: string, change: Partial<RolloutStatus>): Promise<void>;
  /** Points of stable and canary on the steered route. */
  split(name: string): Promise<Readonly<Record<string, number | undefined>>>;
  stamp(name: string): Promise<string | undefined>;
}

export interface Standing {
  readonly name: string;
  /** Canary share, in percent. */
  readonly share: number;
  readonly spec?: Partial<RolloutSpecInput>;
}

const SEED = 5;
/** Not known: whatever a daemon finds behind a version is no other revision. */
const REVISION = "";

/** A namespace of its own with these applications, each in its first run; `share: 0` is at rest, with no status. */
export async function openStandingRuns(api: Pick<TestApi, "kubeconfigFor" | "request">, all: readonly Standing[]): Promise<StandingRun> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "test" });
  const namespace = `cli-${Math.random().toString(36).slice(2, 10)}`;
  await installApps(createKubernetesClient(transport), namespace, all.map(({ name, share }) => anApp({ name, share, ladder: [10, 50, 100] })), SEED);
  transport.close();
  const rollouts = `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts`;
  const routes = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
  const rollout = (name: string): Promise<KubernetesObject> => api.request<KubernetesObject & ApiObject>("GET", `${rollouts}/${name}`);
  const route = (name: string): Promise<RouteObject> => api.request<RouteObject>("GET", `${routes}/${name}`);
  for (const standing of all) await begin(api, { rollouts, routes, namespace }, standing);
  return {
    namespace,
    rollout,
    status: async (name) => (await rollout(name)).status as RolloutStatus | undefined,
    setStatus: async (name, status) => void (await api.request("PATCH", `${rollouts}/${name}/status`, { status })),
    split: async (name) => {
      const { http } = (await route(name)).spec;
      const steered = http.find((each) => each.name === PRIMARY)!;
      return Object.fromEntries(steered.route.map(({ destination, weight }) => [destination.subset, weight]));
    },
    stamp: async (name) => (await route(name)).metadata.annotations?.[EPOCH_ANNOTATION],
  };
}

interface RouteObject extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly http: readonly { readonly name: string; readonly route: readonly { readonly destination: { readonly subset: string }; readonly weight?: number }[] }[] };
}

async function begin(api: Pick<TestApi, "request">, { rollouts, routes, namespace }: Readonly<Record<"rollouts" | "routes" | "namespace", string>>, { name, share, spec }: Standing): Promise<void> {
  const app = anApp({ name, share, ladder: [10, 50, 100] });
  const { metadata } = await api.request<ApiObject & { readonly metadata: { readonly uid: string } }>("POST", `${rollouts}?fieldManager=admin`, aDelivery(app, namespace, spec));
  if (share === 0) return;
  await api.request("PATCH", `${rollouts}/${name}?fieldManager=weir`, { metadata: { finalizers: [FINALIZER] } });
  await api.request("PATCH", `${routes}/${name}?fieldManager=weir`, { metadata: { annotations: { [EPOCH_ANNOTATION]: `${metadata.uid}/1.1` } } });
  await api.request("PATCH", `${rollouts}/${name}/status`, { status: standingStatus(name, share) });
}

function standingStatus(name: string, share: number): RolloutStatus {
  const [from, to] = [{ version: STABLE, revision: REVISION }, { version: CANARY, revision: REVISION }];
  const run: Run = aRun({
    number: 1, from, to, release: CANARY, step: 1, weight: share, points: share, peak: share,
    ladder: [10, 50, 100].map((weight) => ({ weight, hold: "5s" })),
    target: { istio: { virtualServices: [{ name, routes: [PRIMARY] }] } },
    announcements: [], notified: [], announced: 0,
  });
  return aStatus({ runs: 1, observedGeneration: 1, observedRevision: to, stable: from, formerStables: [], message: `${CANARY} stays at ${share}%`, reason: "Holding", step: "2/3", weight: `${share}%`, run });
}
