/** Every kind of route that Weir steers, as users write it: what a contract needs to say the same of each. */
import type { KubernetesObject, ObjectMetadata } from "../../src/kubernetes/client.ts";
import type { RouteKind } from "../../src/rollout/route-names.ts";
import type { Traffic } from "../../src/rollout/spec-traffic.ts";
import { aDestinationRule, aKubernetesService, aServiceEntry, aTarget, aVirtualService, NAMESPACE, subsets, type Split } from "./istio-objects.ts";

/** A route or rule within an object. */
export type Part = Readonly<Record<string, unknown>>;

/** One destination. */
export interface Leading {
  readonly weight?: number;
  readonly [field: string]: unknown;
}

export interface Dialect {
  readonly kind: RouteKind;
  /** Of the object, for sentences. */
  readonly label: string;
  /** Of its objects, below a namespace. */
  readonly collection: (namespace: string) => string;
  readonly target: (part?: string, name?: string) => Traffic;
  readonly object: (parts: readonly Part[], metadata?: Partial<ObjectMetadata>) => KubernetesObject;
  /** What stands beside it, so that v1, v2 and v3 have pods. */
  readonly beside: () => readonly KubernetesObject[];
  /** Weight by version; null leaves the weight out. */
  readonly part: (split: Split, rest?: Part) => Part;
  /** A destination that is no version of ours. */
  readonly partner: (weight: number) => Leading;
  /** One that bears a version's name and is none. */
  readonly namesake: (version: string, weight: number) => Leading;
  /** A part that only some requests take, and fields that Weir knows nothing of. */
  readonly matching: Part;
  readonly extras: Part;
  readonly destinationExtras: Part;
  /** Names of the headers that each of its matches asks for. */
  readonly headersAsked: (part: Part) => readonly (readonly string[])[];
  /** A mirror of the user's own, beside which there is room for another one, and one (or what stands in its place) beside which there is none. */
  readonly mirroring: (name: string, percent: number) => Part;
  readonly crowded: Part;
  /** Where copies go, as `v3 20`. */
  readonly mirrorsIn: (part: Part) => readonly string[];
  readonly destinationsIn: (part: Part) => readonly Leading[];
  readonly withDestinations: (part: Part, destinations: readonly Leading[]) => Part;
  readonly partsIn: (object: KubernetesObject) => readonly Part[];
  readonly spec: (parts: readonly Part[]) => Part;
  /** The same destination, as the other version's. */
  readonly sibling: (destination: Leading, version: string) => Leading;
  /** An only destination without a share, as it is stored. */
  readonly alone: (version: string) => readonly Leading[];
  /** Without a part of that name. */
  readonly noPart: (namespace: string, name: string, has: string) => string;
}

const httpOf = ({ spec }: KubernetesObject): readonly Part[] => (spec as { readonly http: readonly Part[] }).http;

interface IstioMirror {
  readonly destination: { readonly host: string; readonly subset?: string };
  readonly percentage?: { readonly value: number };
}

interface MirrorFilter {
  readonly requestMirror?: { readonly backendRef: { readonly name: string }; readonly percent?: number };
}

const ENTRY_HOST = "reviews.internal";

const VIRTUAL_SERVICE: Dialect = {
  kind: "virtualServices",
  label: "VirtualService",
  collection: (namespace) => `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`,
  target: (part, name = "reviews") => aTarget(name, part),
  object: (parts, metadata = {}) => aVirtualService({ http: parts, metadata }),
  beside: () => [aKubernetesService(), aDestinationRule()],
  part: (split, rest = {}) => ({ ...rest, route: subsets(split) }),
  partner: (weight) => ({ destination: { host: "partner.example.com" }, weight }),
  namesake: (version, weight) => subsets({ [version]: weight }, "ratings")![0]!,
  matching: { match: [{ headers: { "end-user": { exact: "jason" } } }] },
  extras: { timeout: "3s", retries: { attempts: 3, perTryTimeout: "1s" }, mirror: { host: "shadow" }, headers: { request: { set: { "x-route": "primary" } } } },
  destinationExtras: { headers: { response: { add: { "x-kept": "yes" } } } },
  headersAsked: ({ match = [] }) => (match as readonly { readonly headers?: object }[]).map(({ headers = {} }) => Object.keys(headers)),
  mirroring: (host, value) => ({ mirrors: [{ destination: { host }, percentage: { value } }] }),
  crowded: { mirror: { host: "shadow" } },
  mirrorsIn: ({ mirror, mirrorPercentage, mirrors = [] }) =>
    [...(mirror ? [{ destination: mirror, percentage: mirrorPercentage }] : []), ...(mirrors as readonly object[])].map((each) => {
      const { destination: { host, subset = host }, percentage: { value } = { value: 100 } } = each as IstioMirror;
      return `${subset} ${value}`;
    }),
  destinationsIn: ({ route }) => route as readonly Leading[],
  withDestinations: (part, route) => ({ ...part, route }),
  partsIn: httpOf,
  spec: (http) => ({ http }),
  sibling: (destination, subset) => ({ ...destination, destination: { ...(destination["destination"] as object), subset } }),
  alone: (version) => subsets({ [version]: null })!,
  noPart: (namespace, name, has) => `VirtualService ${namespace}/reviews has no http route named ${name}; it has ${has}`,
};

