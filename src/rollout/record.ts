/** The record that an ended run owes: when it is to be written, and what it says. */
import type { Case } from "./case.ts";
import type { Decision } from "./decision.ts";
import { FINALIZER } from "./rollout.ts";
import { RUN_LABELS, runLabelOf, runNameOf, type RolloutRunSpec, type RunRecord } from "./rollout-run.ts";
import { endedSaid } from "./rules/ending.ts";
import type { RolloutSpec } from "./spec.ts";
import type { RolloutStatus, Run } from "./status.ts";

/**
 * Once the route is let go of, and until the finalizer is gone: a crash in between repeats it. Without a finalizer (observe mode) only in the tick
 * that ends the run, as well as it goes.
 */
export function recordOwed(it: Case, status: RolloutStatus, decision: Decision, isLetGo: boolean): RunRecord | undefined {
  const endsNow = decision.kind === "end";
  const ended = status.run?.outcome ? status.run : it.ended; // that one, where the next run begins before a crash is made good
  if (!ended) return undefined;
  const isHeld = it.rollout.metadata.finalizers.includes(FINALIZER);
  const isDue = isHeld ? isLetGo || ended !== status.run : endsNow;
  return isDue ? recordOf(it, ended, endsNow ? status.message : endedSaid(it, ended).message) : undefined;
}

function recordOf(it: Case, run: Run, message: string): RunRecord {
  const { name, namespace, uid } = it.rollout.metadata;
  return {
    namespace,
    name: runNameOf({ name, uid }, run.number),
    labels: { [RUN_LABELS.rollout]: runLabelOf(name), [RUN_LABELS.uid]: uid, [RUN_LABELS.outcome]: run.outcome! },
    spec: { rollout: { name, uid }, ...toldOf(run), message, resolved: asWritten(it.spec) },
  };
}

/** What a Deployment's template is called nobody has written. */
function asWritten(spec: RolloutSpec): RolloutRunSpec["resolved"] {
  const { release, ...rest } = spec;
  return spec.deployment ? rest : { release, ...rest };
}

function toldOf(run: Run): Omit<RolloutRunSpec, "rollout" | "message" | "resolved"> {
  const { number, from, to, outcome, actor, reason, startedAt, endedAt, peak, ladder, wouldRollBack, checks, evidence, share, notified } = run;
  return {
    number,
    from,
    to,
    outcome: outcome!,
    actor,
    reason: reason ?? "no reason was given",
    startedAt,
    endedAt: endedAt ?? startedAt,
    peak,
    ladder,
    wouldRollBack,
    checks,
    evidence,
    share,
    told: notified.map(({ target, event, message, failing }) => ({ target, event, message, failing })),
  };
}
