/** The daemon, put together: read this first, then reconciler/reconcile.ts. Importing it starts the daemon. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Config, configFrom, hostGate } from "./config.ts";
import { type Caches, createCaches } from "./kubernetes/caches.ts";
import { loadConnection } from "./kubernetes/connection.ts";
import { createCrdCheck } from "./kubernetes/crd-check.ts";
import { createEventRecorder } from "./kubernetes/event-recorder.ts";
import { createKubernetesClient } from "./kubernetes/kube-client.ts";
import { createRecordSweep } from "./kubernetes/record-sweep.ts";
import { createRollouts } from "./kubernetes/rollouts.ts";
import { createRouteIndex } from "./kubernetes/route-index.ts";
import { createSecretReader } from "./kubernetes/secrets.ts";
import { withServedVersions } from "./kubernetes/served-versions.ts";
import { createTransport } from "./kubernetes/transport.ts";
import { trafficQueries } from "./metrics/prometheus/traffic.ts";
import { createMetricProvider } from "./metrics/registry.ts";
import { createNotifierFor } from "./notify/registry.ts";
import { createTestMessages } from "./notify/test-messages.ts";
import type { Ports } from "./reconciler/ports.ts";
import { reconcile } from "./reconciler/reconcile.ts";
import { HOLD_POLICY, type RolloutRef } from "./rollout/rollout.ts";
import { createSchedules } from "./scheduler/cached-schedules.ts";
import { createOutbox, type RunningOutbox } from "./scheduler/outbox.ts";
import { connectRedis } from "./scheduler/redis-link.ts";
import { createScheduler, type Scheduler } from "./scheduler/scheduler.ts";
import { systemTime } from "./scheduler/time.ts";
import { startTriggers } from "./scheduler/triggers.ts";
import { withUrgentFirst } from "./scheduler/urgent-first.ts";
import { createDoctor } from "./telemetry/doctor.ts";
import { startHttpServer } from "./telemetry/http-server.ts";
import { createLogger, type Logger } from "./telemetry/logger.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import { createTrafficRouter } from "./traffic/registry.ts";
import { VERSION } from "./version.ts";
import { createWorkload } from "./workload/registry.ts";

let isSynced = false;
process.on("uncaughtException", fail);

const config = configFrom();
const logger = createLogger({ level: config.logLevel });
const metrics = createMetrics({ version: VERSION, rollouts: () => cluster.schedules.samples() });
const cluster = await connectCluster(config, logger, metrics);
const redis = connectRedis({ url: config.redisUrl, time: systemTime, logger, onState: metrics.redisUp });
const isAllowedHost = hostGate(config.allowHosts);
const notifierFor = createNotifierFor({ ...config, readSecret: cluster.readSecret, isAllowedHost });
const outbox: RunningOutbox = createOutbox({ redis, notifierFor, onDelivered: (ref) => scheduler.wake(ref), metrics, logger });
const ports: Ports = {
  clock: { nowMs: Date.now, skewMs: cluster.skewMs },
  rollouts: withUrgentFirst(cluster.rollouts, nextTurn),
  traffic: createTrafficRouter({ caches: cluster.caches.objects, client: cluster.caches.client, ownerOf: cluster.routes.ownerOf }),
  workload: createWorkload({ caches: cluster.caches.objects, client: cluster.caches.client, isGuarded: () => cluster.caches.policyBindings.get("", HOLD_POLICY) !== undefined, ownerOf: cluster.routes.ownerOfDeployment }),
  metrics: createMetricProvider({ prometheus: { own: { url: config.prometheusUrl }, readSecret: cluster.readSecret, isAllowedHost, onQuery: metrics.prometheusQuery } }),
  outbox,
  events: createEventRecorder({ client: cluster.caches.client, logger }),
};
const recordSweep = createRecordSweep({ client: cluster.caches.client, namespace: config.namespace, ttlMs: config.runTtlMs, limit: config.runLimit, logger });
const scheduler: Scheduler = createScheduler({ redis, reconcile: tick, schedules: cluster.schedules, metrics, logger, concurrency: config.concurrency });

const doctor = createDoctor({ ...config, version: VERSION, isShared: scheduler.isShared, skewMs: cluster.skewMs, unready, namespaces, trafficQueries, sendTest: createTestMessages({ rollouts: cluster.rollouts, notifierFor }) });
const server = await startHttpServer({ ...config.listen, unhealthy: scheduler.unhealthy, unready, metrics, doctor, logger });
logger.info({ version: VERSION, ...server.address }, "listening");

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop(signal));
cluster.caches.start();
await cluster.caches.synced;
isSynced = true;
begin(cluster.caches);

async function connectCluster(settings: Config, log: Logger, meters: Metrics) {
  const transport = createTransport(loadConnection(settings.cluster), { userAgent: `weir/${VERSION}`, onRequest: ({ verb, resource, status }) => meters.apiRequest(verb, resource, status) });
  const caches = createCaches({ client: await withServedVersions(createKubernetesClient(transport)), logger: log, ...(settings.namespace ? { namespace: settings.namespace } : {}) });
  const crd = createCrdCheck({ client: caches.client, logger: log, time: systemTime });
  await crd.refresh();
  const rollouts = createRollouts({ client: caches.client, cache: caches.rollouts, crd, logger: log });
  return {
    caches,
    rollouts,
    routes: createRouteIndex(caches.rollouts),
    schedules: createSchedules({ all: caches.rollouts.all, rollouts }),
    readSecret: createSecretReader(caches.client),
    skewMs: () => transport.skewMs(),
    close: () => transport.close(),
  };
}

async function tick(ref: RolloutRef, signal: AbortSignal): Promise<{ requeueAtMs?: number }> {
  const { requeueAtMs, status, decided } = await reconcile(ref, ports, signal);
  if (status && decided !== "stay" && decided !== "adopt") {
    const { phase, reason, message, run } = status;
    metrics.decision(reason);
    logger.info({ rollout: `${ref.namespace}/${ref.name}`, run: run?.number, decided, phase, reason, message }, "decided");
  }
  return requeueAtMs === undefined ? {} : { requeueAtMs };
}

function namespaces(): string[] {
  return [...new Set(cluster.caches.rollouts.all().map(({ metadata }) => metadata.namespace ?? ""))];
}

function unready(): string[] {
  return [...(isSynced ? [] : ["the caches are not filled yet"]), ...(cluster.rollouts.crdIsCurrent() ? [] : ["the CRD on the server is older than this daemon: apply deploy/crd.yaml"])];
}

/** Looks at every Rollout once, and from then on at whatever changes. */
function begin({ rollouts, objects }: Caches): void {
  const { virtualServices, httpRoutes, grpcRoutes, ...others } = objects;
  startTriggers({ ...cluster.routes, rollouts, routes: { virtualServices, httpRoutes, grpcRoutes }, others: Object.values(others), deployments: others.deployments, scheduler, time: systemTime });
  scheduler.start();
  outbox.start();
  recordSweep.start();
  for (const { metadata } of rollouts.all()) {
    const ref = { namespace: metadata.namespace ?? "", name: metadata.name };
    scheduler.rearm(ref);
    scheduler.tickNow(ref);
  }
}

/** A start that cannot go on, or a broken invariant: one sentence, and the process ends. */
function fail(error: Error): void {
  createLogger({ level: "error" }).error(isSynced ? { error } : {}, `the daemon ends: ${error.message}`);
  process.exitCode = 1;
  setImmediate(() => process.exit(1));
}

/** Lets what is being written finish; within 10 s. */
async function stop(signal: string): Promise<void> {
  logger.info({ signal }, "stopping");
  const limit = setTimeout(() => process.exit(1), 10_000);
  recordSweep.stop();
  await scheduler.close();
  await Promise.allSettled([outbox.close(), server.close()]);
  cluster.caches.stop();
  redis.close();
  cluster.close();
  clearTimeout(limit);
  process.exit(0);
}
