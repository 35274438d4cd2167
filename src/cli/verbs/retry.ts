/** `weir retry`: tries a refused version again. */
import type { Command } from "commander";
import { acknowledged, configureCommand } from "../command/command-verb.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command.description("Tries again what was taken back before: the version that spec.release names, or the template that waits in the Deployment.");
  configureCommand(command, world, "retry", () => ({}), acknowledged);
}
