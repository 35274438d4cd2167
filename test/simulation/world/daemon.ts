/** One daemon: all that `main.ts` and the scheduler put together, on a simulated network, clock and Redis. */
import { cacheOf } from "../../../src/cli/route-look.ts";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { createRollouts } from "../../../src/kubernetes/rollouts.ts";
import { createRouteIndex } from "../../../src/kubernetes/route-index.ts";
import type { MetricProvider } from "../../../src/metrics/metric-provider.ts";
import type { Notifier } from "../../../src/notify/notifier.ts";
import type { Ports } from "../../../src/reconciler/ports.ts";
import type { VersionSeen } from "../../../src/rollout/observation.ts";
import type { RolloutRef } from "../../../src/rollout/rollout.ts";
import { createAgenda } from "../../../src/scheduler/agenda.ts";
import { createSchedules } from "../../../src/scheduler/cached-schedules.ts";
import { createLanes } from "../../../src/scheduler/lanes.ts";
import { createLocalTicks } from "../../../src/scheduler/local-ticks.ts";
import { createOutbox } from "../../../src/scheduler/outbox.ts";
import type { RedisLink } from "../../../src/scheduler/redis-link.ts";
import { createResync } from "../../../src/scheduler/resync.ts";
import { createTick } from "../../../src/scheduler/tick.ts";
import type { TickQueue } from "../../../src/scheduler/tick-queue.ts";
import { startTriggers } from "../../../src/scheduler/triggers.ts";
import { withUrgentFirst } from "../../../src/scheduler/urgent-first.ts";
import { createIstioRouter } from "../../../src/traffic/istio/istio-router.ts";
import { movingTogether } from "../../../src/traffic/moving-together.ts";
import { createDeploymentWorkload } from "../../../src/workload/deployment/deployment-workload.ts";
import { NO_DEPLOYMENT } from "../../../src/workload/versions/versions-workload.ts";
import type { Workload } from "../../../src/workload/workload.ts";
import { createCountingMetrics, type KeptLog } from "../../support/fake-scheduling.ts";
import { NAMESPACE } from "../../support/istio-objects.ts";
import type { Informers } from "./informers.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import type { Tampering } from "./tampering.ts";

export interface DaemonParts {
  readonly process: Process;
  readonly informers: Informers;
  readonly network: Network;
  readonly queue: TickQueue;
  readonly link: RedisLink;
  readonly provider: MetricProvider;
  readonly notifier: Notifier;
  readonly tampering: Tampering;
  readonly skewMs: number;
  readonly random: () => number;
  readonly crdIsCurrent: () => boolean;
  /** Absent: versions run side by side. */
  readonly isGuarded?: boolean | undefined;
  readonly onTick: () => void;
  /** What the daemon would log. */
  readonly log: KeptLog;
}

const LOCAL_TICKS_AT_ONCE = 10;

