/** What each kind of decision does to the status. */
import { begunAnew, inNextStep } from "./analysis/gather.ts";
import { type Case, editableOf, mirrorsTo, present, routeOf, splitOfRun } from "./case.ts";
import type { Beginning, Change, Decision } from "./decision.ts";
import { deploymentSeen } from "./deployment.ts";
import { givenAt, isWeightStep, pointsFor, shareOf, standingAt, stepAfter } from "./ladder.ts";
import { DIRECT_LADDER } from "./rules/beginning.ts";
import { isContested, recentRaises } from "./rules/wheel.ts";
import { pinnedAt } from "./sessions.ts";
import type { PastRun, PausedBy, Refused, RolloutStatus, Run, VersionRevision } from "./status.ts";
import { msOf, timeOf } from "./units.ts";

const HISTORY_LIMIT = 10;
const FORMER_STABLES_LIMIT = 10;
const REFUSALS_LIMIT = 10;

type Changed<K extends Change["kind"]> = Extract<Decision, { kind: K }>;

export function applied(it: Case, status: RolloutStatus, decision: Decision): RolloutStatus {
  if (decision.kind === "begin") return begun(it, status, decision);
  if (decision.kind === "adopt") return forgiven(it, { ...status, ...refusedAgain(status, decision.refused), stable: decision.stable });
  if (decision.kind === "end" && status.run) return ended(it, status, status.run, decision);
  if (decision.kind === "restore") return { ...status, restoring: { from: decision.from, to: decision.to } };
  if (!status.run) return status;
  return { ...status, run: changedRun(it, status.run, decision) };
}

function changedRun(it: Case, run: Run, decision: Decision): Run {
  switch (decision.kind) {
    case "stay":
      return waited(it, run, decision);
    case "enter":
      return entered(it, run, decision.step, decision.message);
    case "pause":
      return paused(it, run, decision.by, decision.message);
    case "resume":
      return resumed(it, run);
    case "yield":
      return yielded(it, run, decision);
    case "repair":
      return repaired(it, run, decision.message);
    case "follow":
      return { ...run, ...atAnotherWeight(run), weight: decision.weight, points: decision.points, step: decision.step, peak: Math.max(run.peak, decision.weight), inForceAt: timeOf(decision.inForceAtMs) };
    case "split":
      return splitUp(it, run);
    case "keep":
      return { ...withoutPause(run), keptSince: timeOf(it.nowMs) };
    case "roll":
      return { ...withoutPause(run), rollingSince: timeOf(it.nowMs) };
    case "wouldRollBack":
      return { ...run, wouldRollBack: decision.why };
    case "begin":
    case "adopt":
    case "restore":
    case "end":
      return run;
  }
}

/** Waiting and being held are measured from when they began. */
function waited(it: Case, run: Run, { waiting, held }: Changed<"stay">): Run {
  if (run.outcome) return run;
  const { waitingSince, heldSince, ...rest } = run;
  const now = timeOf(it.nowMs);
  return { ...rest, ...(waiting ? { waitingSince: waitingSince ?? now } : {}), ...(held ? { heldSince: heldSince ?? now } : {}) };
}

function withoutPause(run: Run): Run {
  const { pausedBy: _by, pausedAt: _at, pausedMessage: _message, heldSince: _held, waitingSince: _waiting, ...rest } = run;
  return rest;
}

/** Whatever only some requests, or copies of them, were sent for, and whom they stay with. That a mirror was ours is kept in mind: only so is it taken away. */
function withoutExtras({ matched: _, previewed: _previewed, sessions: _sessions, ...rest }: Run): Run {
  return rest.mirrored === undefined ? rest : { ...rest, mirrored: 0 };
}

/** The owner's route is back: its sides, and with them the canary, come again when the run goes on. */
function withoutSplit({ isSplit: _, ...rest }: Run): Run {
  return { ...rest, step: -1 };
}

function paused(it: Case, run: Run, by: PausedBy, message: string): Run {
  return { ...withoutPause(run), pausedBy: by, pausedAt: timeOf(it.nowMs), pausedMessage: message };
}

/** A pause leaves what the new version gets as it is, but for its preview. */
function entered(it: Case, run: Run, step: number, message: string): Run {
  const next = run.ladder[step];
  if (isWeightStep(next)) return intending(it, run, step);
  const left = next?.preview === undefined || next.preview === run.previewed ? run : intending(it, run, step);
  return { ...paused(it, left, "Step", message), step };
}

