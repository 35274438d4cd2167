/** Which routes a Rollout's traffic names. */
import type { RolloutRef } from "./rollout.ts";
import type { Traffic } from "./spec-traffic.ts";

/** As the caches and resources are called. */
export const ROUTE_KINDS = ["virtualServices", "httpRoutes", "grpcRoutes"] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

export interface RouteName {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly name: string;
  /** Of the route or rule within the object; absent: the only one. Routes of connections have no names: all tls routes of an object are one part, and so are all its tcp routes. */
  readonly part?: string;
}

/** `namespace`: of the Rollout. */
export function routesNamed({ istio, gatewayApi }: Traffic, namespace: string): readonly RouteName[] {
  const { httpRoutes = [], grpcRoutes = [] } = gatewayApi ?? {};
  const gateway = { httpRoutes, grpcRoutes };
  return [
    ...(istio?.virtualServices ?? []).flatMap(({ routes = [], tlsRoutes = [], tcpRoutes = [], ...ref }) => {
      const parts = [...routes, ...(tlsRoutes.length > 0 ? ["tls"] : []), ...(tcpRoutes.length > 0 ? ["tcp"] : [])];
      return (parts.length > 0 ? parts : [undefined]).map((part) => named("virtualServices", namespace, { ...ref, part }));
    }),
    ...(["httpRoutes", "grpcRoutes"] as const).flatMap((kind) => gateway[kind].map(({ rule, ruleIndex, ...ref }) => named(kind, namespace, { ...ref, part: rule ?? ruleIndex?.toString() }))),
  ];
}

/** Each object that it names, alone; those that follow another one last, by whose DestinationRule they are not meant. */
export function targetsIn({ istio, gatewayApi }: Traffic): readonly Traffic[] {
  const { httpRoutes = [], grpcRoutes = [] } = gatewayApi ?? {};
  const { virtualServices = [] } = istio ?? {};
  return [
    ...virtualServices.filter(({ follow }) => follow === undefined).map((one) => ({ istio: { ...istio, virtualServices: [one] } })),
    ...virtualServices.filter(({ follow }) => follow !== undefined).map((one) => ({ istio: { virtualServices: [one] } })),
    ...httpRoutes.map((one) => ({ gatewayApi: { httpRoutes: [one] } })),
    ...grpcRoutes.map((one) => ({ gatewayApi: { grpcRoutes: [one] } })),
  ];
}

/** How each of them is called in sentences: `VirtualService bookinfo/reviews`. `namespace`: of the Rollout. */
export function objectsNamed(traffic: Traffic, namespace: string): readonly string[] {
  return targetsIn(traffic).map((one) => {
    const [{ kind, ...ref }] = routesNamed(one, namespace) as [RouteName];
    return `${KIND_NAMES[kind]} ${ref.namespace}/${ref.name}`;
  });
}

const KIND_NAMES: Readonly<Record<RouteKind, string>> = { virtualServices: "VirtualService", httpRoutes: "HTTPRoute", grpcRoutes: "GRPCRoute" };

/** Whether routes without requests are among them. */
export function movesConnections({ istio }: Traffic): boolean {
  return istio?.virtualServices.some(({ tlsRoutes = [], tcpRoutes = [] }) => tlsRoutes.length + tcpRoutes.length > 0) ?? false;
}

/** Whether nothing else moves than those. */
export function movesConnectionsAlone({ istio }: Traffic): boolean {
  return istio?.virtualServices.every(({ routes = [], tlsRoutes = [], tcpRoutes = [] }) => routes.length === 0 && tlsRoutes.length + tcpRoutes.length > 0) ?? false;
}

interface Ref {
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly part: string | undefined;
}

function named(kind: RouteKind, ownNamespace: string, { namespace = ownNamespace, name, part }: Ref): RouteName {
  return { kind, namespace, name, ...(part === undefined ? {} : { part }) };
}

/** What our own route is called: no other one of the object is. */
export function ownName({ namespace, name }: RolloutRef): string {
  return `${OWN_PREFIX}${namespace}.${name}`;
}

const OWN_PREFIX = "weir-match.";

/** What our own routes by which users stay with their version are called, each with a part of its own behind it; and by default their cookie. */
export function sessionName({ namespace, name }: RolloutRef): string {
  return `${SESSION_PREFIX}${namespace}.${name}`;
}

const SESSION_PREFIX = "weir-session.";

/** Of this Rollout: a part has no dots, which names of Rollouts may have. */
export function isSessionRoute({ name = "" }: { readonly name?: string | undefined }, rollout: RolloutRef): boolean {
  const own = `${sessionName(rollout)}.`;
  return name.startsWith(own) && !name.slice(own.length).includes(".");
}

/** Also of another Rollout: it is none of the user's routes. */
export function isOwn({ name = "" }: { readonly name?: string | undefined }): boolean {
  return name.startsWith(OWN_PREFIX) || name.startsWith(SESSION_PREFIX);
}
