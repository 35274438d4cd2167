/** What to ask the metric provider in this tick: the checks that are due. */
import { type Case, inForceAtMs, versionSeen } from "../case.ts";
import type { Observation } from "../observation.ts";
import { caseOf } from "../read-case.ts";
import type { ValidRollout } from "../rollout.ts";
import type { Metric } from "../spec.ts";
import type { Run } from "../status.ts";
import { instantOf, msOf } from "../units.ts";
import { dueInstant } from "./instants.ts";
import { hasFailed, nextCheck } from "./judge.ts";
import type { Measurement, Question, Scope } from "./measurement.ts";

/** A custom query's window holds this many intervals at most (DESIGN §7). */
const WINDOW_INTERVALS = 6;

/** The checks that are due; none while a command waits (it is obeyed first), or the weight is not in force. */
export function questionsFor(rollout: ValidRollout, seen: Observation): Question[] {
  const it = caseOf(rollout, seen);
  const { run, spec } = it;
  if (!run || it.command || rollout.metadata.deletionTimestamp || run.direct || run.weight === 0) return [];
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
    rollout: { namespace, name, uid },
    metric,
    ...(analysis.prometheus ? { source: analysis.prometheus } : {}),
    canary: scopeOf(it, run.to.version),
    stable: scopeOf(it, run.from.version),
    instantMs,
    inForceAtMs: inForce,
    ...(check?.since ? { sinceMs: instantOf(check.since) } : {}),
    ...(check ? { lastInstantMs: instantOf(check.at) } : {}),
    windowMs: Math.min(WINDOW_INTERVALS * msOf(analysis.interval), instantMs - inForce),
    minRequests: analysis.minRequests,
  };
}

function scopeOf(it: Case, version: string): Scope {
  const { backend, workloads, pods } = versionSeen(it, version);
  return { namespace: backend.kind === "found" ? backend.namespace : it.rollout.metadata.namespace, version, workloads, pods };
}

/** True where this answer alone takes the traffic back: looking stops at once (law 5). */
export function isDecisive(rollout: ValidRollout, seen: Observation, measurement: Measurement): boolean {
  const metric = rollout.spec.analysis.metrics.find(({ name }) => name === measurement.name);
  const before = caseOf(rollout, seen).run?.checks.find(({ name }) => name === measurement.name);
  return metric?.onFail === "rollback" && hasFailed(metric, nextCheck(before, metric, measurement, rollout.spec.analysis));
}