/** Looks at every Rollout once, and from then on at whatever changes. Returns what takes ticks from the queue. */
export function startDaemon(parts: DaemonParts): (ref: RolloutRef, dueAtMs: number) => Promise<void> {
  const { process, informers, queue, random, log } = parts;
  const { time } = process;
  const { rollouts: rolloutStore, virtualServices, destinationRules, services, pods, deployments, replicaSets } = informers.stores;
  const routes = createRouteIndex({ onChange: (listener) => (rolloutStore.all().forEach((object) => listener({ kind: "added", object })), rolloutStore.onChange(listener)) }); // the stores are filled already
  const rollouts = rolloutsOf(parts);
  const schedules = createSchedules({ all: rolloutStore.all, rollouts });
  const metrics = Object.assign(createCountingMetrics(), { notification: () => undefined, tick: () => undefined });
  const outbox = createOutbox({ redis: parts.link, notifierFor: () => parts.notifier, onDelivered: (ref) => wake(ref), metrics, logger: log, time, random });
  const router = createIstioRouter({ caches: { ...informers.stores, serviceEntries: cacheOf([]) }, client: remembering(parts), ownerOf: routes.ownerOf });
  const ports = parts.tampering.ports({
    clock: { nowMs: time.nowMs, skewMs: () => parts.skewMs },
    rollouts: withUrgentFirst(rollouts),
    traffic: { ...router, ...movingTogether(router) },
    workload: workloadOf(parts, routes.ownerOfDeployment),
    metrics: parts.provider,
    outbox,
    events: { record: () => undefined },
  });
  const inBackground = (work: Promise<void>): void => void work.catch((error: unknown) => log.error({ error }, "the scheduler broke an invariant"));
  const lanes = createLanes(createTick({ reconcile: (ref, signal) => (parts.onTick(), parts.tampering.reconcile(ref, ports, signal)), time, random, metrics, logger: log }), time);
  const agenda = createAgenda({ queue, schedules, time, random, onDue: (ref, dueAtMs) => inBackground(local.soon(ref, "timer", dueAtMs)) });
  const local = createLocalTicks(lanes, agenda, LOCAL_TICKS_AT_ONCE);
  const resync = createResync({ queue, schedules, time, random, metrics, onRefused: (atRest) => atRest.forEach((ref) => inBackground(local.soon(ref, "timer", time.nowMs()))) });
  const wake = (ref: RolloutRef): void => inBackground(agenda.wake(ref).then((isQueued) => (isQueued ? undefined : local.soon(ref, "event", time.nowMs()))));
  const tickNow = (ref: RolloutRef): void => inBackground(local.now(ref, time.nowMs()));

  startTriggers({ ...routes, rollouts: rolloutStore, routes: { virtualServices }, others: [destinationRules, services, pods, deployments, replicaSets], deployments, scheduler: { tickNow, wake, rearm: agenda.rearm }, time });
  resync.start();
  for (const ref of rolloutStore.all().map(refOf)) {
    agenda.rearm(ref);
    tickNow(ref);
  }
  return async (ref, dueAtMs) => {
    const visit = await agenda.before(ref);
    await agenda.after(ref, await lanes.enter({ ref, source: "queue", dueAtMs }, false), visit);
  };
}

function rolloutsOf(parts: DaemonParts): Ports["rollouts"] {
  const crd = { refresh: async () => undefined, isCurrent: parts.crdIsCurrent, sawDropped: () => undefined };
  return createRollouts({ client: remembering(parts), cache: parts.informers.stores.rollouts, crd, logger: parts.log });
}

/** As `caches.ts` does: the answer to a write is in its cache before the caller has it. */
function remembering({ tampering, informers, ...parts }: DaemonParts): KubernetesClient {
  const network = tampering.network(parts.network);
  const patch: KubernetesClient["patch"] = async (resource, ...rest) => {
    const written = await network.patch(resource, ...rest);
    informers.remember(resource.plural, written);
    return written;
  };
  const create: KubernetesClient["create"] = async (resource, ...rest) => {
    const written = await network.create(resource, ...rest);
    informers.remember(resource.plural, written);
    return written;
  };
  return { ...network, patch, create } as KubernetesClient;
}

function workloadOf(parts: DaemonParts, ownerOf: (namespace: string, name: string) => RolloutRef | undefined): Workload {
  const { informers: { stores }, isGuarded } = parts;
  if (isGuarded !== undefined) return createDeploymentWorkload({ caches: stores, client: remembering(parts), isGuarded: () => isGuarded, ownerOf });
  return {
    ...NO_DEPLOYMENT,
    see(version, backend): VersionSeen {
      const object = backend.kind === "found" ? stores.pods.get(NAMESPACE, version) : undefined;
      const { ready, wanted, revision } = { ready: 0, wanted: 0, revision: "", ...(object as { readonly ready?: number; readonly wanted?: number; readonly revision?: string } | undefined) };
      return { version, backend, readyPods: ready, wantedPods: wanted, revision, workloads: [`reviews-${version}`], pods: [] };
    },
  };
}

function refOf({ metadata }: KubernetesObject): RolloutRef {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}
