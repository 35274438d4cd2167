/** `weir playground break`: turns a version bad or slow in a playground that runs in another terminal. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { DURATION_PATTERN, fractionOf, msOf, PERCENTAGE_PATTERN } from "../../rollout/units.ts";
import { EXIT, Failure } from "../failure.ts";
import type { World } from "../world.ts";

interface BreakOptions {
  readonly errors?: number;
  readonly latency?: number;
  readonly state?: string;
}

export function configure(command: Command, world: World): void {
  command.description('What is done to a playground that runs in another terminal (npm run playground -- --stay), started in the same directory.');
  command
    .command("break <app> <version>")
    .description("turns a version bad or slow: weir playground break reviews v3 --errors 5% --latency 800ms")
    .option("--errors <percentage>", "share of requests that fail, such as 5%; 0% heals", fraction)
    .option("--latency <duration>", "how long each answer takes, such as 800ms; 0ms heals", milliseconds)
    .option("--state <directory>", "where the playground keeps its state; default: where the kubeconfig is, else .weir/playground here")
    .action(async (app: string, version: string, { errors, latency, state }: BreakOptions) => {
      if (errors === undefined && latency === undefined) throw new Failure("expected --errors or --latency, got neither; such as --errors 5%", EXIT.usage);
      const [{ turnSample }, { readState, defaultStateFolder }] = await Promise.all([import("../../playground/samples/control.ts"), import("../../playground/state-folder.ts")]);
      const { control } = readState(state ?? folderBeside(world.environment.cluster.kubeconfig) ?? defaultStateFolder);
      const turned = await turnSample(control, { app, version, ...(errors !== undefined && { errorRate: errors }), ...(latency !== undefined && { latencyMs: latency }) });
      world.out(`${app} ${version}: ${Number((turned.errorRate * 100).toFixed(2))}% of requests fail, answers take ${turned.latencyMs}ms`);
    });
}

/** The playground whose kubeconfig is in use: several may run from one directory. */
function folderBeside(kubeconfig: string | undefined): string | undefined {
  const folder = kubeconfig && dirname(kubeconfig);
  return folder && existsSync(join(folder, "playground.json")) ? folder : undefined;
}

function fraction(text: string): number {
  if (!PERCENTAGE_PATTERN.test(text)) throw new InvalidArgumentError("Expected a percentage such as 5%.");
  return fractionOf(text);
}

function milliseconds(text: string): number {
  if (!DURATION_PATTERN.test(text)) throw new InvalidArgumentError("Expected a duration such as 800ms.");
  return msOf(text);
}
