/** Conditions as kstatus reads them, and our own. */
import type { Case } from "./case.ts";
import type { Condition, RolloutStatus } from "./status.ts";
import { timeOf } from "./units.ts";

/** Above this the daemon's clock cannot be trusted for holds (law 9). */
const SKEW_LIMIT_MS = 2_000;

type Telling = Pick<Condition, "type" | "status" | "reason" | "message">;

export function conditionsOf(it: Case, status: RolloutStatus): Condition[] {
  return [...standing(status), ...ours(it, status)].map((told) => dated(it, status.conditions, told));
}

/** Healthy is Ready; on the way is Reconciling; what needs a person is Stalled. */
function standing({ phase, reason, message }: RolloutStatus): Telling[] {
  const stuck = phase === "Degraded" || phase === "Paused";
  const going = phase === "Progressing" || phase === "Pending";
  const is = (yes: boolean): Condition["status"] => (yes ? "True" : "False");
  return [
    { type: "Ready", status: is(phase === "Healthy"), reason, message },
    { type: "Reconciling", status: is(going), reason, message: going ? message : "nothing is under way" },
    { type: "Stalled", status: is(stuck), reason, message: stuck ? message : "nothing waits for a person" },
  ];
}

function ours(it: Case, status: RolloutStatus): Telling[] {
  return [changedInPlace(it, status), skewed(it), failingDelivery(status), oldCrd(it)].filter((told) => told !== undefined);
}

/** Said until the next run begins. */
function changedInPlace(it: Case, status: RolloutStatus): Telling | undefined {
  const [before, after] = [it.status.stable, status.stable];
  const changed = before && after && before.version === after.version && before.revision !== "" && before.revision !== after.revision;
  if (changed) return { type: "StableChangedInPlace", status: "True", reason: "RevisionChanged", message: `what runs behind ${after.version} changed from ${before.revision} to ${after.revision} without a run` };
  const said = it.status.conditions.find(({ type }) => type === "StableChangedInPlace");
  return said && status.runs === it.status.runs ? said : undefined;
}

function skewed(it: Case): Telling | undefined {
  const { clockSkewMs } = it.seen;
  if (clockSkewMs === undefined || Math.abs(clockSkewMs) <= SKEW_LIMIT_MS) return undefined;
  const direction = clockSkewMs > 0 ? "ahead of" : "behind";
  return { type: "ClockSkew", status: "True", reason: "ClocksDiffer", message: `the daemon's clock is more than ${SKEW_LIMIT_MS / 1_000} s ${direction} the API server's: check time synchronisation` };
}

function failingDelivery(status: RolloutStatus): Telling | undefined {
  const failing = status.run?.notified.filter((one) => one.failing) ?? [];
  if (failing.length === 0) return undefined;
  return { type: "DeliveryFailing", status: "True", reason: "NotDelivered", message: failing.map(({ target, failing: why }) => `${target}: ${why}`).join("; ") };
}

function oldCrd(it: Case): Telling | undefined {
  if (it.seen.crdIsCurrent) return undefined;
  return { type: "CrdTooOld", status: "True", reason: "SchemaVersion", message: "the CRD on the server is older than this daemon: apply deploy/crd.yaml" };
}

function dated(it: Case, before: readonly Condition[], told: Telling): Condition {
  const last = before.find(({ type }) => type === told.type);
  return {
    type: told.type,
    status: told.status,
    reason: told.reason,
    message: told.message,
    lastTransitionTime: last?.status === told.status ? last.lastTransitionTime : timeOf(it.nowMs),
    observedGeneration: it.rollout.metadata.generation,
  };
}
