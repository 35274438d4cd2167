/** What an onlooker knows of a world who sees the API objects' history, the requests that arrive, and the mesh: nothing of this is Weir's own reckoning. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { isPickedOut } from "../../../src/rollout/ladder.ts";
import { COMMAND_ANNOTATION, EPOCH_ANNOTATION } from "../../../src/rollout/rollout.ts";
import { RolloutSpec } from "../../../src/rollout/spec.ts";
import type { RolloutStatus, Run } from "../../../src/rollout/status.ts";
import type { Notice } from "../../../src/rollout/notice.ts";
import type { ApiServer, ObjectVersion } from "./api-server.ts";
import type { DaemonScene, Scene } from "./history.ts";
import type { Arrival, Errand } from "./network.ts";
import type { Answered } from "./prometheus.ts";
import { CANARY_SIDE, STABLE_SIDE } from "../../../src/rollout/deployment.ts";
import { standings } from "./deployment.ts";
import { PLAIN, pointsByVersion } from "./route-points.ts";
import { EDGE, NAME } from "./names.ts";
import type { WorldClock } from "./world-clock.ts";

/** A daemon's status writes that the server took, and how often it has done what on the strength of them: two of its ticks may go on at once. */
export interface Commits {
  /** The newest is the last. */
  readonly rollouts: KubernetesObject[];
  readonly done: Map<Errand, number>;
}

/** A run's wish about the route, as it was first committed. */
export interface Intent {
  readonly uid: string;
  readonly run: number;
  readonly epoch: number;
  readonly weight: number;
  readonly isMatched: boolean;
  /** Percentage of the requests that it has copied. */
  readonly mirrored: number;
  /** The least points that anybody can have seen when it was decided. */
  readonly pointsBefore: number;
  /** When Weir wrote the route with its stamp. */
  shownAtMs?: number;
}

/** How many pods of a version were ready, and from when on. */
export interface PodsThen {
  readonly atMs: number;
  readonly version: string;
  readonly ready: number;
  readonly wanted: number;
  readonly revision: string;
}

export interface CommandGiven {
  readonly id: string;
  readonly verb: string;
  readonly run: number;
  readonly atMs: number;
}

/** How the world really is. */
export interface Truth {
  badShare(version: string): number;
  /** In force in the mesh, from 0 to 1. */
  shares(): Readonly<Record<string, number>>;
  perSecond(): number;
  /** True while some version answers badly or lacks pods, or Prometheus is not well. */
  isAnythingWrong(): boolean;
  /** For how long no server, daemon or watch has been in trouble; Redis does not count (law 1). */
  wellForMs(): number;
  /** The same, whatever Prometheus does. */
  controlForMs(): number;
  /** For how long a daemon has known that its CRD is older than it; 0 while it is not. */
  hasSeenOldCrdForMs(author: string): number;
  /** Requests so far that led to nobody, or reached a canary's pods by a destination that was meant for all others. */
  strayed(): { readonly lost: number; readonly astray: number };
  /** Somebody's deed may be why, and the daemons need not have seen it yet. */
  isDisturbed(): boolean;
  /** The route and its rule are there, and can be edited. */
  isRouteSound(): boolean;
}

export interface Facts {
  readonly scene: Scene;
  readonly clock: WorldClock;
  readonly server: ApiServer;
  readonly truth: Truth;
  readonly commits: Map<string, Commits>;
  readonly intents: Map<string, Intent>;
  readonly routes: ObjectVersion[];
  readonly rollouts: ObjectVersion[];
  readonly answers: Answered[];
  readonly pods: PodsThen[];
  readonly commands: Map<string, CommandGiven>;
  readonly deliveries: Notice[];
  /** When each daemon began its ticks. */
  readonly ticks: Map<string, number[]>;
  /** When the newest request of a daemon arrived. */
  lastArrivalMs: number;
  /** Everything is over, and only quiet is left. */
  isResting: boolean;
}

export function isDaemon(facts: Pick<Facts, "scene">, author: string): boolean {
  return daemonOf(facts, author) !== undefined;
}

/** Each life of a daemon writes under its own name: `weir-a.2`. */
export function daemonOf({ scene }: Pick<Facts, "scene">, author: string): DaemonScene | undefined {
  return scene.daemons.find(({ name }) => author.startsWith(`${name}.`));
}

export function statusOf(object: KubernetesObject | undefined): RolloutStatus | undefined {
  return object?.["status"] as RolloutStatus | undefined;
}

export function runOf(object: KubernetesObject | undefined): Run | undefined {
  return statusOf(object)?.run;
}

const specs = new WeakMap<object, RolloutSpec | undefined>();

/** With its defaults; undefined where it does not parse. */
export function specOf(object: KubernetesObject): RolloutSpec | undefined {
  const written = object["spec"] as object;
  if (!specs.has(written)) specs.set(written, RolloutSpec.safeParse(written).data);
  return specs.get(written);
}

export function stampOf(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata.annotations?.[EPOCH_ANNOTATION];
}

export function commandIn(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata.annotations?.[COMMAND_ANNOTATION];
}

export function stampFor(uid: string | undefined, { number, epoch }: Pick<Run, "number" | "epoch">): string {
  return `${uid}/${number}.${epoch}`;
}

