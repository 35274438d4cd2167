/** `weir history`: the runs that were. */
import type { Command } from "commander";
import { withCluster, type Cluster } from "../cluster.ts";
import { EXIT, Failure } from "../failure.ts";
import { age, globalOptionsOf } from "../options.ts";
import { formatted, withOutput, type Format } from "../output.ts";
import { runsFor, type RunSeen } from "../past-runs.ts";
import { styleFor } from "../style.ts";
import { placeOf } from "../targets.ts";
import { runsTable } from "../view/runs.ts";
import type { World } from "../world.ts";

interface HistoryOptions {
  readonly output: Format;
  readonly allNamespaces?: boolean;
  /** Milliseconds. */
  readonly since?: number;
}

export function configure(command: Command, world: World): void {
  withOutput(command)
    .description("Lists runs, the newest first: those that go on, and those that ended, by their records (RolloutRun), which outlive the Rollout.")
    .argument("[name]", "name of a Rollout; default: all of the namespace")
    .option("-A, --all-namespaces", "in all namespaces")
    .option("--since <age>", "only runs that ended within this time, such as 30d or 36h", age)
    .action((name: string | undefined, options: HistoryOptions) => withCluster(world, globalOptionsOf(command), (cluster) => history(command, world, cluster, name, options)));
}

async function history(command: Command, world: World, cluster: Cluster, name: string | undefined, options: HistoryOptions): Promise<void> {
  const { output, allNamespaces = false, since } = options;
  if (name !== undefined && allNamespaces) throw new Failure("expected a name, or -A, got both; leave one out", EXIT.usage);
  const nowMs = world.nowMs();
  const { runs, notes } = await runsFor(cluster, { name, allNamespaces, sinceMs: since === undefined ? undefined : nowMs - since });
  notes.forEach((note) => world.err(`weir: ${note}`));
  if (output !== "table" && output !== "wide") return world.out(printedRuns(runs, output));
  if (runs.length === 0) return world.err(noneSaid(cluster, name, options));
  const style = styleFor(world, globalOptionsOf(command));
  world.out(runsTable(runs, { style, nowMs, withNamespace: allNamespaces, withRollout: name === undefined, wide: output === "wide" }).join("\n"));
}

/** Names are of those that have a record. */
function printedRuns(runs: readonly RunSeen[], output: Exclude<Format, "table" | "wide">): string {
  return output === "name" ? runs.flatMap(({ record }) => (record ? [`rolloutrun.weir.dev/${record}`] : [])).join("\n") : formatted(runs, output);
}

function noneSaid(cluster: Cluster, name: string | undefined, options: HistoryOptions): string {
  const within = options.since === undefined ? "" : " within that time";
  return name === undefined ? `There has been no run ${placeOf(cluster, options)}${within}.` : `${name} has had no run${within || " yet"}.`;
}
