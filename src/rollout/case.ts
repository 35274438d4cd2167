/** One tick's case: the Rollout and the observation, read into what the rules ask about. */
import { hasFailed } from "./analysis/judge.ts";
import type { Command } from "./command.ts";
import { followerIn } from "./spec-followers.ts";
import { isPickedOut, pointsFor, shareOf } from "./ladder.ts";
import type { DestinationSeen, MirrorSeen, Observation, RouteFound, VersionSeen } from "./observation.ts";
import { ROUTE_MANAGER, type ValidRollout } from "./rollout.ts";
import type { Metric, RolloutSpec } from "./spec.ts";
import type { Check, RolloutStatus, Run, VersionRevision } from "./status.ts";
import { instantOf, msOf } from "./units.ts";

/** Shares of whole points are told as floating-point percentages. */
const SHARE_ROUNDING = 1e-6;

/** How stable and canary share the points that are theirs. */
export interface Split {
  /** What all the others leave of 100. */
  readonly total: number;
  readonly canary: number;
  /** What the two have now: the total, but on a route that is to be mended. */
  readonly held: number;
  readonly hasCanary: boolean;
  /** True where the route is one destination without a weight. */
  readonly unweighted: boolean;
}

export interface Case {
  readonly rollout: ValidRollout;
  readonly spec: RolloutSpec;
  readonly status: RolloutStatus;
  readonly seen: Observation;
  readonly nowMs: number;
  readonly observing: boolean;
  /** The run that goes on, with edits of the spec and new evidence taken in. */
  readonly run?: Run;
  /** The run that ended last. */
  readonly ended?: Run;
  readonly inbox: Inbox;
  /** The command in the inbox, if it is to be obeyed. */
  readonly command?: Command;
}

export type Inbox =
  | { readonly kind: "empty" }
  /** Typed by hand: to be replaced by `stamped` before it is obeyed. */
  | { readonly kind: "bare"; readonly text: string; readonly stamped: string }
  | { readonly kind: "accepted"; readonly text: string; readonly command: Command }
  | { readonly kind: "refused"; readonly text: string; readonly command: RefusedCommand; readonly message: string }
  /** Acknowledged already: only to be taken away. */
  | { readonly kind: "answered"; readonly text: string };

export interface RefusedCommand {
  readonly id: string;
  readonly verb: string;
  readonly run: number;
  readonly actor: string;
  readonly reason?: string;
}

/** As much of a case as a question about the route needs. */
export interface OnRoute {
  readonly rollout: ValidRollout;
  readonly seen: Pick<Observation, "route"> & Partial<Pick<Observation, "nowMs" | "versions" | "deployment" | "sides">>;
}

/** What a question about the route alone needs. */
export interface RouteLook {
  readonly seen: Pick<Observation, "route">;
}

/** The route, where it is as it must be. */
export function routeOf(it: RouteLook): RouteFound | undefined {
  return it.seen.route.kind === "found" ? it.seen.route : undefined;
}

/** The route, also where somebody mangled it and a write may make it whole: traffic is taken back even there (law 5). */
export function editableOf({ seen: { route } }: RouteLook): RouteFound | undefined {
  return route.kind === "found" ? route : route.mendable;
}

/** Where several routes move together, the one that gives the canary least: a hand that lowers it in one of them has lowered it (law 12). */
export function splitOf(route: RouteFound, stable: string, canary: string): Split {
  return splitsOf(route, stable, canary).reduce((least, split) => (split.canary < least.canary ? split : least));
}

/** Of each of the routes that move together; nearly always one. */
export function splitsOf(route: RouteFound, stable: string, canary: string): readonly Split[] {
  return lanesOf(route).map((destinations) => splitOfLane(destinations, stable, canary));
}

export function lanesOf({ destinations, along = [] }: RouteFound): readonly (readonly DestinationSeen[])[] {
  return [destinations, ...along.map((lane) => lane.destinations)];
}

function splitOfLane(destinations: readonly DestinationSeen[], stable: string, canary: string): Split {
  const pointsOf = (isMeant: (version: string) => boolean): number => destinations.reduce((sum, { version, points }) => (isMeant(version) ? sum + points : sum), 0);
  const isOurs = (version: string): boolean => version === stable || version === canary;
  return {
    total: 100 - pointsOf((version) => !isOurs(version)),
    canary: pointsOf((version) => version === canary),
    held: pointsOf(isOurs),
    hasCanary: destinations.some(({ version }) => version === canary),
    unweighted: destinations.length === 1 && !destinations[0]!.weighted,
  };
}

/** The split of a run's two versions that gives the canary least, where the route can be edited. */
export function splitOfRun(it: RouteLook, run: Run): Split | undefined {
  const route = editableOf(it);
  return route && splitOf(route, run.from.version, run.to.version);
}

