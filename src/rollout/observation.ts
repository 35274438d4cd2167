/** Everything a decision may rest on, gathered once per tick. Values only: no clock, no client. */
import type { Measurement } from "./analysis/measurement.ts";
import type { Traffic } from "./spec-traffic.ts";
import type { Notified, VersionRevision } from "./status.ts";

/** One destination of the managed route, in the route's order. */
export interface DestinationSeen {
  /** Subset name, or the Service's name where there is no subset. */
  readonly version: string;
  /** Points of the route; an only destination without weight has them all (100). Any number on a route that is to be mended. */
  readonly points: number;
  /** False where the route gives no weight (one destination that takes everything). */
  readonly weighted: boolean;
  /** True where it may be a version of what `release` names: same host for subsets, no subset for Services. */
  readonly candidate: boolean;
}

/** Where the pods of a version are found. */
export type Backend =
  | {
      readonly kind: "found";
      readonly namespace: string;
      readonly selector: Readonly<Record<string, string>>;
      /** When the subset or Service came to be as it is (API server's time): law 10. */
      readonly definedAtMs: number;
    }
  /** A sentence that names what is missing and where it was looked for. */
  | { readonly kind: "missing"; readonly message: string };

export interface RouteWriter {
  readonly manager: string;
  readonly atMs: number;
}

export interface MatchedSeen {
  /** Where it leads to. */
  readonly version: string;
  /** False where it is not as the run wants it, or no run wants any. */
  readonly isIntact: boolean;
}

/** Our own routes by which users stay with their version. */
export interface SessionsSeen {
  /** Where they lead to. */
  readonly versions: readonly string[];
  /** They take whom the run wants them to take, where it wants them to. */
  readonly isIntact: boolean;
  /** They do all else as the user's route does now. */
  readonly isCurrent: boolean;
}

/** Another list of destinations that moves with the route's. */
export interface LaneSeen {
  /** For sentences: `route secondary`. */
  readonly name: string;
  /** Of the same versions, in the same order, while nobody has a hand in it. */
  readonly destinations: readonly DestinationSeen[];
}

/** A version that the route sends copies of requests to, whose answers are thrown away. */
export interface MirrorSeen {
  readonly version: string;
  /** Share of the requests that are copied, in percent. */
  readonly percent: number;
  /** It leads where the route itself leads for that version: the same port, say. */
  readonly isAsRouted: boolean;
}

/** How the route of a service that follows another one counts for the run. */
export interface Following {
  /** As if it shared like its callers' route: only where a hand was in it, it does not. */
  readonly lane: LaneSeen;
  /** So many points of the new version's callers reach the new version by it, whatever those get now. */
  readonly atMost: number;
}

export interface RouteHosts {
  /** Each as it may stand in the Host header; `*` at the beginning stands for anything. */
  readonly names: readonly string[];
  /** The object that lists them, for sentences: `VirtualService bookinfo/reviews`. */
  readonly of: string;
}

