/** `weir undo`: returns to what was stable before. */
import type { Command } from "commander";
import { configureCommand, inForce, type CommandOptions } from "../command/command-verb.ts";
import { wholeNumber } from "../options.ts";
import type { World } from "../world.ts";

interface UndoOptions extends CommandOptions {
  readonly to?: number;
}

export function configure(command: Command, world: World): void {
  command
    .description("Goes back to what was stable before, without a ladder: as soon as it is ready, all traffic in one write.\nspec.release stays as it is, and what it names is refused until it changes. Of a Deployment the template before is written back:\nthat of the stable version where another one waits or is on its way, else the one that was stable before it.")
    .option("--to <run>", "to what was stable before this run; weir history lists them", wholeNumber);
  configureCommand<UndoOptions>(command, world, "undo", ({ to }) => (to === undefined ? {} : { to }), inForce);
}
