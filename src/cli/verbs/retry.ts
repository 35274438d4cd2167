/** `weir retry`: tries a refused version again. */
import type { Command } from "commander";
import { acknowledged, configureCommand } from "../command/command-verb.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command.description("Tries the version that spec.release names again, although it was taken back before.");
  configureCommand(command, world, "retry", () => ({}), acknowledged);
}
