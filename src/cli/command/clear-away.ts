/** Lets go of a Deployment without a daemon: by the same core, tick by tick, and no sooner than the daemon would (DESIGN §6.2). */
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { sleep, systemTime } from "../../kubernetes/time.ts";
import { editableOf } from "../../rollout/case.ts";
import type { Command } from "../../rollout/command.ts";
import { decide } from "../../rollout/decide.ts";
import { isTornDown } from "../../rollout/deployment.ts";
import { inOrder } from "../../reconciler/in-order.ts";
import { type Effect, effectsOf } from "../../rollout/effects.ts";
import { nextStatus } from "../../rollout/next-status.ts";
import type { DeploymentAbsent, DeploymentSeen, Observation, VersionSeen } from "../../rollout/observation.ts";
import { FINALIZER, HOLD_FINALIZER, HOLD_POLICY, type Rollout, type ValidRollout } from "../../rollout/rollout.ts";
import { withFreshReads } from "../again.ts";
import { lookAtDeployment, type DeploymentLook } from "../deployment-look.ts";
import { EXIT, Failure } from "../failure.ts";
import { lookAtRoute, type RouteLook } from "../route-look.ts";
import { lookableRolloutOf } from "../valid-rollout.ts";
import { type Rollouts, rolloutsOf, withCommand } from "./force.ts";

const LOOK_EVERY_MS = 500;

export interface ClearingAway {
  /** The abort of a run that goes on. */
  readonly command: Command;
  readonly untilMs: number;
  /** False: it stands for the rest of the cluster, and refuses for good what it refuses. */
  readonly isHoldTakenAway: boolean;
  /** The API server's time: what it wrote when is compared with it. */
  nowMs(): number;
}

/** Settles when nothing of ours is left, and nothing held; the Deployment as it then is. Throws a `Failure` where that takes too long. */
export async function clearAway(client: KubernetesClient, object: KubernetesObject, clearing: ClearingAway): Promise<DeploymentSeen | DeploymentAbsent> {
  for (;;) {
    const { left, deployment } = await withFreshReads(client, object, (present) => tick(client, present, clearing));
    if (left === undefined) return deployment;
    if (systemTime.nowMs() >= clearing.untilMs) throw new Failure(`it is not let go of yet: ${left}; say it again`, EXIT.timeout);
    await sleep(systemTime, LOOK_EVERY_MS);
  }
}

interface Standing {
  /** What is yet to be done, in words; undefined: nothing. */
  readonly left: string | undefined;
  readonly deployment: DeploymentSeen | DeploymentAbsent;
}

interface Sight {
  readonly rollout: ValidRollout;
  readonly seen: Observation & { readonly deployment: DeploymentSeen | DeploymentAbsent };
  readonly workload: DeploymentLook["workload"];
  readonly router: RouteLook["router"];
}

/** As the daemon's: look, decide, commit the end of a run, act. */
async function tick(client: KubernetesClient, object: KubernetesObject, clearing: ClearingAway): Promise<Standing> {
  const sight = await look(client, asLetGo(lookableRolloutOf(object), clearing), clearing.nowMs());
  const { rollout, seen } = sight;
  const decision = decide(rollout, seen);
  const status = nextStatus(rollout, seen, decision);
  const effects = effectsOf(rollout, status, seen, decision).filter(isClearing);
  const rollouts = rolloutsOf(client, object);
  const committed = isGoing(rollout) ? await rollouts.updateStatus(rollout, status) : rollout;
  try {
    await inOrder(effects, (effect) => act(effect, committed, sight, rollouts));
  } catch (error) {
    return { left: refusedByPolicy(error, rollout, clearing), deployment: seen.deployment };
  }
  return { left: effects.length > 0 || isGoing(rollout) ? "it is being cleared away" : leftOf(sight), deployment: seen.deployment };
}

/** A run that goes on is aborted; then it is as if the Rollout were being deleted: traffic, canary, route, rule, hold, in this order. */
function asLetGo(rollout: ValidRollout, { command }: ClearingAway): ValidRollout {
  if (isGoing(rollout)) return withCommand(rollout, command);
  const { metadata } = withCommand(rollout, command);
  return { ...rollout, metadata: { ...metadata, deletionTimestamp: metadata.deletionTimestamp ?? new Date(0).toISOString() } };
}

