/** What the reconciler needs from the world. */
import type { MetricProvider } from "../metrics/metric-provider.ts";
import type { Notice } from "../rollout/notice.ts";
import type { Rollout, RolloutMetadata, RolloutRef, ValidRollout } from "../rollout/rollout.ts";
import type { RunRecord } from "../rollout/rollout-run.ts";
import type { Notification } from "../rollout/spec.ts";
import type { Notified, RolloutStatus } from "../rollout/status.ts";
import type { TrafficRouter } from "../traffic/traffic-router.ts";
import type { Workload } from "../workload/workload.ts";

export interface Ports {
  readonly clock: Clock;
  readonly rollouts: Rollouts;
  readonly traffic: TrafficRouter;
  readonly workload: Workload;
  readonly metrics: MetricProvider;
  readonly outbox: Outbox;
  readonly events: EventRecorder;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** This clock minus the API server's; undefined while unknown. */
  skewMs(): number | undefined;
}

/** Rollout objects. Reads come from the informer cache; each write throws `Conflict` where the object has moved on. */
export interface Rollouts {
  get(ref: RolloutRef): Rollout | undefined;
  /** The commit point: conditional on `rollout.metadata.resourceVersion`. `isUrgent` (default true): something is to be done on the strength of it. Returns the Rollout as the server now has it. */
  updateStatus(rollout: Rollout, status: RolloutStatus, isUrgent?: boolean): Promise<Rollout>;
  /** `name`: which of ours (default: that of traffic). */
  setFinalizer(rollout: Rollout, present: boolean, name?: string): Promise<void>;
  /** Writes an ended run's record, unless it is there; a sentence where the server will not take it, however often it is asked. */
  keepRecord(rollout: RolloutMetadata, record: RunRecord): Promise<string | undefined>;
  /** Replaces the command annotation (null: removes it) if it still has the value `expected`. */
  replaceCommand(rollout: Rollout, expected: string, value: string | null): Promise<void>;
  /** False while the CRD on the server lacks fields that this daemon writes (law 15). */
  crdIsCurrent(): boolean;
}

/** Notifications on their way; at-least-once. */
export interface Outbox {
  /** Settles when the notice is queued; keyed by (uid, run, seq, target), so twice is once. */
  add(notice: Notice, target: string, notification: Notification): Promise<void>;
  /** What has been delivered for this run, newest per target; empty when Redis does not answer at once. */
  delivered(rollout: ValidRollout, run: number): Promise<readonly Notified[]>;
}

/** Kubernetes Events: best effort, never throws, never delays a tick. */
export interface EventRecorder {
  record(rollout: RolloutRef & { readonly uid: string }, type: "Normal" | "Warning", reason: string, message: string): void;
}
