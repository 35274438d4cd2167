/** The tls and tcp routes of a VirtualService: they carry connections instead of requests, have no names, and are found by what they match. */
import type { TlsRouteRef, VirtualServiceRef } from "../../rollout/spec-traffic.ts";
import type { Beside, Mirroring, Trouble } from "../route-form.ts";
import type { ConnectionRoute, RouteDestination } from "./virtual-service.ts";

export interface ConnectionsAsked {
  readonly protocol: "tls" | "tcp";
  readonly ref: TlsRouteRef;
}

export function connectionsIn({ tlsRoutes = [], tcpRoutes = [] }: VirtualServiceRef): readonly ConnectionsAsked[] {
  return [...tlsRoutes.map((ref) => ({ protocol: "tls", ref }) as const), ...tcpRoutes.map((ref) => ({ protocol: "tcp", ref }) as const)];
}

/** For sentences: `tls route for port 443, shop.example`. */
export function connectionsSaid({ protocol, ref: { port, sniHosts = [] } }: ConnectionsAsked): string {
  const asked = [...(port === undefined ? [] : [`port ${port}`]), ...sniHosts];
  return asked.length > 0 ? `${protocol} route for ${asked.join(", ")}` : `${protocol} route`;
}

/** Of the route that is meant, among all of its protocol. */
export function connectionsIndex(routes: readonly ConnectionRoute[], asked: ConnectionsAsked, label: string): number | Trouble {
  const { protocol, ref } = asked;
  const found = [...routes.keys()].filter((index) => isMeant(routes[index]!, ref));
  if (found.length === 1) return found[0]!;
  const there = routes.map((route) => matchSaid(route)).join("; ");
  if (found.length > 1) return { kind: "unusable", message: `${label} has ${found.length} routes that may be meant by its ${connectionsSaid(asked)} (${there}): say in ${protocol}Routes which one, by ${protocol === "tls" ? "port, sniHosts or both" : "its port"}` };
  return { kind: "absent", message: routes.length === 0 ? `${label} has no ${protocol} routes` : `${label} has no ${connectionsSaid(asked)}; it has ${there}` };
}

/** By one of its matches. */
function isMeant({ match = [] }: ConnectionRoute, { port, sniHosts = [] }: TlsRouteRef): boolean {
  if (port === undefined && sniHosts.length === 0) return true;
  return match.some((one) => (port === undefined || one.port === port) && sniHosts.every((host) => one.sniHosts?.includes(host)));
}

function matchSaid({ match = [] }: ConnectionRoute): string {
  const said = match.map(({ port, sniHosts = [] }) => [...(port === undefined ? [] : [`port ${port}`]), ...sniHosts].join(", ")).filter((each) => each !== "");
  return said.length > 0 ? said.join(" or ") : "one for every port";
}

/** Of a connection nothing can be picked out, for it is decided before any request. */
export const NOTHING_BESIDE: Beside<RouteDestination> = {
  path: "",
  name: "",
  present: undefined,
  build: (destination) => destination,
  essenceOf: (route) => route,
  conditions: [],
};

export const NO_MIRRORING: Mirroring<RouteDestination> = {
  present: [],
  obstacle: "carries connections, which nobody can copy: take the mirror out of the steps",
  shadowOf: (destination) => destination,
  edit: () => [],
};
