/** `weir history`: the runs of a Rollout. */
import type { Command } from "commander";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { withCluster } from "../cluster.ts";
import { globalOptionsOf } from "../options.ts";
import { formatted, withOutput } from "../output.ts";
import { styleFor } from "../style.ts";
import { getRollout } from "../targets.ts";
import { runsOf, runsTable } from "../view/runs.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  withOutput(command, ["table", "json", "yaml"])
    .description("Lists the runs of a Rollout, the newest first: status remembers the last ten that ended.")
    .argument("<name>", "name of a Rollout")
    .action(async (name: string, { output }: { readonly output: "table" | "json" | "yaml" }) => {
      const globals = globalOptionsOf(command);
      const object = await withCluster(world, globals, (cluster) => getRollout(cluster, name));
      const runs = runsOf(rolloutOf(object));
      if (output !== "table") return world.out(formatted(runs, output));
      if (runs.length === 0) return world.err(`${name} has had no run yet.`);
      world.out(runsTable(runs, styleFor(world, globals), world.nowMs()).join("\n"));
    });
}
