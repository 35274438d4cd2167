/** The fields of a VirtualService that Weir reads; all others are kept as they are. */
import { z } from "zod";
import type { RouteForm } from "../route-form.ts";
import { firstLabelOf } from "./host.ts";

const Destination = z.looseObject({ host: z.string(), subset: z.string().optional() });

const Texts = z.record(z.string(), z.string()).optional();

/** What a route or one of its destinations does to headers. */
const Headers = z.looseObject({ response: z.looseObject({ set: Texts, add: Texts, remove: z.array(z.string()).optional() }).optional() });
export type Headers = z.infer<typeof Headers>;

export const RouteDestination = z.looseObject({
  destination: Destination,
  headers: Headers.optional(),
  weight: z.number().optional(), // what else it must be is said with the sum
});
export type RouteDestination = z.infer<typeof RouteDestination>;

const Conditions = z.record(z.string(), z.unknown()).optional();

export const HttpMatch = z.looseObject({ headers: Conditions, queryParams: Conditions, sourceLabels: Conditions, gateways: z.array(z.string()).optional() });
export type HttpMatch = z.infer<typeof HttpMatch>;

const Percentage = z.looseObject({ value: z.number().default(0) }).optional();

export const HttpRoute = z.looseObject({
  name: z.string().optional(),
  match: z.array(HttpMatch).optional(),
  route: z.array(RouteDestination).optional(),
  headers: Headers.optional(),
  mirror: Destination.optional(),
  mirrorPercentage: Percentage,
  mirrors: z.array(z.looseObject({ destination: Destination, percentage: Percentage })).optional(),
  delegate: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
});
export type HttpRoute = z.infer<typeof HttpRoute>;

/** Of a tls or a tcp route; the latter asks for no SNI. */
const ConnectionMatch = z.looseObject({ port: z.number().optional(), sniHosts: z.array(z.string()).optional() });

export const ConnectionRoute = z.looseObject({ match: z.array(ConnectionMatch).optional(), route: z.array(RouteDestination).optional() });
export type ConnectionRoute = z.infer<typeof ConnectionRoute>;

export const VirtualServiceSpec = z.looseObject({
  hosts: z.array(z.string()).optional(),
  gateways: z.array(z.string()).optional(),
  http: z.array(HttpRoute).optional(),
  tls: z.array(ConnectionRoute).optional(),
  tcp: z.array(ConnectionRoute).optional(),
});
export type VirtualServiceSpec = z.infer<typeof VirtualServiceSpec>;

/** Istio takes an empty subset for none. */
export function subsetOf({ destination }: RouteDestination): string | undefined {
  return destination.subset === "" ? undefined : destination.subset;
}

/** The subset's name, or the Service's where there is no subset. */
export function versionOf(destination: RouteDestination): string {
  return subsetOf(destination) ?? firstLabelOf(destination.destination.host);
}

/** How VirtualServices write weights: a missing one is 0, and an only destination without weight has them all. */
export const FORM: RouteForm<RouteDestination> = {
  versionOf,
  pointsOf: (destinations) => (isUnweighted(destinations) ? [100] : destinations.map(({ weight }) => weight ?? 0)),
  isUnweighted,
  alone: ({ weight: _, ...destination }) => destination,
  siblingOf,
};

function isUnweighted(destinations: readonly RouteDestination[]): boolean {
  return destinations.length === 1 && destinations[0]!.weight === undefined;
}

/** Another subset of the same host, or another Service spelled the same way. */
function siblingOf(sibling: RouteDestination, version: string): RouteDestination {
  const copy = structuredClone(sibling);
  if (subsetOf(copy) !== undefined) copy.destination.subset = version;
  else copy.destination.host = copy.destination.host.replace(/^[^.]*/, () => version);
  return copy;
}