/** Of each of the routes that move together. */
export function splitsOfRun(it: RouteLook, run: Run): readonly Split[] {
  const route = editableOf(it);
  return route ? splitsOf(route, run.from.version, run.to.version) : [];
}

export function versionSeen(it: Pick<Case, "seen">, version: string): VersionSeen {
  return it.seen.versions[version] ?? { version, backend: { kind: "missing", message: `version ${version} was not looked at` }, readyPods: 0, wantedPods: 0, revision: "", workloads: [], pods: [] };
}

/** Of a version that nobody can answer for, as the end of a sentence: what it lacks, and where that was looked for. */
export function absenceSaid({ backend, podProblem }: VersionSeen): string {
  if (backend.kind === "missing") return `nothing behind it (${backend.message})`;
  return `no ready pod${podProblem ? ` (${podProblem})` : ""}`;
}

/** The hash of what runs behind a version; while no pod has been ready the last known one stays. */
function revisionOf(it: Pick<Case, "seen" | "status">, version: string): string {
  const known = [it.status.observedRevision, it.status.run?.to, it.status.stable, it.status.run?.from, it.status.refused];
  return versionSeen(it, version).revision || (known.find((one) => one?.version === version)?.revision ?? "");
}

export function present(it: Pick<Case, "seen" | "status">, version: string): VersionRevision {
  return { version, revision: revisionOf(it, version) };
}

/** `weir.dev/epoch` of the run's present intent. */
export function stampOf(it: Pick<OnRoute, "rollout">, run: Run): string {
  return `${it.rollout.metadata.uid}/${run.number}.${run.epoch}`;
}

/** True where any of the objects that move together bears one: something of ours is left to take away. */
export function isOurStamp(it: Pick<OnRoute, "rollout">, route: RouteFound): boolean {
  return objectsOf(route).some(({ stamp }) => stamp?.startsWith(`${it.rollout.metadata.uid}/`) ?? false);
}

/** A question about the route of a run. */
export interface OfRun<Look extends RouteLook> {
  readonly it: Look;
  readonly run: Run;
}

/** What the run's end leaves to be written is asked about each object as if it were the only one. */
export function apart<Look extends RouteLook>(it: Look, run: Run): readonly OfRun<Look>[] {
  const parts = editableOf(it)?.parts;
  if (!parts) return [{ it, run }];
  return parts.map((part) => {
    const route = part.trouble ? { ...part.trouble, mendable: part } : part;
    const versionIn = (all: string | undefined): string | undefined => all?.split(",")[part.at];
    const { mirrored, ...rest } = run;
    const own = mirrored === undefined || followerIn(part.target) ? rest : run; // copies were made of its callers' requests alone
    return { it: { ...it, seen: { ...it.seen, route } }, run: { ...own, target: part.target, endedFrom: versionIn(run.endedFrom), shownAt: versionIn(run.shownAt) } };
  });
}

/** What is written by one write each: nearly always the route itself. */
function objectsOf(route: RouteFound): readonly RouteFound[] {
  return route.parts ?? [route];
}

/** True once the route, with all of its objects, has shown the run's present intent: what differs since then is somebody else's doing. */
export function isShown(it: OnRoute, run: Run): boolean {
  if (run.inForceAt !== undefined || run.epoch === 0) return true;
  const route = editableOf(it);
  return route !== undefined && objectsOf(route).every(({ stamp }) => stamp === stampOf(it, run));
}

/** Those of several objects that do not show the run's present intent although others do: a write failed between them. */
export function unwrittenOf(it: OnRoute, run: Run): readonly RouteFound[] {
  const route = editableOf(it);
  const objects = route ? objectsOf(route) : [];
  const unwritten = objects.filter(({ stamp }) => stamp !== stampOf(it, run));
  return unwritten.length < objects.length ? unwritten : [];
}

/**
 * True where the cached route is older than one in which the run's intent has been seen, by another daemon: what differs is what has not
 * arrived yet, and nobody's doing. Resource versions are compared as numbers, as Kubernetes allows within one resource (KEP-5504).
 */
export function isBehind(it: OnRoute, { shownAt }: Run): boolean {
  const seen = editableOf(it)?.resourceVersion;
  return shownAt !== undefined && seen !== undefined && isOlder(seen, shownAt);
}

/** Of several objects, where one of them is older. False where either is no number, or they are not of as many objects. */
export function isOlder(resourceVersion: string, other: string): boolean {
  const [ones, others] = [resourceVersion.split(","), other.split(",")];
  const isNumber = (text: string): boolean => /^\d+$/.test(text);
  return ones.length === others.length && ones.some((one, at) => isNumber(one) && isNumber(others[at]!) && BigInt(one) < BigInt(others[at]!));
}

