/** `weir explain`: why a Rollout is where it is. */
import type { Command } from "commander";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { withCluster } from "../cluster.ts";
import { lookAtVersions } from "../look.ts";
import { globalOptionsOf } from "../options.ts";
import { styleFor } from "../style.ts";
import { getRollout } from "../targets.ts";
import { explanationOf } from "../view/explanation.ts";
import { validRolloutOf } from "../valid-rollout.ts";
import type { World } from "../world.ts";

const MOST_COLUMNS = 110;

export function configure(command: Command, world: World): void {
  command
    .description("Says in sentences why a Rollout is where it is: the numbers, the queries, and what would change it.")
    .argument("<name>", "name of a Rollout")
    .action(async (name: string) => {
      const globals = globalOptionsOf(command);
      await withCluster(world, globals, async (cluster) => {
        const object = await getRollout(cluster, name);
        const rollout = rolloutOf(object);
        const look = "invalid" in rollout.spec ? undefined : await lookAtVersions(await cluster.istio(), validRolloutOf(object));
        const width = world.isTty ? Math.min(world.columns(), MOST_COLUMNS) : MOST_COLUMNS;
        world.out(explanationOf(rollout, look, { style: styleFor(world, globals), nowMs: world.nowMs(), width }).join("\n"));
      });
    });
}
