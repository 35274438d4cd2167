/** What a fault is: how it is inflicted on real processes, and what must hold while and after it is there. */
import type { DaemonOptions, DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { Random } from "../../src/playground/random.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { Outcome } from "../../src/rollout/status.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import type { Scene } from "../support/scene.ts";
import type { Delivery } from "./delivery.ts";

/** One row of the table. */
export interface Fault {
  /** What is in trouble. */
  readonly part: string;
  readonly name: string;
  /** Beside the laws, which hold under every fault. */
  readonly mustHold: string;
  /** Rollouts delivered under it, altogether. */
  readonly deliveries: number;
  /** Where Deployments are delivered: how often it is inflicted on as many as go on together; default 1. */
  readonly groups?: number;
  /** Deliveries at a time; default 8. */
  readonly atOnce?: number;
  /** It needs a real control plane that nobody else uses meanwhile. */
  readonly ownControlPlane?: boolean;
  /** Whether what is normal must go on from the fault's first instant, or be there again after its last one. */
  readonly normalFrom: "its start" | "its end";
  /** Settles before there are daemons. */
  prepare(stage: Stage): Promise<Trouble>;
}

export interface Stage {
  readonly api: TestApi;
  /** Where the fault asked for one of its own. */
  readonly controlPlane: ControlPlane | undefined;
  readonly scene: Scene;
  readonly random: Random;
  /** As the others but for what is said here; settles when it is ready, and is stopped with the others. */
  startDaemon(options?: Partial<DaemonOptions>): Promise<DaemonProcess>;
  /** Those that run, in the order of their start. */
  daemons(): readonly DaemonProcess[];
  deliveries(): readonly Delivery[];
  /** Which one this is of those that the fault's deliveries are parted into, from 0. */
  readonly group: number;
  /** Whether every run has ended. */
  isOver(): boolean;
  /** Says that the fault strikes at this instant; where nobody says so it strikes for as long as it is inflicted. */
  strike(): void;
}

export interface Trouble {
  /** For every daemon. */
  readonly daemon?: Partial<DaemonOptions>;
  /** Those that there are at first, with what is each one's own; default: two like the others. */
  readonly daemons?: readonly Partial<DaemonOptions>[];
  /** For every Rollout. */
  readonly delivery?: Partial<RolloutSpecInput>;
  /** The runs begin within this time; default: as the mode has it. */
  readonly spreadMs?: number;
  /** The fault comes before there is a run, and not some time after the first one has begun. */
  readonly isEarly?: true;
  /** True where the server's clock seems wrong, so that no hold can be told by it. */
  readonly clockLies?: boolean;
  /** How a run ends, where the trouble itself decides that. */
  expected?(app: SampleApp): Outcome | undefined;
  /** Called while the runs go on; settles when the trouble is over. */
  inflict(): Promise<void>;
  /** Sentences about what did not hold; asked after all runs have ended. */
  findings?(): readonly string[] | Promise<readonly string[]>;
  close?(): Promise<void>;
}

/** `analysis.interval` of every Rollout here. */
export const INTERVAL_MS = 1_000;
