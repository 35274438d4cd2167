/** Ends what Weir holds of one Rollout: its run, its weights on the route, its finalizer. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { FINALIZER } from "../../rollout/rollout.ts";
import { asBegun, isValid } from "../../rollout/validity.ts";
import { routeShown, splitSaid } from "./answer.ts";
import { refOf } from "./send.ts";
import { forceAbort } from "./force.ts";
import { commandOf } from "./send.ts";

/** A sentence that says what was done. */
export async function letGo(client: KubernetesClient, object: KubernetesObject, actor: string | undefined): Promise<string> {
  const rollout = rolloutOf(object);
  const run = rollout.status?.run;
  const isHeld = run !== undefined && (isValid(rollout) ? rollout.spec.analysis.mode === "enforce" : asBegun(rollout) !== undefined);
  if (isHeld) await forceAbort(client, object, commandOf(object, { verb: "abort", reason: "Weir is uninstalled" }, actor));
  await removeFinalizer(client, object);
  if (!isHeld || run.outcome) return "let go; the route is as it was";
  const { route } = await routeShown(client, refOf(object));
  return `run ${run.number} was aborted; the route has ${route.kind === "found" ? splitSaid(route) : route.message}`;
}

async function removeFinalizer(client: KubernetesClient, { metadata: { namespace, name } }: KubernetesObject): Promise<void> {
  const { metadata } = await client.get(RESOURCES.rollouts, namespace, name);
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return;
  const { uid, resourceVersion } = metadata;
  const body = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((each) => each !== FINALIZER) } };
  await client.patch(RESOURCES.rollouts, namespace, name, { type: "merge", body });
}
