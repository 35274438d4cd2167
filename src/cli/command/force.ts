/** Break glass (DESIGN §9.1): the abort path without a daemon, by the same core and behind the same fences, with the person's own rights. */
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError, Conflict } from "../../kubernetes/errors.ts";
import { createRollouts } from "../../kubernetes/rollouts.ts";
import { editableOf } from "../../rollout/case.ts";
import { formatCommand, type Command } from "../../rollout/command.ts";
import { decide } from "../../rollout/decide.ts";
import { inOrder } from "../../reconciler/in-order.ts";
import { effectsOf, isWorthCommitting, type Effect } from "../../rollout/effects.ts";
import { namedVersions } from "../../rollout/named.ts";
import { nextStatus } from "../../rollout/next-status.ts";
import type { Observation, RouteSeen, VersionSeen } from "../../rollout/observation.ts";
import { COMMAND_ANNOTATION, type Rollout, type ValidRollout } from "../../rollout/rollout.ts";
import type { RolloutStatus } from "../../rollout/status.ts";
import { withFreshReads } from "../again.ts";
import { EXIT, Failure } from "../failure.ts";
import { lookAtRoute, type RouteLook } from "../route-look.ts";
import { abortableRolloutOf } from "../valid-rollout.ts";

/** Ends the run that goes on, and writes what an ended one still owes to the route. Throws `Conflict` where others are always faster. */
export function forceAbort(client: KubernetesClient, object: KubernetesObject, command: Command): Promise<void> {
  return withFreshReads(client, object, (present) => abortOnce(client, present, command));
}

/** One tick, as the daemon's: look, decide, commit, act. */
async function abortOnce(client: KubernetesClient, object: KubernetesObject, command: Command): Promise<void> {
  const rollout = withCommand(abortableRolloutOf(object), command);
  refuseUnlessOurs(rollout, command);
  const look = await lookAtRoute(client, rollout);
  const seen = observationOf(rollout, look.route);
  const decision = decide(rollout, seen);
  const status = nextStatus(rollout, seen, decision);
  const effects = effectsOf(rollout, status, seen, decision);
  if (!isWorthDoing(rollout, status, effects)) return;
  const rollouts = rolloutsOf(client, object);
  const committed = await rollouts.updateStatus(rollout, status); // the commit point: a conflict means nothing has been done yet
  await inOrder(effects, (effect) => act(effect, committed, look, rollouts));
}

/** Of a run that has ended only what it owes is made good. */
function isWorthDoing(rollout: ValidRollout, status: RolloutStatus, effects: readonly Effect[]): boolean {
  return isOver(rollout) ? effects.some((effect) => effect.kind === "writeRoute" || isLettingGo(effect, rollout)) : isWorthCommitting(rollout, status, effects);
}

/** The command stands in the annotation for the core alone: what waits on the server may be a verb typed by hand, or nothing. */
export function withCommand(rollout: ValidRollout, command: Command): ValidRollout {
  const { metadata } = rollout;
  const { [COMMAND_ANNOTATION]: _, ...others } = metadata.annotations;
  return { ...rollout, metadata: { ...metadata, annotations: isOver(rollout) ? others : { ...others, [COMMAND_ANNOTATION]: formatCommand(command) } } };
}

function isOver({ status }: Rollout): boolean {
  return status?.run === undefined || status.run.outcome !== undefined;
}

function refuseUnlessOurs({ status, spec, metadata: { name } }: ValidRollout, { run }: Command): void {
  if (spec.analysis.mode === "observe") throw new Failure(`analysis.mode of ${name} is observe, so another tool moves its traffic: take it back there`, EXIT.conflict);
  const present = status?.run?.number ?? 0;
  if (present !== run) throw new Failure(`the abort is for run ${run} of ${name}, and the present one is run ${present}: look at it and say it again`, EXIT.conflict);
}

/** Every version counts as able to answer: whoever breaks the glass moves traffic even to a stable version without a ready pod. */
function observationOf(rollout: ValidRollout, route: RouteSeen): Observation {
  const versions = namedVersions(rollout).map((version): [string, VersionSeen] => {
    const backend = editableOf({ seen: { route } })?.backends[version];
    return [version, { version, backend: backend ?? { kind: "missing", message: "not looked at" }, readyPods: 1, wantedPods: 0, revision: "", workloads: [], pods: [] }];
  });
  return { nowMs: Date.now(), route, versions: Object.fromEntries(versions), measurements: [], delivered: [], crdIsCurrent: true };
}

export type Rollouts = ReturnType<typeof createRollouts>;

/** Writes for one Rollout as it was read. */
export function rolloutsOf(client: KubernetesClient, object: KubernetesObject): Rollouts {
  const crd = { refresh: async () => undefined, isCurrent: () => true, sawDropped: () => undefined };
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  return createRollouts({ client, cache: { get: () => object }, crd, logger });
}

async function act(effect: Effect, committed: Rollout, { router }: RouteLook, rollouts: Rollouts): Promise<void> {
  if (effect.kind === "setFinalizer" && !isLettingGo(effect, committed)) return;
  if (effect.kind === "setFinalizer") return rollouts.setFinalizer(committed, effect.present, effect.name).catch(unlessConflict);
  if (effect.kind === "replaceCommand") return takeAway(committed, rollouts);
  if (effect.kind === "keepRecord") return void (await rollouts.keepRecord(committed.metadata, effect.record).catch(() => undefined)); // nobody waits for it behind broken glass
  if (effect.kind !== "writeRoute") return;
  const { kind: _, ...change } = effect;
  await router.write({ ...change, rollout: committed.metadata });
}

/** Of a Deployment there is more to take away than weights, which the daemon does when it comes back: until then its finalizers stay. */
function isLettingGo(effect: Effect, { status }: Rollout): boolean {
  return effect.kind === "setFinalizer" && status?.run?.deployment === undefined;
}

/** The traffic is back, and others go on writing the Rollout: the daemon lets its finalizer go when it comes back, as weir uninstall does. */
function unlessConflict(error: unknown): void {
  if (!(error instanceof Conflict)) throw error;
}

/** The admission policy lets the daemon alone take an abort away: it does so when it comes back, since status says that it was obeyed. */
async function takeAway(committed: Rollout, rollouts: Rollouts): Promise<void> {
  const text = committed.metadata.annotations[COMMAND_ANNOTATION];
  if (text === undefined) return;
  try {
    await rollouts.replaceCommand(committed, text, null);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}
