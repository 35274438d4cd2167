/** Runs as a table. */
import type { Outcome } from "../../rollout/status.ts";
import { instantOf } from "../../rollout/units.ts";
import type { RunSeen } from "../past-runs.ts";
import type { Style } from "../style.ts";
import { ageOf, spanOf } from "./ages.ts";
import { inColumns } from "./columns.ts";
import { smallCurveOf } from "./looks.ts";

export interface RunsOptions {
  readonly style: Style;
  readonly nowMs: number;
  /** False where all are of one Rollout. */
  readonly withRollout: boolean;
  readonly withNamespace: boolean;
  /** With the record's name, and what the looks of each metric counted. */
  readonly wide: boolean;
}

export function runsTable(runs: readonly RunSeen[], options: RunsOptions): readonly string[] {
  const { style, withNamespace, withRollout, wide } = options;
  const header = [...(withNamespace ? ["NAMESPACE"] : []), ...(withRollout ? ["ROLLOUT"] : []), "RUN", "FROM", "TO", "OUTCOME", "REACHED", "BEGAN", "TOOK", "BY", "REASON", ...(wide ? ["RECORD", "LOOKS"] : [])];
  return inColumns([header.map(style.dim), ...runs.map((run) => rowOf(run, options))]);
}

function rowOf(run: RunSeen, { style, nowMs, withNamespace, withRollout, wide }: RunsOptions): readonly string[] {
  const { namespace, rollout, number, from, to, outcome, peak, startedAt, endedAt, actor, reason, record } = run;
  return [
    ...(withNamespace ? [namespace] : []),
    ...(withRollout ? [rollout.name] : []),
    String(number),
    from.version,
    to.version,
    outcomeSaid(outcome, style),
    `${Number(peak.toFixed(1))}%`,
    `${ageOf(startedAt, nowMs)} ago`,
    endedAt ? spanOf(instantOf(endedAt) - instantOf(startedAt)) : "-",
    actor ?? "-",
    reason ?? "-",
    ...(wide ? [record ?? "-", curvesOf(run)] : []),
  ];
}

export function outcomeSaid(outcome: Outcome | undefined, style: Style): string {
  if (outcome === undefined) return style.accent("goes on");
  return outcome === "Succeeded" ? style.good(outcome) : outcome === "Superseded" ? style.dim(outcome) : style.bad(outcome);
}

/** `errors ▁▁▃█`: the canary's bad requests. */
function curvesOf({ evidence = [] }: RunSeen): string {
  return evidence.map(({ name, trail }) => `${name} ${smallCurveOf(trail)}`).join("  ") || "-";
}