export interface RouteFound {
  readonly kind: "found";
  /** For sentences: `VirtualService bookinfo/reviews, route primary`. */
  readonly name: string;
  /** Of several objects: theirs in the Rollout's order, with commas between them, and nothing for one that is not there. */
  readonly resourceVersion: string;
  /** Of the object's spec: whoever writes one as a whole takes the weights back. `http`, `tls` and `tcp` of a VirtualService, `rules` of the Gateway API's routes. */
  readonly fields: readonly string[];
  readonly destinations: readonly DestinationSeen[];
  /** Where several routes move together: the others, which share as this one does. */
  readonly along?: readonly LaneSeen[];
  /** Where they are of several objects: each of these as it would be seen alone. */
  readonly parts?: readonly RoutePart[];
  /** Our own route beside it, for requests that are picked out. */
  readonly matched?: MatchedSeen;
  readonly sessions?: SessionsSeen;
  /** Why no user can be kept with one version, as the end of a sentence about it. */
  readonly sessionObstacle?: string;
  /** Where it sends copies of requests, its owner's mirrors and ours. */
  readonly mirrors: readonly MirrorSeen[];
  /** Why none of ours can be put beside those, as the end of a sentence about it. */
  readonly mirrorObstacle?: string;
  /** What the route asks of requests itself, in the words of sentences (`header x-tester`): no match of ours can ask about it once more. */
  readonly conditions: readonly string[];
  /** Why callers cannot be told apart there by their labels, as the end of a sentence about it. */
  readonly callerObstacle?: string;
  /** Which hosts it takes requests for, where it can pick requests out by their host; absent: it cannot. */
  readonly hosts?: RouteHosts;
  /** The value of weir.dev/epoch, if there is one; of several objects each has its own. */
  readonly stamp?: string;
  /** Who wrote that field, newest first, from managedFields. */
  readonly writers: readonly RouteWriter[];
  /** Where it was found although it is not where the target says: nothing but the way back is written there. */
  readonly foundAt?: number;
  /** By version name, for every version that was asked about. */
  readonly backends: Readonly<Record<string, Backend>>;
  /** Where services are released together: the same of each of them, by the name that `traffic` gives it. */
  readonly services?: Readonly<Record<string, Readonly<Record<string, Backend>>>>;
  /** Of a Deployment's route: whether it leads to our two sides, or as its owner has it to all pods. */
  readonly isSplit?: boolean;
  /** `Flagger` or `Argo Rollouts`, where one of them manages the route; or another Rollout's `namespace/name`. */
  readonly managedBy?: string;
}

/** One of several objects that move together. */
export interface RoutePart extends RouteFound {
  /** It alone. */
  readonly target: Traffic;
  /** Its place among those that the Rollout names. */
  readonly at: number;
  /** Of one that follows another, while a run moves them. */
  readonly following?: Following;
  /** Why it is not as it must be, where that is so: a write can make it whole. */
  readonly trouble?: Pick<Exclude<RouteSeen, RouteFound>, "kind" | "message">;
}

export type RouteSeen =
  | RouteFound
  /** The object or the route named in it is not there. */
  | { readonly kind: "absent"; readonly message: string; readonly mendable?: RouteFound }
  /** It is there, and not as it must be: weights that do not add up, several routes and none named, a reference that is not allowed. */
  | {
      readonly kind: "unusable";
      readonly message: string;
      /** What it leads to, where a write can make it whole: weights or twins are wrong, or it bears another name now. */
      readonly mendable?: RouteFound;
    };

/** The pods and workloads behind one version. */
export interface VersionSeen {
  readonly version: string;
  readonly backend: Backend;
  readonly readyPods: number;
  /** Replicas that the version's owners ask for. */
  readonly wantedPods: number;
  /** When the newest of the ready pods became ready; absent while unknown. */
  readonly readySinceMs?: number;
  /** Why pods are not ready, from conditions and container states; absent while there is nothing to tell. */
  readonly podProblem?: string;
  /** Hash over the owners' newest pod templates that have had a ready pod; empty while none has. */
  readonly revision: string;
  /** Owner names as Istio's telemetry has them (`destination_workload`). */
  readonly workloads: readonly string[];
  readonly pods: readonly string[];
  /** Of a Deployment's template: what the pods of its ReplicaSet are told apart by; absent while there is none. */
  readonly podTemplateHash?: string;
}

/** A temporary Deployment of ours, which runs the new template beside the user's. */
export interface CanarySeen {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly version: string;
  readonly replicas: number;
  /** It is being deleted, and stays until the last of its pods is gone. */
  readonly isGoing?: true;
}

