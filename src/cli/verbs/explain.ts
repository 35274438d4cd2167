/** `weir explain`: why a Rollout is where it is, and how a run of it ended. */
import type { Command } from "commander";
import { accountsOf } from "../../rollout/analysis/account.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { withCluster, type Cluster } from "../cluster.ts";
import { runNumbered } from "../explain-run.ts";
import { EXIT, Failure } from "../failure.ts";
import { lookAtVersions } from "../look.ts";
import { globalOptionsOf, wholeNumber } from "../options.ts";
import { formatted, withOutput } from "../output.ts";
import { styleFor } from "../style.ts";
import { getRollout } from "../targets.ts";
import { explanationOf, type ExplanationOptions } from "../view/explanation.ts";
import { runAccountOf } from "../view/run-account.ts";
import { validRolloutOf } from "../valid-rollout.ts";
import type { World } from "../world.ts";

const MOST_COLUMNS = 110;

interface ExplainOptions {
  readonly run?: number;
  readonly output: "table" | "wide" | "json" | "yaml";
}

export function configure(command: Command, world: World): void {
  withOutput(command, ["table", "wide", "json", "yaml"])
    .description("Says in sentences why a Rollout is where it is: the numbers, the queries, and what would change it.\nWith --run: how that run ended, by its record, also when the Rollout is gone; -o wide adds every look.")
    .argument("<name>", "name of a Rollout")
    .option("--run <number>", "a run that has ended; weir history lists them", wholeNumber)
    .action(async (name: string, { run, output }: ExplainOptions) => {
      const globals = globalOptionsOf(command);
      const width = world.isTty ? Math.min(world.columns(), MOST_COLUMNS) : MOST_COLUMNS;
      const options = { style: styleFor(world, globals), nowMs: world.nowMs(), width };
      await withCluster(world, globals, (cluster) => (run === undefined ? explain(world, cluster, name, output, options) : explainRun(world, cluster, { name, run, output }, options)));
    });
}

async function explain(world: World, cluster: Cluster, name: string, output: ExplainOptions["output"], options: ExplanationOptions): Promise<void> {
  if (output === "wide") throw new Failure("expected --run with -o wide, got none; weir explain without it has one width", EXIT.usage);
  const object = await getRollout(cluster, name);
  if (output !== "table") return world.out(formatted(accountFor(validRolloutOf(object)), output));
  const rollout = rolloutOf(object);
  const look = "invalid" in rollout.spec ? undefined : await lookAtVersions(await cluster.istio(), validRolloutOf(object));
  world.out(explanationOf(rollout, look, options).join("\n"));
}

/** What the run's checks say, and its evidence with every number. */
function accountFor({ metadata: { namespace, name }, spec, status }: ValidRollout) {
  const run = status?.run;
  return { namespace, name, phase: status?.phase, reason: status?.reason, message: status?.message, run: run?.number, weight: run?.weight, checks: run?.checks ?? [], evidence: run ? accountsOf(run, spec) : [] };
}

async function explainRun(world: World, cluster: Cluster, { name, run: number, output }: Required<ExplainOptions> & { readonly name: string }, options: ExplanationOptions): Promise<void> {
  const { run, notes } = await runNumbered(cluster, name, number);
  notes.forEach((note) => world.err(`weir: ${note}`));
  if (output === "json" || output === "yaml") return world.out(formatted(run, output));
  if (run.outcome === undefined) return explain(world, cluster, name, "table", options);
  world.out(runAccountOf(run, { ...options, wide: output === "wide" }).join("\n"));
}
