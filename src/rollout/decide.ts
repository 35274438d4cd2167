/** What should happen next. The order of RULES is the policy; read it top to bottom. */
import type { Case } from "./case.ts";
import type { Decision } from "./decision.ts";
import type { Observation } from "./observation.ts";
import { caseOf } from "./read-case.ts";
import type { ValidRollout } from "./rollout.ts";
import { begun, mangled, settled, started, undone, unrouted } from "./rules/beginning.ts";
import { aborted, cannotTakeBack, deleted, harmful, stalled, superseded } from "./rules/ending.ts";
import { observed, suspended } from "./rules/observing.ts";
import { type Rule, stay } from "./rules/rule.ts";
import { commanded, holding, nextStep, paused, pending, questioned } from "./rules/stepping.ts";
import { drifted, refusedRaised, takenOver } from "./rules/wheel.ts";

export const RULES: Readonly<Record<string, Rule>> = {
  deleted, // the Rollout goes: traffic to stable, then our own things
  aborted, // a person's abort, or the stable version named in mid-run, outranks every machine judgement
  suspended, // an operator said hands off: look, say, touch nothing
  unrouted, // there is no route that can be read: say what is missing
  observed, // another tool moves the traffic: judge beside it
  begun, // first sight
  cannotTakeBack, // traffic should go back, but stable has no endpoints: say so, move nothing
  harmful, // a Fail, no ready pod at weight, or a policy that says rollback: take the traffic back now
  undone, // a person, or the rollback window, wants what was stable before
  superseded, // a newer revision starts the ladder again
  refusedRaised, // somebody raised a refused version: back to 0, also at rest
  settled, // this revision already succeeded or failed
  started, // a revision that has not been tried, or that a person wants tried again: begin a run
  takenOver, // a person moved traffic off the new version by hand: leave it so, and ask
  stalled, // the pods will never become ready
  drifted, // something raised the new version's share: put it back before judging
  commanded, // promote, pause, resume
  mangled, // weights that do not add up: nothing goes on until somebody puts them right, or aborts
  questioned, // a metric that asks for a person has failed
  pending, // not ready, or not yet in force, so there is nothing to judge
  paused, // a step, a person, a metric or a limit says wait
  holding, // the step has not had its time, or its evidence, yet
  nextStep, // healthy: take exactly one step
};

/** Pure: the same Rollout and observation always give the same decision. */
export function decide(rollout: ValidRollout, seen: Observation): Decision {
  const it = caseOf(rollout, seen);
  const decision = decideCase(it);
  if (it.inbox.kind !== "refused") return decision;
  const { command, message } = it.inbox;
  return { ...decision, answer: { command, result: "Refused", message } };
}

function decideCase(it: Case): Decision {
  for (const rule of Object.values(RULES)) {
    const decision = rule(it);
    if (decision) return decision;
  }
  // Reached only by a command that no rule could obey: what was said stays, and the command waits for a later tick.
  return stay(it.status.phase, it.status.reason, it.status.message);
}