/** The user's Deployment that a Rollout delivers. */
export interface DeploymentSeen {
  readonly kind: "found";
  /** For sentences: `Deployment bookinfo/reviews`. */
  readonly label: string;
  readonly resourceVersion: string;
  /** Of its pod template as it is now. */
  readonly template: VersionRevision;
  /** Of the template that its pods run; absent while none is ready. */
  readonly serving?: VersionRevision;
  /** No pod of the stable template is asked for any more. */
  readonly stableIsGivenUp?: true;
  readonly podLabels: Readonly<Record<string, string>>;
  /** Templates that its ReplicaSets remember. */
  readonly remembered: readonly string[];
  readonly replicas: number;
  readonly isPaused: boolean;
  /** Our annotation says that its template waits. */
  readonly isHeld: boolean;
  /** The API server holds a new template by itself (admission policy weir-hold). */
  readonly isGuarded: boolean;
  /** Every pod is of the present template, and available. */
  readonly isRolled: boolean;
  /** Pods of its own that are ready, of the present template; and all that are of another one. */
  readonly rolledPods: number;
  readonly otherPods: number;
  /** Pods of its own that are ready, by the version of their template. */
  readonly readyPodsOf: Readonly<Record<string, number>>;
  /** Why it does not roll on, as was last said; it may have been said of the roll before. */
  readonly rollProblem?: string;
  /** How long it may make no progress before that is said. */
  readonly rollLimitMs: number;
  readonly canaries: readonly CanarySeen[];
  /** Pods of canaries, those that are going away included. */
  readonly canaryPods: number;
  /** Those that are ready, by whichever cache knows most: pods and their Deployment's status are told apart from each other. */
  readonly readyCanaryPods: number;
  /** The Rollout that it belongs to, where another one names it as well: `namespace/name`. */
  readonly managedBy?: string;
}

/** What scales the user's Deployment by its load, which its canary's pods share. */
export interface AutoscalerSeen {
  /** For sentences: `HorizontalPodAutoscaler bookinfo/reviews`. */
  readonly label: string;
  /** How many pods like the average one would be just enough for the load of one; 0: unknown. */
  readonly perPod: number;
  /** Pods that are just enough for the load of all, where it is told as a sum; 0: it is not. */
  readonly ofAll: number;
  /** It never makes more of them. */
  readonly maxPods: number;
  /** When each of the pods that it averages over became ready, milliseconds since the epoch. */
  readonly readySinceMs: readonly number[];
}

export interface DeploymentAbsent extends Pick<DeploymentSeen, "canaries" | "canaryPods"> {
  readonly kind: "absent";
  readonly message: string;
}

/** What tells the two sides of a Deployment apart for the route: our rule beside the user's. */
export interface SidesSeen {
  readonly uid: string;
  readonly resourceVersion: string;
  /** pod-template-hash of each side; absent: not defined. */
  readonly stable?: string;
  readonly canary?: string;
  /** The run that it was made for (`markOf`): a cache may still show that of the run before, which has been taken away since. */
  readonly mark?: string;
  /** When it came to be as it is (API server's time): law 10. */
  readonly definedAtMs: number;
}

export interface Observation {
  /** The daemon's clock, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Daemon's clock minus the API server's; undefined while unknown. */
  readonly clockSkewMs?: number;
  readonly route: RouteSeen;
  /** Every version that the Rollout names: release, stable, the run's two, former stables. */
  readonly versions: Readonly<Record<string, VersionSeen>>;
  /** Where services are released together, each of them by its name in `traffic`; `versions` then tells of whichever is least ready. */
  readonly services?: Readonly<Record<string, Readonly<Record<string, VersionSeen>>>>;
  /** With `deployment` only. */
  readonly deployment?: DeploymentSeen | DeploymentAbsent;
  /** Looked for only where the Deployment's canary would get more. A sentence, where Weir may not look. */
  readonly autoscaler?: AutoscalerSeen | string;
  readonly sides?: SidesSeen;
  /** Why its sides cannot be told apart. */
  readonly sidesObstacle?: string;
  readonly measurements: readonly Measurement[];
  /** What the outbox has delivered and status does not say yet. */
  readonly delivered: readonly Notified[];
  /** False while the CRD on the server is older than this daemon (law 15): no step up. */
  readonly crdIsCurrent: boolean;
}
