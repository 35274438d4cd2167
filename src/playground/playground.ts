/** Starts everything that a delivery needs, on this machine alone: real Redis and Prometheus, the embedded API and mesh, samples under load, and the daemon. */
import { setTimeout as wait } from "node:timers/promises";
import { RESOURCES } from "../kubernetes/client.ts";
import { CANARY_SIDE } from "../rollout/deployment.ts";
import { RolloutSpec } from "../rollout/spec.ts";
import { RolloutStatus } from "../rollout/status.ts";
import type { Load } from "./arrivals.ts";
import type { CleanUp } from "./clean-up.ts";
import { createAudience } from "./audience.ts";
import { namespace, startCluster, type Cluster } from "./cluster.ts";
import { containersOf, rolloutOf, virtualServiceOf } from "./cluster-objects.ts";
import { startDaemonProcess, type DaemonProcess } from "./daemon-process.ts";
import { followPods, followRoutes } from "./follow-cluster.ts";
import type { Asked } from "./load.ts";
import { writeLaunchers } from "./launchers.ts";
import { startPrometheus } from "./processes/prometheus.ts";
import { startRedis } from "./processes/redis.ts";
import { createRouteSteps } from "./route-steps.ts";
import { createSampleTraffic, inside, type SampleTraffic } from "./sample-traffic.ts";
import { createControl } from "./samples/control.ts";
import { broker, ratings, reviews, sampleApps, type SampleApp } from "./samples/sample-apps.ts";
import type { SamplePod } from "./samples/sample-pods.ts";
import type { Stage } from "./stage.ts";
import { createStateFolder, writeState, type StateFolder } from "./state-folder.ts";

export interface PlaygroundOptions {
  /** Where other terminals find it. */
  readonly stateFolder: string;
  readonly seed: number;
  /** Called as each part is ready. */
  readonly onReady: (part: string) => void;
  /** Learns how to end what was started, also if starting fails half-way. */
  readonly cleanUp: CleanUp;
}

export interface Playground {
  /** What the player acts on, by the application's name. */
  readonly stages: Readonly<Record<string, Stage>>;
  /** What to read into a shell, as people type it. */
  readonly env: string;
  /** How to reach `reviews` with curl. */
  readonly url: string;
  readonly prometheusUrl: string;
  /** Rejects when the daemon ends by itself. */
  readonly daemonEnded: Promise<never>;
}

const scrapeIntervalMs = 1_000;
const pauseMs = 200;
const mostStartMs = 30_000;

export async function startPlayground({ stateFolder, seed, onReady, cleanUp }: PlaygroundOptions): Promise<Playground> {
  const folder = createStateFolder(stateFolder);
  cleanUp.add(folder.remove);
  const traffic = await createSampleTraffic(seed, cleanUp);
  const servers = await startServers(traffic, onReady, cleanUp);
  const cluster = await startCluster(folder, seed, cleanUp);
  onReady("Kubernetes API");
  await connect(cluster, traffic, cleanUp);
  onReady("mesh");
  onReady(`${traffic.samples.endpoints().length} pods`);
  const weir = await startWeir(folder, cluster, servers, cleanUp);
  onReady("Weir");
  const loads = traffic.startLoads();
  const stages = Object.fromEntries([reviews, ratings, broker].map((app) => [app.name, createStage(cluster, traffic, { app, load: loads[app.name]! }, cleanUp)]));
  await openStages(cluster, Object.values(stages));
  await openControl(folder, traffic, servers.prometheusUrl, cleanUp);
  return {
    stages,
    env: await writeLaunchers(folder, cluster.kubeconfig),
    url: traffic.proxies[inside] ?? "",
    prometheusUrl: servers.prometheusUrl,
    daemonEnded: weir.ended,
  };
}

interface Servers {
  readonly redisUrl: string;
  readonly prometheusUrl: string;
}

async function startServers({ targets }: SampleTraffic, onReady: (part: string) => void, cleanUp: CleanUp): Promise<Servers> {
  const redis = await startRedis();
  cleanUp.add(redis.close);
  onReady("Redis");
  const prometheus = await startPrometheus({ scrapeIntervalMs, targets });
  cleanUp.add(prometheus.close);
  onReady("Prometheus");
  return { redisUrl: redis.url, prometheusUrl: prometheus.url };
}

async function connect({ caches: { objects } }: Cluster, { mesh, samples }: SampleTraffic, cleanUp: CleanUp): Promise<void> {
  const { virtualServices, destinationRules, services, serviceEntries, httpRoutes, grpcRoutes } = objects;
  cleanUp.add(followRoutes({ virtualServices, destinationRules, services, serviceEntries, httpRoutes, grpcRoutes }, mesh));
  const pods = followPods(objects.pods, samples);
  cleanUp.add(pods.stop);
  await pods.settled();
}

async function startWeir(folder: StateFolder, { kubeconfig, exposeDaemon }: Cluster, servers: Servers, cleanUp: CleanUp): Promise<{ readonly ended: Promise<never> }> {
  const daemon = await startDaemonProcess({ kubeconfig, ...servers, logFile: `${folder.path}/daemon.log` });
  let isStopping = false;
  cleanUp.add(() => {
    isStopping = true;
    return daemon.stop();
  });
  exposeDaemon(daemon.url);
  const unexpected = endUnless(() => isStopping, daemon);
  unexpected.catch(() => undefined); // whoever waits for it is told
  return { ended: unexpected };
}

