/** `weir simulate`: what a Rollout's strategy and checks are worth, before they are needed. */
import { writeFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { figuresOf } from "../../rehearsal/figures.ts";
import { regressionsFor, type Regression } from "../../rehearsal/regressions.ts";
import { simulated, type Outcome, type SimulationOptions } from "../../rehearsal/simulation.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf, wholeNumber } from "../options.ts";
import { formatted, withOutput } from "../output.ts";
import { rehearsedRollout } from "../rehearsed-rollout.ts";
import { styleFor } from "../style.ts";
import { createProgress, type Progress } from "../view/progress.ts";
import { simulationSaid, type Simulated, type Simulation } from "../view/simulation.ts";
import { simulationSvg } from "../view/simulation-svg.ts";
import type { World } from "../world.ts";

interface SimulateOptions {
  readonly rps: number;
  readonly baselineErrors: number;
  readonly seed: number;
  readonly runs?: number;
  readonly output: "table" | "json";
  readonly svg?: string;
}

const MOST_COLUMNS = 110;
const MOST_RUNS = 100_000;
/** Steps that wait for evidence take many more looks. */
const USUAL_RUNS = { fixed: 200, evidence: 40 } as const;

export function configure(command: Command, world: World): void {
  withOutput(command, ["table", "json"])
    .description("Plays rollouts of good and bad versions with the Rollout's own steps and checks, decided by the same code as live:\nhow many are taken back, how soon, and how many requests are harmed until then. Needs no cluster for a file.")
    .argument("<rollout>", "a Rollout: a file, - for stdin, or a name in the cluster")
    .requiredOption("--rps <number>", "requests per second to both versions together, such as 20", requestsPerSecond)
    .addOption(new Option("--baseline-errors <percentage>", "how many of stable's requests fail, in percent").argParser(percentage).default(0.001, "0.1"))
    .option("--seed <number>", "the same seed gives the same rollouts", wholeNumber, 1)
    .option("--runs <number>", `rollouts of each kind of version; default ${USUAL_RUNS.fixed}, or ${USUAL_RUNS.evidence} with pace: evidence`, runsOf)
    .option("--svg <file>", "also draws it into this file")
    .action(async (given: string, options: SimulateOptions) => {
      const globals = globalOptionsOf(command);
      const rollout = await rehearsedRollout(given, world, globals);
      const simulation = await simulate(rollout, options, world);
      if (options.svg !== undefined) await writeSvg(options.svg, simulation);
      if (options.output === "json") return world.out(formatted(jsonOf(simulation), "json"));
      const width = world.isTty ? Math.min(world.columns(), MOST_COLUMNS) : MOST_COLUMNS;
      world.out(simulationSaid(simulation, styleFor(world, globals), width).join("\n"));
    });
}

async function simulate(rollout: ValidRollout, { rps, baselineErrors, seed, runs: wished }: SimulateOptions, world: World): Promise<Simulation> {
  const runs = wished ?? USUAL_RUNS[rollout.spec.strategy.pace];
  const options: SimulationOptions = { requestsPerSecond: rps, baselineErrors, seed, runs };
  const regressions = regressionsFor(rollout.spec, options);
  const progress = createProgress(world, "rehearsing");
  const done: Simulated[] = [];
  try {
    for (const [index, regression] of regressions.entries()) {
      const outcomes = await outcomesOf(rollout, regression, options, { world, progress: { ...progress, at: (fraction) => progress.at((index + fraction) / regressions.length) } });
      const { name, said, isHealthy } = regression;
      done.push({ name, said, isHealthy, figures: figuresOf(outcomes) });
    }
  } finally {
    progress.leave();
  }
  return { rollout, requestsPerSecond: rps, baselineErrors, seed, runs, regressions: done };
}

/** Between two rollouts the person may have had enough. */
async function outcomesOf(rollout: ValidRollout, regression: Regression, options: SimulationOptions, { world, progress }: { world: World; progress: Progress }): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let run = 0; run < options.runs; run++) {
    outcomes.push(simulated(rollout, regression, options, run));
    progress.at((run + 1) / options.runs);
    await setImmediate();
    if (world.interrupted.aborted) throw new Failure("", EXIT.interrupted);
  }
  return outcomes;
}

async function writeSvg(file: string, simulation: Simulation): Promise<void> {
  await writeFile(file, simulationSvg(simulation)).catch((error: unknown) => {
    throw new Failure(`expected a file that can be written, got ${file} (${error instanceof Error ? error.message : String(error)}); choose another one`, EXIT.error, { cause: error });
  });
}

function jsonOf({ rollout: { metadata, spec }, regressions, ...rest }: Simulation): unknown {
  const { steps, pace, maxHold } = spec.strategy;
  const { interval, falseRollback } = spec.analysis;
  return {
    rollout: { name: metadata.name, ...(metadata.namespace === "" ? {} : { namespace: metadata.namespace }) },
    ...rest,
    strategy: { steps, pace, ...(pace === "evidence" ? { maxHold } : {}), interval, falseRollback },
    regressions: regressions.map(({ figures, ...one }) => ({ ...one, ...figures })),
  };
}

function requestsPerSecond(text: string): number {
  const value = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || value < 0.001 || value > 1_000_000) throw new InvalidArgumentError("Expected a number of requests per second from 0.001 to 1000000.");
  return value;
}

/** In percent, with or without the sign, as a fraction. */
function percentage(text: string): number {
  const [, digits] = /^(\d+(?:\.\d+)?)%?$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) > 50) throw new InvalidArgumentError("Expected a percentage from 0 to 50, such as 0.1.");
  return Number((Number(digits) / 100).toPrecision(12));
}

function runsOf(text: string): number {
  const runs = wholeNumber(text);
  if (runs < 1 || runs > MOST_RUNS) throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_RUNS}.`);
  return runs;
}
