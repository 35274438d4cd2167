/** Who gets which share of a Deployment's traffic, by the route and our rule as the proxies have them, and by the pods that answer. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { ApiServer } from "./api-server.ts";
import { endpointsIn, type Endpoint } from "./deployment.ts";
import type { InForce } from "./mesh.ts";
import { destinationsOf, managedRoute, ownRoute, type Destination } from "./route-points.ts";

/** What leads to nobody although somebody could have answered, and what reaches a canary's pods by a destination that was meant for all others. */
export const LOST = "(lost)";
export const ASTRAY = "(astray)";

const TESTERS = 0.05;

export function sideSharesOf(server: Pick<ApiServer, "all">): (inForce: InForce) => Readonly<Record<string, number>> {
  return ({ route, rule }) => {
    if (!route) return {};
    const shares: Record<string, number> = {};
    const endpoints = endpointsIn(server);
    const destinations = destinationsOf(route);
    const own = ownRoute(route)?.route?.[0];
    const ofOthers = own ? 1 - TESTERS : 1;
    const sum = destinations.reduce((total, each) => total + pointsIn(each, destinations), 0);
    for (const each of destinations) led(shares, each, sum === 0 ? 0 : (pointsIn(each, destinations) / sum) * ofOthers, { endpoints, rule });
    if (own) led(shares, own, TESTERS, { endpoints, rule });
    const { mirror, mirrorPercentage } = managedRoute(route) ?? {};
    if (mirror && meantBy({ destination: mirror }, { endpoints, rule }).length > 0) led(shares, { destination: mirror }, (mirrorPercentage?.value ?? 100) / 100, { endpoints, rule }); // a lost copy is no lost request
    return shares;
  };
}

function pointsIn({ weight }: Destination, all: readonly Destination[]): number {
  return weight ?? (all.length === 1 ? 100 : 0);
}

interface Behind {
  readonly endpoints: readonly Endpoint[];
  readonly rule: KubernetesObject | undefined;
}

function meantBy({ destination: { subset } }: Destination, { endpoints, rule }: Behind): readonly Endpoint[] {
  const labels = subset === undefined ? {} : subsetIn(rule, subset);
  return labels ? endpoints.filter((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value)) : [];
}

function led(shares: Record<string, number>, destination: Destination, share: number, { endpoints, rule }: Behind): void {
  if (share === 0) return;
  const { subset } = destination.destination;
  const meant = meantBy(destination, { endpoints, rule });
  const add = (name: string, part: number): void => void (shares[name] = (shares[name] ?? 0) + part);
  if (meant.length === 0 && endpoints.length > 0) add(LOST, share);
  for (const { version, isCanary } of meant) {
    add(version, share / meant.length);
    if (isCanary && subset === undefined) add(ASTRAY, share / meant.length);
  }
}

/** Undefined where it is not defined. */
export function subsetIn(rule: KubernetesObject | undefined, name: string): Readonly<Record<string, string>> | undefined {
  const { subsets = [] } = (rule?.["spec"] ?? {}) as { readonly subsets?: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[] };
  return subsets.find((each) => each.name === name)?.labels;
}
