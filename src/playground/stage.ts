/** What the player acts on and looks at: the served application, its Rollout and its route, now. */
import type { RolloutStatus } from "../rollout/status.ts";
import type { LoadCounts } from "./arrivals.ts";
import type { Delivery } from "./deliveries.ts";
import type { Moved } from "./narration.ts";
import type { RouteStep } from "./route-steps.ts";
import type { Behaviour } from "./samples/sample-pods.ts";

export interface Stage {
  /** What its users send. */
  readonly moved: Moved;
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Lets a moment pass. */
  pause(): Promise<void>;
  /** Absent before the daemon's first look. */
  status(): RolloutStatus | undefined;
  /** Splits that came into force in the mesh, oldest first. */
  steps(): readonly RouteStep[];
  /** What users got so far. */
  answers(): LoadCounts["answers"];
  turn(version: string, behaviour: Behaviour): void;
  /** Writes what the delivery needs, also into the Rollout, and lets its users come; settles when they have been answered. */
  prepare(delivery: Pick<Delivery, "entrances" | "calls" | "rollout" | "users" | "crowd">): Promise<void>;
  /** Asks for it as a person would: writes `spec.release`, or the Deployment's image. */
  release(version: string): Promise<void>;
  /** How people call what a status calls so: of a Deployment's template by the tag of its image alone. */
  called(version: string): string;
}
