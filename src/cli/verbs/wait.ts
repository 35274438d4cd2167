/** `weir wait`: for scripts. */
import type { Command } from "commander";
import { withCluster } from "../cluster.ts";
import { forEach } from "../command/for-each.ts";
import { globalOptionsOf, withSelection, type Selection } from "../options.ts";
import { goalOf } from "../settled.ts";
import { chosenRollouts } from "../targets.ts";
import { untilSettled } from "../until-settled.ts";
import type { World } from "../world.ts";

const DEFAULT_TIMEOUT_MS = 60 * 60_000;

interface WaitOptions extends Selection {
  readonly for: string;
}

export function configure(command: Command, world: World): void {
  withSelection(command)
    .description("Waits for a phase or condition of the revision that spec.release names now, or that the Deployment's template is.\nExits with 0 when it is met, 4 as soon as it is Degraded, 5 as soon as it is Paused and needs a person,\n6 on timeout (default 1h), 7 when another version or revision takes its place.")
    .argument("[names...]", "names of Rollouts")
    .option("--for <goal>", "phase (Healthy, Paused, ...) or condition (Ready, Stalled=False, ...)", "Healthy")
    .action(async (names: string[], options: WaitOptions) => {
      const goal = goalOf(options.for);
      const globals = globalOptionsOf(command);
      await withCluster(world, globals, async (cluster) => {
        const objects = await chosenRollouts(cluster, names, options);
        await forEach(objects, world, async (object) => {
          await untilSettled(cluster, object, goal, globals.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => undefined);
          return `${options.for} is met`;
        });
      });
    });
}
