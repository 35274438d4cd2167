/** A run's ladder, step by step: passed, standing, still to come. */
import { isWeightStep } from "../../rollout/ladder.ts";
import { stepPortionSaid } from "../../rollout/portion.ts";
import type { Step } from "../../rollout/spec-steps.ts";
import type { Run } from "../../rollout/status.ts";
import { instantOf, msOf } from "../../rollout/units.ts";
import type { Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { inColumns } from "./columns.ts";
import type { Branch } from "./tree.ts";

export function stepsOf(run: Run, style: Style, nowMs: number): readonly Branch[] {
  const rows = run.ladder.map((step, index) => [`${markOf(run, index, style)} ${nameOf(step)}`, lengthOf(step), index === run.step && !run.outcome ? standingSaid(run, step, nowMs) : ""]);
  return inColumns(rows).map((text) => ({ text }));
}

function markOf(run: Run, index: number, style: Style): string {
  if (index < run.step || (index === run.step && run.outcome === "Succeeded")) return style.good("✔");
  if (index > run.step) return style.dim("○");
  if (run.outcome) return style.bad("✖");
  return run.pausedBy ? style.warn("‖") : style.accent("●");
}

function nameOf(step: Step): string {
  return isWeightStep(step) ? stepPortionSaid(step) : "pause";
}

function lengthOf(step: Step): string {
  return isWeightStep(step) ? `for ${step.hold}` : step.pause.duration ? `for ${step.pause.duration}` : "until promoted";
}

function standingSaid(run: Run, step: Step, nowMs: number): string {
  if (run.pausedBy) return `paused (${run.pausedBy})${run.pausedAt ? ` ${spanOf(nowMs - instantOf(run.pausedAt))} ago` : ""}`;
  if (run.inForceAt === undefined) return "not in force yet";
  const sinceMs = nowMs - instantOf(run.inForceAt);
  if (sinceMs < 0) return `in force in ${spanOf(-sinceMs + 999)}`;
  const leftMs = isWeightStep(step) ? msOf(step.hold) - sinceMs : 0;
  return `in force for ${spanOf(sinceMs)}${leftMs > 0 ? `, ${spanOf(leftMs)} to go` : ""}`;
}
