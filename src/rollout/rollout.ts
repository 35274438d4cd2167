/** The Rollout as the core sees it: trimmed metadata, a spec with every default, a status that parsed. */
import type { RolloutSpec } from "./spec.ts";
import type { RolloutStatus } from "./status.ts";

export const GROUP = "weir.dev";
export const API_VERSION = "v1alpha1";
export const PLURAL = "rollouts";
export const KIND = "Rollout";
export const COMMAND_ANNOTATION = "weir.dev/command";
export const EPOCH_ANNOTATION = "weir.dev/epoch";
export const FINALIZER = "weir.dev/traffic";
/** While a Deployment is held: whoever deletes the Rollout must not leave it paused for ever. */
export const HOLD_FINALIZER = "weir.dev/deployment";
/** Of a Deployment whose pod template waits: name of the Rollout that lets it go. */
export const HELD_ANNOTATION = "weir.dev/held-by";
/** The admission policy that holds a new template by itself, and its binding (deploy/hold.yaml). */
export const HOLD_POLICY = "weir-hold";
/** Of what Weir makes for a run and takes away with it: name of the Rollout. */
export const OWNER_LABEL = "weir.dev/rollout";
/** Which ReplicaSet a pod is of, as its Deployment's controller tells it. */
export const HASH_LABEL = "pod-template-hash";
/** Of a canary's pods, in addition to all labels that the Deployment's own pods have. */
export const CANARY_LABEL = "weir.dev/canary";
/** Field manager of route writes; the time of its entry in managedFields is when a weight was set (law 9). */
export const ROUTE_MANAGER = "weir";
/** Field manager of stamps alone, so that they do not pass for a weight's write (law 3). */
export const STAMP_MANAGER = "weir-stamp";

/** Which Rollout: a request carries this name and never an event. */
export interface RolloutRef {
  readonly namespace: string;
  readonly name: string;
}

export interface RolloutMetadata extends RolloutRef {
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Who last wrote the spec (manager from managedFields); for the Event about an edit. */
  readonly specManager?: string;
}

export interface Rollout {
  readonly metadata: RolloutMetadata;
  /** `invalid`: the sentence why the spec did not parse; the daemon then only says so. */
  readonly spec: RolloutSpec | { readonly invalid: string };
  /** Absent: never looked at. `newer`: written by a later daemon, left alone. */
  readonly status?: RolloutStatus;
  readonly statusIsNewer: boolean;
  /** Somebody else's hand is in the status: it does not parse, and only what is said in it may be written. */
  readonly statusIsForeign?: true;
}

/** A Rollout whose spec parsed. */
export interface ValidRollout extends Rollout {
  readonly spec: RolloutSpec;
}
