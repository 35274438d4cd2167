/** Traffic by the weights of a user's own Istio VirtualService: read from caches, edited in place by one conditional JSON Patch. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { DestinationSeen, RouteFound, RouteSeen } from "../../rollout/observation.ts";
import { EPOCH_ANNOTATION, type RolloutRef } from "../../rollout/rollout.ts";
import type { Traffic } from "../../rollout/spec.ts";
import { writersOf } from "../managed-fields.ts";
import { splitInWords } from "../route-form.ts";
import { writeRoute } from "../route-writing.ts";
import type { RouteChange, RouteWritten, TrafficRouter } from "../traffic-router.ts";
import { backendOf, familyOf, findRules, isCandidate, type Family, type Rules } from "./backends.ts";
import { otherRollout, peerOf } from "./route-owner.ts";
import { findPlace, findStray, placeIn, type RoutePlace } from "./route-place.ts";
import { FORM, versionOf, type RouteDestination } from "./virtual-service.ts";

/** One http route of a VirtualService; `route` is absent for one without name. */
export interface RouteName {
  readonly namespace: string;
  readonly virtualService: string;
  readonly route?: string;
}

export interface IstioRouterOptions {
  readonly caches: Pick<ObjectCaches, "virtualServices" | "destinationRules" | "services">;
  /** One that puts its answers into the caches, so that the next read sees the write. */
  readonly client: Pick<KubernetesClient, "patch">;
  /** The Rollout that this route belongs to, where several name it. */
  readonly ownerOf?: (route: RouteName) => RolloutRef | undefined;
}

export function createIstioRouter(options: IstioRouterOptions): TrafficRouter {
  return {
    read: (rollout, target, versions) => read(options, rollout, target, versions),
    write: (change) => write(options, change),
  };
}

/** The first of `versions` is `release`: the host that it belongs to says which destinations are candidates. */
function read(options: IstioRouterOptions, rollout: RolloutRef, target: Traffic, versions: readonly string[]): RouteSeen {
  const { virtualServices } = options.caches;
  const place = findPlace(virtualServices, rollout, target);
  if (place.kind === "place") return readPlace(options, { rollout, target, versions }, place);
  const index = findStray(virtualServices, rollout, target, versions);
  const stray = index === undefined ? place : findPlace(virtualServices, rollout, target, index);
  const seen = stray.kind === "place" ? readPlace(options, { rollout, target, versions }, stray) : stray;
  const mendable = seen.kind === "found" ? seen : seen.mendable;
  return mendable && index !== undefined ? { ...place, mendable: { ...mendable, foundAt: index } } : place;
}

interface Asked {
  readonly rollout: RolloutRef;
  readonly target: Traffic;
  readonly versions: readonly string[];
}

function readPlace(options: IstioRouterOptions, { rollout, target, versions }: Asked, place: RoutePlace): RouteSeen {
  const rules = findRules(options.caches, rollout, target, place);
  if (rules.kind !== "rules") return rules;
  const family = familyOf(versions, options.caches, rules, place);
  const seen = found(options, { rollout, place, rules, family, versions });
  const flaw = place.flaw ?? ambiguityIn(place, family, versions);
  return flaw === undefined ? seen : { kind: "unusable", message: flaw, mendable: seen };
}

interface Sight {
  readonly rollout: RolloutRef;
  readonly place: RoutePlace;
  readonly rules: Rules;
  readonly family: Family | undefined;
  readonly versions: readonly string[];
}

function found({ caches, ownerOf }: IstioRouterOptions, { rollout, place, rules, family, versions }: Sight): RouteFound {
  const { metadata } = place.object;
  const writers = writersOf(metadata, "http");
  return {
    kind: "found",
    name: place.label,
    resourceVersion: metadata.resourceVersion ?? "",
    destinations: destinationsSeen({ place, family, versions }),
    stamp: metadata.annotations?.[EPOCH_ANNOTATION],
    writers,
    backends: Object.fromEntries(versions.map((version) => [version, backendOf(version, caches, rules, place)])),
    managedBy: peerOf(place.object, writers, rules.rules) ?? otherRollout(ownerOf?.(routeNameOf(place)), rollout),
  };
}

function destinationsSeen({ place, family, versions }: Pick<Sight, "place" | "family" | "versions">): readonly DestinationSeen[] {
  const points = FORM.pointsOf(place.destinations);
  const weighted = !FORM.isUnweighted(place.destinations);
  return place.destinations.map((each, index) => {
    const version = versionOf(each);
    const candidate = isCandidate(each, family, place);
    const isNamesake = family !== undefined && !candidate && versions.includes(version);
    return { version: isNamesake ? namesakeOf(each) : version, points: points[index]!, weighted, candidate };
  });
}

/** What no version is called. */
function namesakeOf({ destination: { host, subset = "" } }: RouteDestination): string {
  return `${host}/${subset}`;
}

/** A version must mean one destination, and not somebody else's of the same name. */
function ambiguityIn(place: RoutePlace, family: Family | undefined, versions: readonly string[]): string | undefined {
  const names = place.destinations.map(versionOf);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `${place.label} leads to ${twice} twice (${splitInWords(FORM, place.destinations)}): make it one destination`;
  const foreign = family && place.destinations.find((each) => versions.includes(versionOf(each)) && !isCandidate(each, family, place));
  if (!foreign) return undefined;
  const wanted = family.kind === "services" ? "a Service" : `a subset of ${family.host}`;
  return `${place.label} leads to ${foreign.destination.host}, which bears the name ${versionOf(foreign)} and is not ${wanted}: rename one of them`;
}

async function write({ caches, client }: IstioRouterOptions, change: RouteChange): Promise<RouteWritten> {
  const place = findPlace(caches.virtualServices, change.rollout, change.target, change.seen.foundAt);
  const placeAgain = (object: KubernetesObject): ReturnType<typeof findPlace> => placeIn(object, change.target, change.seen.foundAt);
  return writeRoute({ client, resource: RESOURCES.virtualServices, kinds: "VirtualServices", form: FORM, place, placeIn: placeAgain }, change);
}

function routeNameOf({ namespace, object, routeName }: RoutePlace): RouteName {
  return { namespace, virtualService: object.metadata.name, route: routeName };
}
