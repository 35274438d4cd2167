/** Traffic by the weights of a user's own Istio VirtualService. */
import { RESOURCES, type KubernetesClient } from "../../kubernetes/client.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { SideNames } from "../../rollout/deployment.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import type { RouteName } from "../../rollout/route-names.ts";
import type { TrafficRouter } from "../traffic-router.ts";
import type { Trouble } from "../route-form.ts";
import { peerOf } from "../route-owner.ts";
import { createWeightedRouter, type RouteAsked, type Surroundings, type WeightedRouterOptions } from "../weighted-router.ts";
import { backendOf, familyOf, findRules, isCandidate, type Family } from "./backends.ts";
import { findPlace, findStray, placeIn, type RoutePlace } from "./route-place.ts";
import { serviceOf, sideBackend, sidesFound, writeSides } from "./own-rule.ts";
import { sidedForm } from "./sided-form.ts";
import { FORM, type RouteDestination } from "./virtual-service.ts";

/** Argo Rollouts marks the rules whose subsets it writes. */
const ARGO_RULE = "argo-rollouts.argoproj.io/managed-by-rollouts";

export interface IstioRouterOptions extends WeightedRouterOptions {
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete">;
  readonly caches: Pick<ObjectCaches, "virtualServices" | "destinationRules" | "services" | "serviceEntries">;
}

export function createIstioRouter(options: IstioRouterOptions): TrafficRouter {
  const { virtualServices } = options.caches;
  const router = createWeightedRouter<RouteDestination, RoutePlace>(
    {
      resource: RESOURCES.virtualServices,
      kinds: "VirtualServices",
      form: FORM,
      sided: sidedForm,
      placeIn,
      findPlace: (asked, index) => findPlace(virtualServices, asked, index),
      findStray: (asked) => findStray(virtualServices, asked),
      surroundings: (asked, place) => surroundings(options.caches, asked, place),
    },
    options,
  );
  return {
    ...router,
    sides: (rollout, target) => sidesFound(options.caches, rollout, target),
    writeSides: (rollout, target, write) => writeSides(options, rollout, target, write),
  };
}

function surroundings(caches: IstioRouterOptions["caches"], { rollout, target, versions, names }: RouteAsked, place: RoutePlace): Surroundings<RouteDestination> | Trouble {
  const rules = findRules(caches, rollout, target, place);
  if (rules.kind !== "rules") return rules;
  if (names) return sidedSurroundings({ caches, rollout, names }, place);
  const family = familyOf(versions, caches, rules, place);
  return {
    kind: "surroundings",
    ...(family ? { isCandidate: (each: RouteDestination) => isCandidate(each, family, place) } : {}),
    candidates: candidatesOf(family),
    leadsTo: ({ destination: { host } }) => host,
    namesakeOf: ({ destination: { host, subset = "" } }) => `${host}/${subset}`,
    backendOf: (version) => backendOf(version, caches, rules, place),
    peerOf: (writers) => peerOf(place.object, writers) ?? (rules.rules.some(({ annotations }) => ARGO_RULE in annotations) ? "Argo Rollouts" : undefined),
    names: [place, ...place.along].map(nameOf),
  };
}

interface Sided {
  readonly caches: IstioRouterOptions["caches"];
  readonly rollout: RolloutRef;
  readonly names: SideNames;
}

/** Every version is pods of one Service: that of the Deployment. */
function sidedSurroundings({ caches, rollout, names }: Sided, place: RoutePlace): Surroundings<RouteDestination> | Trouble {
  const service = serviceOf(caches, place, rollout, names);
  if (service.kind !== "service") return service;
  const form = sidedForm(place, names);
  return {
    kind: "surroundings",
    isCandidate: (each) => form.isOurs(each),
    candidates: `the Service ${service.object.metadata.name}, or one of its sides`,
    leadsTo: ({ destination: { host } }) => host,
    namesakeOf: ({ destination: { host, subset = "" } }) => `${host}/${subset}`,
    backendOf: (version) => sideBackend(caches, rollout, { names, service: service.object }, version),
    peerOf: (writers) => peerOf(place.object, writers),
    names: [place, ...place.along].map(nameOf),
  };
}

function nameOf({ namespace, object, part }: RoutePlace): RouteName {
  return { kind: "virtualServices", namespace, name: object.metadata.name, ...(part === undefined ? {} : { part }) };
}

function candidatesOf(family: Family | undefined): string {
  return family?.kind === "subsets" ? `a subset of ${family.host}` : "a Service";
}
