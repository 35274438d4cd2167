/** How many pods a roll may have beyond, and be short of, the Deployment's replicas. */
import type { Amount, Deployment } from "./workloads.ts";

export interface RollingBounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Percentages are rounded up for the surge and down for what may be missing; where both come to nothing one may be missing, or the roll could not begin. */
export function boundsOf({ spec }: Deployment): RollingBounds {
  if (spec.strategy.type !== "RollingUpdate") return { maxSurge: 0, maxUnavailable: 0 };
  const { rollingUpdate } = spec.strategy;
  const maxSurge = amountOf(rollingUpdate.maxSurge, spec.replicas, Math.ceil);
  const missing = amountOf(rollingUpdate.maxUnavailable, spec.replicas, Math.floor);
  return { maxSurge, maxUnavailable: Math.min(maxSurge + missing === 0 ? 1 : missing, spec.replicas) };
}

function amountOf(amount: Amount, replicas: number, round: (value: number) => number): number {
  return typeof amount === "number" ? amount : round((parseInt(amount, 10) * replicas) / 100);
}
