/** A run's ladder, step by step: passed, standing, still to come. */
import { isGiven, isWeightStep } from "../../rollout/ladder.ts";
import { stepPortionSaid } from "../../rollout/portion.ts";
import { keptUntilMs } from "../../rollout/rules/keeping.ts";
import type { Step } from "../../rollout/spec-steps.ts";
import type { Run } from "../../rollout/status.ts";
import { instantOf, msOf } from "../../rollout/units.ts";
import type { Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { inColumns } from "./columns.ts";
import type { Branch } from "./tree.ts";

export function stepsOf(run: Run, style: Style, nowMs: number): readonly Branch[] {
  const rows = run.ladder.map((step, index) => [`${markOf(run, index, style)} ${nameOf(step)}`, lengthOf(step), index === run.step && !run.outcome && run.rollingSince === undefined ? standingSaid(run, step, nowMs) : ""]);
  return inColumns(run.deployment === undefined ? rows : [openingRow(run, style), ...rows, rollingRow(run, style, nowMs)]).map((text) => ({ text }));
}

/** Before the ladder of a Deployment. */
function openingRow(run: Run, style: Style): string[] {
  const { isSplit, step, from } = run;
  const isPassed = isSplit && (step >= 0 || isGiven(run));
  return [`${isPassed ? style.good("✔") : style.accent("●")} told apart`, "", isPassed ? "" : `the route leads to the pods of ${from.version} alone, then the canary starts`];
}

/** And after it. */
function rollingRow({ rollingSince }: Run, style: Style, nowMs: number): string[] {
  if (rollingSince === undefined) return [`${style.dim("○")} it rolls`, "", ""];
  return [`${style.accent("●")} it rolls`, "", `the Deployment replaces its pods for ${spanOf(nowMs - instantOf(rollingSince))}`];
}

function markOf(run: Run, index: number, style: Style): string {
  if (index < run.step || (index === run.step && (run.outcome === "Succeeded" || run.rollingSince !== undefined))) return style.good("✔");
  if (index > run.step) return style.dim("○");
  if (run.outcome) return style.bad("✖");
  return run.pausedBy ? style.warn("‖") : style.accent("●");
}

function nameOf(step: Step): string {
  if (isWeightStep(step)) return stepPortionSaid(step);
  return step.preview === undefined ? "pause" : `pause, previewed at ${step.preview}`;
}

function lengthOf(step: Step): string {
  if (isWeightStep(step) && step.keepOld !== undefined) return `for ${step.hold}, and ${step.keepOld} with the old version kept`;
  return isWeightStep(step) ? `for ${step.hold}` : step.pause.duration ? `for ${step.pause.duration}` : "until promoted";
}

function standingSaid(run: Run, step: Step, nowMs: number): string {
  if (run.pausedBy) return `paused (${run.pausedBy})${run.pausedAt ? ` ${spanOf(nowMs - instantOf(run.pausedAt))} ago` : ""}`;
  const keptMs = keptUntilMs(run);
  if (keptMs !== undefined) return `${run.from.version} is kept, ${spanOf(Math.max(0, keptMs - nowMs))} to go`;
  if (run.inForceAt === undefined) return "not in force yet";
  const sinceMs = nowMs - instantOf(run.inForceAt);
  if (sinceMs < 0) return `in force in ${spanOf(-sinceMs + 999)}`;
  const leftMs = isWeightStep(step) ? msOf(step.hold) - sinceMs : 0;
  return `in force for ${spanOf(sinceMs)}${leftMs > 0 ? `, ${spanOf(leftMs)} to go` : ""}`;
}
