/** Port: reads and sets how a route splits its traffic between versions. */
import type { SideNames } from "../rollout/deployment.ts";
import type { RouteSeen, SidesSeen } from "../rollout/observation.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { OwnRoutesWanted, RouteWrite } from "../rollout/route-write.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";
import type { SidesWrite } from "../rollout/upkeep.ts";

export interface RouteChange extends RouteWrite {
  readonly rollout: RolloutRef;
  /** The server is asked what it would store, and stores nothing. */
  readonly isTrial?: boolean;
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
   * which destinations are candidates. `beside`: what of ours should stand beside it (default: nothing).
   * `names`: of a Deployment's route, what its destinations are called.
   */
  read(rollout: RolloutRef, target: Traffic, versions: readonly string[], beside?: OwnRoutesWanted, names?: SideNames): RouteSeen;
  /** One conditional write. Throws `Conflict` when the route has changed since, and writes nothing then. */
  write(change: RouteChange): Promise<RouteWritten>;
  /** What tells the two sides of a Deployment apart, from informer caches; or a sentence why nothing can. Undefined: it is not there. */
  sides(rollout: RolloutRef, target: Traffic): SidesFound;
  /** One conditional write of that. Throws `Conflict` when it has changed since. */
  writeSides(rollout: RolloutRef, target: Traffic, write: SidesWrite): Promise<void>;
}

export interface SidesFound {
  readonly seen?: SidesSeen;
  /** Why they cannot be told apart, where that is so. */
  readonly obstacle?: string;
}
