/** The daemon's parts as main.ts puts them together, on a real API, without scheduler, Redis and receivers: the test says when it ticks. */
import { createCaches } from "../../src/kubernetes/caches.ts";
import { hostGate } from "../../src/config.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createCrdCheck } from "../../src/kubernetes/crd-check.ts";
import { createEventRecorder } from "../../src/kubernetes/event-recorder.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createRecordSweep } from "../../src/kubernetes/record-sweep.ts";
import { createRollouts } from "../../src/kubernetes/rollouts.ts";
import { createRouteIndex } from "../../src/kubernetes/route-index.ts";
import { createSecretReader } from "../../src/kubernetes/secrets.ts";
import { withServedVersions } from "../../src/kubernetes/served-versions.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import type { RequestSeen } from "../../src/kubernetes/wire.ts";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import type { Ports } from "../../src/reconciler/ports.ts";
import { reconcile } from "../../src/reconciler/reconcile.ts";
import { HOLD_POLICY, type RolloutRef } from "../../src/rollout/rollout.ts";
import { systemTime } from "../../src/scheduler/time.ts";
import { createTrafficRouter } from "../../src/traffic/registry.ts";
import { createWorkload } from "../../src/workload/registry.ts";
import { createSilentLog } from "./silent-log.ts";
import { until } from "./until.ts";

export interface DaemonParts {
  /** Every line of its log, as text. */
  log(): string;
  /** Answered requests, in order. */
  readonly asked: readonly RequestSeen[];
  /** Looks once; what the tick throws is logged. */
  tickOnce(ref: RolloutRef): Promise<void>;
  /** Looks until the condition holds; what a tick throws is logged, and the next one is tried. */
  tickUntil(ref: RolloutRef, condition: () => unknown): Promise<void>;
  /** Its clock goes ahead. */
  letPass(ms: number): void;
  /** Takes old records away, as at a daemon's start. */
  sweep(): void;
  close(): void;
}

export interface DaemonPartsOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly prometheusUrl?: string;
  readonly allowHosts?: readonly string[];
  readonly runLimit?: number;
}

const LIMIT = { limitMs: 120_000, everyMs: 100 };
const NOWHERE = "http://127.0.0.1:1";
const DAY_MS = 24 * 3_600_000;

/** Settles when the caches are filled. */
export async function openDaemonParts({ kubeconfig, namespace, prometheusUrl = NOWHERE, allowHosts = ["127.0.0.1"], runLimit = 100 }: DaemonPartsOptions): Promise<DaemonParts> {
  const logger = createSilentLog();
  const asked: RequestSeen[] = [];
  const transport = createTransport(loadConnection({ kubeconfig }), { userAgent: "weir/test", onRequest: (request) => asked.push(request) });
  const caches = createCaches({ client: await withServedVersions(createKubernetesClient(transport)), namespace, logger });
  const crd = createCrdCheck({ client: caches.client, logger, time: systemTime });
  await crd.refresh();
  let aheadMs = 0;
  const ports: Ports = {
    clock: { nowMs: () => Date.now() + aheadMs, skewMs: () => transport.skewMs() },
    rollouts: createRollouts({ client: caches.client, cache: caches.rollouts, crd, logger }),
    traffic: createTrafficRouter({ caches: caches.objects, client: caches.client, ownerOf: createRouteIndex(caches.rollouts).ownerOf }),
    workload: createWorkload({ caches: caches.objects, client: caches.client, isGuarded: () => caches.policyBindings.get("", HOLD_POLICY) !== undefined }),
    metrics: createMetricProvider({ prometheus: { own: { url: prometheusUrl }, readSecret: createSecretReader(caches.client), isAllowedHost: hostGate(allowHosts), onQuery: () => undefined } }),
    outbox: { add: async () => undefined, delivered: async () => [] },
    events: createEventRecorder({ client: caches.client, logger }),
  };
  const sweep = createRecordSweep({ client: caches.client, namespace, ttlMs: DAY_MS, limit: runLimit, logger });
  caches.start();
  await caches.synced;
  const tickOnce = (ref: RolloutRef): Promise<void> => reconcile(ref, ports, AbortSignal.timeout(LIMIT.limitMs)).then(() => undefined, (error: unknown) => logger.warn({ error }, "a tick failed"));
  return {
    log: () => logger.lines.map(({ level, fields, message }) => `${level} ${textOf(fields)} ${message}`).join("\n"),
    asked,
    tickOnce,
    tickUntil: (ref, condition) => until(async () => (await tickOnce(ref), condition()), LIMIT),
    letPass: (ms) => void (aheadMs += ms),
    sweep: () => sweep.start(),
    close() {
      sweep.stop();
      caches.stop();
      transport.close();
    },
  };
}

function textOf(fields: unknown): string {
  return JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.message : value)).replaceAll('\\"', '"');
}
