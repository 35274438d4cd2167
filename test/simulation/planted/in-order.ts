/** Bugs in a tick: what is written before what, and what is left out. */
import { effectsOf, type Effect } from "../../../src/rollout/effects.ts";
import { isEqual } from "../../../src/rollout/equal.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import { instantOf, timeOf } from "../../../src/rollout/units.ts";
import { inSteps } from "../world/tampering.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const ORDER_BUGS = {
  actsFirst: {
    does: "acts before it commits",
    breaks: "committedFirst",
    caughtAt: 1,
    plant: () => inSteps({ actsFirst: true }),
  },
  noNoOpCommit: {
    does: "skips the status write that changes nothing before it acts",
    breaks: "committedFirst",
    caughtAt: 1,
    plant: () => inSteps({ isWritten: (rollout, status) => !isEqual(rollout.status, status) }),
  },
  writesAtEveryLook: {
    does: "writes the status at every look, also where it learnt nothing",
    breaks: "restIsRest",
    caughtAt: 3,
    plant: () => inSteps({ isWorthCommitting: () => true }),
  },
  finalizerFirst: {
    does: "takes the finalizer away before the traffic is back",
    breaks: "finalizerHolds",
    caughtAt: 1,
    plant: () => inEffects((effects) => [...effects.filter(isLettingGo), ...effects.filter((effect) => !isLettingGo(effect))]),
  },
  noFinalizer: {
    does: "sets no finalizer",
    breaks: "finalizerHolds",
    caughtAt: 1,
    plant: () => inEffects((effects) => effects.filter((effect) => !(effect.kind === "setFinalizer" && effect.present))),
  },
  noRecord: {
    does: "writes no record of a run",
    breaks: "recordIsKept",
    caughtAt: 1,
    plant: () => inEffects((effects) => effects.filter(({ kind }) => kind !== "keepRecord")),
  },
  forgetsRefusals: {
    does: "forgets which revision was refused",
    breaks: "refusedStaysRefused",
    caughtAt: 12,
    plant: () => inStatus(({ refused: _, ...status }) => status),
  },
  holdFromCommit: {
    does: "measures a hold from the commit of a weight, instead of from when it is in force",
    breaks: "holdIsKept",
    caughtAt: 6,
    plant: withHoldsFromCommit,
  },
} as const satisfies Readonly<Record<string, PlantedBug>>;

function inEffects(change: (effects: readonly Effect[]) => Effect[]) {
  return inSteps({ effectsOf: (...asked) => change(effectsOf(...asked)) });
}

function isLettingGo(effect: Effect): boolean {
  return effect.kind === "setFinalizer" && !effect.present;
}

function inStatus(change: (status: RolloutStatus) => RolloutStatus) {
  return inSteps({ nextStatus: (...asked) => change(nextStatus(...asked)) });
}

function withHoldsFromCommit() {
  const committedAtMs = new Map<string, number>();
  return inSteps({
    nextStatus(rollout, seen, decision) {
      const status = nextStatus(rollout, seen, decision);
      const { run } = status;
      if (!run || run.outcome || run.epoch === 0) return status;
      const key = `${rollout.metadata.uid}/${run.number}.${run.epoch}`;
      if (!committedAtMs.has(key)) committedAtMs.set(key, seen.nowMs);
      return run.inForceAt ? { ...status, run: { ...run, inForceAt: timeOf(Math.min(instantOf(run.inForceAt), committedAtMs.get(key)!)) } } : status;
    },
  });
}
