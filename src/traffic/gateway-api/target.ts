/** The Gateway API's part of `spec.traffic`. */
import { RESOURCES } from "../../kubernetes/client.ts";
import type { RouteKind } from "../../rollout/route-names.ts";
import type { Traffic } from "../../rollout/spec-traffic.ts";

export type GatewayRouteKind = Exclude<RouteKind, "virtualServices">;
type Gateway = NonNullable<Traffic["gatewayApi"]>;
export type RouteRef = NonNullable<Gateway[GatewayRouteKind]>[number];

export const KINDS: Readonly<Record<GatewayRouteKind, { readonly resource: (typeof RESOURCES)[GatewayRouteKind]; readonly kind: string }>> = {
  httpRoutes: { resource: RESOURCES.httpRoutes, kind: "HTTPRoute" },
  grpcRoutes: { resource: RESOURCES.grpcRoutes, kind: "GRPCRoute" },
};

/** Throws where the registry has sent another router's target here. */
export function kindIn({ gatewayApi }: Traffic): GatewayRouteKind {
  if (!gatewayApi) throw new Error("expected spec.traffic.gatewayApi, got traffic by something else");
  return gatewayApi.grpcRoutes ? "grpcRoutes" : "httpRoutes";
}

export function routeRefOf(kind: GatewayRouteKind, { gatewayApi }: Traffic): RouteRef {
  const [ref] = gatewayApi?.[kind] ?? [];
  if (!ref) throw new Error(`expected spec.traffic.gatewayApi.${kind} to name a route, got none`);
  return ref;
}

export function labelOf(kind: GatewayRouteKind, { namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return `${KINDS[kind].kind} ${namespace}/${name}`;
}
