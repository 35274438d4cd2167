/** A whole world in memory for one Rollout: API objects, mesh, pods, metrics, clock; and a log of what happened in it. */
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import type { Growth, Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import type { VersionSeen } from "../../src/rollout/observation.ts";
import { COMMAND_ANNOTATION, EPOCH_ANNOTATION, type Rollout, type RolloutMetadata } from "../../src/rollout/rollout.ts";
import { RolloutSpec, type RolloutSpecInput } from "../../src/rollout/spec.ts";
import { RolloutRunSpec, type RunRecord } from "../../src/rollout/rollout-run.ts";
import { type Notified, RolloutStatus } from "../../src/rollout/status.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import { reconcile, type Result } from "../../src/reconciler/reconcile.ts";
import type { Ports } from "../../src/reconciler/ports.ts";
import { createFakeRouter, type FakeRouter } from "./fake-router.ts";
import { aDestinationRule, aTarget, aVirtualService, NAMESPACE, subsets, type Split } from "./istio-objects.ts";
import { NO_DEPLOYMENT } from "../../src/workload/versions/versions-workload.ts";
import { isEqual } from "../../src/rollout/equal.ts";

const NOON = Date.parse("2026-11-21T12:00:00.000Z");

export interface Pods {
  ready: number;
  wanted: number;
  revision: string;
}

export interface WorldOptions {
  readonly spec?: Partial<RolloutSpecInput>;
  readonly split?: Split;
  readonly virtualService?: KubernetesObject;
  readonly destinationRule?: KubernetesObject;
  readonly service?: KubernetesObject;
  /** Instead of what `answers` says. */
  readonly metrics?: MetricProvider;
}

/** How a version answers: the share of bad requests, how many there are between two looks, and what own queries yield (default: the share), how stable answers meanwhile (default: one in a thousand is bad, and as many as its points stand for); or what the provider says instead. */
export type Answers = { readonly bad: number; readonly requests: number; readonly own?: number; readonly stable?: { readonly bad: number; readonly requests?: number } } | "noData" | "error" | "unanswered";

export interface World {
  readonly ports: Ports;
  readonly router: FakeRouter;
  readonly log: readonly string[];
  nowMs: number;
  readonly pods: Record<string, Pods>;
  answers: Answers;
  crdIsCurrent: boolean;
  /** Of ended runs, in the order in which they were written. */
  readonly records: readonly RunRecord[];
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
const VERSIONS = ["v1", "v2", "v3", "v4"];

/** What the API server holds of the Rollout, and what has been delivered. */
interface Stored {
  metadata: RolloutMetadata;
  spec: RolloutSpecInput;
  status: RolloutStatus | undefined;
  gone: boolean;
  readonly delivered: Notified[];
  readonly records: RunRecord[];
}

/** What every part of the world shares. */
interface Shared {
  readonly stored: Stored;
  readonly say: (what: string, text: string) => void;
  readonly bump: (change: Partial<RolloutMetadata>) => void;
}

/** Begins with reviews v2 at 100 and v3 at 0, all versions with two ready pods, and requests that all succeed. */
export function aWorld(options: WorldOptions = {}): World {
  const stored: Stored = { metadata: { ...METADATA }, spec: { ...defaults, ...options.spec }, status: undefined, gone: false, delivered: [], records: [] };
  const log: string[] = [];
  const clock = { nowMs: NOON - 3_600_000 };
  const virtualService = options.virtualService ?? aVirtualService({ http: [{ route: subsets(options.split ?? { v2: 100, v3: 0 }) }] });
  const destinationRule = options.destinationRule ?? aDestinationRule({ versions: VERSIONS });
  const router = createFakeRouter({ nowMs: () => clock.nowMs, virtualService, destinationRule, ...(options.service ? { service: options.service } : {}) });
  const place = virtualService.metadata.name;
  clock.nowMs = NOON;
  const shared: Shared = {
    stored,
    say: (what, text) => void log.push(`${new Date(clock.nowMs).toISOString().slice(11, 23)} ${what.padEnd(8)} ${text}`),
    bump: (change) => void (stored.metadata = { ...stored.metadata, ...change, resourceVersion: String(Number(stored.metadata.resourceVersion) + 1) }),
  };
  const pods = Object.fromEntries(subsetsOf(destinationRule).map((version) => [version, { ready: 2, wanted: 2, revision: `r1-${version}` }]));
  const world = Object.assign(clock, {
    log, router, pods,
    answers: { bad: 0, requests: 100 },
    crdIsCurrent: true,
    records: stored.records,
    faults: { before: () => undefined, after: () => undefined },
    note: (text: string) => void log.push("", `# ${text}`),
    ...looks(stored, router, place),
    ...hands(shared, router, { clock, place }),
  });
  const ports = { ...portsOf(world, shared), ...(options.metrics ? { metrics: options.metrics } : {}) };
  return Object.assign(world, { ports, ...ticks(world, ports, { stored, place }) });
}

const METADATA: RolloutMetadata = { namespace: NAMESPACE, name: "reviews", uid: "uid-1", generation: 1, resourceVersion: "1", creationTimestamp: "2026-11-21T12:00:00Z", finalizers: [], annotations: {}, specManager: "kubectl" };

function looks(stored: Stored, router: FakeRouter, place: string): Pick<World, "rollout" | "status" | "route" | "stamp"> {
  const virtualService = (): KubernetesObject => router.cluster.caches.virtualServices.get(NAMESPACE, place)!;
  return {
    rollout: () => ({ metadata: stored.metadata, spec: RolloutSpec.parse(stored.spec), ...(stored.status ? { status: stored.status } : {}), statusIsNewer: false }),
    status: () => {
      if (!stored.status) throw new Error("the Rollout has no status yet");
      return stored.status;
    },
    route: () => splitOf(virtualService()),
    stamp: () => virtualService().metadata.annotations?.[EPOCH_ANNOTATION],
  };
}

/** What people and their tools do. */
function hands({ stored, say, bump }: Shared, router: FakeRouter, { clock, place }: { clock: { nowMs: number }; place: string }): Pick<World, "spec" | "command" | "delete" | "hand"> {
  return {
    spec(change, manager = "kubectl") {
      stored.spec = { ...stored.spec, ...change };
      say("spec", `${JSON.stringify(change)} by ${manager}`);
      bump({ generation: stored.metadata.generation + 1, specManager: manager });
    },
    command(text) {
      say("command", text);
      bump({ annotations: { ...stored.metadata.annotations, [COMMAND_ANNOTATION]: text } });
    },
    delete() {
      say("delete", stored.metadata.name);
      stored.gone = stored.metadata.finalizers.length === 0;
      bump({ deletionTimestamp: new Date(clock.nowMs).toISOString() });
    },
    hand(split, manager = "kubectl-edit") {
      say("hand", `${shown(split)} by ${manager}`);
      router.cluster.edit("virtualServices", NAMESPACE, place, manager, (object) => withSplit(object, split));
    },
  };
}

type Seen = Omit<World, "ports" | "tick" | "run">;

function ticks(world: Seen, ports: Ports, { stored, place }: { stored: Stored; place: string }): Pick<World, "tick" | "run"> {
  const fingerprint = (): string => `${stored.metadata.resourceVersion} ${world.router.cluster.caches.virtualServices.get(NAMESPACE, place)?.metadata.resourceVersion}`;
  const tick: World["tick"] = (signal = new AbortController().signal) => reconcile(stored.metadata, ports, signal);
  /** A conflict or a death is a tick a second later, by whichever daemon. */
  const tried = (): Promise<Result> =>
    tick().catch((error: unknown) => {
      if (!(error instanceof Conflict) && !(error instanceof Died)) throw error;
      return { requeueAtMs: world.nowMs + 1_000 };
    });
  return {
    tick,
    async run(forMs, done = () => false) {
      const endMs = world.nowMs + forMs;
      for (let count = 0; world.nowMs <= endMs && !done() && !stored.gone; count++) {
        if (count > 10_000) throw new Error(`the world spins: ${world.log.slice(-5).join("\n")}`);
        const before = fingerprint();
        const { requeueAtMs } = await tried();
        if (before !== fingerprint()) continue;
        world.nowMs = Math.max(world.nowMs + 1, Math.min(requeueAtMs ?? endMs + 1, endMs + 1));
      }
      world.nowMs = Math.min(world.nowMs, endMs);
    },
  };
}

function portsOf(world: Seen, shared: Shared): Ports {
  const { stored, say } = shared;
  return {
    clock: { nowMs: () => world.nowMs, skewMs: () => undefined },
    rollouts: rolloutsOf(world, shared),
    traffic: {
      ...world.router,
      read: (rollout, target, versions) => world.router.read(rollout, target, versions),
      async write(change) {
        world.faults.before();
        const written = await world.router.write(change);
        say("route", `${shown(world.route())}${change.stamp ? ` stamp ${change.stamp}` : " no stamp"}`);
        world.faults.after();
        return written;
      },
    },
    workload: {
      ...NO_DEPLOYMENT,
      see: (version, backend): VersionSeen => {
        const known = backend.kind === "found" ? world.pods[version] : undefined;
        const { ready, wanted, revision } = known ?? { ready: 0, wanted: 0, revision: "" };
        return { version, backend, readyPods: ready, wantedPods: wanted, revision, workloads: known ? [`reviews-${version}`] : [], pods: [] };
      },
    },
    metrics: { measure: async (question, signal) => measured(question, world, signal) },
    outbox: {
      async add(notice, target) {
        if (stored.delivered.some((one) => one.target === target && one.seq >= notice.seq)) return;
        say("notify", `${target} ${notice.event}: ${notice.message}`);
        stored.delivered.push({ target, seq: notice.seq, event: notice.event });
      },
      delivered: async () => stored.delivered,
    },
    events: { record: (_, type, reason, message) => say("event", `${type} ${reason}: ${message}`) },
  };
}

function rolloutsOf(world: Seen, { stored, say, bump }: Shared): Ports["rollouts"] {
  return {
    get: () => (stored.gone ? undefined : structuredClone(world.rollout())),
    async updateStatus(rollout, next) {
      world.faults.before();
      if (rollout.metadata.resourceVersion !== stored.metadata.resourceVersion) throw new Conflict("the Rollout has changed");
      RolloutStatus.parse(next);
      if (!isEqual(stored.status, next)) {
        say("status", summary(next));
        stored.status = structuredClone(next);
        bump({});
      }
      world.faults.after();
      return structuredClone(world.rollout());
    },
    async keepRecord(_, record) {
      world.faults.before();
      RolloutRunSpec.parse(record.spec);
      if (stored.records.some(({ name }) => name === record.name)) return undefined;
      say("record", `${record.name} ${record.spec.outcome}: ${record.spec.message}`);
      stored.records.push(structuredClone(record));
      world.faults.after();
      return undefined;
    },
    async setFinalizer(_, present) {
      bump({ finalizers: present ? ["weir.dev/traffic"] : [] });
      stored.gone = !present && stored.metadata.deletionTimestamp !== undefined;
    },
    async replaceCommand(_, expected, value) {
      const { [COMMAND_ANNOTATION]: current, ...others } = stored.metadata.annotations;
      if (current !== expected) throw new Conflict("the command has changed");
      if (value !== null) say("stamped", value);
      bump({ annotations: value === null ? others : { ...others, [COMMAND_ANNOTATION]: value } });
    },
    crdIsCurrent: () => world.crdIsCurrent,
  };
}

/** The daemon's death, as a fault throws it. */
export class Died extends Error {
  override readonly name = "Died";
}

/** A provider that notes the counters at its first look in a step and counts from then on. */
function measured(question: Question, { answers, route }: Pick<World, "answers" | "route">, signal: AbortSignal): Promise<Measurement> {
  const asked = { name: question.metric.name, instantMs: question.instantMs, query: `${question.metric.name}@${question.canary.version}` };
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  if (answers === "unanswered") return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  if (answers === "error") return Promise.resolve({ ...asked, kind: "error", message: "Prometheus answered 503" });
  if (answers === "noData") return Promise.resolve({ ...asked, kind: "noData" });
  if (question.metric.query) return Promise.resolve({ ...asked, kind: "value", value: answers.own ?? answers.bad });
  const counts = { requests: answers.requests, bad: Math.round(answers.bad * answers.requests) };
  const grown = { ...asked, growth: growthOf(question, counts, answers.stable, routeIn(route)) };
  if (question.sinceMs === undefined) return Promise.resolve({ ...grown, kind: "base" });
  if (question.sinceMs < question.inForceAtMs) return Promise.resolve({ ...grown, kind: "noData" }); // counters of another weight tell nothing
  return Promise.resolve({ ...grown, kind: "counted", ...counts });
}

/** A mangled route has no points that tell anything. */
function routeIn(route: World["route"]): Split {
  try {
    return route();
  } catch {
    return {};
  }
}

function growthOf({ evidenceSinceMs = 0, inForceAtMs, canary: { version }, stable }: Question, canary: { requests: number; bad: number }, answered: Exclude<Answers, string>["stable"], route: Split): Growth {
  const requests = answered?.requests ?? Math.round((canary.requests * (route[stable.version] ?? 0)) / (route[version] || 1));
  return { sinceMs: evidenceSinceMs, reporter: "source", inStep: evidenceSinceMs >= inForceAtMs, canary, stable: { requests, bad: Math.round(requests * (answered?.bad ?? 0.001)) } };
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
  const http = (object as unknown as Route).spec.http.at(-1)!;
  return Object.fromEntries(http.route.map(({ destination, weight }) => [destination.subset, weight ?? null]));
}

function withSplit(object: KubernetesObject, split: Split): KubernetesObject {
  (object as unknown as Route).spec.http.at(-1)!.route = subsets(split) as unknown as Route["spec"]["http"][number]["route"];
  return object;
}

function subsetsOf(destinationRule: KubernetesObject): string[] {
  const { subsets: named } = destinationRule["spec"] as { readonly subsets: readonly { readonly name: string }[] };
  return named.map(({ name }) => name);
}
