/** Hundreds of applications under daemons as in production: their objects, what Prometheus would scrape of them, and gates in front of the servers. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createCleanUp, type CleanUp } from "../../src/playground/clean-up.ts";
import { installApps } from "../../src/playground/cluster-objects.ts";
import { startDaemonProcess, type DaemonProcess } from "../../src/playground/daemon-process.ts";
import { listenOnLoopback } from "../../src/playground/loopback.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { startPrometheus } from "../../src/playground/processes/prometheus.ts";
import { startRedis, type RedisServer } from "../../src/playground/processes/redis.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { createApiRequest, type ApiRequest } from "../support/api-request.ts";
import { aDelivery, anApp, STABLE } from "../support/deliveries.ts";
import { followVersions, type Following } from "../support/history.ts";
import { createChronicle, type Chronicle } from "./chronicle.ts";
import type { FleetApi } from "./fleet-api.ts";
import { createGate, type Gate, type OnPassed } from "./gate.ts";
import { createFleetTelemetry, type FleetName, type FleetTelemetry } from "./telemetry.ts";

export interface FleetApp extends FleetName {
  /** Its Rollout, as first created, with this release. */
  rollout(release: string): KubernetesObject;
}

export interface FleetOptions {
  readonly api: FleetApi;
  readonly rollouts: number;
  readonly seed: number;
  readonly ladder: readonly number[];
  readonly spec: Partial<RolloutSpecInput>;
  readonly requestsPerSecond: number;
  readonly scrapeIntervalMs: number;
  /** Of what the daemons ask Prometheus. */
  readonly onQuery?: OnPassed;
}

export interface Fleet {
  readonly apps: readonly FleetApp[];
  readonly chronicles: ReadonlyMap<FleetApp, Chronicle>;
  readonly telemetry: FleetTelemetry;
  /** As admin, past the gate. */
  readonly request: ApiRequest;
  readonly redis: RedisServer;
  /** Between the daemons and their servers. */
  readonly apiGate: Gate;
  readonly prometheusGate: Gate;
  /** `name` tells its log file from others'. */
  startDaemon(name: string, environment?: Readonly<Record<string, string>>): Promise<DaemonProcess>;
  logFileOf(name: string): string;
  readonly folder: string;
  /** Throws where a watch could not go on. */
  check(): void;
  close(): Promise<void>;
}

/** Applications in one namespace. */
const NAMESPACE_SIZE = 20;

/** Settles when every Rollout is there and nobody has looked at it yet. */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const cleanUp = createCleanUp();
  try {
    return await build(options, cleanUp);
  } catch (error) {
    await cleanUp.run();
    throw error;
  }
}

async function build(options: FleetOptions, cleanUp: CleanUp): Promise<Fleet> {
  const folder = createTemporaryFolder("weir-fleet");
  cleanUp.add(folder.remove);
  const { api, ladder } = options;
  const request = createApiRequest(api.address);
  const apps = fleetApps(options);
  const telemetry = createFleetTelemetry(options.requestsPerSecond);
  await install(options, apps, request);
  const servers = await startServers(options, telemetry, cleanUp);
  const chronicles = new Map(apps.map((app) => [app, createChronicle(app.name, ladder, (shares) => telemetry.share(app, shares))]));
  const watches = await followAll(api, chronicles, cleanUp);
  const kubeconfig = path.join(folder.path, "kubeconfig");
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(servers.apiGate.url, api.daemonToken)), { mode: 0o600 });
  const logFileOf = (name: string): string => path.join(folder.path, `${name}.log`);
  return {
    apps, chronicles, telemetry, request, logFileOf, folder: folder.path,
    ...servers,
    startDaemon: async (name, environment = {}) => {
      const daemon = await startDaemonProcess({ kubeconfig, redisUrl: servers.redis.url, prometheusUrl: servers.prometheusGate.url, logFile: logFileOf(name), environment });
      cleanUp.add(() => daemon.stop());
      return daemon;
    },
    check: () => watches.forEach((watch) => watch.check()),
    close: cleanUp.run,
  };
}

function fleetApps({ rollouts, spec, ladder }: FleetOptions): readonly FleetApp[] {
  const prefix = `fleet-${randomBytes(3).toString("hex")}`;
  return Array.from({ length: rollouts }, (_, index) => {
    const [namespace, name] = [`${prefix}-${Math.floor(index / NAMESPACE_SIZE)}`, `app-${index}`];
    return { namespace, name, rollout: (release) => aDelivery(anApp({ name, ladder }), namespace, { ...spec, release }) };
  });
}

async function install({ api, ladder, seed }: FleetOptions, apps: readonly FleetApp[], request: ApiRequest): Promise<void> {
  const transport = createTransport(loadConnection({ kubeconfig: api.adminKubeconfig }), { userAgent: "fleet" });
  const byNamespace = new Map<string, SampleApp[]>();
  for (const { namespace, name } of apps) byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), anApp({ name, ladder })]);
  for (const [namespace, samples] of byNamespace) {
    await installApps(createKubernetesClient(transport), namespace, samples, seed);
    await api.admit(namespace);
  }
  transport.close();
  for (const app of apps) await request("POST", `/apis/weir.dev/v1alpha1/namespaces/${app.namespace}/rollouts`, app.rollout(STABLE));
}

async function startServers({ api, scrapeIntervalMs, onQuery }: FleetOptions, telemetry: FleetTelemetry, cleanUp: CleanUp) {
  const redis = await startRedis();
  cleanUp.add(redis.close);
  const exporter = await listenOnLoopback((_request, response) => response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(telemetry.text()));
  cleanUp.add(exporter.close);
  const prometheus = await startPrometheus({ scrapeIntervalMs, targets: [{ job: "mesh", address: exporter.url.replace("http://", "") }] });
  cleanUp.add(prometheus.close);
  const [apiGate, prometheusGate] = [await createGate(api.address), await createGate({ url: prometheus.url }, onQuery)];
  cleanUp.add(apiGate.close);
  cleanUp.add(prometheusGate.close);
  return { redis, apiGate, prometheusGate };
}

async function followAll(api: FleetApi, chronicles: ReadonlyMap<FleetApp, Chronicle>, cleanUp: CleanUp): Promise<readonly Following[]> {
  const byName = new Map([...chronicles].map(([{ namespace, name }, chronicle]) => [`${namespace}/${name}`, chronicle]));
  const of = ({ namespace = "", name }: { readonly namespace?: string; readonly name: string }): Chronicle | undefined => byName.get(`${namespace}/${name}`);
  const routes = await followVersions(api.address, "/apis/networking.istio.io/v1/virtualservices", (version) => of(version.metadata)?.seeRoute(version));
  cleanUp.add(routes.close);
  const rollouts = await followVersions(api.address, "/apis/weir.dev/v1alpha1/rollouts", (version, type) => of(version.metadata)?.seeRollout(version, type));
  cleanUp.add(rollouts.close);
  return [routes, rollouts];
}

/** JSON is YAML. */
function kubeconfigFor(server: string, token: string): object {
  const name = "fleet";
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
}
