/** Reads a Rollout and an observation into the case that the rules decide. */
import { nextEvidence, nextShareEvidence } from "./analysis/gather.ts";
import { definitionOf, type Grounds, nextCheck } from "./analysis/judge.ts";
import type { Measurement } from "./analysis/measurement.ts";
import { kindOf } from "./analysis/tests.ts";
import { evidenceOf, type Standing, standings } from "./analysis/weigh.ts";
import { type Case, splitOf } from "./case.ts";
import { isRestorable, stableNow } from "./deployment.ts";
import { isEqual } from "./equal.ts";
import { nextShareToShow } from "./evidence.ts";
import { judgedVersion } from "./followers.ts";
import { inboxOf } from "./inbox.ts";
import { pointsFor, standingAt } from "./ladder.ts";
import type { Observation, VersionSeen } from "./observation.ts";
import { isComparable } from "./portion.ts";
import type { ValidRollout } from "./rollout.ts";
import { areUsersWeighed } from "./sessions.ts";
import type { Analysis, Metric, RolloutSpec } from "./spec.ts";
import { isOfFollower } from "./spec-followers.ts";
import { type Check, type RolloutStatus, type Run, PLAIN_STATUS_VERSION } from "./status.ts";
import { msOf } from "./units.ts";

const cases = new WeakMap<Observation, Case>();

/** The decision, the status and the effects of a tick rest on the same case: it is read once. */
export function caseOf(rollout: ValidRollout, seen: Observation): Case {
  const known = cases.get(seen);
  if (known?.rollout === rollout) return known;
  const it = read(rollout, seen);
  cases.set(seen, it);
  return it;
}

function read(rollout: ValidRollout, seen: Observation): Case {
  const status = withStable(stillRestoring(rollout.status ?? blankStatus(), seen), seen);
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

/** Once the Deployment holds another template than the one to be replaced, or has forgotten the one to come, there is nothing left to do: what comes after it is decided in the same tick. */
function stillRestoring(status: RolloutStatus, { deployment }: Observation): RolloutStatus {
  const { restoring, ...rest } = status;
  return restoring && deployment?.kind === "found" && !isRestorable(restoring, deployment) ? rest : status;
}

/** Of a Deployment it is what its pods run. */
function withStable(status: RolloutStatus, { deployment }: Observation): RolloutStatus {
  const stable = deployment?.kind === "found" ? stableNow(status, deployment) : status.stable;
  return stable === undefined || stable.version === status.stable?.version ? status : { ...status, stable };
}

export function blankStatus(): RolloutStatus {
  return {
    version: PLAIN_STATUS_VERSION,
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

/** What this tick's measurements teach; an edited metric starts its evidence afresh, one that is gone takes it with it. */
function withEvidence(run: Run, spec: RolloutSpec, seen: Observation): Run {
  const learnt = { ...run, ...evidenceAfter(run, spec, seen), ...shareAfter(run, spec, seen) };
  const standing = seen.measurements.length > 0 ? standings(learnt, spec.analysis) : new Map<string, Standing>();
  const checks = spec.analysis.metrics.flatMap((metric) => {
    const measured = measurementOf(seen, metric);
    const previous = currentCheck(run, metric, spec.analysis);
    const check = measured ? nextCheck(previous, metric, measured, groundsOf(learnt, metric, standing.get(metric.name), { spec, seen, instantMs: measured.instantMs })) : previous;
    return check ? [check] : [];
  });
  return { ...learnt, checks };
}

function evidenceAfter(run: Run, spec: RolloutSpec, seen: Observation): Pick<Run, "evidence"> {
  if (run.evidence === undefined && seen.measurements.length === 0) return {};
  const { analysis } = spec;
  const evidence = analysis.metrics.flatMap((metric) => {
    const measured = measurementOf(seen, metric);
    const definition = definitionOf(metric, analysis);
    const known = run.evidence?.find((one) => one.name === metric.name && one.definition === definition);
    if (!measured) return known ?? [];
    const isWarmingUp = isCold(run, spec, seen, measured.instantMs);
    const nextShare = nextShareToShow(run, spec);
    return nextEvidence(known, metric, measured, { analysis, definition, isWarmingUp, canaryPods: (judgedVersion(seen, metric, run.to.version) ?? canaryOf(run, seen))?.readyPods ?? 0, isComparable: isComparable(run), ...(nextShare === undefined ? {} : { nextShare }) }) ?? [];
  });
  return run.evidence === undefined && evidence.length === 0 ? {} : { evidence }; // a look that taught nothing is no news
}

/** The first built-in of whatever the weights are about tells who got how many requests, where a look lies within one weight. */
function shareAfter(run: Run, spec: RolloutSpec, seen: Observation): Pick<Run, "share"> {
  const metric = spec.analysis.metrics.find((one) => kindOf(one) !== undefined && !isOfFollower(one, spec.traffic));
  const growth = metric && measurementOf(seen, metric)?.growth;
  if (!growth?.inStep || run.weight <= 0 || run.weight >= 100 || areUsersWeighed(run) || !isAsCommitted(run, seen)) return {};
  return { share: nextShareEvidence(run.share, growth, run.weight / 100) };
}

/** While the route says something else, requests that are missing are no fault of the canary. */
function isAsCommitted({ from, to, weight }: Run, { route }: Observation): boolean {
  if (route.kind !== "found") return false;
  const { canary, total } = splitOf(route, from.version, to.version);
  return canary === pointsFor(weight, total);
}

function groundsOf(run: Run, metric: Metric, standing: Standing | undefined, { spec, seen, instantMs }: { spec: RolloutSpec; seen: Observation; instantMs: number }): Grounds {
  const evidence = evidenceOf(run, metric);
  return { analysis: spec.analysis, isWarmingUp: isCold(run, spec, seen, instantMs), isComparable: isComparable(run), ...(evidence ? { evidence } : {}), ...(standing ? { standing } : {}) };
}

function canaryOf(run: Run, seen: Observation): VersionSeen | undefined {
  return seen.versions[run.to.version];
}

function isCold(run: Run, { analysis }: RolloutSpec, seen: Observation, instantMs: number): boolean {
  const since = canaryOf(run, seen)?.readySinceMs;
  return since !== undefined && instantMs < since + msOf(analysis.warmup);
}

function measurementOf(seen: Observation, { name }: Metric): Measurement | undefined {
  return seen.measurements.find((one) => one.name === name);
}

function currentCheck(run: Run, metric: Metric, analysis: Analysis): Check | undefined {
  const check = run.checks.find(({ name }) => name === metric.name);
  return check?.definition === definitionOf(metric, analysis) ? check : undefined;
}
