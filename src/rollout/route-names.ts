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
  /** Of the route or rule within the object; absent: the only one. */
  readonly part?: string;
}

/** `namespace`: of the Rollout. */
export function routesNamed({ istio, gatewayApi }: Traffic, namespace: string): readonly RouteName[] {
  const { httpRoutes = [], grpcRoutes = [] } = gatewayApi ?? {};
  const gateway = { httpRoutes, grpcRoutes };
  return [
    ...(istio?.virtualServices ?? []).map(({ routes, ...ref }) => named("virtualServices", namespace, { ...ref, part: routes?.[0] })),
    ...(["httpRoutes", "grpcRoutes"] as const).flatMap((kind) => gateway[kind].map(({ rule, ruleIndex, ...ref }) => named(kind, namespace, { ...ref, part: rule ?? ruleIndex?.toString() }))),
  ];
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

/** Also of another Rollout: it is none of the user's routes. */
export function isOwn({ name = "" }: { readonly name?: string | undefined }): boolean {
  return name.startsWith(OWN_PREFIX);
}
