/** What a VirtualService of the simulated world says, read without any code of Weir's. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";

export interface Destination {
  readonly destination: { readonly host: string; readonly subset: string };
  readonly weight?: number;
}

export interface Route {
  readonly name?: string;
  readonly route?: readonly Destination[];
}

/** The route that Weir manages is the last one. */
export function managedRoute(object: KubernetesObject): Route | undefined {
  const { http } = (object["spec"] ?? {}) as { readonly http?: readonly Route[] };
  return http?.at(-1);
}

export function destinationsOf(object: KubernetesObject): readonly Destination[] {
  return managedRoute(object)?.route ?? [];
}

/** A weight that is left out is everything where there is one destination, else nothing. */
export function pointsByVersion(object: KubernetesObject): Readonly<Record<string, number>> {
  const destinations = destinationsOf(object);
  const points: Record<string, number> = {};
  for (const { destination, weight } of destinations) points[destination.subset] = (points[destination.subset] ?? 0) + (weight ?? (destinations.length === 1 ? 100 : 0));
  return points;
}
