/** One delivery under a fault, and how its run is to end. */
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { Outcome } from "../../src/rollout/status.ts";

export interface Delivery {
  readonly app: SampleApp;
  readonly change: Partial<RolloutSpecInput>;
  readonly expected: Outcome;
  /** It may end so, too, where daemons were away for long. */
  readonly orElse?: Outcome;
  /** When a person aborts it, where that is expected: at a random instant of its run, or as soon as its Deployment itself rolls. */
  readonly abortsAt?: "random" | "roll";
  /** Half of its requests fail. */
  readonly isBad: boolean;
}
