/** Traffic by the weights of a user's own Istio VirtualService. */
import { RESOURCES } from "../../kubernetes/client.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { TrafficRouter } from "../traffic-router.ts";
import type { Trouble } from "../route-form.ts";
import { peerOf } from "../route-owner.ts";
import { createWeightedRouter, type RouteAsked, type Surroundings, type WeightedRouterOptions } from "../weighted-router.ts";
import { backendOf, familyOf, findRules, isCandidate, type Family } from "./backends.ts";
import { findPlace, findStray, placeIn, type RoutePlace } from "./route-place.ts";
import { FORM, type RouteDestination } from "./virtual-service.ts";

/** Argo Rollouts marks the rules whose subsets it writes. */
const ARGO_RULE = "argo-rollouts.argoproj.io/managed-by-rollouts";

export interface IstioRouterOptions extends WeightedRouterOptions {
  readonly caches: Pick<ObjectCaches, "virtualServices" | "destinationRules" | "services">;
}

export function createIstioRouter(options: IstioRouterOptions): TrafficRouter {
  const { virtualServices } = options.caches;
  return createWeightedRouter<RouteDestination, RoutePlace>(
    {
      resource: RESOURCES.virtualServices,
      kinds: "VirtualServices",
      field: "http",
      form: FORM,
      placeIn,
      findPlace: (asked, index) => findPlace(virtualServices, asked, index),
      findStray: (asked) => findStray(virtualServices, asked),
      surroundings: (asked, place) => surroundings(options.caches, asked, place),
    },
    options,
  );
}

function surroundings(caches: IstioRouterOptions["caches"], { rollout, target, versions }: RouteAsked, place: RoutePlace): Surroundings<RouteDestination> | Trouble {
  const rules = findRules(caches, rollout, target, place);
  if (rules.kind !== "rules") return rules;
  const family = familyOf(versions, caches, rules, place);
  return {
    kind: "surroundings",
    ...(family ? { isCandidate: (each: RouteDestination) => isCandidate(each, family, place) } : {}),
    candidates: candidatesOf(family),
    leadsTo: ({ destination: { host } }) => host,
    namesakeOf: ({ destination: { host, subset = "" } }) => `${host}/${subset}`,
    backendOf: (version) => backendOf(version, caches, rules, place),
    peerOf: (writers) => peerOf(place.object, writers) ?? (rules.rules.some(({ annotations }) => ARGO_RULE in annotations) ? "Argo Rollouts" : undefined),
    name: { kind: "virtualServices", namespace: place.namespace, name: place.object.metadata.name, ...(place.routeName === undefined ? {} : { part: place.routeName }) },
  };
}

function candidatesOf(family: Family | undefined): string {
  return family?.kind === "subsets" ? `a subset of ${family.host}` : "a Service";
}
