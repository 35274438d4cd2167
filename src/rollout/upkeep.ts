/** What is owed to a Deployment, its canary and the rule that tells the two apart: found by comparing the committed status with what is seen. */
import { type Case, editableOf, inForceAtMs, isShown, versionSeen } from "./case.ts";
import { deploymentOf, deploymentSeen, isRestorable, isTornDown, isWithoutCanary, leadsToCanary, markOf, newestRoute, routeInForceMs, sideNames } from "./deployment.ts";
import { isWeightStep, loadAt, stepAfter } from "./ladder.ts";
import type { CanarySeen, DeploymentSeen, SidesSeen } from "./observation.ts";
import type { RolloutStatus, Run } from "./status.ts";

/** pod-template-hash of each side. */
export interface SidesWanted {
  readonly stable: string;
  readonly canary?: string;
  /** Of the run that it is for. */
  readonly mark: string;
}

export interface SidesWrite {
  /** As it was when the write was decided; absent: there was none. */
  readonly seen?: SidesSeen;
  /** Null takes the rule away. */
  readonly wanted: SidesWanted | null;
}

/** Each one is conditional on what was seen. */
export type DeploymentChange =
  /** A new template waits, and nobody else can let it go. */
  | { readonly kind: "hold"; readonly deployment: DeploymentSeen }
  /** What waits may roll. */
  | { readonly kind: "letGo"; readonly deployment: DeploymentSeen }
  /** It stays paused, for its owner to decide. */
  | { readonly kind: "forget"; readonly deployment: DeploymentSeen }
  /** The template of a version that its ReplicaSets remember is written back; held: it is a new one to be delivered. */
  | { readonly kind: "restore"; readonly deployment: DeploymentSeen; readonly version: string; readonly isHeld: boolean }
  | { readonly kind: "makeCanary"; readonly deployment: DeploymentSeen; readonly version: string; readonly replicas: number }
  | { readonly kind: "scaleCanary"; readonly canary: CanarySeen; readonly replicas: number }
  | { readonly kind: "removeCanary"; readonly canary: CanarySeen };

export type Upkeep = ({ readonly kind: "writeSides" } & SidesWrite) | { readonly kind: "changeDeployment"; readonly change: DeploymentChange };

/** In the order in which they are done: what waits is held first, and let go of last, so that nothing that the server refuses there is in the way of the others. */
export function upkeepOf(it: Case, status: RolloutStatus): readonly Upkeep[] {
  if (deploymentOf(it.rollout) === undefined && status.run?.deployment === undefined) return [];
  const template = templateOwed(it, status);
  const holds = template.filter(({ kind }) => kind === "hold");
  const others = template.filter(({ kind }) => kind !== "hold");
  return [...changes(holds), ...sidesOwed(it, status), ...changes([...canariesOwed(it, status), ...others])];
}

function changes(all: readonly DeploymentChange[]): readonly Upkeep[] {
  return all.map((change) => ({ kind: "changeDeployment", change }));
}

function goingRun({ run }: RolloutStatus): Run | undefined {
  return run?.deployment !== undefined && !run.outcome ? run : undefined;
}

function sidesOwed(it: Case, status: RolloutStatus): Upkeep[] {
  const { sides } = it.seen;
  const wanted = sidesWanted(it, status);
  if (wanted === undefined || isAsWanted(sides, wanted)) return [];
  return [{ kind: "writeSides", wanted, ...(sides ? { seen: sides } : {}) }];
}

function isAsWanted(sides: SidesSeen | undefined, wanted: SidesWanted | null): boolean {
  return wanted === null ? sides === undefined : sides?.mark === wanted.mark && sides.stable === wanted.stable && sides.canary === wanted.canary;
}

/** Undefined: it stays as it is. A side is not pointed elsewhere while the route leads there. */
function sidesWanted(it: Case, status: RolloutStatus): SidesWanted | null | undefined {
  const run = goingRun(status);
  if (run) return it.seen.sides || it.seen.sidesObstacle === undefined ? sidesOf(it, run.from.version, run) : undefined;
  if (it.run) return undefined; // in the tick that ends it versions still bear the names of the run
  if (isUnused(it)) return null;
  return it.seen.sides || editableOf(it)?.isSplit ? sidesOf(it, status.stable?.version ?? "", status.run) : undefined;
}

function sidesOf(it: Case, version: string, run: Run | undefined): SidesWanted | undefined {
  const stable = hashOf(it, version);
  const mark = markOf(it.rollout, run);
  const hasCanary = run && !run.outcome && deploymentSeen(it)?.canaries.some((each) => each.version === run.to.version);
  const canary = (hasCanary ? hashOf(it, run.to.version) : undefined) ?? (it.seen.sides?.mark === mark ? it.seen.sides.canary : undefined);
  return stable === undefined ? undefined : { mark, stable, ...(canary === undefined ? {} : { canary }) };
}

function hashOf(it: Case, version: string): string | undefined {
  return versionSeen(it, version).podTemplateHash;
}

/** The route is its owner's again, everywhere, and the canary is gone. */
function isUnused(it: Case): boolean {
  const route = newestRoute(it);
  return isWithoutCanary(it.seen.deployment) && (route ? route.isSplit !== true && it.nowMs >= routeInForceMs(it) : it.seen.route.kind === "absent");
}

