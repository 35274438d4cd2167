/** Deliveries that go on together under a fault: of versions that run side by side, or of Deployments that are updated in place. */
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { History } from "../support/history.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import type { Scene } from "../support/scene.ts";
import type { Delivery } from "./delivery.ts";
import type { Fault } from "./fault.ts";

export interface Fleet {
  readonly scene: Scene;
  readonly deliveries: readonly Delivery[];
  /** Every version of a Rollout since what began its run. */
  readonly lives: Pick<History, "of" | "cameAtMs">;
  /** Called with daemons, before anything breaks: settles when all is there that is there before the first run. */
  rest(change: Partial<RolloutSpecInput>): Promise<void>;
  /** Does what makes a run begin; true once it is done. */
  begin(delivery: Delivery, change: Partial<RolloutSpecInput>): Promise<boolean>;
  /** What is not as it should be once the run is over, one sentence each; none: it has ended, and left what it should. */
  owed(delivery: Delivery): Promise<readonly string[]>;
  /** Breaches of the laws that only this kind of delivery has, one sentence each, and what went on, for people who look for a cause. */
  judge(delivery: Delivery): { readonly broken: readonly string[]; readonly transcript: string };
}

export interface Mode {
  readonly name: "versions" | "deployments";
  /** Whether its API server needs the controllers of Deployments. */
  readonly needsControllers: boolean;
  /** How many there are of a fault, and how many at a time. */
  sizeOf(fault: Fault): { readonly deliveries: number; readonly atOnce: number };
  /** Everything begins within this time, so that the fault meets each run elsewhere. */
  readonly spreadMs: number;
  /** The fault comes within this time after the first run has begun, and a person's abort within this time after its own. */
  readonly faultWithinMs: number;
  readonly abortWithinMs: number;
  open(api: TestApi, size: number): Promise<Fleet>;
}