/** The points of a run's two versions. */
export function splitIn(route: KubernetesObject | undefined, { from, to, deployment }: Pick<Run, "from" | "to" | "deployment">): { readonly stable: number; readonly canary: number; readonly total: number } {
  const points = route ? pointsByVersion(route) : {};
  const [stable, canary] = deployment === undefined ? [points[from.version] ?? 0, points[to.version] ?? 0] : [(points[STABLE_SIDE] ?? 0) + (points[PLAIN] ?? 0), points[CANARY_SIDE] ?? 0];
  return { stable, canary, total: stable + canary };
}

/** floor(S·w/100), at least 1 if w > 0 (law 4). */
export function pointsOfShare(weightPercent: number, total: number): number {
  return weightPercent <= 0 || total <= 0 ? 0 : Math.max(1, Math.floor((total * weightPercent) / 100 + 1e-6));
}

/** Keeps the facts up to date, before any law looks at what happened. */
export function createFacts({ scene, server, clock }: Pick<Facts, "scene" | "server" | "clock">, truth: Truth): Facts & { see(version: ObjectVersion): void; arrive(arrival: Arrival): void } {
  const facts: Facts = {
    scene, server, clock, truth,
    commits: new Map(), intents: new Map(), routes: [], rollouts: [], answers: [], pods: [], commands: new Map(), deliveries: [], ticks: new Map(),
    lastArrivalMs: 0,
    isResting: false,
  };
  if (scene.deployment) seeStandings(facts, 0);
  else for (const object of server.all("pods")) seePods(facts, object, 0);
  for (const object of server.all("virtualServices").filter(({ metadata }) => metadata.name === NAME)) seeRoute(facts, { kind: "virtualServices", type: "added", object, author: "kubectl", manager: "kubectl", atMs: 0 });
  return Object.assign(facts, {
    see(version: ObjectVersion) {
      if (isOfRoute(version)) seeRoute(facts, version);
      if (version.kind === "rollouts") seeRollout(facts, version);
      if (scene.deployment) seeStandings(facts, version.atMs);
      else if (version.kind === "pods") seePods(facts, version.object, version.atMs);
    },
    arrive({ author, errand, object, atMs }: Arrival) {
      facts.lastArrivalMs = atMs;
      if (errand !== "status" || !object) return;
      const commits = facts.commits.get(author) ?? { rollouts: [], done: new Map<Errand, number>() };
      commits.rollouts.push(object);
      facts.commits.set(author, commits);
    },
  });
}

/** The VirtualService by which requests are sent. */
export function isOfRoute({ kind, object }: Pick<ObjectVersion, "kind" | "object">): boolean {
  return kind === "virtualServices" && object.metadata.name === NAME;
}

/** The one that moves along. */
export function isOfEdge({ kind, object }: Pick<ObjectVersion, "kind" | "object">): boolean {
  return kind === "virtualServices" && object.metadata.name === EDGE;
}

function seeRoute(facts: Facts, version: ObjectVersion): void {
  facts.routes.push(version);
  const intent = facts.intents.get(stampOf(version.object) ?? "");
  if (intent && isDaemon(facts, version.author)) intent.shownAtMs ??= version.atMs;
}

function seeRollout(facts: Facts, version: ObjectVersion): void {
  facts.rollouts.push(version);
  const run = runOf(version.object);
  const uid = version.object.metadata.uid!;
  if (!run || run.outcome) return;
  const key = stampFor(uid, run);
  if (!facts.intents.has(key)) facts.intents.set(key, { uid, run: run.number, epoch: run.epoch, weight: run.weight, isMatched: isPickedOut(run), mirrored: run.mirrored ?? 0, pointsBefore: leastPoints(facts, uid, run, version.atMs) });
}

/** A watch may lag by as much as its longest stall, and a frozen daemon by as much as it slept. */
export const OLDEST_VIEW_MS = 130_000;

/** In the routes that somebody may have taken for the newest: since the intent before was shown, or as long ago as caches lag. */
function leastPoints({ routes, intents }: Facts, uid: string, run: Run, nowMs: number): number {
  const shownAtMs = intents.get(stampFor(uid, { number: run.number, epoch: run.epoch - 1 }))?.shownAtMs;
  const sinceMs = shownAtMs ?? nowMs - OLDEST_VIEW_MS;
  const recent = routes.filter(({ atMs }, index) => atMs >= sinceMs || (routes[index + 1]?.atMs ?? Infinity) > sinceMs);
  return Math.min(...recent.map(({ object }) => splitIn(object, run).canary));
}

/** What a daemon had committed when it last did so. */
export function committedBy({ commits }: Pick<Facts, "commits">, author: string): KubernetesObject | undefined {
  return commits.get(author)?.rollouts.at(-1);
}

/** Of a Deployment's versions. */
function seeStandings(facts: Facts, atMs: number): void {
  const now = standings(facts.server);
  const gone = [...new Set(facts.pods.map(({ version }) => version))].filter((version) => !now.has(version));
  for (const version of gone) noteStanding(facts, { atMs, version, ready: 0, wanted: 0, revision: "" });
  for (const [version, standing] of now) noteStanding(facts, { atMs, version, ...standing });
}

function noteStanding({ pods }: Facts, then: PodsThen): void {
  const before = pods.findLast(({ version }) => version === then.version);
  if (before?.ready !== then.ready || before.wanted !== then.wanted) pods.push(then);
}

function seePods(facts: Facts, object: KubernetesObject, atMs: number): void {
  const { ready, wanted, revision } = object as unknown as { readonly ready: number; readonly wanted: number; readonly revision: string };
  facts.pods.push({ atMs, version: object.metadata.name, ready, wanted, revision });
}
