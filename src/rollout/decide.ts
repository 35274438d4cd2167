/** What should happen next. The order of RULES is the policy; read it top to bottom. */
import type { Case } from "./case.ts";
import type { Decision } from "./decision.ts";
import type { Observation } from "./observation.ts";
import { caseOf } from "./read-case.ts";
import type { ValidRollout } from "./rollout.ts";
import { begun, mangled, outdated, settled, started, undone, unrouted } from "./rules/beginning.ts";
import { aborted, cannotTakeBack, deleted, harmful, stalled, superseded } from "./rules/ending.ts";
import { opening, rolling, slipped, undeployed } from "./rules/deploying.ts";
import { keeping } from "./rules/keeping.ts";
import { observed, suspended } from "./rules/observing.ts";
import { type Rule, stay } from "./rules/rule.ts";
import { commanded, holding, nextStep, paused, pending, questioned } from "./rules/stepping.ts";
import { drifted, refusedRaised, takenOver } from "./rules/wheel.ts";

export const RULES: Readonly<Record<string, Rule>> = {
  deleted, // the Rollout goes: traffic to stable, then our own things
  aborted, // a person's abort, or the stable version named in mid-run, outranks every machine judgement
  undeployed, // there is no Deployment to deliver, or another Rollout does: a run has nothing to go to
  slipped, // a Deployment rolls to what nobody has let go: stable is written back
  suspended, // an operator said hands off: look, say, touch nothing
  unrouted, // there is no route that can be read: say what is missing
  observed, // another tool moves the traffic: judge beside it
  begun, // first sight
  cannotTakeBack, // what an ended run owes is not done yet; where stable has no endpoints nothing moves, and that is said
  harmful, // a Fail, no ready pod at weight, or a policy that says rollback: take the traffic back now
  outdated, // at rest a cache that lags behind the last run tells nothing: wait until it has caught up
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
  rolling, // the Deployment itself rolls to what has proven good
  questioned, // a metric that asks for a person has failed
  opening, // a Deployment's route leads to the pods of stable alone, before there is a canary
  pending, // not ready, or not yet in force, so there is nothing to judge
  paused, // a step, a person, a metric or a limit says wait
  keeping, // every step was passed, or a person said so: what was stable before is kept a while
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
