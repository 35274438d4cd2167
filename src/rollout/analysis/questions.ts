/** What to ask the metric provider in this tick: the checks that are due. */
import { type Case, inForceAtMs, versionSeen } from "../case.ts";
import type { Observation } from "../observation.ts";
import { isGiven } from "../ladder.ts";
import { caseOf } from "../read-case.ts";
import type { ValidRollout } from "../rollout.ts";
import type { Metric } from "../spec.ts";
import type { Evidence, Run } from "../status.ts";
import { instantOf, msOf } from "../units.ts";
import { wantsHistory } from "./gather.ts";
import { dueInstant } from "./instants.ts";
import { hasFailed } from "./judge.ts";
import { judgedVersion } from "../followers.ts";
import type { Measurement, Question, Scope } from "./measurement.ts";
import { clusterName } from "./envoy-cluster.ts";
import { kindOf } from "./tests.ts";
import { evidenceOf } from "./weigh.ts";

/** A custom query's window holds this many intervals at most (DESIGN §7). */
const WINDOW_INTERVALS = 6;
/** Beyond this a gap is left out of the evidence, if the weight changed in it. */
const LONG_GAP_INTERVALS = 6;
/** A write is stamped with whole seconds. */
const STAMP_ROUNDING_MS = 1_000;

/** The checks that are due; none while a command waits (it is obeyed first), or the weight is not in force. */
export function questionsFor(rollout: ValidRollout, seen: Observation): Question[] {
  const it = caseOf(rollout, seen);
  const { run, spec } = it;
  if (!run || it.command || rollout.metadata.deletionTimestamp || run.direct || !isGiven(run)) return [];
  const instantMs = dueInstant(it.nowMs, msOf(spec.analysis.interval), msOf(spec.analysis.settle));
  const inForce = inForceAtMs(it, run);
  if (inForce === undefined || instantMs < inForce) return [];
  return spec.analysis.metrics.flatMap((metric) => questionOf(it, run, metric, instantMs, inForce) ?? []);
}

function questionOf(it: Case, run: Run, metric: Metric, instantMs: number, inForce: number): Question | undefined {
  const { namespace, name, uid } = it.rollout.metadata;
  const { analysis } = it.spec;
  const check = run.checks.find((one) => one.name === metric.name);
  if (check && instantOf(check.at) >= instantMs) return undefined;
  return {
    ...askedOfBoth(it, run, metric, inForce),
    rollout: { namespace, name, uid },
    metric,
    ...(analysis.prometheus ? { prometheus: analysis.prometheus } : {}),
    source: analysis.source,
    canary: scopeOf(it, metric, run.to.version),
    stable: scopeOf(it, metric, run.from.version),
    instantMs,
    inForceAtMs: inForce,
    ...(check?.since ? { sinceMs: instantOf(check.since) } : {}),
    ...(check ? { lastInstantMs: instantOf(check.at) } : {}),
    windowMs: Math.min(WINDOW_INTERVALS * msOf(analysis.interval), instantMs - inForce),
    minRequests: analysis.minRequests,
    ...((run.mirrored ?? 0) > 0 ? { ofShadows: true } : {}),
  };
}

/** What the run's evidence of a built-in goes on from. */
function askedOfBoth(it: Case, run: Run, metric: Metric, inForce: number): Pick<Question, "evidenceSinceMs" | "boundsMs" | "wantsHistory"> {
  if (kindOf(metric) === undefined) return {};
  const evidence = evidenceOf(run, metric);
  return {
    evidenceSinceMs: evidenceSince(it, evidence, inForce),
    ...(evidence?.boundsMs ? { boundsMs: evidence.boundsMs } : {}),
    ...(wantsHistory(evidence, metric) ? { wantsHistory: true } : {}),
  };
}

/**
 * Where the evidence ended; of a metric that has none, where the others' did (what was seen by then may have been the reason for an edit), or else before the weight's write.
 * Long gaps end there, too: stable's requests from another time are no measure of the canary's.
 */
function evidenceSince({ spec, status }: Case, evidence: Evidence | undefined, inForce: number): number {
  const intervalMs = msOf(spec.analysis.interval);
  const writtenMs = inForce - msOf(spec.strategy.propagation) - STAMP_ROUNDING_MS;
  const beforeWeight = Math.floor(writtenMs / intervalMs) * intervalMs;
  const ends = evidence ? [evidence.at] : (status.run?.evidence ?? []).map(({ at }) => at);
  const known = Math.max(...ends.map(instantOf));
  return known >= beforeWeight - LONG_GAP_INTERVALS * intervalMs ? known : beforeWeight;
}

function scopeOf(it: Case, metric: Metric, version: string): Scope {
  const { backend, workloads, pods } = judgedVersion(it.seen, metric, version) ?? versionSeen(it, version);
  const { namespace, name } = it.rollout.metadata;
  const { envoyCluster } = it.spec.analysis;
  return {
    namespace: backend.kind === "found" ? backend.namespace : namespace,
    version,
    workloads,
    pods,
    ...(envoyCluster === undefined ? {} : { cluster: clusterName(envoyCluster, { namespace, name, version }) }),
  };
}

/** True where this answer alone takes the traffic back: looking stops at once (law 5). */
export function isDecisive(rollout: ValidRollout, seen: Observation, measurement: Measurement): boolean {
  const metric = rollout.spec.analysis.metrics.find(({ name }) => name === measurement.name);
  if (metric?.onFail !== "rollback") return false;
  const check = caseOf(rollout, { ...seen, measurements: [measurement] }).run?.checks.find(({ name }) => name === measurement.name);
  return hasFailed(metric, check);
}
