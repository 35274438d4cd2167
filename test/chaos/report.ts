/** The table of what was inflicted and what came of it, as `docs/reliability.md` has it. */
import type { Fault } from "./fault.ts";
import { medianOf } from "./measured.ts";
import type { Result } from "./runs.ts";

export interface Row {
  readonly fault: Fault;
  /** One for each group of runs that went on together. */
  readonly results: readonly Result[];
}

const HEADER = ["| in trouble | fault | what must hold, beside the laws | runs | violations | intervals until normal |", "|---|---|---|---|---|---|"];

export function tableOf(rows: readonly Row[]): string {
  return [...HEADER, ...rows.map(lineOf)].join("\n");
}

function lineOf({ fault, results }: Row): string {
  const runs = results.reduce((total, { runs: some }) => total + some, 0);
  return `| ${[fault.part, fault.name, fault.mustHold, runs, violationsOf({ fault, results }).length, normalSaid({ fault, results })].join(" | ")} |`;
}

export function violationsOf({ results }: Row): readonly string[] {
  return results.flatMap(({ violations }) => violations);
}

/** The median and the longest, of the runs that the fault met. */
function normalSaid({ fault, results }: Row): string {
  const intervals = results.flatMap(({ untilNormal }) => untilNormal);
  if (intervals.length === 0) return "no run was left";
  return `${rounded(medianOf(intervals))}, at most ${rounded(Math.max(...intervals))} (${intervals.length} runs, from ${fault.normalFrom})`;
}

function rounded(intervals: number): string {
  return intervals.toFixed(1);
}

/** All of them together, in one sentence. */
export function sumSaid(rows: readonly Row[]): string {
  const results = rows.flatMap((row) => row.results);
  const sum = (of: (result: Result) => number): number => results.reduce((total, result) => total + of(result), 0);
  return `${sum(({ runs }) => runs)} runs under ${rows.length} faults, ${sum(({ requests }) => requests)} requests through the mesh, ${sum(({ violations }) => violations.length)} violations`;
}
