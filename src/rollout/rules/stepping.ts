/** Rules of an undisturbed run: commands, waiting, and the next step. */
import { type Case, failedMetric, inForceAtMs, isShown, unwrittenOf, versionSeen } from "../case.ts";
import type { Command } from "../command.ts";
import type { Decision, Said } from "../decision.ts";
import { deploymentSeen } from "../deployment.ts";
import { holdEndsMs, lackingEvidence, type Lacking } from "../evidence.ts";
import { promotedStep } from "../inbox.ts";
import { type Given, givenAt, holdAt, isPauseStep, standingAt, stepAfter } from "../ladder.ts";
import { isComparable, portionSaid, standingSaid } from "../portion.ts";
import { cannotMirror, cannotPreview } from "../route-obstacles.ts";
import type { PauseStep } from "../spec-steps.ts";
import type { Run } from "../status.ts";
import { instantOf, msOf } from "../units.ts";
import { noWayBackSaid } from "../way-back.ts";
import { cannotEnter, undoneSaid, waitingSaid } from "./beginning.ts";
import { rollingSaid } from "./deploying.ts";
import { failureSaid, missingTraffic } from "./ending.ts";
import { isToKeep, kept } from "./keeping.ts";
import { pauseSaid } from "./pausing.ts";
import { accepted, byWhom, percent, type Rule, say, stay } from "./rule.ts";

export const commanded: Rule = (it) => {
  const { run, command } = it;
  if (!run || !command) return undefined;
  if (command.verb === "promote") return isShown(it, run) ? promoted(it, run, command) : undefined; // from where the run does not stand yet nothing goes on
  if (command.verb === "pause") return { kind: "pause", by: "Command", actor: command.actor, ...say("Paused", "Command", `paused${byWhom(command)}; judging goes on`), ...accepted(command, "paused") };
  return command.verb === "resume" ? resumed(it, run, command) : undefined;
};

function promoted(it: Case, run: Run, command: Command): Decision {
  const step = promotedStep(run, command) ?? run.step + 1;
  return { ...goTo(it, run, step, `promoted${byWhom(command)}`), ...accepted(command, describeStep(run, step)) };
}

function describeStep(run: Run, step: number): string {
  if (step >= run.ladder.length) return `${run.to.version} keeps all the traffic${isToKeep(run) ? `, and ${run.from.version} is kept for a while` : ""}`;
  const next = run.ladder[step];
  return isPauseStep(next) && next.preview === undefined ? "goes on to the next pause" : `goes on to ${portionSaid(givenAt(run.ladder, step))}`;
}

/** A hand's weight is left for the step above it; everything else goes on where it stands. */
function resumed(it: Case, run: Run, command: Command): Decision {
  const answer = accepted(command, "resumed");
  const above = standingAt(run.ladder, run.weight) + 1;
  if (run.pausedBy === "RouteEditedByHand" && cannotEnter(it, run, run.ladder, above) === undefined) return { ...goTo(it, run, above, `resumed${byWhom(command)}`), ...answer };
  return { kind: "resume", actor: command.actor, ...say("Progressing", "Holding", `resumed${byWhom(command)}`), ...answer };
}

/** The decision that a step is entered, or that the run has reached its end. */
function goTo(it: Case, run: Run, step: number, why: string): Decision {
  const next = run.ladder[step];
  const deployment = deploymentSeen(it);
  const keep = next ? undefined : kept(it, run);
  if (keep) return keep;
  if (!next && run.deployment !== undefined && deployment) return { kind: "roll", ...say("Progressing", "Stepping", rollingSaid(run, deployment)) };
  if (!next) return { kind: "end", outcome: "Succeeded", why, ...arrivedSaid(it, run) };
  if (isPauseStep(next)) return { kind: "enter", step, ...say("Paused", "Step", pauseSaid(it, givenInPause(run, next, step), next)) };
  return { kind: "enter", step, ...say("Progressing", "Stepping", steppingSaid(run, givenAt(run.ladder, step))) };
}

/** An undo arrives at what the spec does not name. */
function arrivedSaid({ status: { refused }, spec }: Case, run: Run): Said {
  if (refused?.version === spec.release && spec.release !== run.to.version) return say("Degraded", refused.because, undoneSaid(run.to.version, refused.version, refused.reason));
  return say("Healthy", "Succeeded", `${run.to.version} has all the traffic since run ${run.number}`);
}

/** A hand may have left it less than the step before the pause gives. */
function givenInPause(run: Run, { preview }: PauseStep, step: number): Given {
  return preview === undefined ? run : givenAt(run.ladder, step);
}

/** A metric that asks for a person has failed. */
export const questioned: Rule = (it) => {
  const { run } = it;
  if (!run || run.pausedBy) return undefined;
  const failed = failedMetric(it, run, "pause");
  const why = failed ? failureSaid(failed, run) : missingTraffic(it, run, "pause");
  return why === undefined ? undefined : { kind: "pause", by: "MetricFailed", ...say("Paused", "MetricFailed", `${why}: resume judges anew, promote --reason goes on, abort takes it back`) };
};

