/** A whole world of real parts for the daemon: a namespace of its own, sample applications under load behind the embedded mesh, Redis, Prometheus, and watches that miss nothing. */
import { createWriteStream } from "node:fs";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import type { Load } from "../../src/playground/arrivals.ts";
import { createCleanUp, type CleanUp } from "../../src/playground/clean-up.ts";
import { installApps } from "../../src/playground/cluster-objects.ts";
import { startDaemonProcess, type DaemonOptions, type DaemonProcess } from "../../src/playground/daemon-process.ts";
import { followPods, followRoutes } from "../../src/playground/follow-cluster.ts";
import { createLoad } from "../../src/playground/load.ts";
import { GRPC } from "../../src/playground/mesh/grpc.ts";
import { createMesh, type Mesh } from "../../src/playground/mesh/mesh.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { startPrometheus, type PrometheusServer } from "../../src/playground/processes/prometheus.ts";
import { startRedis, type RedisServer } from "../../src/playground/processes/redis.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { createSamplePods, type SamplePods } from "../../src/playground/samples/sample-pods.ts";
import { formatCommand, type Command } from "../../src/rollout/command.ts";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import type { ApiObject } from "./api-request.ts";
import { aDelivery, CANARY, PRIMARY, STABLE, steeredOf } from "./deliveries.ts";
import { followHistory, type History } from "./history.ts";
import type { TestApi } from "./kubernetes-apis.ts";
import { createRouteRecorder, type RouteRecorder } from "./route-recorder.ts";
import { until } from "./until.ts";

export interface Scene {
  readonly namespace: string;
  readonly mesh: Mesh;
  readonly samples: SamplePods;
  readonly redis: RedisServer;
  readonly prometheus: PrometheusServer;
  /** Another one that scrapes the same, with no history. */
  startPrometheus(): Promise<PrometheusServer>;
  /** Every version of every Rollout and VirtualService, and every Event, of the namespace. */
  readonly rollouts: History;
  readonly routes: History;
  readonly events: History;
  /** Users of an application, until it or the scene is closed; they ask for it by its name, unless a header `host` says otherwise; with a `method` (`/package.Service/Method`) by gRPC. */
  startLoad(app: SampleApp, requestsPerSecond: number, headers?: Readonly<Record<string, string>>, method?: string): Load;
  /** The daemon as in production, with what is said here in place of the scene's own; settles when it is ready. */
  startDaemon(options?: Partial<DaemonOptions>): Promise<DaemonProcess>;
  /** Creates the application's Rollout. */
  deliver(app: SampleApp, change?: Partial<RolloutSpecInput>): Promise<void>;
  /** Writes `spec.release`, as a person would. */
  release(app: SampleApp, version: string): Promise<void>;
  /** Writes the annotation, as the CLI does. */
  command(app: SampleApp, command: Pick<Command, "verb"> & Partial<Command>): Promise<void>;
  /** Writes the steered route's weights, as a person with an editor would. */
  hand(app: SampleApp, share: number, manager: string): Promise<void>;
  status(app: SampleApp): RolloutStatus | undefined;
  /** Every status that the application's Rollout has had. */
  statuses(app: SampleApp): readonly RolloutStatus[];
  /** Settles when the present status fits; a failure shows it and the daemons' last lines. */
  reached(app: SampleApp, isThere: (status: RolloutStatus) => boolean): Promise<void>;
  /** Settles when a pod of it can answer, which a busy machine may be late with. */
  served(app: SampleApp): Promise<void>;
  route(app: SampleApp): RouteRecorder;
  close(): Promise<void>;
}

const SEED = 7;
/** Also the time that a scrape may take, on a busy machine. */
const SCRAPE_INTERVAL_MS = 1_000;
const LIMIT_MS = 240_000;
const CALLER = "client";
const USER = "daemon";

interface SceneOptions {
  /** Creates the namespace, with the applications in it. */
  readonly install?: Install;
  /** Applications whose pods call another one before they answer, by whom they call. */
  readonly calls?: Readonly<Record<string, string>>;
}

/** Settles when everything but daemon, Rollouts and load is there. */
export async function openScene(api: TestApi, apps: readonly SampleApp[], { install = installApps, calls = {} }: SceneOptions = {}): Promise<Scene> {
  const cleanUp = createCleanUp();
  try {
    return await build(api, apps, { install, calls }, cleanUp);
  } catch (error) {
    await cleanUp.run();
    throw error;
  }
}

interface Stage {
  readonly api: TestApi;
  readonly cleanUp: CleanUp;
  readonly namespace: string;
  readonly folder: string;
}

export type Install = typeof installApps;

