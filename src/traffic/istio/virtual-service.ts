/** The fields of a VirtualService that Weir reads; all others are kept as they are. */
import { z } from "zod";
import { firstLabelOf } from "./host.ts";

export const RouteDestination = z.looseObject({
  destination: z.looseObject({ host: z.string(), subset: z.string().optional() }),
  weight: z.number().optional(), // what else it must be is said with the sum
});
export type RouteDestination = z.infer<typeof RouteDestination>;

export const HttpRoute = z.looseObject({
  name: z.string().optional(),
  route: z.array(RouteDestination).optional(),
  delegate: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
});
export type HttpRoute = z.infer<typeof HttpRoute>;

export const VirtualServiceSpec = z.looseObject({ http: z.array(HttpRoute).optional() });
export type VirtualServiceSpec = z.infer<typeof VirtualServiceSpec>;

/** Istio takes an empty subset for none. */
export function subsetOf({ destination }: RouteDestination): string | undefined {
  return destination.subset === "" ? undefined : destination.subset;
}

/** The subset's name, or the Service's where there is no subset. */
export function versionOf(destination: RouteDestination): string {
  return subsetOf(destination) ?? firstLabelOf(destination.destination.host);
}

/** What each destination gets, in points of 100: a missing weight is 0, and an only destination without weight has them all. */
export function pointsOf(destinations: readonly RouteDestination[]): readonly number[] {
  return isUnweighted(destinations) ? [100] : destinations.map(({ weight }) => weight ?? 0);
}

export function isUnweighted(destinations: readonly RouteDestination[]): boolean {
  return destinations.length === 1 && destinations[0]!.weight === undefined;
}

export function sumOf(points: readonly number[]): number {
  return points.reduce((sum, each) => sum + each, 0);
}

/** Whole points of 100 that add up. */
export function isWhole(points: readonly number[]): boolean {
  return points.every((each) => Number.isInteger(each) && each >= 0) && sumOf(points) === 100;
}

/** For sentences: `v2 90, v3 10`. */
export function splitInWords(destinations: readonly RouteDestination[]): string {
  return destinations.map((each) => `${versionOf(each)} ${each.weight ?? "without weight"}`).join(", ");
}
