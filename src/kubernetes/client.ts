/** The few verbs of the Kubernetes API that Weir needs, on plain objects: nothing is deserialised into classes, so unknown fields survive. */

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string; readonly controller?: boolean }[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

export const RESOURCES = {
  rollouts: { group: "weir.dev", version: "v1alpha1", plural: "rollouts" },
  rolloutRuns: { group: "weir.dev", version: "v1alpha1", plural: "rolloutruns" },
  virtualServices: { group: "networking.istio.io", version: "v1", plural: "virtualservices" },
  destinationRules: { group: "networking.istio.io", version: "v1", plural: "destinationrules" },
  serviceEntries: { group: "networking.istio.io", version: "v1", plural: "serviceentries" },
  httpRoutes: { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" },
  grpcRoutes: { group: "gateway.networking.k8s.io", version: "v1", plural: "grpcroutes" },
  services: { group: "", version: "v1", plural: "services" },
  pods: { group: "", version: "v1", plural: "pods" },
  secrets: { group: "", version: "v1", plural: "secrets" },
  events: { group: "", version: "v1", plural: "events" },
  deployments: { group: "apps", version: "v1", plural: "deployments" },
  replicaSets: { group: "apps", version: "v1", plural: "replicasets" },
  statefulSets: { group: "apps", version: "v1", plural: "statefulsets" },
  daemonSets: { group: "apps", version: "v1", plural: "daemonsets" },
  controllerRevisions: { group: "apps", version: "v1", plural: "controllerrevisions" },
  horizontalPodAutoscalers: { group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers" },
  validatingAdmissionPolicyBindings: { group: "admissionregistration.k8s.io", version: "v1", plural: "validatingadmissionpolicybindings" },
  mutatingAdmissionPolicyBindings: { group: "admissionregistration.k8s.io", version: "v1", plural: "mutatingadmissionpolicybindings" },
  customResourceDefinitions: { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" },
} as const satisfies Record<string, Resource>;

export interface JsonPatchOperation {
  readonly op: "test" | "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

export type Patch =
  | { readonly type: "json"; readonly body: readonly JsonPatchOperation[] }
  | { readonly type: "merge"; readonly body: unknown }
  | { readonly type: "apply"; readonly body: unknown; readonly force?: boolean };

export interface PatchOptions {
  readonly subresource?: "status";
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

/** Which object of that name is meant, and how it goes. */
export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** `Foreground`: it stays, with a deletionTimestamp, until the last object that it owns is gone. Default: it goes at once, and they after it. */
  readonly propagation?: "Foreground";
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface ObjectList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[];
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubernetesObject;
}

/** Namespace `undefined` means cluster-scoped, or all namespaces in `list` and `watch`. Errors: `ApiError`, `Conflict`, `Unreachable`. */
export interface KubernetesClient {
  get(resource: Resource, namespace: string | undefined, name: string): Promise<KubernetesObject>;
  list(resource: Resource, namespace: string | undefined, options?: ListOptions): Promise<ObjectList>;
  create(resource: Resource, namespace: string | undefined, object: unknown, options?: PatchOptions): Promise<KubernetesObject>;
  /** `Conflict` for 409, and for a JSON patch whose `test` fails. */
  patch(resource: Resource, namespace: string | undefined, name: string, patch: Patch, options?: PatchOptions): Promise<KubernetesObject>;
  /** `Conflict` where the object is not the one that is meant. */
  delete(resource: Resource, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<void>;
  /** Yields until the signal aborts (then returns), the server ends the stream (returns), or it breaks (throws). */
  watch(
    resource: Resource,
    namespace: string | undefined,
    options: ListOptions & { readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
  /** Any path, for discovery and the service proxy; the parsed JSON answer. */
  request(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown>;
}