/** A new intent: the route has not shown it yet, so nothing is in force and no evidence is its own. */
function intending(it: Case, run: Run, step: number): Run {
  const { inForceAt: _, keptSince: __, ...rest } = withoutPause(run);
  const given = givenAt(run.ladder, step);
  const total = splitOfRun(it, run)?.total ?? 100;
  const points = pointsFor(given.weight, total);
  const intent = anIntent(it, run);
  return { ...withoutExtras(rest), ...given, ...pinnedAt(it.rollout, { ...run, ...intent }, points), ...atAnotherWeight(run), ...intent, step, points, peak: Math.max(run.peak, given.weight) };
}

/** The first intent of a Deployment's run: no share yet, but pods that are told apart. Only now can they begin to get ready. */
function splitUp(it: Case, run: Run): Run {
  const { inForceAt: _inForce, waitingSince: _waiting, ...rest } = run;
  return { ...rest, ...anIntent(it, run), isSplit: true };
}

function anIntent(it: Case, run: Run): Pick<Run, "epoch" | "decidedAt"> {
  const canary = splitOfRun(it, run)?.canary;
  return { epoch: run.epoch + 1, ...(canary === undefined ? {} : { decidedAt: canary }) };
}

/** Rows of verdicts are a step's own; evidence goes on through the whole run. */
function atAnotherWeight(run: Run): Pick<Run, "checks" | "evidence"> {
  return { checks: [], ...(run.evidence ? { evidence: run.evidence.map(inNextStep) } : {}) };
}

/** Rows of verdicts start anew, and so does evidence that a person has seen and accepted; a fight about the route is forgotten. */
function resumed(it: Case, run: Run): Run {
  const anew = run.pausedBy === "MetricFailed" || run.pausedBy === "HoldLimit";
  const checks = anew ? run.checks.map((check) => ({ ...check, failuresInARow: 0, passes: 0 })) : run.checks;
  return { ...withoutPause(anew ? accepted(it, run) : run), checks, raises: [], step: stepAfter(run) - 1 };
}

/** What asks for a rollback is never accepted by resuming. */
function accepted({ spec: { analysis } }: Case, run: Run): Run {
  const asks = new Set(analysis.metrics.filter(({ onFail }) => onFail === "pause").map(({ name }) => name));
  const { share, ...rest } = run;
  return {
    ...rest,
    ...(run.evidence ? { evidence: run.evidence.map((one) => (asks.has(one.name) ? begunAnew(one) : one)) } : {}),
    ...(share && analysis.onMissingTraffic !== "pause" ? { share } : {}),
  };
}

function yielded(it: Case, run: Run, { points, message }: Changed<"yield">): Run {
  const route = routeOf(it);
  const total = splitOfRun(it, run)?.total ?? 100;
  const written = Math.max(0, ...(route?.writers.map(({ atMs }) => atMs) ?? []));
  const inForceMs = (written === 0 ? it.nowMs : written + 1_000) + msOf(it.spec.strategy.propagation);
  const left = route && (route.matched || mirrorsTo(route, run.to.version).length > 0) ? run : withoutExtras(run);
  const given = { ...paused(it, route?.isSplit === false ? withoutSplit(left) : left, "RouteEditedByHand", message), ...atAnotherWeight(run), weight: shareOf(points, total), points, inForceAt: timeOf(inForceMs) };
  return route?.sessions ? freed(it, run, given) : given;
}

/** Who was kept with the new version is still there while our routes are: they are written anew for what the hand has left it, and are in force with that write. */
function freed(it: Case, run: Run, { inForceAt: _, ...given }: Run): Run {
  const intent = anIntent(it, run);
  return { ...withoutExtras(given), ...intent, ...pinnedAt(it.rollout, intent, given.points) };
}

/** The raise is noted and the intent renewed; rows of verdicts stay, but no window may begin before the repaired weight is in force. */
function repaired(it: Case, run: Run, message: string): Run {
  const raises = [...recentRaises(run, it.nowMs), timeOf(it.nowMs)].slice(-10);
  const { inForceAt, ...rest } = run;
  const anew = { checks: run.checks.map(({ since: _, ...check }) => check) };
  const next = { ...rest, raises, ...anIntent(it, run), ...(run.outcome ? (inForceAt ? { inForceAt } : {}) : anew) };
  const fights = !run.outcome && isContested(next, it.nowMs);
  return fights ? paused(it, next, "RouteContested", message) : next;
}

function begun(it: Case, status: RolloutStatus, decision: Changed<"begin">): RolloutStatus {
  const { run: beginning } = decision;
  const number = status.runs + 1;
  const run = newRun(it, beginning, number);
  const refusal = beginning.refuse && { ...beginning.refuse.version, because: beginning.refuse.because, reason: beginning.refuse.reason };
  const { refused: _, refusedBefore: __, ...rest } = status;
  return {
    ...rest,
    runs: number,
    stable: beginning.from,
    ...(refusal ? { refused: refusal } : {}),
    ...refusedElsewhere(it, [beginning.to, ...(refusal ? [refusal] : [])]),
    run: beginning.enter === undefined ? run : entered(it, run, beginning.enter, decision.message),
  };
}

