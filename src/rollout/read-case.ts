/** Reads a Rollout and an observation into the case that the rules decide. */
import { definitionOf, nextCheck } from "./analysis/judge.ts";
import type { Case } from "./case.ts";
import { isEqual } from "./equal.ts";
import { inboxOf } from "./inbox.ts";
import { standingAt } from "./ladder.ts";
import type { Observation } from "./observation.ts";
import type { ValidRollout } from "./rollout.ts";
import type { Metric, RolloutSpec } from "./spec.ts";
import { type Check, type RolloutStatus, type Run, STATUS_VERSION } from "./status.ts";

export function caseOf(rollout: ValidRollout, seen: Observation): Case {
  const status = rollout.status ?? blankStatus();
  const { spec } = rollout;
  const going = status.run && !status.run.outcome ? status.run : undefined;
  const run = going && withEvidence(withEdits(going, spec), spec, seen);
  const base = {
    rollout,
    spec,
    status,
    seen,
    nowMs: seen.nowMs,
    observing: spec.analysis.mode === "observe",
    ...(run ? { run } : {}),
    ...(status.run?.outcome ? { ended: status.run } : {}),
  };
  const inbox = inboxOf(base);
  return { ...base, inbox, ...(inbox.kind === "accepted" ? { command: inbox.command } : {}) };
}

export function blankStatus(): RolloutStatus {
  return {
    version: STATUS_VERSION,
    phase: "Pending",
    reason: "FirstSight",
    message: "not looked at yet",
    observedGeneration: 0,
    runs: 0,
    formerStables: [],
    conditions: [],
    history: [],
  };
}

/** Changed steps go on at the first one above the weight in force. */
function withEdits(run: Run, spec: RolloutSpec): Run {
  if (run.direct || isEqual(run.ladder, spec.strategy.steps)) return run;
  return { ...run, ladder: spec.strategy.steps, step: standingAt(spec.strategy.steps, run.weight) };
}

/** An edited metric starts its evidence afresh; one that is gone takes its evidence with it. */
function withEvidence(run: Run, spec: RolloutSpec, seen: Observation): Run {
  const checks = spec.analysis.metrics.flatMap((metric) => {
    const measured = seen.measurements.find(({ name }) => name === metric.name);
    const previous = currentCheck(run, metric);
    const check = measured ? nextCheck(previous, metric, measured, spec.analysis) : previous;
    return check ? [check] : [];
  });
  return { ...run, checks };
}

function currentCheck(run: Run, metric: Metric): Check | undefined {
  const check = run.checks.find(({ name }) => name === metric.name);
  return check?.definition === definitionOf(metric) ? check : undefined;
}
