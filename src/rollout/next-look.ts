/** When a run wants to be looked at again. */
import { nextLook } from "./analysis/instants.ts";
import { type Case, definedInForceMs, inForceAtMs, isRaised, isShown, splitsOfRun } from "./case.ts";
import { deploymentSeen, quietMs, rollLateMs, routeInForceMs, sidesInForceMs } from "./deployment.ts";
import { holdAt, isGiven, isPauseStep } from "./ladder.ts";
import { keptUntilMs } from "./rules/keeping.ts";
import { isContested, nextRepairMs } from "./rules/wheel.ts";
import type { RolloutStatus, Run } from "./status.ts";
import { instantOf, msOf } from "./units.ts";

/** A write is stamped with whole seconds: this long, at most, lies between it and the second it is rounded up to. */
const ROUNDING_MS = 1_000;

/** The earliest time at which something may change by itself; undefined where only the world can change it. */
export function nextLookMs(it: Case, status: RolloutStatus): number | undefined {
  const { run } = status;
  if (!run) return undefined;
  const sides = run.deployment === undefined ? [] : sidesMs(it, run);
  const waits = run.outcome ? [repairMs(it, run), ...sides] : [...sides, ...rollMs(it, run), evidenceMs(it, run), waitedMs(it, run), pauseEndsMs(run), keptUntilMs(run), repairMs(it, run), alikeMs(it, run)];
  const times = waits.filter((time) => time !== undefined);
  const future = times.filter((time) => time > it.nowMs);
  return future.length > 0 ? Math.min(...future) : undefined;
}

/** Of a Deployment's run: when route, rule, or what its end has left come into force. */
function sidesMs(it: Case, run: Run): readonly number[] {
  const isWaiting = run.waitingSince !== undefined && it.seen.sidesObstacle === undefined; // for what it makes itself, whoever else hears of that
  const made = isWaiting ? [it.nowMs + ROUNDING_MS + msOf(it.spec.strategy.propagation)] : [];
  return [routeInForceMs(it), sidesInForceMs(it), ...made, ...(run.outcome ? [quietMs(run, it.spec)] : [])].filter(Number.isFinite);
}

/** When the run's weight is, or will be, in force. */
function expectedInForceMs(it: Case, run: Run): number {
  const known = isShown(it, run) || it.observing ? inForceAtMs(it, run) : undefined;
  return known ?? it.nowMs + ROUNDING_MS + msOf(it.spec.strategy.propagation);
}

function evidenceMs(it: Case, run: Run): number | undefined {
  const { analysis } = it.spec;
  const inForce = expectedInForceMs(it, run);
  const unjudged = run.direct || analysis.metrics.length === 0;
  if (unjudged) return run.pausedBy ? undefined : inForce + msOf(holdAt(run.ladder, run.step) ?? "0s");
  if (!isGiven(run)) return run.pausedBy || run.epoch === 0 ? undefined : inForce + msOf(holdAt(run.ladder, run.step) ?? "0s");
  const [intervalMs, settleMs] = [msOf(analysis.interval), msOf(analysis.settle)];
  const first = Math.ceil(inForce / intervalMs) * intervalMs + settleMs;
  return Math.max(first, nextLook(it.nowMs, intervalMs, settleMs));
}

/** The progress deadline, or when the canary's definition comes into force. */
function waitedMs(it: Case, run: Run): number | undefined {
  if (!run.waitingSince) return undefined;
  const deadline = instantOf(run.waitingSince) + msOf(it.spec.strategy.progressDeadline);
  const defined = definedInForceMs(it, run.to.version);
  return defined > it.nowMs ? Math.min(deadline, defined) : deadline;
}

function pauseEndsMs(run: Run): number | undefined {
  const step = run.ladder[run.step];
  const duration = run.pausedBy === "Step" && isPauseStep(step) ? step.pause.duration : undefined;
  return duration && run.pausedAt ? instantOf(run.pausedAt) + msOf(duration) : undefined;
}

/** Where the Deployment rolls, when it is late. */
function rollMs(it: Case, run: Run): readonly number[] {
  const deployment = deploymentSeen(it);
  return deployment ? [rollLateMs(run, deployment)].filter(Number.isFinite) : [];
}

/** In a fight a raise waits to be put back, also that of a refused version at rest. */
function repairMs(it: Case, run: Run): number | undefined {
  return isContested(run, it.nowMs) ? nextRepairMs(run) : undefined;
}

/** A hand that lowered the new version in one of the lists that move together has lowered it; the others follow by the next look. */
function alikeMs(it: Case, run: Run): number | undefined {
  const splits = splitsOfRun(it, run);
  return splits.length > 1 && splits.some((split) => isRaised(run, split)) ? it.nowMs + ROUNDING_MS : undefined;
}

/** The committed next look, milliseconds since the epoch; undefined at rest, unless a fight goes on there. */
export function nextTickMs({ run }: RolloutStatus): number | undefined {
  return run?.nextLookAt ? instantOf(run.nextLookAt) : undefined;
}
