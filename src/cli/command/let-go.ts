/** Ends what Weir holds of one Rollout: its run, its weights on the route, its Deployment, its finalizers. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { deploymentOf } from "../../rollout/deployment.ts";
import type { DeploymentAbsent, DeploymentSeen } from "../../rollout/observation.ts";
import { FINALIZER, HOLD_FINALIZER, type Rollout } from "../../rollout/rollout.ts";
import type { Run } from "../../rollout/status.ts";
import { asBegun, isValid } from "../../rollout/validity.ts";
import { routeShown, splitSaid } from "./answer.ts";
import { clearAway } from "./clear-away.ts";
import { forceAbort } from "./force.ts";
import { commandOf, refOf } from "./send.ts";

export interface LettingGo {
  readonly actor: string | undefined;
  readonly timeoutMs: number;
  /** Whether the admission policy is on its way out. */
  readonly isHoldTakenAway: boolean;
  /** This clock minus the API server's; undefined while unknown. */
  skewMs(): number | undefined;
}

/** A sentence that says what was done. */
export async function letGo(client: KubernetesClient, object: KubernetesObject, letting: LettingGo): Promise<string> {
  const rollout = rolloutOf(object);
  const run = rollout.status?.run;
  if (isOfDeployment(rollout)) return deploymentLetGo(client, object, run, letting);
  const isHeld = run !== undefined && (isValid(rollout) ? rollout.spec.analysis.mode === "enforce" : asBegun(rollout) !== undefined);
  if (isHeld) await forceAbort(client, object, uninstalling(object, letting));
  await removeFinalizers(client, object);
  return isHeld && !run.outcome ? routeSaid(client, object, run) : "let go; the route is as it was";
}

function uninstalling(object: KubernetesObject, { actor }: LettingGo): ReturnType<typeof commandOf> {
  return commandOf(object, { verb: "abort", reason: "Weir is uninstalled" }, actor);
}

/** Where its status cannot be read there is nothing to be done but to let the Rollout itself go. */
function isOfDeployment(rollout: Rollout): boolean {
  return deploymentOf(rollout) !== undefined && !rollout.statusIsNewer && (isValid(rollout) || rollout.status?.run !== undefined);
}

async function deploymentLetGo(client: KubernetesClient, object: KubernetesObject, run: Run | undefined, letting: LettingGo): Promise<string> {
  const deployment = await clearAway(client, object, { command: uninstalling(object, letting), untilMs: Date.now() + letting.timeoutMs, isHoldTakenAway: letting.isHoldTakenAway, nowMs: () => Date.now() - (letting.skewMs() ?? 0) });
  const route = run && !run.outcome ? await routeSaid(client, object, run) : "let go; the route is its owner's";
  return `${route}; ${deploymentSaid(deployment)}`;
}

/** One that is paused still is so for its owner to decide. */
function deploymentSaid(deployment: DeploymentSeen | DeploymentAbsent): string {
  if (deployment.kind === "absent") return deployment.message;
  const { label, isPaused, template } = deployment;
  if (!isPaused) return `${label} is held no more`;
  const [namespace, name] = label.slice(label.indexOf(" ") + 1).split("/");
  return `${label} is held no more, and stays paused, since its template (${template.version}) has not proven good: kubectl rollout resume deployment/${name} -n ${namespace} delivers it at once, or apply another one first`;
}

async function routeSaid(client: KubernetesClient, object: KubernetesObject, { number }: Run): Promise<string> {
  const { route } = await routeShown(client, refOf(object), "abort");
  return `run ${number} was aborted; the route has ${route.kind === "found" ? splitSaid(route) : route.message}`;
}

async function removeFinalizers(client: KubernetesClient, { metadata: { namespace, name } }: KubernetesObject): Promise<void> {
  const { metadata } = await client.get(RESOURCES.rollouts, namespace, name);
  const finalizers = metadata.finalizers ?? [];
  const others = finalizers.filter((each) => each !== FINALIZER && each !== HOLD_FINALIZER);
  if (others.length === finalizers.length) return;
  const { uid, resourceVersion } = metadata;
  await client.patch(RESOURCES.rollouts, namespace, name, { type: "merge", body: { metadata: { uid, resourceVersion, finalizers: others } } });
}
