/** Runs one command line: finds the verb, loads it and nothing else, and turns whatever happens into a sentence and an exit code. */
import { Command, CommanderError } from "commander";
import { nearNames } from "../rollout/near-names.ts";
import { EXIT } from "./failure.ts";
import { withGlobalOptions } from "./options.ts";
import { REGISTRY, type Verb } from "./registry.ts";
import type { Outside } from "./world.ts";

const INTRODUCTION = "Progressive delivery for Kubernetes: moves traffic to a new version step by step, and takes it back when it hurts.";
const MORE = `
Exit codes: 0 ok, 1 error or findings, 2 usage, 3 not found, 6 timeout, 7 conflict or refused, 8 forbidden, 130 interrupted;
            wait and watch also 4 (Degraded) and 5 (Paused, a person is needed), and so does backtest for what would have been.

  weir get                      every Rollout of the namespace, and how it is
  weir release reviews v3       deliver v3
  weir watch reviews            follow it
  weir abort reviews            take it back, now`;

/** The exit code; never throws. `args` without the interpreter and the script. */
export async function runCli(args: readonly string[], world: Outside): Promise<number> {
  try {
    await programOf(world).parseAsync(asOption(args), { from: "user" });
    return 0;
  } catch (error) {
    return await ended(error, world);
  }
}

/** `weir help get` asks for what only the verb's module knows. */
function asOption(args: readonly string[]): string[] {
  const [help, verb] = args;
  return help === "help" && verb !== undefined ? [verb, "--help"] : [...args];
}

async function ended(error: unknown, world: Outside): Promise<number> {
  if (error instanceof CommanderError) return usageEnded(error, world);
  const { endingOf } = await import("./sentences.ts");
  const { sentence, exitCode } = endingOf(error, world);
  if (sentence !== "") world.err(`weir: ${sentence}`);
  return exitCode;
}

/** Help and version have been printed by then; commander's sentences begin with `error: `. */
function usageEnded({ exitCode, message }: CommanderError, world: Outside): number {
  if (exitCode === 0) return 0;
  if (message.startsWith("error: ")) world.err(`weir: ${message.slice("error: ".length)}`);
  return EXIT.usage;
}

function programOf(world: Outside): Command {
  const program = withGlobalOptions(new Command("weir")).description(INTRODUCTION).usage("VERB [NAMES] [OPTIONS]").addHelpText("after", MORE);
  quiet(program, world);
  for (const [name, verb] of Object.entries(REGISTRY)) program.addCommand(stubOf(name, verb, world));
  program.addHelpCommand(new Command("help").argument("[verb]").summary("help for a verb").helpGroup("Set up:"));
  program.hook("preSubcommand", async (_, command) => {
    const [verb, environment] = await Promise.all([REGISTRY[command.name()]?.load(), world.environment()]);
    verb?.configure(command, { ...world, environment });
  });
  return program
    .argument("[verb]")
    .allowExcessArguments()
    .action((name: string | undefined) => (name === undefined ? program.help({ error: true }) : program.error(`error: ${unknownVerb(name)}`)));
}

/** Knows its name and its summary; what it takes is said by its module, loaded when it is called. */
function stubOf(name: string, { summary, group }: Verb, world: Outside): Command {
  return quiet(new Command(name).summary(summary).helpGroup(`${group}:`), world);
}

function quiet(command: Command, world: Outside): Command {
  return command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, helpWidth: world.columns() })
    .configureOutput({ writeOut: (text) => world.raw(text), writeErr: (text) => world.err(text.trimEnd()), outputError: () => undefined });
}

function unknownVerb(name: string): string {
  const near = nearNames(name, Object.keys(REGISTRY));
  const advice = near.length > 0 ? `did you mean ${near.join(" or ")}?` : "weir --help lists them";
  return `expected a verb, got ${name}; ${advice}`;
}