/** The same, of a host that no Service has. */
export const BY_SERVICE_ENTRY: Dialect = {
  ...VIRTUAL_SERVICE,
  beside: () => [aServiceEntry(), aDestinationRule({ host: ENTRY_HOST })],
  part: (split, rest = {}) => ({ ...rest, route: subsets(split, ENTRY_HOST) }),
  alone: (version) => subsets({ [version]: null }, ENTRY_HOST)!,
};

function gatewayDialect(kind: "httpRoutes" | "grpcRoutes", label: string, extras: Part): Dialect {
  const reference = (name: string, weight: number | null, rest: object = {}): Leading => ({ name, port: 9080, ...rest, ...(weight === null ? {} : { weight }) });
  return {
    kind,
    label,
    collection: (namespace) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${kind.toLowerCase()}`,
    target: (rule, name = "reviews") => ({ gatewayApi: { [kind]: [{ name, ...(rule === undefined ? {} : { rule }) }] } }),
    object: (rules, metadata = {}) => ({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: label,
      metadata: { name: "reviews", namespace: NAMESPACE, ...Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined)) },
      spec: { parentRefs: [{ group: "", kind: "Service", name: "reviews", port: 9080 }], rules },
    }),
    beside: () => ["v1", "v2", "v3"].map((version) => aKubernetesService({ name: version, selector: { app: "reviews", version } })),
    part: (split, rest = {}) => ({ ...rest, backendRefs: Object.entries(split).map(([name, weight]) => reference(name, weight)) }),
    partner: (weight) => reference("partner", weight),
    namesake: (version, weight) => reference(version, weight, { namespace: "ratings" }),
    matching: { matches: [{ headers: [{ type: "Exact", name: "end-user", value: "jason" }] }] },
    extras,
    destinationExtras: { filters: [{ type: "RequestHeaderModifier", requestHeaderModifier: { add: [{ name: "x-kept", value: "yes" }] } }] },
    headersAsked: ({ matches = [] }) => (matches as readonly { readonly headers?: readonly { readonly name: string }[] }[]).map(({ headers = [] }) => headers.map(({ name }) => name)),
    mirroring: (name, percent) => ({ filters: [{ type: "RequestMirror", requestMirror: { backendRef: { name, port: 9080 }, percent } }] }),
    crowded: { filters: [] },
    mirrorsIn: ({ filters = [] }) => (filters as readonly MirrorFilter[]).flatMap(({ requestMirror }) => (requestMirror ? [`${requestMirror.backendRef.name} ${requestMirror.percent ?? 100}`] : [])),
    destinationsIn: ({ backendRefs }) => backendRefs as readonly Leading[],
    withDestinations: (part, backendRefs) => ({ ...part, backendRefs }),
    partsIn: ({ spec }) => (spec as { readonly rules: readonly Part[] }).rules,
    spec: (rules) => ({ rules }),
    sibling: (destination, name) => ({ ...destination, name }),
    alone: (version) => [reference(version, 1)],
    noPart: (namespace, name, has) => `${label} ${namespace}/reviews has no rule named ${name}; it has ${has}`,
  };
}

export const DIALECTS: readonly Dialect[] = [
  VIRTUAL_SERVICE,
  gatewayDialect("httpRoutes", "HTTPRoute", { timeouts: { request: "3s" }, filters: [{ type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "x-route", value: "primary" }] } }] }),
  gatewayDialect("grpcRoutes", "GRPCRoute", { filters: [{ type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "x-route", value: "primary" }] } }] }),
];
