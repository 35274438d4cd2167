/** `weir abort`: takes the traffic back. */
import type { Command } from "commander";
import { configureCommand, inForce, type CommandOptions } from "../command/command-verb.ts";
import { forced } from "../command/forced-abort.ts";
import type { World } from "../world.ts";

interface AbortOptions extends CommandOptions {
  readonly force?: boolean;
}

export function configure(command: Command, world: World): void {
  command
    .description("Takes all traffic back to the stable version, in force at the next write. Outranks everything else.\nA Deployment keeps the template that was refused, waiting; its canary goes once nothing leads there. weir undo writes the template before back.")
    .option("--force", "break glass: without the daemon if it does not answer, and even to a stable version without a ready pod");
  configureCommand<AbortOptions>(command, world, "abort", () => ({}), (asking, { force }) => (force ? forced(asking) : inForce(asking)));
}
