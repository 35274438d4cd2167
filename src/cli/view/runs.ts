/** The runs of a Rollout as a table. */
import type { Rollout } from "../../rollout/rollout.ts";
import type { PastRun } from "../../rollout/status.ts";
import { instantOf } from "../../rollout/units.ts";
import type { Style } from "../style.ts";
import { ageOf, spanOf } from "./ages.ts";
import { inColumns } from "./columns.ts";

export type RunSeen = Omit<PastRun, "outcome" | "endedAt"> & Partial<Pick<PastRun, "outcome" | "endedAt">>;

/** The one that goes on, then those that ended, newest first. */
export function runsOf({ status }: Rollout): readonly RunSeen[] {
  if (!status) return [];
  const { run, history } = status;
  if (!run || run.outcome) return history;
  const { number, from, to, peak, startedAt, actor, reason } = run;
  return [{ number, from, to, weight: peak, startedAt, ...(actor && { actor }), ...(reason && { reason }) }, ...history];
}

export function runsTable(runs: readonly RunSeen[], style: Style, nowMs: number): readonly string[] {
  const header = ["RUN", "FROM", "TO", "OUTCOME", "REACHED", "BEGAN", "TOOK", "BY", "REASON"].map(style.dim);
  const rows = runs.map(({ number, from, to, outcome, weight, startedAt, endedAt, actor, reason }) => [
    String(number),
    from.version,
    to.version,
    outcomeSaid(outcome, style),
    `${Number(weight.toFixed(1))}%`,
    `${ageOf(startedAt, nowMs)} ago`,
    endedAt ? spanOf(instantOf(endedAt) - instantOf(startedAt)) : "-",
    actor ?? "-",
    reason ?? "-",
  ]);
  return inColumns([header, ...rows]);
}

function outcomeSaid(outcome: PastRun["outcome"] | undefined, style: Style): string {
  if (outcome === undefined) return style.accent("goes on");
  return outcome === "Succeeded" ? style.good(outcome) : outcome === "Superseded" ? style.dim(outcome) : style.bad(outcome);
}
