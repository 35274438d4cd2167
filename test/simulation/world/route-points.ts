/** What a VirtualService of the simulated world says, read without any code of Weir's. */
import { CANARY_SIDE, STABLE_SIDE } from "../../../src/rollout/deployment.ts";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";

export interface Destination {
  readonly destination: { readonly host: string; readonly subset?: string };
  readonly weight?: number;
}

export interface Route {
  readonly name?: string;
  readonly mirror?: Destination["destination"];
  readonly mirrorPercentage?: { readonly value: number };
  readonly match?: unknown;
  readonly route?: readonly Destination[];
}

/** The name of a destination that leads to all pods of a Deployment. */
export const PLAIN = "(all)";

/** The route that Weir manages is the last one. */
export function managedRoute(object: KubernetesObject): Route | undefined {
  const { http } = (object["spec"] ?? {}) as { readonly http?: readonly Route[] };
  return http?.at(-1);
}

/** Our own one, for requests that are picked out. */
export function ownRoute(object: KubernetesObject): Route | undefined {
  const { http = [] } = (object["spec"] ?? {}) as { readonly http?: readonly Route[] };
  return http.find(({ name = "" }) => name.startsWith("weir-match."));
}

/** Our own ones, by which users stay with their version. */
export function sessionRoutes(object: KubernetesObject | undefined): readonly Route[] {
  const { http = [] } = (object?.["spec"] ?? {}) as { readonly http?: readonly Route[] };
  return http.filter(({ name = "" }) => name.startsWith("weir-session."));
}

/** To which version requests go that are picked out; undefined where none are. */
export function matchedTo(object: KubernetesObject | undefined): string | undefined {
  const destination = object && ownRoute(object)?.route?.[0]?.destination;
  return destination && (destination.subset ?? PLAIN);
}

/** Which version gets copies of requests, and of how many of them in percent; undefined where nobody does. */
export function mirroredTo(object: KubernetesObject | undefined): { readonly version: string; readonly percent: number } | undefined {
  const { mirror, mirrorPercentage } = (object && managedRoute(object)) ?? {};
  return mirror && { version: mirror.subset ?? PLAIN, percent: mirrorPercentage?.value ?? 100 };
}

export function destinationsOf(object: KubernetesObject): readonly Destination[] {
  return managedRoute(object)?.route ?? [];
}

/** A weight that is left out is everything where there is one destination, else nothing. */
export function pointsByVersion(object: KubernetesObject): Readonly<Record<string, number>> {
  const destinations = destinationsOf(object);
  const points: Record<string, number> = {};
  for (const { destination: { subset = PLAIN }, weight } of destinations) points[subset] = (points[subset] ?? 0) + (weight ?? (destinations.length === 1 ? 100 : 0));
  return points;
}

/** Weights that add up to 100, no destination twice, and something of it for others than `v1`, which is nobody's stable or canary. */
export function isSound(route: KubernetesObject | undefined): boolean {
  const points = route ? pointsByVersion(route) : {};
  const sum = Object.values(points).reduce((total, each) => total + each, 0);
  return sum === 100 && (points["v1"] ?? 0) < 100 && Object.keys(points).length === destinationsOf(route!).length;
}

/** Of a Deployment's route: whether it leads to our sides. */
export function isSplit(route: KubernetesObject | undefined): boolean {
  const points = route ? pointsByVersion(route) : {};
  return STABLE_SIDE in points || CANARY_SIDE in points;
}
