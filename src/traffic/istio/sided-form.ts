/** How a route is written whose destinations are pods of one Deployment: the host alone, or a subset of ours for each side. */
import { CANARY_SIDE, type SideNames, STABLE_SIDE } from "../../rollout/deployment.ts";
import type { SidedForm } from "../weighted-router.ts";
import { canonicalHost } from "./host.ts";
import type { RoutePlace } from "./route-place.ts";
import { FORM, subsetOf, versionOf, type RouteDestination } from "./virtual-service.ts";

export interface IstioSidedForm extends SidedForm<RouteDestination> {
  /** Leads to the Deployment's Service, whichever way. */
  isOurs(destination: RouteDestination): boolean;
}

/** `isSplit`: how destinations of ours are to be written. */
export function sidedForm(place: RoutePlace, names: SideNames, isSplit = false): IstioSidedForm {
  const host = hostOf(place);
  const isOurs = (each: RouteDestination): boolean => canonicalHost(each.destination.host, place.namespace) === host && (subsetOf(each) === undefined || isSide(each));
  return {
    ...FORM,
    isOurs,
    isSide: (each) => isOurs(each) && isSide(each),
    versionOf: (each) => (isOurs(each) ? nameOf(each, names) : versionOf(each)),
    spelled: (each) => (isOurs(each) ? spelled(each, isSplit) : each),
    siblingOf: (sibling, version) => leadingTo(sibling, version === names.canary ? CANARY_SIDE : isSplit ? STABLE_SIDE : undefined),
  };
}

/** Of our side for stable, whatever somebody has put before it; else of the first destination that may lead to all pods of a Service. */
export function hostOf({ destinations, namespace }: Pick<RoutePlace, "destinations" | "namespace">): string {
  const ours = destinations.find((each) => subsetOf(each) === STABLE_SIDE);
  const first = ours ?? destinations.find((each) => subsetOf(each) === undefined || isSide(each)) ?? destinations[0]!;
  return canonicalHost(first.destination.host, namespace);
}

function isSide(each: RouteDestination): boolean {
  const subset = subsetOf(each);
  return subset === STABLE_SIDE || subset === CANARY_SIDE;
}

function nameOf(each: RouteDestination, { plain, stable, canary }: SideNames): string {
  const subset = subsetOf(each);
  if (subset === undefined) return plain;
  return subset === CANARY_SIDE ? canary : stable;
}

function spelled(each: RouteDestination, isSplit: boolean): RouteDestination {
  if (!isSplit) return subsetOf(each) === undefined ? each : leadingTo(each, undefined);
  return subsetOf(each) === undefined ? leadingTo(each, STABLE_SIDE) : each;
}

function leadingTo(each: RouteDestination, side: string | undefined): RouteDestination {
  const copy = structuredClone(each);
  if (side === undefined) delete copy.destination.subset;
  else copy.destination.subset = side;
  return copy;
}