async function endUnless(isStopping: () => boolean, daemon: DaemonProcess): Promise<never> {
  const how = await daemon.ended;
  if (isStopping()) return new Promise<never>(() => undefined);
  throw new Error(`The daemon should go on, but ${how}. Its last lines:\n${daemon.lastLines()}`);
}

async function openControl(folder: StateFolder, { samples, proxies }: SampleTraffic, prometheus: string, cleanUp: CleanUp): Promise<void> {
  const control = await createControl(samples);
  cleanUp.add(control.close);
  writeState(folder, { pid: process.pid, control: { url: control.url, token: control.token }, prometheus, proxies });
}

interface Served {
  readonly app: SampleApp;
  readonly load: Load;
}

function createStage({ client, caches }: Cluster, traffic: SampleTraffic, { app, load }: Served, cleanUp: CleanUp): Stage {
  const { mesh, samples } = traffic;
  const audience = createAudience(traffic, app.name);
  const called = (version: string): string => (app.isHeld ? version.replace(/-[^-]*$/, "") : version);
  const sideOf = (subset: string | undefined): string => {
    const { run, stable } = statusOf(caches, app) ?? {};
    return called((subset === CANARY_SIDE ? run?.to.version : stable?.version) ?? app.versions[0]!);
  };
  const callsTo = (host: string) => ({ workload }: SamplePod): Asked => ({ url: `${traffic.proxies[workload]}/`, host });
  const others = () => entrancesOf(caches, app).filter((name) => name !== app.name);
  const steps = createRouteSteps(mesh, { namespace, name: app.name, others, isTcp: app.tcpRoutes !== undefined, ...(app.isHeld ? { versionOf: ({ subset }) => sideOf(subset) } : {}) }, audience);
  cleanUp.add(steps.stop);
  return {
    moved: app.tcpRoutes ? "connections" : "requests",
    nowMs: () => Date.now(),
    pause: () => wait(pauseMs),
    called,
    status: () => statusOf(caches, app),
    steps: steps.all,
    answers: () => load.counts().answers,
    turn: (version, behaviour) => void samples.turn(app.name, version, behaviour),
    async prepare(delivery) {
      for (const entrance of delivery.entrances ?? []) await client.create(RESOURCES.virtualServices, namespace, virtualServiceOf(entrance, namespace), { fieldManager: "playground" });
      if (delivery.calls !== undefined) samples.callOn(app.name, callsTo(delivery.calls));
      if (delivery.rollout?.change) await client.patch(RESOURCES.rollouts, namespace, app.name, { type: "merge", body: { spec: delivery.rollout.change } }, { fieldManager: "playground" });
      await audience.come(delivery);
    },
    release: async (version) => {
      const [resource, spec] = app.isHeld ? [RESOURCES.deployments, { template: { spec: { containers: containersOf(app, version) } } }] : [RESOURCES.rollouts, { release: version }];
      await client.patch(resource, namespace, app.name, { type: "merge", body: { spec } }, { fieldManager: "playground" });
    },
  };
}

/** Names of the VirtualServices whose weights its Rollout moves at every step. */
function entrancesOf(caches: Cluster["caches"], app: SampleApp): readonly string[] {
  const { data } = RolloutSpec.safeParse(caches.rollouts.get(namespace, app.name)?.spec);
  return data?.traffic.istio?.virtualServices.flatMap(({ name, follow }) => (follow === undefined ? [name] : [])) ?? [];
}

function statusOf(caches: Cluster["caches"], app: SampleApp): RolloutStatus | undefined {
  return RolloutStatus.safeParse(caches.rollouts.get(namespace, app.name)?.status).data;
}

/** A Rollout for each application, seen and found healthy by the daemon, and users that are served. */
async function openStages({ client, caches }: Cluster, stages: readonly Stage[]): Promise<void> {
  for (const app of sampleApps) {
    await client.create(RESOURCES.rollouts, namespace, rolloutOf(app, namespace, "v1"), { fieldManager: "playground" });
  }
  const [stage] = stages;
  const endMs = stage!.nowMs() + mostStartMs;
  const unhealthy = () => sampleApps.filter((app) => statusOf(caches, app)?.phase !== "Healthy");
  const isServed = () => stages.every(({ answers }) => Object.keys(answers()).some((answer) => answer.endsWith(" 200")));
  while (unhealthy().length > 0 || !isServed()) {
    if (stage!.nowMs() > endMs) throw new Error(notOpen(unhealthy().map((app) => `${app.name}: ${statusOf(caches, app)?.message ?? "no status"}`)));
    await stage!.pause();
  }
}

function notOpen(unhealthy: readonly string[]): string {
  return `Expected every Rollout to be Healthy, and requests to be answered, within ${mostStartMs / 1_000} s; got ${unhealthy.join("; ") || "no answer"}`;
}
