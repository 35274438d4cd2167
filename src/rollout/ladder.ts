/** The ladder of a run: where a share stands on it, and what comes next. */
import type { PauseStep, Step, WeightStep } from "./spec-steps.ts";

export function isWeightStep(step: Step | undefined): step is WeightStep {
  return step !== undefined && !isPauseStep(step);
}

export function isPauseStep(step: Step | undefined): step is PauseStep {
  return step !== undefined && "pause" in step;
}

/** Points of a route for a canary share: floor(S·w/100), at least 1 if w > 0 (law 4). `total` is what stable and canary share. */
export function pointsFor(weightPercent: number, total: number): number {
  if (weightPercent <= 0 || total <= 0) return 0;
  // The tiny addend undoes the rounding of a share that was itself computed from points.
  return Math.max(1, Math.floor((total * weightPercent) / 100 + 1e-9));
}

/** Canary share in percent, of what stable and canary share. */
export function shareOf(points: number, total: number): number {
  return total === 0 ? 0 : (points / total) * 100;
}

/** Index of the last weight step not above a share, a pause right behind it not counted as passed; -1 below the first. A step that only picks requests out is reached by none. */
export function standingAt(ladder: readonly Step[], weightPercent: number): number {
  return ladder.findLastIndex((step) => isWeightStep(step) && step.weight !== undefined && step.weight <= weightPercent + 1e-9);
}

/** Weight that a step stands at: its own (0 where it only picks requests out), or for a pause that of the step before it. */
export function weightAt(ladder: readonly Step[], index: number): number {
  return givenAt(ladder, index).weight;
}

/** What the new version gets at a step. */
export function givenAt(ladder: readonly Step[], index: number): { readonly weight: number; readonly matched?: WeightStep["match"] } {
  const step = ladder.slice(0, index + 1).findLast(isWeightStep);
  return { weight: step?.weight ?? 0, ...(step?.match ? { matched: step.match } : {}) };
}

/** The step that comes next by itself: the one above the share that the run has, where a hand has left it less than its step gives. */
export function stepAfter({ ladder, step, weight }: { readonly ladder: readonly Step[]; readonly step: number; readonly weight: number }): number {
  return (weightAt(ladder, step) > weight ? standingAt(ladder, weight) : step) + 1;
}

/** The weights that a ladder goes through, in percent. */
export function weightsIn(ladder: readonly Step[]): number[] {
  return ladder.flatMap((step) => (isWeightStep(step) && step.weight !== undefined ? [step.weight] : []));
}

/** Hold of the weight step that `index` stands at; undefined before the first one. */
export function holdAt(ladder: readonly Step[], index: number): string | undefined {
  return ladder.slice(0, index + 1).findLast(isWeightStep)?.hold;
}

export function lastStep(ladder: readonly Step[]): number {
  return ladder.length - 1;
}
