/** A whole world in memory for one Rollout: API objects, mesh, pods, metrics, clock; and a log of what happened in it. */
import type { Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import type { VersionSeen } from "../../src/rollout/observation.ts";
import { COMMAND_ANNOTATION, EPOCH_ANNOTATION, type Rollout, type RolloutMetadata } from "../../src/rollout/rollout.ts";
import { RolloutSpec, type RolloutSpecInput } from "../../src/rollout/spec.ts";
import { type Notified, RolloutStatus } from "../../src/rollout/status.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import { reconcile, type Result } from "../../src/reconciler/reconcile.ts";
import type { Ports } from "../../src/reconciler/ports.ts";
import { createFakeRouter, type FakeRouter } from "./fake-router.ts";
import { aDestinationRule, aTarget, aVirtualService, NAMESPACE, subsets, type Split } from "./istio-objects.ts";
import { isEqual } from "../../src/rollout/equal.ts";

export const NOON = Date.parse("2026-11-21T12:00:00.000Z");

export interface Pods {
  ready: number;
  wanted: number;
  revision: string;
}

export interface WorldOptions {
  readonly spec?: Partial<RolloutSpecInput>;
  readonly split?: Split;
  readonly virtualService?: KubernetesObject;
}

/** How a version answers: the share of bad requests, and how many there are between two looks; or what the provider says instead. */
export type Answers = { readonly bad: number; readonly requests: number } | "noData" | "error" | "unanswered";

export interface World {
  readonly ports: Ports;
  readonly router: FakeRouter;
  readonly log: readonly string[];
  nowMs: number;
  readonly pods: Record<string, Pods>;
  answers: Answers;
  crdIsCurrent: boolean;
  /** Called around each write of ours: throws where the daemon dies there (before it, or after it with the answer lost). */
  faults: { before(): void; after(): void };
  rollout(): Rollout;
  status(): RolloutStatus;
  spec(change: Partial<RolloutSpecInput>, manager?: string): void;
  command(text: string): void;
  delete(): void;
  /** A foreign write of the route's weights. */
  hand(split: Split, manager?: string): void;
  /** Points by version, in the route's order. */
  route(): Record<string, number | null>;
  stamp(): string | undefined;
  note(text: string): void;
  tick(signal?: AbortSignal): Promise<Result>;
  /** Ticks as the scheduler would, until `done` or the time is over; a tick is due at its requeue, or after a change at once. */
  run(forMs: number, done?: () => boolean): Promise<void>;
}

const defaults: RolloutSpecInput = { release: "v3", traffic: aTarget() };

/** Begins with reviews v2 at 100 and v3 at 0, both with two ready pods, and requests that all succeed. */
export function aWorld(options: WorldOptions = {}): World {
  const log: string[] = [];
  const virtualService = options.virtualService ?? aVirtualService({ http: [{ route: subsets(options.split ?? { v2: 100, v3: 0 }) }] });
  let metadata: RolloutMetadata = { namespace: NAMESPACE, name: "reviews", uid: "uid-1", generation: 1, resourceVersion: "1", creationTimestamp: "2026-11-21T12:00:00Z", finalizers: [], annotations: {}, specManager: "kubectl" };
  let spec: RolloutSpecInput = { ...defaults, ...options.spec };
  let status: RolloutStatus | undefined;
  let gone = false;
  let born = false;

  const world: World = {
    nowMs: NOON,
    log,
    pods: {},
    answers: { bad: 0, requests: 100 },
    crdIsCurrent: true,
    faults: { before: () => undefined, after: () => undefined },
    ports: undefined as unknown as Ports,
    router: undefined as unknown as FakeRouter,
    rollout: () => ({ metadata, spec: RolloutSpec.parse(spec), ...(status ? { status } : {}), statusIsNewer: false }),
    status: () => {
      if (!status) throw new Error("the Rollout has no status yet");
      return status;
    },
    spec(change, manager = "kubectl") {
      spec = { ...spec, ...change };
      say("spec", `${JSON.stringify(change)} by ${manager}`);
      bump({ generation: metadata.generation + 1, specManager: manager });
    },
    command(text) {
      say("command", text);
      bump({ annotations: { ...metadata.annotations, [COMMAND_ANNOTATION]: text } });
    },
    delete() {
      say("delete", metadata.name);
      if (metadata.finalizers.length === 0) gone = true;
      bump({ deletionTimestamp: new Date(world.nowMs).toISOString() });
    },
    hand(split, manager = "kubectl-edit") {
      say("hand", `${shown(split)} by ${manager}`);
      world.router.cluster.edit("virtualServices", NAMESPACE, "reviews", manager, (object) => withSplit(object, split));
    },
    route: () => splitOf(world.router.cluster.caches.virtualServices.get(NAMESPACE, "reviews")!),
    stamp: () => world.router.cluster.caches.virtualServices.get(NAMESPACE, "reviews")?.metadata.annotations?.[EPOCH_ANNOTATION],
    note: (text) => void log.push("", `# ${text}`),
    tick: (signal = new AbortController().signal) => reconcile(metadata, world.ports, signal),
    async run(forMs, done = () => false) {
      const endMs = world.nowMs + forMs;
      for (let ticks = 0; world.nowMs <= endMs && !done() && !gone; ticks++) {
        if (ticks > 10_000) throw new Error(`the world spins: ${log.slice(-5).join("\n")}`);
        const before = fingerprint();
        const { requeueAtMs } = await world.tick().catch((error: unknown): Result => {
          if (!(error instanceof Conflict) && !(error instanceof Died)) throw error;
          return { requeueAtMs: world.nowMs + 1_000 };
        });
        if (before !== fingerprint()) continue;
        world.nowMs = Math.max(world.nowMs + 1, Math.min(requeueAtMs ?? endMs + 1, endMs + 1));
      }
      world.nowMs = Math.min(world.nowMs, endMs);
    },
  };

  const say = (what: string, text: string): void => void log.push(`${new Date(world.nowMs).toISOString().slice(11, 23)} ${what.padEnd(8)} ${text}`);
  const bump = (change: Partial<RolloutMetadata>): void => {
    metadata = { ...metadata, ...change, resourceVersion: String(Number(metadata.resourceVersion) + 1) };
  };
  const fingerprint = (): string => `${metadata.resourceVersion} ${JSON.stringify(world.router.cluster.caches.virtualServices.get(NAMESPACE, "reviews")?.metadata.resourceVersion)}`;
  const router = createFakeRouter({ nowMs: () => (born ? world.nowMs : NOON - 3_600_000), virtualService, destinationRule: aDestinationRule({ versions: ["v1", "v2", "v3", "v4"] }) });
  born = true;
  for (const version of ["v1", "v2", "v3", "v4"]) world.pods[version] = { ready: 2, wanted: 2, revision: `r1-${version}` };

  const ports: Ports = {
    clock: { nowMs: () => world.nowMs, skewMs: () => undefined },
    rollouts: {
      get: () => (gone ? undefined : structuredClone(world.rollout())),
      async updateStatus(rollout, next) {
        world.faults.before();
        if (rollout.metadata.resourceVersion !== metadata.resourceVersion) throw new Conflict("the Rollout has changed");
        RolloutStatus.parse(next);
        if (!isEqual(status, next)) {
          say("status", summary(next));
          status = structuredClone(next);
          bump({});
        }
        world.faults.after();
        return structuredClone(world.rollout());
      },
      async setFinalizer(_, present) {
        bump({ finalizers: present ? ["weir.dev/traffic"] : [] });
        if (!present && metadata.deletionTimestamp) gone = true;
      },
      async replaceCommand(_, expected, value) {
        if (metadata.annotations[COMMAND_ANNOTATION] !== expected) throw new Conflict("the command has changed");
        const { [COMMAND_ANNOTATION]: __, ...others } = metadata.annotations;
        if (value !== null) say("stamped", value);
        bump({ annotations: value === null ? others : { ...others, [COMMAND_ANNOTATION]: value } });
      },
      crdIsCurrent: () => world.crdIsCurrent,
    },
    traffic: {
      read: (rollout, target, versions) => router.read(rollout, target, versions),
      async write(change) {
        world.faults.before();
        const written = await router.write(change);
        say("route", `${shown(world.route())}${change.stamp ? ` stamp ${change.stamp}` : " no stamp"}`);
        world.faults.after();
        return written;
      },
    },
    workload: {
      see: (version, backend): VersionSeen => {
        const { ready, wanted, revision } = world.pods[version] ?? { ready: 0, wanted: 0, revision: "" };
        return { version, backend, readyPods: ready, wantedPods: wanted, revision, workloads: [`reviews-${version}`], pods: [] };
      },
    },
    metrics: { measure: async (question, signal) => measured(question, world.answers, signal) },
    outbox: {
      async add(notice, target) {
        const known = delivered.find((one) => one.target === target && one.seq >= notice.seq);
        if (known) return;
        say("notify", `${target} ${notice.event}: ${notice.message}`);
        delivered.push({ target, seq: notice.seq, event: notice.event });
      },
      delivered: async () => delivered,
    },
    events: { record: (_, type, reason, message) => say("event", `${type} ${reason}: ${message}`) },
  };
  const delivered: Notified[] = [];
  return Object.assign(world, { ports, router });
}

/** The daemon's death, as a fault throws it. */
export class Died extends Error {
  override readonly name = "Died";
}

/** A provider that notes the counters at its first look in a step and counts from then on. */
function measured(question: Question, answers: Answers, signal: AbortSignal): Promise<Measurement> {
  const asked = { name: question.metric.name, instantMs: question.instantMs, query: `${question.metric.name}@${question.canary.version}` };
  if (answers === "unanswered") return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  if (answers === "error") return Promise.resolve({ ...asked, kind: "error", message: "Prometheus answered 503" });
  if (answers === "noData") return Promise.resolve({ ...asked, kind: "noData" });
  if (question.metric.query) return Promise.resolve({ ...asked, kind: "value", value: answers.bad });
  if (question.sinceMs === undefined) return Promise.resolve({ ...asked, kind: "base" });
  return Promise.resolve({ ...asked, kind: "counted", requests: answers.requests, bad: Math.round(answers.bad * answers.requests) });
}

function summary({ phase, reason, message, run, refused }: RolloutStatus): string {
  const checks = run?.checks.map((check) => `${check.name} ${check.verdict}${check.value ? ` ${check.value}` : ""} (${check.passes} passes, ${check.failuresInARow} failures in a row)`) ?? [];
  const parts = [`${phase}/${reason} ${run ? `run ${run.number} ${run.outcome ?? `step ${run.step + 1}/${run.ladder.length} at ${Number(run.weight.toFixed(1))}%`}` : "no run"}: ${message}`, ...checks, ...(refused ? [`refused ${refused.version} ${refused.revision}`] : [])];
  return parts.join("\n                      ");
}

function shown(split: Split): string {
  return Object.entries(split).map(([version, points]) => `${version} ${points ?? "unweighted"}`).join(", ");
}

interface Route {
  readonly spec: { readonly http: { route: { destination: { subset: string }; weight?: number }[] }[] };
}

function splitOf(object: KubernetesObject): Record<string, number | null> {
  const [http] = (object as unknown as Route).spec.http;
  return Object.fromEntries(http!.route.map(({ destination, weight }) => [destination.subset, weight ?? null]));
}

function withSplit(object: KubernetesObject, split: Split): KubernetesObject {
  (object as unknown as Route).spec.http[0]!.route = subsets(split) as unknown as Route["spec"]["http"][number]["route"];
  return object;
}