function newRun(it: Case, beginning: Beginning, number: number): Run {
  const { from, to, weight, points, shape, direct, actor, why, inForceAtMs } = beginning;
  const ladder = direct ? [...DIRECT_LADDER] : it.spec.strategy.steps;
  const now = timeOf(it.nowMs);
  return {
    number,
    from,
    to,
    ladder,
    target: it.spec.traffic,
    release: it.spec.release,
    ...(it.spec.deployment ? { deployment: it.spec.deployment.name, templateAt: deploymentSeen(it)?.resourceVersion } : {}),
    step: standingAt(ladder, weight),
    weight,
    points,
    peak: weight,
    epoch: 0,
    shape,
    startedAt: now,
    ...(inForceAtMs === undefined ? {} : { inForceAt: timeOf(inForceAtMs) }),
    ...(beginning.enter === undefined && inForceAtMs === undefined ? { waitingSince: now } : {}),
    checks: [],
    raises: [],
    ...(direct ? { direct } : {}),
    announcements: [],
    notified: [],
    announced: 0,
    ...(actor ? { actor } : {}),
    ...(why ? { reason: why } : {}),
  };
}

function ended(it: Case, status: RolloutStatus, run: Run, decision: Changed<"end">): RolloutStatus {
  const { outcome, why, actor, refuse, restore } = decision;
  const succeeded = outcome === "Succeeded";
  const to = present(it, run.to.version);
  const route = editableOf(it);
  const canary = splitOfRun(it, run)?.canary;
  const { nextLookAt: _, ...rest } = withoutExtras(withoutPause(run));
  const done: Run = {
    ...rest,
    to,
    weight: succeeded ? 100 : 0,
    points: succeeded ? (splitOfRun(it, run)?.total ?? 100) : 0,
    outcome,
    endedAt: timeOf(it.nowMs),
    ...(route ? { endedFrom: route.resourceVersion } : {}),
    ...(succeeded && canary !== undefined ? { decidedAt: canary } : {}),
    reason: succeeded ? (run.reason ?? why) : why,
    ...((actor ?? run.actor) ? { actor: actor ?? run.actor } : {}),
  };
  const restoring = restore ? { restoring: { from: run.to.version, to: run.from.version } } : {};
  const next = { ...status, ...restoring, run: done, history: [pastOf(done), ...status.history].slice(0, HISTORY_LIMIT) };
  if (succeeded) return forgiven(it, { ...next, stable: to, formerStables: formerAfter(status.formerStables, run.from, to) });
  return refuse ? { ...next, refused: { ...to, because: refuse, reason: why } } : next;
}

function formerAfter(former: readonly VersionRevision[], from: VersionRevision, to: VersionRevision): VersionRevision[] {
  const others = former.filter(({ version, revision }) => !(version === from.version && revision === from.revision) && version !== to.version);
  return [from, ...others].slice(0, FORMER_STABLES_LIMIT);
}

function pastOf({ number, from, to, outcome, peak, startedAt, endedAt, actor, reason }: Run): PastRun {
  return { number, from, to, outcome: outcome!, weight: peak, startedAt, endedAt: endedAt!, ...(actor ? { actor } : {}), ...(reason ? { reason } : {}) };
}

/** A refusal lasts while the spec names the refused version and another one serves (law 8). */
function forgiven(it: Case, status: RolloutStatus): RolloutStatus {
  const { refused, refusedBefore, ...rest } = status;
  return refused && refused.version === it.spec.release && status.stable?.version !== refused.version ? status : rest;
}

/** A revision that runs again: what was refused since stays so as well. */
function refusedAgain({ refused, refusedBefore = [] }: RolloutStatus, again: Refused | undefined): Pick<RolloutStatus, "refused" | "refusedBefore"> {
  if (!again || !refused) return again ? { refused: again } : {};
  if (isSame(again, refused)) return {};
  return { refused: again, refusedBefore: [refused, ...refusedBefore.filter((one) => !isSame(one, again))] };
}

/** Refusals of what the spec names that a new run leaves standing: those of other revisions than it tries, or refuses itself. */
function refusedElsewhere(it: Case, others: readonly VersionRevision[]): Pick<RolloutStatus, "refusedBefore"> {
  const { refused, refusedBefore = [] } = it.status;
  const standing = [...(refused ? [refused] : []), ...refusedBefore].filter((one) => one.version === it.spec.release && !others.some((other) => isSame(one, other)));
  return standing.length > 0 ? { refusedBefore: standing.slice(0, REFUSALS_LIMIT) } : {};
}

function isSame(one: VersionRevision, other: VersionRevision): boolean {
  return one.version === other.version && one.revision === other.revision;
}