async function build(api: TestApi, apps: readonly SampleApp[], { install, calls }: Required<SceneOptions>, cleanUp: CleanUp): Promise<Scene> {
  const folder = createTemporaryFolder("weir-scene");
  cleanUp.add(folder.remove);
  const stage: Stage = { api, cleanUp, namespace: `scene-${randomBytes(4).toString("hex")}`, folder: folder.path };
  const caches = await installed(stage, apps, install);
  const callers = callersAmong(apps, calls);
  const traffic = await startTraffic(stage, caches, { callers, calls });
  const scraping = (): Promise<PrometheusServer> => scrapeOf(stage, traffic.mesh, callers);
  const servers = { redis: await startOwnRedis(stage), prometheus: await scraping() };
  const histories = await followAll(stage);
  const daemons: DaemonProcess[] = [];
  const recorders = new Map(apps.map((app) => [app.name, createRouteRecorder(histories.routes, steeredOf(app))]));
  const status = (app: SampleApp) => histories.rollouts.of(app.name).findLast((version) => version["status"])?.["status"] as RolloutStatus | undefined;
  const statuses = (app: SampleApp) => histories.rollouts.of(app.name).flatMap(({ status }) => (status ? [status as RolloutStatus] : []));
  return {
    namespace: stage.namespace,
    ...traffic,
    ...histories,
    ...servers,
    startPrometheus: scraping,
    ...writers(stage, recorders),
    startLoad: (app, requestsPerSecond, headers, method) => startLoad(stage, traffic.mesh, app, { requestsPerSecond, headers, method }),
    startDaemon: async (options) => {
      const daemon = await startDaemon(stage, { redisUrl: servers.redis.url, prometheusUrl: servers.prometheus.url, ...options });
      daemons.push(daemon);
      return daemon;
    },
    statuses,
    status,
    reached: (app, isThere) => reached(() => status(app), isThere, daemons),
    served: ({ name }) => until(() => traffic.samples.endpoints().some(({ labels }) => labels["app"] === name), LIMIT_MS),
    route: (app) => recorders.get(app.name)!,
    close: cleanUp.run,
  };
}

/** Creates the namespace with the applications in it; the caches are for mesh and samples, which follow it. */
async function installed({ api, cleanUp, namespace, folder }: Stage, apps: readonly SampleApp[], install: Install): Promise<Caches> {
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "scene" });
  cleanUp.add(transport.close);
  const client = createKubernetesClient(transport);
  await install(client, namespace, apps, SEED);
  await api.admitDaemon(namespace);
  const caches = createCaches({ client, namespace, logger: createLogger({ level: "warn", destination: createWriteStream(path.join(folder, "scene.log")) }) });
  cleanUp.add(caches.stop);
  caches.start();
  await caches.synced;
  return caches;
}

interface Caller {
  readonly workload: string;
  readonly app: string;
  readonly version: string;
}

/** Workloads whose pods call somebody, each with a proxy of its own. */
function callersAmong(apps: readonly SampleApp[], calls: Required<SceneOptions>["calls"]): readonly Caller[] {
  const calling = apps.filter(({ name }) => calls[name] !== undefined);
  return [{ workload: CALLER, app: CALLER, version: "v1" }, ...calling.flatMap(({ name, versions }) => versions.map((version) => ({ workload: `${name}-${version}`, app: name, version })))];
}

interface Calling extends Pick<Required<SceneOptions>, "calls"> {
  readonly callers: readonly Caller[];
}

async function startTraffic({ cleanUp, namespace }: Stage, { objects }: Caches, { callers, calls }: Calling): Promise<{ readonly mesh: Mesh; readonly samples: SamplePods }> {
  const samples = createSamplePods({ seed: SEED });
  cleanUp.add(samples.close);
  const mesh = await createMesh({ callers: callers.map((one) => ({ ...one, namespace, entrance: "sidecar" })), endpoints: samples.endpoints, seed: SEED });
  cleanUp.add(mesh.close);
  for (const [app, callee] of Object.entries(calls)) samples.callOn(app, ({ workload }) => ({ url: `${mesh.proxyOf(workload).url}/`, host: callee }));
  const { virtualServices, destinationRules, services, serviceEntries, httpRoutes, grpcRoutes } = objects;
  cleanUp.add(followRoutes({ virtualServices, destinationRules, services, serviceEntries, httpRoutes, grpcRoutes }, mesh));
  const pods = followPods(objects.pods, samples);
  cleanUp.add(pods.stop);
  await pods.settled();
  return { mesh, samples };
}

async function startOwnRedis({ cleanUp }: Stage): Promise<RedisServer> {
  const redis = await startRedis();
  cleanUp.add(redis.close);
  return redis;
}

