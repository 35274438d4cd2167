/** Whether a pod is ready, since when, and whether that is long enough. */
import type { Pod } from "./workloads.ts";

/** Since the epoch; undefined where it is not ready. */
export function readySinceMs({ status }: Pod): number | undefined {
  const condition = status.conditions.find(({ type }) => type === "Ready");
  if (condition?.status !== "True") return undefined;
  return Date.parse(condition.lastTransitionTime ?? "") || 0;
}

export function isReady(pod: Pod): boolean {
  return readySinceMs(pod) !== undefined;
}

/** Milliseconds until it has been ready for so long; 0: it has; undefined: it is not ready. */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const sinceMs = readySinceMs(pod);
  return sinceMs === undefined ? undefined : Math.max(0, minReadySeconds === 0 ? 0 : sinceMs + minReadySeconds * 1_000 - nowMs);
}
