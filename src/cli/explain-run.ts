/** One run by its number: from its record, or from what status remembers of it. */
import type { Cluster } from "./cluster.ts";
import { EXIT, Failure } from "./failure.ts";
import { runsFor, type RunSeen } from "./past-runs.ts";

export interface RunFound {
  readonly run: RunSeen;
  readonly notes: readonly string[];
}

/** Of a Rollout that was deleted and made anew the newest one that had this number. Throws a `Failure` where there is none. */
export async function runNumbered(cluster: Cluster, name: string, number: number): Promise<RunFound> {
  const { runs, notes } = await runsFor(cluster, { name });
  const [run, ...older] = runs.filter((each) => each.number === number);
  if (!run) throw new Failure(`expected the number of a run of ${name} (${numbersSaid(runs)}), got ${number}; weir history ${name} lists them`, EXIT.notFound);
  const others = older.length === 0 ? [] : [`an earlier Rollout ${name} had a run ${number}, too; weir history ${name} -o wide names its record`];
  return { run, notes: [...notes, ...others] };
}

function numbersSaid(runs: readonly RunSeen[]): string {
  const numbers = runs.map(({ number }) => number);
  if (numbers.length === 0) return "it has had none";
  const shown = numbers.slice(0, 10).join(", ");
  return numbers.length > 10 ? `${shown}, ...` : shown;
}
