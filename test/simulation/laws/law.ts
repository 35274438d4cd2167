/** What a law of DESIGN §4 is in a simulation: a sentence, and somebody who watches whether it holds. */
import type { ObjectVersion } from "../world/api-server.ts";
import type { Facts } from "../world/facts.ts";
import type { Arrival } from "../world/network.ts";

/** Each answers what is wrong, in a sentence; undefined while nothing is. */
export interface Watch {
  /** A version of the VirtualService. */
  readonly onRoute?: (version: ObjectVersion) => string | undefined;
  /** A version of the one that moves along, where there is one. */
  readonly onEdge?: (version: ObjectVersion) => string | undefined;
  /** A version of the Rollout. */
  readonly onRollout?: (version: ObjectVersion) => string | undefined;
  /** A version of a run's record. */
  readonly onRecord?: (version: ObjectVersion) => string | undefined;
  /** A version of anything. */
  readonly onVersion?: (version: ObjectVersion) => string | undefined;
  /** A daemon's request, taken or not. */
  readonly onArrival?: (arrival: Arrival) => string | undefined;
  /** Every two seconds. */
  readonly onTime?: () => string | undefined;
  /** When everything has come to rest, or should have. */
  readonly onEnd?: () => string | undefined;
}

export interface Law {
  /** Its number in DESIGN §4. */
  readonly number: number;
  /** Absent: whatever is delivered. */
  readonly of?: "versions" | "deployments";
  readonly says: string;
  readonly watch: (facts: Facts) => Watch;
}
