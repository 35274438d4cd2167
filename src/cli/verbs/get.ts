/** `weir get`: a list, or one Rollout as a tree. */
import type { Command } from "commander";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { withCluster, type Cluster } from "../cluster.ts";
import { lookAtVersions } from "../look.ts";
import { globalOptionsOf, withSelection, type Selection } from "../options.ts";
import { printed, withOutput, type Format } from "../output.ts";
import { styleFor } from "../style.ts";
import { placeOf, rolloutsFor } from "../targets.ts";
import { listOf } from "../view/list.ts";
import { portraitOf } from "../view/portrait.ts";
import { validRolloutOf } from "../valid-rollout.ts";
import type { World } from "../world.ts";

interface GetOptions extends Selection {
  readonly output: Format;
  readonly resolved?: boolean;
}

export function configure(command: Command, world: World): void {
  withOutput(withSelection(command))
    .description("Lists Rollouts; one that is named is shown with its steps, its checks, and the pods of each version.")
    .argument("[names...]", "names of Rollouts; default: all of the namespace")
    .option("--resolved", "with -o yaml or json: every default is filled in")
    .action((names: string[], options: GetOptions) => withCluster(world, globalOptionsOf(command), (cluster) => get(command, world, cluster, names, options)));
}

async function get(command: Command, world: World, cluster: Cluster, names: readonly string[], options: GetOptions): Promise<void> {
  const { output } = options;
  const objects = await rolloutsFor(cluster, names, options);
  if (output !== "table" && output !== "wide") return world.out(printed(options.resolved ? objects.map(resolved) : objects, output, names.length === 1));
  if (objects.length === 0) return world.err(`No Rollouts ${placeOf(cluster, options)}.`);
  const style = styleFor(world, globalOptionsOf(command));
  const nowMs = world.nowMs();
  if (names.length === 1 && output === "table") return world.out((await portrait(cluster, objects[0]!, style, nowMs)).join("\n"));
  const width = world.isTty ? { widthChars: world.columns() } : {};
  world.out(listOf(objects.map(rolloutOf), { style, nowMs, withNamespace: options.allNamespaces ?? false, wide: output === "wide", ...width }).join("\n"));
}

async function portrait(cluster: Cluster, object: KubernetesObject, style: ReturnType<typeof styleFor>, nowMs: number): Promise<readonly string[]> {
  const rollout = rolloutOf(object);
  const seen = "invalid" in rollout.spec ? undefined : await lookAtVersions(await cluster.istio(), validRolloutOf(object));
  return portraitOf(rollout, seen, { style, nowMs });
}

function resolved(object: KubernetesObject): KubernetesObject {
  const { release, ...spec } = validRolloutOf(object).spec;
  return { ...object, spec: spec.deployment ? spec : { release, ...spec } }; // with a Deployment it is nobody's to write
}
