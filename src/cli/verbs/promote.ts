/** `weir promote`: passes the hold or the pause that a run stands at. */
import type { Command } from "commander";
import { acknowledged, configureCommand, type CommandOptions } from "../command/command-verb.ts";
import { wholeNumber } from "../options.ts";
import type { World } from "../world.ts";

interface PromoteOptions extends CommandOptions {
  readonly to?: number;
  readonly full?: boolean;
}

export function configure(command: Command, world: World): void {
  command
    .description("Goes on to the next step of the ladder: passes a pause, or the rest of a hold.\nNever past readiness. A run that is paused because of a metric needs --reason.")
    .option("--to <weight>", "to the step with this weight; a lower one too", wholeNumber)
    .option("--full", "to the end of the ladder; a Deployment then rolls to its new template");
  configureCommand<PromoteOptions>(command, world, "promote", ({ to, full }) => ({ ...(to !== undefined && { to }), ...(full && { full }) }), acknowledged);
}
