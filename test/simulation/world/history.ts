/** A history: the scene that it begins with and the deeds that befall it, as plain JSON, so that it can be kept, shortened and told again. */
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import type { Verb } from "../../../src/rollout/status.ts";
import type { Watched } from "./api-server.ts";
import type { Errand, Mishap } from "./network.ts";

export interface History {
  readonly scene: Scene;
  readonly deeds: readonly Deed[];
}

export interface DaemonScene {
  readonly name: string;
  /** Its clock minus the API server's. */
  readonly skewMs: number;
  /** Of the next version: it writes a status that the others leave alone. */
  readonly isNext?: boolean;
  /** Default: from the beginning. */
  readonly joinsAtMs?: number;
}

export interface DeploymentScene {
  /** The API server holds a new template by itself. */
  readonly isGuarded: boolean;
  readonly replicas: number;
  readonly progressDeadlineSeconds: number;
  /** What a controller takes to see a change, and what a pod takes to get ready, or to go, at most. */
  readonly mostControllerMs: number;
  readonly mostStartMs: number;
  readonly mostStopMs: number;
}

export interface Scene {
  /** Of latencies, and of whose turn it is. */
  readonly seed: number;
  /** The managed route, by subset; null leaves the weight out. */
  readonly split: Readonly<Record<string, number | null>>;
  readonly spec: RolloutSpecInput;
  /** Another VirtualService moves with the managed one, and stands before or after it in the Rollout; or it follows it, since the versions of the one call those of the other. */
  readonly edge?: "first" | "last" | "follows";
  /** Present: a Deployment is delivered that is updated in place, and a version is a tag of its image. */
  readonly deployment?: DeploymentScene;
  /** Versions that have no ready pod at the beginning. */
  readonly unready?: readonly string[];
  readonly daemons: readonly DaemonScene[];
  readonly mostTravelMs: number;
  readonly mostLagMs: number;
  readonly mostPropagationMs: number;
  readonly scrapeMs: number;
  readonly requestsPerSecond: number;
  /** How long it is watched once it has come to rest. */
  readonly restMs: number;
}

export type Deed = { readonly atMs: number } & (HandDeed | PersonDeed | MeshDeed | TroubleDeed | DaemonDeed | DeploymentDeed);

/** What is done to a Deployment. */
export type DeploymentDeed =
  | { readonly does: "template"; readonly version: string; readonly by: string }
  | { readonly does: "scale"; readonly replicas: number }
  /** Not where the API server forbids it. */
  | { readonly does: "unpause" };

/** Somebody writes the route. */
export type HandDeed =
  /** Gives the release a share of what it and stable have, in percent. */
  | { readonly does: "hand"; readonly share: number; readonly by: string }
  /** Applies the route as git has it; with a tool that owns annotations the stamp goes. */
  | { readonly does: "reapply"; readonly dropsStamp: boolean }
  /** Takes our own route away, or has it pick out others. */
  | { readonly does: "pick"; readonly how: "none" | "others"; readonly by: string }
  /** Takes our mirror away, has it copy more, or sends the copies to another version. */
  | { readonly does: "shadow"; readonly how: "none" | "more" | "elsewhere"; readonly by: string }
  /** The VirtualService that moves along goes, and comes back as it was at the beginning. */
  | { readonly does: "removeEdge"; readonly forMs: number }
  | { readonly does: "mangle"; readonly how: "sum" | "empty" | "twice" | "others"; readonly forMs: number }
  /** Changes what is not ours. */
  | { readonly does: "decorate"; readonly timeout: string };

export type PersonDeed =
  /** Looks at the status now, and has the command arrive later; perhaps once more. */
  | { readonly does: "command"; readonly verb: Verb; readonly id: string; readonly lateMs: number; readonly againMs?: number; readonly runOffset?: number; readonly to?: number; readonly full?: boolean; readonly reason?: string; readonly bare?: boolean }
  | { readonly does: "spec"; readonly change: Partial<RolloutSpecInput>; readonly by: string }
  | { readonly does: "remove"; readonly kind: Extract<Watched, "rollouts" | "virtualServices" | "destinationRules" | "deployments"> | "sides" | "canary"; readonly forMs: number; readonly isForGood?: true };

export type MeshDeed =
  | { readonly does: "bad"; readonly version: string; readonly share: number }
  | { readonly does: "traffic"; readonly perSecond: number }
  | { readonly does: "pods"; readonly version: string; readonly ready: number }
  | { readonly does: "image"; readonly version: string; readonly revision: string };

/** Of Prometheus. `error`: every query fails; `hang`: none is answered; `vanish`: no series; `late`: samples are known long after their time; `praise` and `blame`: all requests are said to be good, or bad; `nan` and `infinite`: what own queries give. */
export type Ailment = "error" | "hang" | "vanish" | "late" | "praise" | "blame" | "nan" | "infinite";

export type TroubleDeed =
  | { readonly does: "prometheus"; readonly ailment: Ailment; readonly forMs: number }
  | { readonly does: "redis"; readonly ailment: "away" | "flush" | "late" | "double"; readonly forMs: number }
  | { readonly does: "outage"; readonly forMs: number }
  | { readonly does: "deaf"; readonly forMs: number };

export type DaemonDeed =
  | { readonly does: "crash" | "freeze" | "oldCrd"; readonly daemon: string; readonly forMs: number }
  | { readonly does: "stall"; readonly daemon: string; readonly kind: Watched; readonly forMs: number }
  /** Befalls the daemon's first request of that kind from then on, after `skip` others; without a name, anybody's. */
  | { readonly does: "mishap"; readonly daemon?: string; readonly on: Errand; readonly skip: number; readonly mishap: Mishap };
