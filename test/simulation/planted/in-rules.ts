/** Bugs in the policy: decided from a Rollout that is not quite the one that was read, or otherwise than the rules say. */
import { decide } from "../../../src/rollout/decide.ts";
import { effectsOf } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import { COMMAND_ANNOTATION, type ValidRollout } from "../../../src/rollout/rollout.ts";
import type { RolloutSpec } from "../../../src/rollout/spec.ts";
import type { Run } from "../../../src/rollout/status.ts";
import { inSteps } from "../world/tampering.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const RULE_BUGS = {
  ignoresAbort: {
    does: "ignores abort",
    breaks: "abortIsInForce",
    caughtAt: 27,
    plant: () => reading(withCommand((text) => (text.startsWith("abort") ? undefined : text))),
  },
  ignoresSuspend: {
    does: "writes the route although spec.suspend is true",
    breaks: "suspendIsObeyed",
    caughtAt: 3,
    plant: () => reading(withSpec((spec) => ({ ...spec, suspend: false }))),
  },
  obeysForAnyRun: {
    does: "obeys a command whatever run it was given for",
    breaks: "obeyedForItsRun",
    caughtAt: 23,
    plant: () => deciding((rollout) => withCommand((text) => text.replace(/\brun=\d+/, `run=${rollout.status?.run?.number ?? 0}`))(rollout)),
  },
  obeysTwice: {
    does: "forgets which commands it has obeyed",
    breaks: "obeyedOnce",
    caughtAt: 42,
    plant: () => deciding(withoutAnswers),
  },
  silenceAdvances: {
    does: "advances on no data",
    breaks: "silenceIsNotSuccess",
    caughtAt: 31,
    plant: () => deciding(withSpec((spec) => ({ ...spec, analysis: { ...spec.analysis, onNoData: "advance", onInconclusive: "advance" } }))),
  },
  oneVerdictSuffices: {
    does: "leaves a step after one pass, whatever the spec asks for",
    breaks: "silenceIsNotSuccess",
    caughtAt: 86,
    plant: () => deciding(withSpec((spec) => ({ ...spec, analysis: { ...spec.analysis, minVerdicts: 1 } }))),
  },
  passesPauses: {
    does: "passes a pause of the ladder by itself",
    breaks: "pauseIsKept",
    caughtAt: 3,
    plant: () => deciding(withRun(({ pausedBy, ...run }) => (pausedBy === undefined || pausedBy === "Step" ? run : { ...run, pausedBy }))),
  },
  fightsTheHand: {
    does: "puts a share back that a hand has lowered",
    breaks: "handThatLowersIsObeyed",
    caughtAt: 1,
    plant: () => inSteps({ decide: (...asked) => { const decision = decide(...asked); return decision.kind === "yield" ? { ...decision, kind: "repair" } : decision; } }),
  },
  leavesRaises: {
    does: "leaves a share that a hand has raised",
    breaks: "handThatRaisesIsUndone",
    caughtAt: 9,
    plant: () => inSteps({ decide: (...asked) => { const decision = decide(...asked); return decision.kind === "repair" ? { ...decision, kind: "stay" } : decision; } }),
  },
  leavesHarm: {
    does: "leaves the traffic with a version that the evidence proves bad",
    breaks: "harmIsTakenBack",
    caughtAt: 229,
    plant: () => inSteps({ decide: (...asked) => { const decision = decide(...asked); return decision.kind === "end" && decision.outcome === "RolledBack" ? { ...decision, kind: "stay" } : decision; } }),
  },
} as const satisfies Readonly<Record<string, PlantedBug>>;

type Reread = (rollout: ValidRollout) => ValidRollout;

/** The whole tick rests on what was read wrongly. */
function reading(reread: Reread) {
  return inSteps({
    decide: (rollout, seen) => decide(reread(rollout), seen),
    nextStatus: (rollout, ...rest) => nextStatus(reread(rollout), ...rest),
    effectsOf: (rollout, ...rest) => effectsOf(reread(rollout), ...rest),
  });
}

/** Only the decision does. */
function deciding(reread: Reread) {
  return inSteps({ decide: (rollout, seen) => decide(reread(rollout), seen) });
}

function withSpec(change: (spec: RolloutSpec) => RolloutSpec): Reread {
  return (rollout) => ({ ...rollout, spec: change(rollout.spec) });
}

function withRun(change: (run: Run) => Run): Reread {
  return (rollout) => (rollout.status?.run ? { ...rollout, status: { ...rollout.status, run: change(rollout.status.run) } } : rollout);
}

function withCommand(change: (text: string) => string | undefined): Reread {
  return (rollout) => {
    const { [COMMAND_ANNOTATION]: text, ...others } = rollout.metadata.annotations;
    const changed = text === undefined ? undefined : change(text);
    return { ...rollout, metadata: { ...rollout.metadata, annotations: changed === undefined ? others : { ...others, [COMMAND_ANNOTATION]: changed } } };
  };
}

function withoutAnswers(rollout: ValidRollout): ValidRollout {
  if (!rollout.status) return rollout;
  const { lastCommand: _, answered: __, ...status } = rollout.status;
  return { ...rollout, status };
}
