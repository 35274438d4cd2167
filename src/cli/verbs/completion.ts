/** `weir completion`: what a shell offers after `weir`. */
import { Argument, Command } from "commander";
import { completionFor, type CompletedVerb } from "../completion/scripts.ts";
import { withGlobalOptions } from "../options.ts";
import { REGISTRY } from "../registry.ts";
import type { World } from "../world.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

export function configure(command: Command, world: World): void {
  command
    .description("Prints completions: source <(weir completion bash), or weir completion fish | source.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action(async (shell: Shell) => {
      const global = withGlobalOptions(new Command());
      world.raw(completionFor[shell](await Promise.all(Object.keys(REGISTRY).map((name) => completedVerb(name, world))), flagsOf(global)));
    });
}

async function completedVerb(name: string, world: World): Promise<CompletedVerb> {
  const { summary, load } = REGISTRY[name]!;
  const command = new Command(name);
  (await load()).configure(command, world);
  const takesNames = command.registeredArguments[0]?.description.includes("Rollout") ?? false;
  const words = [...(command.registeredArguments[0]?.argChoices ?? []), ...command.commands.map((each) => each.name())];
  return { name, summary, flags: flagsOf(command), takesNames, words };
}

function flagsOf(command: Command): readonly string[] {
  return command.options.flatMap(({ long }) => long ?? []);
}
