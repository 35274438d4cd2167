/** `weir resume`: goes on after a pause. */
import type { Command } from "commander";
import { acknowledged, configureCommand } from "../command/command-verb.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command.description("Goes on after a pause by command, by a failed metric, by a hold limit, or by a hand on the route.\nA pause of the ladder is passed by weir promote.");
  configureCommand(command, world, "resume", () => ({}), acknowledged);
}
