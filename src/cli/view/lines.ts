/** A Rollout's changes as lines, for logs of scripts. */
import type { Rollout } from "../../rollout/rollout.ts";
import type { RolloutStatus } from "../../rollout/status.ts";

/** A function that gives the lines for each state that differs from the one before in what people would say. */
export function createLines(): (rollout: Rollout) => readonly string[] {
  let before: string | undefined;
  return ({ metadata, status }) => {
    const line = status ? lineOf(metadata.name, status) : `${metadata.name}   no daemon has looked at it yet`;
    if (line === before) return [];
    before = line;
    return [line];
  };
}

function lineOf(name: string, { phase, reason, step, weight, message }: RolloutStatus): string {
  return [name, `${phase}/${reason}`, step, weight, message].filter(Boolean).join("   ");
}