/** The run's weight is not in force yet, so there is nothing to judge. */
export const pending: Rule = (it) => {
  const { run } = it;
  if (!run || run.pausedBy || run.epoch === 0) return undefined;
  const inForce = inForceAtMs(it, run);
  if (inForce === undefined) return unwritten(it, run);
  return it.nowMs < inForce ? stay("Progressing", "Stepping", steppingStill(it, run)) : undefined;
};

function unwritten(it: Case, run: Run): Decision {
  const obstacle = cannotMirror(it, run, run.mirrored) ?? cannotPreview(it, run.previewed);
  if (obstacle !== undefined) return { kind: "stay", waiting: true, ...waitingSaid(run, obstacle) };
  const unwritten = unwrittenOf(it, run).map(({ name }) => name);
  if (unwritten.length > 0) return stay("Progressing", "NotReady", `${steppingSaid(run, run)}, and ${unwritten.join(" and ")} ${unwritten.length > 1 ? "do" : "does"} not show it yet`);
  const ready = versionSeen(it, run.to.version).readyPods > 0;
  if (ready) return stay("Progressing", "Stepping", steppingStill(it, run));
  return { kind: "stay", waiting: true, ...say("Pending", "NotReady", `${run.to.version} has no ready pod, so it does not get ${portionSaid(run)} yet`) };
}

/** What was said with the intent stays until its weight is in force: saying it anew would cost a write. */
function steppingStill({ status }: Case, run: Run): string {
  return status.reason === "Stepping" && status.run?.epoch === run.epoch ? status.message : steppingSaid(run, run);
}

function steppingSaid({ to }: Run, given: Given): string {
  return !isComparable(given) ? `${to.version} gets ${portionSaid(given)}` : `${to.version} goes to ${percent(given.weight)}`;
}

export const paused: Rule = (it) => {
  const { run } = it;
  if (!run?.pausedBy) return undefined;
  const step = run.ladder[run.step];
  const duration = run.pausedBy === "Step" && isPauseStep(step) ? step.pause.duration : undefined;
  const over = duration !== undefined && run.pausedAt !== undefined && it.nowMs >= instantOf(run.pausedAt) + msOf(duration);
  return over ? undefined : stay("Paused", run.pausedBy, `${run.pausedMessage ?? "paused"}${noWayBackSaid(it, run.from.version)}`);
};

/** The step has not had its time, or its evidence, yet. */
export const holding: Rule = (it) => {
  const { run } = it;
  if (!run || run.epoch === 0 || run.keptSince !== undefined) return undefined;
  const endsMs = holdEndsMs(it, run);
  const lacking = lackingEvidence(it, run);
  if (endsMs === undefined || it.nowMs < endsMs) return lacking && isUntold(it, run) ? stay("Progressing", "Stepping", it.status.message) : stay("Progressing", lacking?.reason ?? "Holding", holdingSaid(it, run, lacking));
  return lacking ? silent(it, run, lacking) : undefined;
};

/** In force, but no evidence has come since the intent was told: to say only that would cost a write. */
function isUntold({ status }: Case, run: Run): boolean {
  return run.checks.length === 0 && status.reason === "Stepping" && status.run?.epoch === run.epoch;
}

function holdingSaid(it: Case, run: Run, lacking: Lacking | undefined): string {
  const at = `${run.to.version} stays ${standingSaid(run)} for ${holdAt(run.ladder, run.step) ?? "0s"}`;
  const noWayBack = noWayBackSaid(it, run.from.version);
  if (noWayBack) return `${at}${noWayBack}`;
  return lacking ? `${at}; ${lacking.message}` : `${at}; every check passes`;
}

/** The time is over and evidence is lacking: hold, until the limit makes it a pause; rollback was decided before. */
function silent(it: Case, run: Run, { policy, reason, message }: Lacking): Decision {
  const { after, then } = it.spec.analysis.holdLimit;
  const overdue = run.heldSince !== undefined && it.nowMs >= instantOf(run.heldSince) + msOf(after);
  if (policy === "pause") return { kind: "pause", by: "HoldLimit", ...say("Paused", "HoldLimit", `${message}, and the policy for ${reason} is pause: resume, promote --reason or abort`) };
  if (overdue && then === "pause") return { kind: "pause", by: "HoldLimit", ...say("Paused", "HoldLimit", `${message}, for ${after}: resume, promote --reason or abort`) };
  return { kind: "stay", held: true, ...say("Progressing", reason, `${run.to.version} is held ${standingSaid(run)}: ${message}`) };
}

/** Healthy: take exactly one step. */
export const nextStep: Rule = (it) => {
  const { run } = it;
  if (!run) return undefined;
  const next = stepAfter(run);
  const lacking = cannotEnter(it, run, run.ladder, next);
  if (lacking === undefined) return goTo(it, run, next, "every step passed");
  return { kind: "stay", waiting: true, ...waitingSaid(run, lacking) };
};