function isGoing({ status, spec }: ValidRollout): boolean {
  return status?.run !== undefined && status.run.outcome === undefined && spec.analysis.mode === "enforce";
}

async function look(client: KubernetesClient, rollout: ValidRollout, nowMs: number): Promise<Sight> {
  const deployment = await lookAtDeployment(client, rollout);
  if (!deployment) throw new Error(`expected a Rollout that delivers a Deployment, got ${rollout.metadata.name}`);
  const { workload, seen } = deployment;
  const named = workload.named(rollout);
  const { route, router } = await lookAtRoute(client, named, { deployment: seen.kind === "found" ? seen : undefined });
  const sides = router.sides(named.metadata, named.status?.run?.target ?? named.spec.traffic);
  const versions: Record<string, VersionSeen> = {};
  for (const [version, backend] of Object.entries(editableOf({ seen: { route } })?.backends ?? {})) versions[version] = asAnswering(workload.see(version, backend, named), named);
  return { rollout: named, workload, router, seen: { nowMs, route, versions, deployment: seen, ...(sides.seen ? { sides: sides.seen } : {}), measurements: [], delivered: [], crdIsCurrent: true } };
}

/** Traffic goes to stable even where nobody is ready there, as behind broken glass; but not while its pods are being replaced, for they come back first. */
function asAnswering(version: VersionSeen, { status }: Rollout): VersionSeen {
  const isReplaced = status?.run?.outcome === "Succeeded" || status?.run?.rollingSince !== undefined;
  return isReplaced ? version : { ...version, readyPods: Math.max(1, version.readyPods) };
}

const CLEARING: ReadonlySet<Effect["kind"]> = new Set(["writeRoute", "writeSides", "changeDeployment", "setFinalizer", "keepRecord"]);

function isClearing(effect: Effect): boolean {
  return CLEARING.has(effect.kind) && !(effect.kind === "setFinalizer" && effect.present);
}

async function act(effect: Effect, rollout: Rollout, { workload, router, rollout: { spec } }: Sight, rollouts: Rollouts): Promise<void> {
  switch (effect.kind) {
    case "writeRoute": {
      const { kind: _, ...change } = effect;
      return void (await router.write({ ...change, rollout: rollout.metadata }));
    }
    case "writeSides": {
      const { kind: _, ...write } = effect;
      return router.writeSides(rollout.metadata, rollout.status?.run?.target ?? spec.traffic, write);
    }
    case "changeDeployment":
      return workload.change(rollout, effect.change);
    case "setFinalizer":
      return rollouts.setFinalizer(rollout, effect.present, effect.name);
    case "keepRecord":
      return void (await rollouts.keepRecord(rollout.metadata, effect.record).catch(() => undefined)); // nobody waits for it
    case "event":
    case "notify":
    case "replaceCommand":
      return;
  }
}

/** Bindings that were just deleted are in force for a moment still. */
function refusedByPolicy(error: unknown, { metadata: { name, namespace } }: ValidRollout, { isHoldTakenAway }: ClearingAway): string {
  if (!(error instanceof ApiError) || !error.message.includes(HOLD_POLICY)) throw error;
  if (!isHoldTakenAway) throw new Failure(`its traffic is let go of, and the policy ${HOLD_POLICY}, which stands for the whole cluster, holds its Deployment as long as it is there: kubectl delete weir/${name} -n ${namespace} --wait=false, and say it again`, EXIT.conflict, { cause: error });
  return `the policy ${HOLD_POLICY} refuses it (${error.message})`;
}

function leftOf({ rollout, seen }: Sight): string | undefined {
  const { deployment, route } = seen;
  if (!isTornDown({ rollout, seen })) return route.kind === "found" ? "canary and route wait for each other to be in force everywhere" : route.message;
  if (deployment.kind === "found" && deployment.isHeld) return `${deployment.label} is held`;
  const mine = rollout.metadata.finalizers.filter((each) => each === FINALIZER || each === HOLD_FINALIZER);
  return mine.length > 0 ? `${mine.join(" and ")} ${mine.length === 1 ? "is" : "are"} there` : undefined;
}
