/** A Rollout that delivers a Deployment: which one, what the destinations of its route are called, and since when they are as they are. */
import { type Case, editableOf, isBehind, isOlder, isOurStamp, routeWrittenMs } from "./case.ts";
import type { DeploymentSeen, Observation, RouteFound } from "./observation.ts";
import { FINALIZER, type Rollout, type ValidRollout } from "./rollout.ts";
import type { RolloutSpec } from "./spec.ts";
import type { Restoring, RolloutStatus, Run, VersionRevision } from "./status.ts";
import { instantOf, msOf } from "./units.ts";

/** The subsets of our own rule: pods of the Deployment itself, and of its canary. */
export const STABLE_SIDE = "weir-stable";
export const CANARY_SIDE = "weir-canary";
/** The API server tells whole seconds. */
const ROUNDING_MS = 1_000;

/** The one that a tick has to do with: that of the run, until nothing of it is left, else the spec's. */
export function deploymentOf({ metadata, spec, status }: Pick<Rollout, "metadata" | "spec" | "status">): string | undefined {
  const run = status?.run;
  if (run && (!run.outcome || metadata.finalizers.includes(FINALIZER))) return run.deployment;
  return "invalid" in spec ? undefined : spec.deployment?.name;
}

/** Which version each way to write a destination stands for. */
export interface SideNames {
  /** The host alone, which leads to every pod. */
  readonly plain: string;
  readonly stable: string;
  readonly canary: string;
  /** What the rule bears that tells the sides apart: that of an earlier run tells nothing. */
  readonly mark: string;
  /** Of the Deployment's pods; absent: nobody looked. */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/** Undefined where versions run side by side anyway. Once a run has ended its canary is no version any more: it is only to be taken away. */
export function sideNames(rollout: ValidRollout, deployment?: DeploymentSeen): SideNames | undefined {
  if (deploymentOf(rollout) === undefined) return undefined;
  const { run } = rollout.status ?? {};
  const stable = stableNow(rollout.status, deployment);
  const labels = { mark: markOf(rollout, run), ...(deployment ? { podLabels: deployment.podLabels } : {}) };
  if (run?.deployment !== undefined && !run.outcome) return { ...labels, plain: run.from.version, stable: run.from.version, canary: run.to.version };
  const isClosing = rollout.metadata.finalizers.includes(FINALIZER);
  const serving = (isClosing ? undefined : deployment?.serving?.version) ?? stable?.version ?? deployment?.template.version ?? rollout.spec.release;
  return { ...labels, plain: serving, stable: stable?.version ?? serving, canary: CANARY_SIDE };
}

/** Of the run's rule: no other one ever bears it. */
export function markOf({ metadata }: Pick<Rollout, "metadata">, run: Pick<Run, "number"> | undefined): string {
  return `${metadata.uid}/${run?.number ?? 0}`;
}

/** What has replaced all pods of stable, although no run was to the end of it, is what serves: there is nothing else to go back to. */
export function stableNow({ run, stable, restoring }: Partial<RolloutStatus> = {}, deployment?: DeploymentSeen): VersionRevision | undefined {
  const isGoing = run !== undefined && !run.outcome;
  const isRestored = restoring !== undefined && isRestorable(restoring, deployment);
  if (!stable || !deployment || isGoing || isRestored) return stable;
  if (deployment.otherPods === 0 && deployment.rolledPods > 0) return deployment.template;
  const isToComeBack = deployment.template.version === stable.version;
  return deployment.stableIsGivenUp && !isToComeBack ? (deployment.serving ?? stable) : stable;
}

/** One that was created anew remembers nothing that could be written back. */
export function isRestorable({ from, to }: Restoring, deployment: DeploymentSeen | undefined): boolean {
  return deployment === undefined || (deployment.template.version === from && deployment.remembered.includes(to));
}

/** The Deployment, where there is one. */
export function deploymentSeen({ seen: { deployment } }: { readonly seen: Partial<Pick<Observation, "deployment">> }): DeploymentSeen | undefined {
  return deployment?.kind === "found" ? deployment : undefined;
}

/** When our rule is in force in every proxy as it is now; Infinity while there is none. */
export function sidesInForceMs({ seen: { sides }, spec }: { readonly seen: Pick<Observation, "sides">; readonly spec: RolloutSpec }): number {
  return sides ? sides.definedAtMs + ROUNDING_MS + msOf(spec.strategy.propagation) : Infinity;
}

/** When the route is in force as it is now. */
export function routeInForceMs(it: { readonly seen: Pick<Observation, "route">; readonly spec: RolloutSpec }): number {
  const written = routeWrittenMs(it);
  return written === undefined ? 0 : written + ROUNDING_MS + msOf(it.spec.strategy.propagation);
}

/** From when on a roll that makes no progress is late: until then what is said of that is about the one before. Infinity while it does not roll. */
export function rollLateMs({ rollingSince }: Pick<Run, "rollingSince">, { rollLimitMs }: Pick<DeploymentSeen, "rollLimitMs">): number {
  return rollingSince === undefined ? Infinity : instantOf(rollingSince) + rollLimitMs - ROUNDING_MS;
}

/** When everybody can have seen what the run's last ticks did; until then an older picture may pass for the present one. */
export function quietMs({ endedAt, startedAt }: Pick<Run, "startedAt"> & Partial<Pick<Run, "endedAt">>, { strategy }: RolloutSpec): number {
  return instantOf(endedAt ?? startedAt) + ROUNDING_MS + msOf(strategy.propagation);
}

/** The route, unless it is one from before what has been seen of it already: that the canary has nothing there proves nothing. */
export function newestRoute(it: Pick<Case, "rollout" | "seen">): RouteFound | undefined {
  const route = editableOf(it);
  const run = it.rollout.status?.run;
  const isStale = route !== undefined && run !== undefined && (isBehind(it, run) || (run.endedFrom !== undefined && isOlder(route.resourceVersion, run.endedFrom)));
  return isStale ? undefined : route;
}

/** Whether the route gives the canary anything. */
export function leadsToCanary({ destinations, matched, mirrors }: RouteFound, canary: string): boolean {
  return matched !== undefined || mirrors.some(({ version }) => version === canary) || destinations.some(({ version, points }) => version === canary && points > 0);
}

/** True once nothing of ours stands beside the Deployment any more, and the route is its owner's again. */
export function isTornDown(it: Pick<Case, "rollout" | "seen">): boolean {
  const { sides, deployment } = it.seen;
  const route = newestRoute(it);
  const isLetGo = route ? route.isSplit !== true && !isOurStamp(it, route) : editableOf(it) === undefined;
  return sides === undefined && isLetGo && isWithoutCanary(deployment);
}

/** Not even a pod of one is left, which would be an endpoint still. */
export function isWithoutCanary(deployment: Observation["deployment"]): boolean {
  return !deployment || (deployment.canaries.length === 0 && deployment.canaryPods === 0);
}

/** Whether an ended run of a Deployment has left something to take away. */
export function isClosing(it: Pick<Case, "rollout" | "seen">, ended: Pick<Run, "deployment"> | undefined): boolean {
  return ended?.deployment !== undefined && it.rollout.metadata.finalizers.includes(FINALIZER) && !isTornDown(it);
}

/** What is said of a template that waits in the Deployment, and how to get it out; empty where none does. */
export function waitingTemplateSaid({ rollout, seen, status }: Pick<Case, "status"> & Partial<Pick<Case, "rollout" | "seen">>, stable: string): string {
  const deployment = seen && deploymentSeen({ seen });
  if (!rollout?.spec.deployment || !deployment || status.restoring || deployment.template.version === stable) return "";
  const { name, namespace } = rollout.metadata;
  return `; ${deployment.label} still holds ${deployment.template.version}, which waits: apply another template, or weir undo ${name} -n ${namespace} writes that of ${stable} back`;
}
