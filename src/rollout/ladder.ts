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

/** Index of the last weight step not above a share, a pause right behind it not counted as passed; -1 below the first. A step that only picks requests out, or copies them, is reached by none. */
export function standingAt(ladder: readonly Step[], weightPercent: number): number {
  return ladder.findLastIndex((step) => isWeightStep(step) && step.weight !== undefined && step.weight <= weightPercent + 1e-9);
}

/** Weight that a step stands at: its own (0 where it only picks requests out, or copies them), or for a pause that of the step before it. */
function weightAt(ladder: readonly Step[], index: number): number {
  return givenAt(ladder, index).weight;
}

/** What the new version gets. */
export interface Given {
  /** In percent. */
  readonly weight: number;
  /** Requests that one of the alternatives describes; absent: none is picked out. */
  readonly matched?: WeightStep["match"] | undefined;
  /** Share of the requests, in percent, that is copied to it; absent or 0: none. */
  readonly mirrored?: number | undefined;
  /** Host for which it gets all requests; absent: none. */
  readonly previewed?: string | undefined;
}

/** What the new version gets at a step: in a pause what the step before it gives, and its preview. */
export function givenAt(ladder: readonly Step[], index: number): Given {
  const step = ladder.slice(0, index + 1).findLast(isWeightStep);
  const preview = previewAt(ladder, index);
  return { weight: step?.weight ?? 0, ...(step?.match ? { matched: step.match } : {}), ...(step?.mirror === undefined ? {} : { mirrored: step.mirror }), ...(preview === undefined ? {} : { previewed: preview }) };
}

/** That of the step, or, in pauses without one, of what comes before them. */
function previewAt(ladder: readonly Step[], index: number): string | undefined {
  return ladder.slice(0, index + 1).findLast((step) => isWeightStep(step) || step.preview !== undefined)?.preview;
}

/** Whether a step changes what the new version gets: a pause without a preview does not, unless a person is asked there before it ever got anything. */
export function isChange(ladder: readonly Step[], index: number): boolean {
  const step = ladder[index];
  return isWeightStep(step) || (step !== undefined && (step.preview !== undefined || !isGiven(givenAt(ladder, index))));
}

/**
 * The share of the requests, in percent, that the new version has to be able to take at a step: answered, or only copied to it. What is only shown
 * yet, or asked about, is as large as the next step needs it: who promotes it does not wait, and sees it as it will serve.
 */
export function loadAt(ladder: readonly Step[], index: number): number {
  const given = givenAt(ladder, index);
  const [next = 0] = index >= 0 && (given.previewed !== undefined || !isGiven(given)) ? weightsIn(ladder.slice(index + 1)) : [];
  return Math.max(given.weight, given.mirrored ?? 0, next);
}

/** Whether any request reaches it at all. */
export function isGiven({ weight, mirrored = 0, ...given }: Given): boolean {
  return weight > 0 || mirrored > 0 || isPickedOut(given);
}

/** Requests are picked out by what they ask for, or by their host. */
export function isPickedOut({ matched, previewed }: Pick<Given, "matched" | "previewed">): boolean {
  return matched !== undefined || previewed !== undefined;
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

/** How long the old version is kept after a step; undefined where it is not. */
export function keepOldAt(ladder: readonly Step[], index: number): string | undefined {
  const step = ladder[index];
  return isWeightStep(step) ? step.keepOld : undefined;
}

export function lastStep(ladder: readonly Step[]): number {
  return ladder.length - 1;
}