/** When the run's weight came into force (law 9): API server's time of the write, whole seconds rounded up, plus propagation. */
export function inForceAtMs(it: Pick<Case, "rollout" | "seen" | "spec">, run: Run): number | undefined {
  if (run.inForceAt !== undefined) return instantOf(run.inForceAt);
  if (!isShown(it, run)) return undefined;
  const written = routeWrittenMs(it);
  const setMs = run.epoch === 0 || written === undefined ? instantOf(run.startedAt) : written + 1_000;
  return setMs + msOf(it.spec.strategy.propagation);
}

/** API server's time of the route's last write of ours, whole seconds; of several objects the latest one. Undefined: nobody is known to have written it. */
export function routeWrittenMs(it: RouteLook): number | undefined {
  const route = editableOf(it);
  const times = route ? objectsOf(route).flatMap(({ writers }) => writtenMs(writers) ?? []) : [];
  return times.length > 0 ? Math.max(...times) : undefined;
}

/** Whoever edits anything in spec.http since owns the whole of it, and our time is gone with our entry: then theirs, which is later. */
function writtenMs(writers: RouteFound["writers"]): number | undefined {
  return (writers.find(({ manager }) => manager === ROUTE_MANAGER) ?? writers[0])?.atMs;
}

/** The share that the route should show for the run, in its points of now. */
export function wantedPoints(run: Run, split: Split): number {
  return pointsFor(run.weight, split.total);
}

/** What is missing before a version may carry a share; undefined when it is ready. */
export function notReadyFor(it: Pick<Case, "seen" | "spec" | "nowMs">, version: string, weightPercent: number): string | undefined {
  const { backend, readyPods, wantedPods, podProblem } = versionSeen(it, version);
  if (backend.kind === "missing") return backend.message;
  const enough = Math.max(1, Math.ceil((wantedPods * weightPercent) / 100));
  if (readyPods < enough) return `${version} has ${readyPods} of ${enough} ready pods that ${Math.round(weightPercent)}% needs${podProblem ? `: ${podProblem}` : ""}`;
  if (it.nowMs < definedInForceMs(it, version)) return `the definition of ${version} is not in force yet`;
  return undefined;
}

/** When a version's subset or Service is known everywhere (law 10). */
export function definedInForceMs(it: Pick<Case, "seen" | "spec">, version: string): number {
  const { backend } = versionSeen(it, version);
  return backend.kind === "found" ? backend.definedAtMs + 1_000 + msOf(it.spec.strategy.propagation) : Infinity;
}

/** The first metric that has failed often enough in a row, among those that ask for `onFail`. */
export function failedMetric(it: Pick<Case, "spec">, run: Run, onFail: Metric["onFail"]): { metric: Metric; check: Check } | undefined {
  for (const metric of it.spec.analysis.metrics) {
    const check = run.checks.find(({ name }) => name === metric.name);
    if (metric.onFail === onFail && check && hasFailed(metric, check)) return { metric, check };
  }
  return undefined;
}

/** The canary's share in the route now, in percent of what stable and canary have. */
export function seenShare({ canary, held }: Split): number {
  return shareOf(canary, held);
}

/** Whether our own route is there as the run wants it, or absent where it wants none. */
export function matchState(run: Run, route: RouteFound): "asWanted" | "removed" | "changed" {
  const isWanted = isPickedOut(run);
  if (isWanted && !route.matched) return "removed";
  return route.matched && !(isWanted && route.matched.isIntact) ? "changed" : "asWanted";
}

/** The route's mirrors that lead to a version. */
export function mirrorsTo({ mirrors }: RouteFound, version: string): readonly MirrorSeen[] {
  return mirrors.filter((mirror) => mirror.version === version);
}

/** Whether copies of requests go to the canary as the run wants it; always, where the run never had a mirror. */
export function mirrorState({ to, mirrored }: Run, route: RouteFound): "asWanted" | "removed" | "changed" {
  if (mirrored === undefined) return "asWanted";
  const [mirror, ...others] = mirrorsTo(route, to.version);
  if (!mirror) return mirrored > 0 ? "removed" : "asWanted";
  return others.length === 0 && mirror.percent === mirrored && mirror.isAsRouted ? "asWanted" : "changed";
}

/** Whether the canary has more than it should: by points of 100, whatever the weights of a mangled route add up to, and by share, for points are rounded down. */
export function isRaised(run: Run, split: Split): boolean {
  return split.canary * split.total > wantedPoints(run, split) * split.held && seenShare(split) > run.weight + SHARE_ROUNDING;
}
