/** Port: reads and sets how a route splits its traffic between versions. */
import type { RouteSeen } from "../rollout/observation.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { MatchWanted, RouteWrite } from "../rollout/route-write.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";

export interface RouteChange extends RouteWrite {
  readonly rollout: RolloutRef;
}

/** The route after a write. */
export interface RouteWritten {
  readonly resourceVersion: string;
  /** API server's time of the write, from managedFields. */
  readonly atMs: number;
}

export interface TrafficRouter {
  /**
   * What the route of `target` is now, from informer caches; no request. `versions`: `release` first, whose host says
   * which destinations are candidates. `matched`: what our own route beside it should pick out (default: nothing).
   */
  read(rollout: RolloutRef, target: Traffic, versions: readonly string[], matched?: MatchWanted | null): RouteSeen;
  /** One conditional write. Throws `Conflict` when the route has changed since, and writes nothing then. */
  write(change: RouteChange): Promise<RouteWritten>;
}
