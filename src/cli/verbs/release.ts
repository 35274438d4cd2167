/** `weir release`: writes spec.release. Of a Deployment the version is its pod template, which is nobody's to write here. */
import type { Command } from "commander";
import { RESOURCES, type KubernetesObject } from "../../kubernetes/client.ts";
import { withFreshReads } from "../again.ts";
import { CLI_MANAGER, withCluster, type Cluster } from "../cluster.ts";
import { EXIT, Failure } from "../failure.ts";
import { gitOpsManagerOf, gitSentence } from "../git-ops.ts";
import { globalOptionsOf } from "../options.ts";
import { getRollout } from "../targets.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import { validRolloutOf } from "../valid-rollout.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command
    .description("Delivers a version: writes spec.release, and a run starts.\nWhere a GitOps tool owns that field, it refuses and prints the line to change in git.\nOf a Deployment change the pod template instead, as ever (kubectl set image, or git): it waits, and a run starts.")
    .argument("<name>", "name of a Rollout")
    .argument("<version>", "name of a DestinationRule subset, or of a Service")
    .action((name: string, version: string) =>
      withCluster(world, globalOptionsOf(command), async (cluster) => {
        const object = await getRollout(cluster, name);
        const before = await releaseVersion(cluster, object, version);
        const { metadata } = object;
        world.out(`${metadata.name}: spec.release was ${before} and is ${version}; follow it with weir watch ${metadata.name} -n ${metadata.namespace}`);
      }),
    );
}

/** What `release` was before. */
function releaseVersion({ client }: Cluster, object: KubernetesObject, version: string): Promise<string> {
  let before: string | undefined;
  return withFreshReads(client, object, async (present) => {
    const { spec, metadata } = validRolloutOf(present);
    if (spec.deployment) throw new Failure(templateSentence(metadata, spec.deployment.name, version), EXIT.usage);
    const manager = gitOpsManagerOf(present, "release");
    if (manager) throw new Failure(gitSentence(metadata, manager, spec.release, version), EXIT.conflict);
    if (spec.release === version && before !== undefined) return before; // written by an attempt that was not answered
    if (spec.release === version) throw new Failure(`spec.release of ${metadata.name} is ${version} already; weir retry tries a refused version again, weir get ${metadata.name} shows how it is`, EXIT.conflict);
    const { uid, resourceVersion, namespace, name } = metadata;
    const body = { metadata: { uid, resourceVersion }, spec: { release: version } };
    before = spec.release;
    await client.patch(RESOURCES.rollouts, namespace, name, { type: "merge", body }, { fieldManager: CLI_MANAGER });
    return before;
  });
}

function templateSentence({ name, namespace }: RolloutRef, deployment: string, version: string): string {
  return `${name} delivers Deployment ${deployment}, whose pod template is its version, so there is no spec.release to write: kubectl set image deployment/${deployment} '*=IMAGE:${version}' -n ${namespace}, or change it in git`;
}