async function scrapeOf({ cleanUp }: Stage, mesh: Mesh, callers: readonly Caller[]): Promise<PrometheusServer> {
  const { linkerdUrl } = mesh.proxyOf(CALLER);
  const proxies = callers.map(({ workload }) => [workload === CALLER ? "mesh" : workload, mesh.proxyOf(workload).statsUrl] as const);
  const targets = [...proxies, ["linkerd", linkerdUrl] as const].map(([job, url]) => ({ job, address: new URL(url).host, path: new URL(url).pathname }));
  const prometheus = await startPrometheus({ scrapeIntervalMs: SCRAPE_INTERVAL_MS, targets });
  cleanUp.add(prometheus.close);
  return prometheus;
}

async function followAll({ api, cleanUp, namespace }: Stage): Promise<{ readonly rollouts: History; readonly routes: History; readonly events: History }> {
  const follow = async (collection: string): Promise<History> => {
    const history = await followHistory(api.address, collection);
    cleanUp.add(history.close);
    return history;
  };
  return {
    rollouts: await follow(rolloutsIn(namespace)),
    routes: await follow(routesIn(namespace)),
    events: await follow(`/api/v1/namespaces/${namespace}/events`),
  };
}

interface LoadAsked {
  readonly requestsPerSecond: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly method?: string | undefined;
}

function startLoad({ cleanUp }: Stage, mesh: Mesh, app: SampleApp, { requestsPerSecond, headers = {}, method }: LoadAsked): Load {
  const asked = method === undefined ? { path: "/", headers } : { path: method, method: "POST", headers: { "content-type": GRPC, ...headers } };
  const load = createLoad({ ...asked, url: `${mesh.proxyOf(CALLER).url}${asked.path}`, host: headers["host"] ?? app.name, requestsPerSecond, seed: SEED, drainMs: LIMIT_MS });
  cleanUp.add(load.close);
  return load;
}

async function startDaemon({ api, cleanUp, namespace, folder }: Stage, options: Omit<DaemonOptions, "kubeconfig" | "logFile"> & Partial<DaemonOptions>): Promise<DaemonProcess> {
  const environment = { WEIR_NAMESPACE: namespace, ...options.environment };
  const logFile = path.join(folder, `daemon-${randomBytes(4).toString("hex")}.log`);
  const daemon = await startDaemonProcess({ kubeconfig: api.kubeconfigFor(USER), logFile, ...options, environment });
  cleanUp.add(() => daemon.stop());
  return daemon;
}

function writers({ api, namespace }: Stage, recorders: ReadonlyMap<string, RouteRecorder>): Pick<Scene, "deliver" | "release" | "command" | "hand"> {
  const patch = (collection: string, { name }: SampleApp, body: unknown, manager = "admin") => api.request("PATCH", `${collection}/${name}?fieldManager=${manager}`, body);
  return {
    deliver: async (app, change) => void (await api.request("POST", rolloutsIn(namespace), aDelivery(app, namespace, change))),
    release: async (app, version) => void (await patch(rolloutsIn(namespace), app, { spec: { release: version } })),
    command: async (app, command) => {
      const text = formatCommand({ id: randomBytes(4).toString("hex"), run: 1, actor: "admin", ...command });
      await patch(rolloutsIn(namespace), app, { metadata: { annotations: { [COMMAND_ANNOTATION]: text } } });
    },
    hand: async (app, share, manager) => {
      recorders.get(app.name)!.allow(share);
      const { spec } = await api.request<RouteObject>("GET", `${routesIn(namespace)}/${app.name}`);
      await patch(routesIn(namespace), app, { spec: { http: withShare(spec.http, share) } }, manager);
    },
  };
}

interface RouteObject extends ApiObject {
  readonly spec: { readonly http: readonly { readonly name: string; readonly route: readonly { readonly destination: { readonly subset: string } }[] }[] };
}

function withShare(http: RouteObject["spec"]["http"], share: number): unknown {
  const weights: Readonly<Record<string, number>> = { [STABLE]: 100 - share, [CANARY]: share };
  return http.map((one) => (one.name === PRIMARY ? { ...one, route: one.route.map((each) => ({ ...each, weight: weights[each.destination.subset] })) } : one));
}

async function reached(status: () => RolloutStatus | undefined, isThere: (status: RolloutStatus) => boolean, daemons: readonly DaemonProcess[]): Promise<void> {
  const isReached = (): boolean => {
    const now = status();
    return now !== undefined && isThere(now);
  };
  await until(isReached, LIMIT_MS).catch(() => {
    const said = daemons.map((daemon) => `${daemon.hasEnded() ? "ended" : "running"}:\n${daemon.lastLines()}`).join("\n");
    throw new Error(`not within ${LIMIT_MS} ms: ${isThere.toString()}; the status is ${JSON.stringify(status())}; the daemons said, ${said}`);
  });
}

function rolloutsIn(namespace: string): string {
  return `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts`;
}

function routesIn(namespace: string): string {
  return `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
}
