/** Tells what happens to the route: a live line for the split in force, which settles when the next one comes into force. */
import type { Check, Run, RolloutStatus } from "../rollout/status.ts";
import type { Display } from "./display.ts";
import { besideLines, cut, stepLine } from "./narration.ts";
import type { RouteStep, Split } from "./route-steps.ts";
import type { Stage } from "./stage.ts";

export interface Sides {
  readonly stable: string;
  readonly canary: string;
}

export interface Telling {
  /** Says what has settled since, and redraws the rest. */
  update(): void;
  /** Settles the split in force too. */
  finish(): void;
}

/** Begins with the split in force now. `startedMs` is where the story's clock began. */
export function createTelling(stage: Stage, display: Display, sides: Sides, startedMs: number): Telling {
  const checks = new Map<number, readonly Check[]>();
  const runsBefore = endedRuns(stage.status());
  let next = stage.steps().length - 1;
  const linesOf = (step: RouteStep, index: number) => [
    stepLine({ ...sides, atMs: Math.max(0, step.sinceMs - startedMs), split: step.split, counts: step.counts(), checks: checks.get(index) ?? [] }, display.style),
    ...besideLines({ ...sides, counts: step.counts(), copies: step.copies(), users: step.users(), sides: step.sides() }, display.style),
  ];
  const settle = (end: number) => {
    const steps = stage.steps();
    for (; next < end; next += 1) display.say(...linesOf(steps[next]!, next));
  };
  const update = () => {
    const status = stage.status();
    note(checks, stage.steps(), sides, status?.run && status.run.number > runsBefore ? status.run : undefined);
    settle(stage.steps().length - 1);
    const current = stage.steps()[next];
    if (current) display.live(...linesOf(current, next), display.style.dim(cut(`        ${status?.message ?? ""}`)));
  };
  return {
    update,
    finish: () => {
      update();
      settle(stage.steps().length);
    },
  };
}

/** How many runs are over. */
export function endedRuns(status: RolloutStatus | undefined): number {
  const run = status?.run;
  return run ? run.number - (run.outcome === undefined ? 1 : 0) : 0;
}

/** Evidence belongs to the split it was gathered under: that of the run's weight, or the last one with any once the run is over. */
function note(checks: Map<number, readonly Check[]>, steps: readonly RouteStep[], { canary }: Sides, run: Run | undefined): void {
  if (!run?.checks.some(({ value }) => value !== undefined)) return;
  const isMeant = (split: Split) => (split[canary] ?? 0) > 0 && (run.outcome !== undefined || split[canary] === run.weight);
  const index = steps.findLastIndex(({ split }) => isMeant(split));
  if (index >= 0) checks.set(index, run.checks);
}
