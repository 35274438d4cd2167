/** The table of what was inflicted and what came of it, as `docs/reliability.md` has it. */
import type { Fault } from "./fault.ts";
import { medianOf } from "./measured.ts";
import type { Result } from "./runs.ts";

export interface Row {
  readonly fault: Fault;
  /** One for each group of deliveries that went on together. */
  readonly results: readonly Result[];
}

const COLUMNS = ["in trouble", "fault", "what must hold, beside the laws", "runs", "violations", "intervals until normal: median", "longest", "counted from"];

export function tableOf(rows: readonly Row[]): string {
  return [COLUMNS, COLUMNS.map(() => "---"), ...rows.map(cellsOf)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cellsOf({ fault, results }: Row): readonly (string | number)[] {
  const runs = results.reduce((total, { runs: met }) => total + met, 0);
  const intervals = results.flatMap(({ untilNormal }) => untilNormal);
  const normal = intervals.length === 0 ? ["no run was left", "", ""] : [medianOf(intervals).toFixed(1), Math.max(...intervals).toFixed(1), fault.normalFrom];
  return [fault.part, fault.name, fault.mustHold, runs, violationsOf({ fault, results }).length, ...normal];
}

export function violationsOf({ results }: Row): readonly string[] {
  return results.flatMap(({ violations }) => violations);
}

/** All of them together. */
export function sumSaid(rows: readonly Row[]): string {
  const results = rows.flatMap((row) => row.results);
  const sum = (of: (result: Result) => number): number => results.reduce((total, result) => total + of(result), 0);
  return [
    `${sum(({ deliveries }) => deliveries)} deliveries under ${rows.length} faults, ${sum(({ runs }) => runs)} of them runs that the fault met: ${sum(({ violations }) => violations.length)} violations.`,
    `${sum(({ routes }) => routes)} versions of VirtualServices and ${sum(({ statuses }) => statuses)} of Rollouts were judged.`,
    `${sum(({ traffic }) => traffic.sent)} requests went through the mesh: ${sum(({ traffic }) => traffic.failed)} failed because a bad version answered them, ${sum(({ traffic }) => traffic.harmed)} otherwise.`,
  ].join("\n");
}

/** 0: nothing was broken, and each fault met a run. */
export function exitCodeOf(rows: readonly Row[]): number {
  const isWell = rows.every((row) => violationsOf(row).length === 0 && row.results.some(({ runs }) => runs > 0));
  return isWell ? 0 : 1;
}
