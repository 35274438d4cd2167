/** Port: reads and sets how a route splits its traffic between versions. */
import type { RouteFound, RouteSeen } from "../rollout/observation.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Traffic } from "../rollout/spec.ts";

/** One of our destinations as it shall be; `points: null` is an only destination without weight. */
export interface DestinationWanted {
  readonly version: string;
  readonly points: number | null;
}

export interface RouteChange {
  readonly rollout: RolloutRef;
  readonly target: Traffic;
  /** What the decision was made from: the write fails unless the route is still at this resourceVersion (law 3). */
  readonly seen: RouteFound;
  /** Stable and canary: of these, destinations not in `wanted` are removed, and every other destination stays as it is. */
  readonly ours: readonly string[];
  /** One that the route lacks is added as a copy of the other one of ours, directly after it. */
  readonly wanted: readonly DestinationWanted[];
  /** The value for weir.dev/epoch; null takes the annotation away. */
  readonly stamp: string | null;
  /** `weir-stamp` where no weight differs. */
  readonly manager: string;
}

/** The route after a write. */
export interface RouteWritten {
  readonly resourceVersion: string;
  /** API server's time of the write, from managedFields. */
  readonly atMs: number;
}

export interface TrafficRouter {
  /** What the route of `target` is now, from informer caches; no request. */
  read(rollout: RolloutRef, target: Traffic, versions: readonly string[]): RouteSeen;
  /** One conditional write. Throws `Conflict` when the route has changed since, and writes nothing then. */
  write(change: RouteChange): Promise<RouteWritten>;
}
