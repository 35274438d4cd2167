/** A stage whose every moment is written down beforehand. */
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import type { Sides } from "../../../src/playground/crowd.ts";
import type { VersionCounts } from "../../../src/playground/mesh/tally.ts";
import type { RouteStep, Split } from "../../../src/playground/route-steps.ts";
import type { Stage } from "../../../src/playground/stage.ts";

/** One moment: what has changed since the one before. */
export interface Moment {
  readonly status?: Partial<RolloutStatus>;
  /** A split that comes into force. */
  readonly split?: Split;
  /** Requests sent since the last split, by version. */
  readonly counts?: VersionCounts;
  readonly answers?: Readonly<Record<string, number>>;
  /** Where users who keep cookies stand, since the last split. */
  readonly sides?: Sides;
}

export interface ScriptedStage extends Stage {
  readonly released: readonly string[];
  readonly turned: readonly string[];
}

/** A second passes with each pause; after the last moment nothing changes any more. */
export function aScriptedStage(first: Moment, ...later: readonly Moment[]): ScriptedStage {
  const moments = [...later];
  const released: string[] = [];
  const turned: string[] = [];
  let nowMs = 0;
  let status: Partial<RolloutStatus> = {};
  let answers: Readonly<Record<string, number>> = {};
  const steps: (Pick<RouteStep, "split" | "sinceMs"> & { seen: VersionCounts; stand: Sides })[] = [];
  const enter = (moment: Moment) => {
    status = { ...status, ...moment.status };
    answers = moment.answers ?? answers;
    if (moment.split) steps.push({ split: moment.split, sinceMs: nowMs, seen: {}, stand: { on: {}, came: {} } });
    if (moment.counts) steps.at(-1)!.seen = moment.counts;
    if (moment.sides) steps.at(-1)!.stand = moment.sides;
  };
  enter(first);
  return {
    moved: "requests",
    released,
    turned,
    nowMs: () => nowMs,
    pause: async () => {
      nowMs += 1_000;
      enter(moments.shift() ?? {});
    },
    status: () => status as RolloutStatus,
    steps: () => steps.map(({ split, sinceMs, seen, stand }) => ({ split, sinceMs, counts: () => seen, copies: () => ({}), users: () => ({}), sides: () => stand })),
    answers: () => answers,
    called: (version) => version,
    turn: (version, { errorRate, latencyMs }) => void turned.push(`${version} ${errorRate} ${latencyMs}`),
    prepare: async () => undefined,
    release: async (version) => void released.push(version),
  };
}
