/** Everything a decision may rest on, gathered once per tick. Values only: no clock, no client. */
import type { Measurement } from "./analysis/measurement.ts";
import type { Notified } from "./status.ts";

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

export interface RouteFound {
  readonly kind: "found";
  /** For sentences: `VirtualService bookinfo/reviews, route primary`. */
  readonly name: string;
  readonly resourceVersion: string;
  /** Of the object's spec: whoever writes it as a whole takes the weights back. `http` of a VirtualService, `rules` of the Gateway API's routes. */
  readonly field: string;
  readonly destinations: readonly DestinationSeen[];
  /** Our own route beside it, for requests that are picked out. */
  readonly matched?: MatchedSeen;
  /** What the route asks of requests itself, in the words of sentences (`header x-tester`): no match of ours can ask about it once more. */
  readonly conditions: readonly string[];
  /** The value of weir.dev/epoch, if there is one. */
  readonly stamp?: string;
  /** Who wrote that field, newest first, from managedFields. */
  readonly writers: readonly RouteWriter[];
  /** Where it was found although it is not where the target says: nothing but the way back is written there. */
  readonly foundAt?: number;
  /** By version name, for every version that was asked about. */
  readonly backends: Readonly<Record<string, Backend>>;
  /** `Flagger` or `Argo Rollouts`, where one of them manages the route; or another Rollout's `namespace/name`. */
  readonly managedBy?: string;
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
}

export interface Observation {
  /** The daemon's clock, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Daemon's clock minus the API server's; undefined while unknown. */
  readonly clockSkewMs?: number;
  readonly route: RouteSeen;
  /** Every version that the Rollout names: release, stable, the run's two, former stables. */
  readonly versions: Readonly<Record<string, VersionSeen>>;
  readonly measurements: readonly Measurement[];
  /** What the outbox has delivered and status does not say yet. */
  readonly delivered: readonly Notified[];
  /** False while the CRD on the server is older than this daemon (law 15): no step up. */
  readonly crdIsCurrent: boolean;
}
