/** `weir pause`: stays at the present weight. */
import type { Command } from "commander";
import { acknowledged, configureCommand } from "../command/command-verb.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command.description("Stays at the present weight until weir resume. Judging goes on, and harm still takes the traffic back.");
  configureCommand(command, world, "pause", () => ({}), acknowledged);
}