/** A canary is there only while the route keeps its pods apart from the others: as endpoints of the Service they would get traffic that nobody meant for them. */
function canariesOwed(it: Case, status: RolloutStatus): DeploymentChange[] {
  const { deployment } = it.seen;
  const run = goingRun(status);
  const wanted = run?.isSplit && editableOf(it)?.isSplit ? run : undefined;
  const present = deployment?.canaries ?? [];
  const stray = present.filter(({ version, isGoing }) => version !== wanted?.to.version && !isGoing).filter(() => mayGo(it, status.run));
  const removals = stray.map((canary): DeploymentChange => ({ kind: "removeCanary", canary }));
  return deployment?.kind === "found" && wanted ? [...removals, ...canaryOf(it, wanted, deployment)] : removals;
}

function canaryOf(it: Case, run: Run, deployment: DeploymentSeen): DeploymentChange[] {
  const replicas = canarySize(run, deployment, it.spec.deployment?.maxCanaryReplicas);
  const canary = deployment.canaries.find(({ version }) => version === run.to.version);
  const inForce = inForceAtMs(it, run);
  const isInForce = inForce !== undefined && it.nowMs >= inForce;
  if (canary?.isGoing) return [];
  if (canary) return canary.replicas < replicas || (canary.replicas > replicas && isInForce) ? [{ kind: "scaleCanary", canary, replicas }] : [];
  return isWithoutCanary(deployment) && isInForce && run.weight === 0 && deployment.template.version === run.to.version ? [{ kind: "makeCanary", deployment, version: run.to.version, replicas: 0 }] : []; // pods come with the next look: a daemon that was frozen over this write may do it when the run is over
}

/** Pods for the share that the run has and for the next one, so that they are ready by then; at least one, and all of them before 100 %. */
export function canarySize(run: Run, { replicas }: Pick<DeploymentSeen, "replicas">, most = Infinity): number {
  const next = run.ladder.findIndex((step, index) => index >= stepAfter(run) && isWeightStep(step));
  return Math.min(most, Math.max(1, Math.ceil((replicas * Math.max(run.weight, run.mirrored ?? 0, loadAt(run.ladder, next))) / 100)));
}

/** Once the route has let go of it, everywhere: one that does not show what the run last wanted of it may be older than that. */
function mayGo(it: Case, run: Run | undefined): boolean {
  const route = newestRoute(it);
  if (!route?.isSplit) return route !== undefined || it.seen.route.kind === "absent";
  const { canary } = sideNames(it.rollout, deploymentSeen(it))!;
  return !leadsToCanary(route, canary) && it.nowMs >= routeInForceMs(it) && (run === undefined || isShown(it, run));
}

/** What the Deployment itself is to hold: an unproven template waits, a proven one does not. */
function templateOwed(it: Case, status: RolloutStatus): DeploymentChange[] {
  const deployment = deploymentSeen(it);
  const { restoring, stable } = status;
  if (!deployment || deployment.managedBy !== undefined) return [];
  if (restoring && isRestorable(restoring, deployment)) return [{ kind: "restore", deployment, version: restoring.to, isHeld: restoring.to !== stable?.version }];
  const run = goingRun(status);
  if (run?.rollingSince !== undefined && deployment.template.version === run.to.version) return released(deployment);
  return it.rollout.spec.deployment === undefined ? [] : holdOwed(it, deployment, status);
}

/** While nothing is proven nothing is held; and what the API server has held by then is let go of with the Rollout. */
function holdOwed(it: Case, deployment: DeploymentSeen, status: RolloutStatus): DeploymentChange[] {
  const [run, { stable }] = [goingRun(status), status];
  if (it.rollout.metadata.deletionTimestamp !== undefined && !run) return lastWill(it, deployment, stable?.version);
  if (!stable) return [];
  return !run && deployment.template.version === stable.version ? provenOwed(deployment) : unprovenOwed(deployment);
}

/** Held for the sake of the pods that run: one that has none yet, such as one that was created anew, would never get any. */
function unprovenOwed(deployment: DeploymentSeen): DeploymentChange[] {
  return deployment.otherPods > 0 ? held(deployment) : [];
}

/** Where the server does not hold a new template by itself the Deployment waits at rest, too, as soon as its pods are all of the proven one: paused before it has a ReplicaSet of that it would never get any. */
function provenOwed(deployment: DeploymentSeen): DeploymentChange[] {
  if (!deployment.isGuarded && deployment.otherPods === 0 && deployment.remembered.includes(deployment.template.version)) return held(deployment);
  return deployment.isHeld ? released(deployment) : [];
}

function held(deployment: DeploymentSeen): DeploymentChange[] {
  return deployment.isPaused && deployment.isHeld ? [] : [{ kind: "hold", deployment }];
}

function released(deployment: DeploymentSeen): DeploymentChange[] {
  return deployment.isPaused || deployment.isHeld ? [{ kind: "letGo", deployment }] : [];
}

/** The Rollout goes: what was proven rolls on, and what was not stays paused. */
function lastWill(it: Case, deployment: DeploymentSeen, stable: string | undefined): DeploymentChange[] {
  if (!deployment.isHeld || !isTornDown(it)) return [];
  return [{ kind: deployment.template.version === stable ? "letGo" : "forget", deployment }];
}

/** Held by us, so that the Rollout must not go before it is let go of. */
export function isHolding(it: Case, status: RolloutStatus): boolean {
  const deployment = deploymentSeen(it);
  if (!deployment || deploymentOf(it.rollout) === undefined || deployment.managedBy !== undefined) return false;
  return deployment.isHeld || templateOwed(it, status).some(({ kind }) => kind === "hold" || kind === "restore");
}
