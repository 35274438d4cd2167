/** `weir restart`: what kubectl rollout restart does, of a Deployment that Weir delivers. */
import type { Command } from "commander";
import { RESOURCES, type KubernetesObject } from "../../kubernetes/client.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { CLI_MANAGER, withCluster, type Cluster } from "../cluster.ts";
import { forEach } from "../command/for-each.ts";
import { readDeployment } from "../deployment-look.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf, withSelection, type Selection } from "../options.ts";
import { chosenRollouts } from "../targets.ts";
import { validRolloutOf } from "../valid-rollout.ts";
import type { World } from "../world.ts";
import { versionIn } from "../../workload/deployment/deployment-object.ts";

/** The one that kubectl writes, so that tools that look for it find it. */
const RESTARTED_ANNOTATION = "kubectl.kubernetes.io/restartedAt";

export function configure(command: Command, world: World): void {
  withSelection(command)
    .description("Gives the Deployment new pods of the template that it has, as kubectl rollout restart does (which is refused while it is held):\nthe annotation kubectl.kubernetes.io/restartedAt is set in the template, with your own rights, and a run starts.")
    .argument("[names...]", "names of Rollouts that deliver a Deployment")
    .action((names: string[], options: Selection) =>
      withCluster(world, globalOptionsOf(command), async (cluster) => {
        const objects = await chosenRollouts(cluster, names, options);
        await forEach(objects, world, (object) => restart(cluster, object, world.nowMs()));
      }),
    );
}

async function restart({ client }: Cluster, object: KubernetesObject, nowMs: number): Promise<string> {
  const rollout = validRolloutOf(object);
  const { name, namespace } = rollout.metadata;
  const { deployment } = rollout.spec;
  if (!deployment) throw new Failure(`restart is for Rollouts that deliver a Deployment, and ${name} names the version ${rollout.spec.release}: kubectl rollout restart the workloads of ${rollout.spec.release} yourself, and Weir delivers them as a new revision`, EXIT.usage);
  const present = await readDeployment(client, namespace, deployment.name);
  if (!present) throw new Failure(`there is no Deployment ${namespace}/${deployment.name} to restart`, EXIT.notFound);
  const obstacle = obstacleTo(rollout, versionIn(present));
  if (obstacle) throw new Failure(obstacle, EXIT.conflict);
  const { uid, resourceVersion } = present.metadata;
  const body = { metadata: { uid, resourceVersion }, spec: { template: { metadata: { annotations: { [RESTARTED_ANNOTATION]: new Date(nowMs).toISOString() } } } } };
  await client.patch(RESOURCES.deployments, namespace, deployment.name, { type: "merge", body }, { fieldManager: CLI_MANAGER });
  return `Deployment ${deployment.name} has a new template, and a run of it starts; follow it with weir watch ${name} -n ${namespace}`;
}

/** Of a template that has not proven good a restart would be another try. */
function obstacleTo({ metadata: { name, namespace }, spec, status }: ValidRollout, template: string | undefined): string | undefined {
  const run = status?.run;
  if (run && !run.outcome) return `run ${run.number} of ${run.to.version} goes on, and its pods are new anyway: wait for it, or weir abort ${name} -n ${namespace}`;
  if (!status?.stable || template === status.stable.version) return undefined;
  const ways = status.refused?.version === template ? `weir retry ${name} -n ${namespace} tries it again, weir undo ${name} -n ${namespace} writes that of ${status.stable.version} back` : "a run of it starts by itself";
  return `Deployment ${spec.deployment?.name} holds ${template}, which waits: ${ways}`;
}
