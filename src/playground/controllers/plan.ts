/** What a controller wants to have written after a look at the world, as data. */
import type { Workload } from "./workloads.ts";

export type WrittenKind = "deployments" | "replicaSets" | "pods";

/** Changes say which version of the object they are made for; the server refuses them for any other. */
export type Write =
  | { readonly verb: "create"; readonly kind: WrittenKind; readonly namespace: string; readonly object: object }
  /** A merge patch. */
  | { readonly verb: "change"; readonly kind: WrittenKind; readonly object: Workload; readonly body: Change }
  /** The whole status is replaced. */
  | { readonly verb: "setStatus"; readonly kind: WrittenKind; readonly object: Workload; readonly status: object }
  | { readonly verb: "delete"; readonly kind: WrittenKind; readonly object: Workload };

export interface Change {
  readonly metadata?: object;
  readonly spec?: object;
}

export interface Plan {
  /** In this order; after one that fails the others are left for the next look. */
  readonly writes: readonly Write[];
  /** When time alone changes what is to be done. */
  readonly lookAgainInMs?: number;
}
