/** What the scheduler counts; the telemetry's metrics fit this shape. */

export interface SchedulerMetrics {
  /** `lagMs`: from when the tick was due to when it began. */
  tick(source: string, result: string, durationMs: number, lagMs: number): void;
  redisUp(up: boolean): void;
  resynced(count: number): void;
}

export interface OutboxMetrics {
  notification(notifier: string, event: string, result: string): void;
}
