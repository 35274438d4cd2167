/** Traffic by the weights of a user's own route, of whatever kind: read from caches, edited in place by one conditional JSON Patch. */
import type { KubernetesClient, KubernetesObject, Resource } from "../kubernetes/client.ts";
import { isEqual } from "../rollout/equal.ts";
import type { Backend, DestinationSeen, MatchedSeen, RouteFound, RouteSeen, RouteWriter } from "../rollout/observation.ts";
import { EPOCH_ANNOTATION, type RolloutRef } from "../rollout/rollout.ts";
import type { RouteName } from "../rollout/route-names.ts";
import type { MatchWanted } from "../rollout/route-write.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";
import { writersOf } from "./managed-fields.ts";
import { splitInWords, type Place, type RouteForm, type Trouble, type Weighted } from "./route-form.ts";
import { writeRoute } from "./route-writing.ts";
import type { RouteChange, TrafficRouter } from "./traffic-router.ts";

export interface RouteAsked {
  readonly rollout: RolloutRef;
  readonly target: Traffic;
  /** `release` first: what it is says which destinations are candidates. */
  readonly versions: readonly string[];
  /** What our own route should pick out. */
  readonly matched: MatchWanted | null;
}

/** Whose route it is, and which. */
export type Named = Pick<RouteAsked, "rollout" | "target">;

/** What one kind of route is, and where its parts are. */
export interface RouteKindOptions<Destination extends Weighted, At extends Place<Destination>> {
  readonly resource: Resource;
  /** For sentences: `VirtualServices`. */
  readonly kinds: string;
  /** The field of `spec` that holds the routes; it is owned as a whole. */
  readonly field: string;
  readonly form: RouteForm<Destination>;
  /** `index`: of the route within its object, where it is known already. */
  findPlace(asked: Named, index?: number): At | Trouble;
  /** The place in an object that is already at hand, such as the answer to a write. */
  placeIn(object: KubernetesObject, asked: Named, index?: number): At | Trouble;
  /** Where a route went that bears another name now, or has got company. */
  findStray(asked: RouteAsked): number | undefined;
  /** What the destinations of a place stand for. */
  surroundings(asked: RouteAsked, place: At): Surroundings<Destination> | Trouble;
}

export interface Surroundings<Destination extends Weighted> {
  readonly kind: "surroundings";
  /** May be a version of what `release` names. Absent: nobody knows what it names. */
  readonly isCandidate?: (destination: Destination) => boolean;
  /** What a candidate is, for sentences: `a subset of reviews.bookinfo.svc`. */
  readonly candidates: string;
  /** What a destination leads to, for sentences: a host. */
  readonly leadsTo: (destination: Destination) => string;
  /** What no version is called. */
  readonly namesakeOf: (destination: Destination) => string;
  readonly backendOf: (version: string) => Backend;
  /** Another tool that steers this route. */
  readonly peerOf: (writers: readonly RouteWriter[]) => string | undefined;
  readonly name: RouteName;
}

export interface WeightedRouterOptions {
  /** One that puts its answers into the caches, so that the next read sees the write. */
  readonly client: Pick<KubernetesClient, "patch">;
  /** The Rollout that this route belongs to, where several name it. */
  readonly ownerOf?: ((route: RouteName) => RolloutRef | undefined) | undefined;
}

export function createWeightedRouter<Destination extends Weighted, At extends Place<Destination>>(kind: RouteKindOptions<Destination, At>, options: WeightedRouterOptions): TrafficRouter {
  const { client } = options;
  const { resource, kinds, form } = kind;
  return {
    read: (rollout, target, versions, matched = null) => read(kind, options, { rollout, target, versions, matched }),
    write: (change) => {
      const place = kind.findPlace(change, change.seen.foundAt);
      const placeIn = (object: KubernetesObject): At | Trouble => kind.placeIn(object, change, indexAfter(place, change));
      return writeRoute({ client, resource, kinds, form, place, placeIn }, change);
    },
  };
}

/** Where a route is found after the write that was found out of its place before: our own one, which is taken away with it, may have stood before it. */
function indexAfter<Destination extends Weighted>(place: Place<Destination> | Trouble, { seen: { foundAt } }: RouteChange): number | undefined {
  const own = place.kind === "place" ? place.beside.present : undefined;
  return foundAt !== undefined && own !== undefined && own.index < foundAt ? foundAt - 1 : foundAt;
}

function read<Destination extends Weighted, At extends Place<Destination>>(kind: RouteKindOptions<Destination, At>, options: WeightedRouterOptions, asked: RouteAsked): RouteSeen {
  const place = kind.findPlace(asked);
  if (place.kind === "place") return readPlace(kind, options, asked, place);
  const index = kind.findStray(asked);
  const stray = index === undefined ? place : kind.findPlace(asked, index);
  const seen = stray.kind === "place" ? readPlace(kind, options, asked, stray) : stray;
  const mendable = seen.kind === "found" ? seen : seen.mendable;
  return mendable && index !== undefined ? { ...place, mendable: { ...mendable, foundAt: index } } : place;
}

function readPlace<Destination extends Weighted, At extends Place<Destination>>(kind: RouteKindOptions<Destination, At>, options: WeightedRouterOptions, asked: RouteAsked, place: At): RouteSeen {
  const around = kind.surroundings(asked, place);
  if (around.kind !== "surroundings") return around;
  const seen = found(kind, options, asked, { place, around });
  const flaw = place.flaw ?? ambiguityIn(kind.form, place, around, asked.versions);
  return flaw === undefined ? seen : { kind: "unusable", message: flaw, mendable: seen };
}

interface Sight<Destination extends Weighted> {
  readonly place: Place<Destination>;
  readonly around: Surroundings<Destination>;
}

function found<Destination extends Weighted>({ form, field }: Pick<RouteKindOptions<Destination, Place<Destination>>, "form" | "field">, { ownerOf }: WeightedRouterOptions, { rollout, versions, matched: wanted }: RouteAsked, { place, around }: Sight<Destination>): RouteFound {
  const { metadata } = place.object;
  const writers = writersOf(metadata, field);
  const matched = matchedSeen(form, place, wanted);
  return {
    kind: "found",
    name: place.label,
    resourceVersion: metadata.resourceVersion ?? "",
    field,
    destinations: destinationsSeen(form, place, around, versions),
    ...(matched ? { matched } : {}),
    conditions: place.beside.conditions,
    stamp: metadata.annotations?.[EPOCH_ANNOTATION],
    writers,
    backends: Object.fromEntries(versions.map((version) => [version, around.backendOf(version)])),
    managedBy: around.peerOf(writers) ?? otherRollout(ownerOf?.(around.name), rollout),
  };
}

function matchedSeen<Destination extends Weighted>(form: RouteForm<Destination>, { beside, destinations }: Place<Destination>, wanted: MatchWanted | null): MatchedSeen | undefined {
  const { present } = beside;
  if (!present) return undefined;
  const version = present.destinations.map((each) => form.versionOf(each)).join(", ");
  const destination = destinations.find((each) => form.versionOf(each) === wanted?.version);
  const isIntact = wanted !== null && destination !== undefined && isEqual(beside.essenceOf(present.route), beside.essenceOf(beside.build(form.alone(destination), wanted.alternatives)));
  return { version, isIntact };
}

function destinationsSeen<Destination extends Weighted>(form: RouteForm<Destination>, { destinations }: Place<Destination>, around: Surroundings<Destination>, versions: readonly string[]): readonly DestinationSeen[] {
  const points = form.pointsOf(destinations);
  const weighted = !form.isUnweighted(destinations);
  return destinations.map((each, index) => {
    const version = form.versionOf(each);
    const candidate = around.isCandidate?.(each) ?? false;
    const isNamesake = around.isCandidate !== undefined && !candidate && versions.includes(version);
    return { version: isNamesake ? around.namesakeOf(each) : version, points: points[index]!, weighted, candidate };
  });
}

/** A version must mean one destination, and not somebody else's of the same name. */
function ambiguityIn<Destination extends Weighted>(form: RouteForm<Destination>, { label, destinations }: Place<Destination>, { isCandidate, candidates, leadsTo }: Surroundings<Destination>, versions: readonly string[]): string | undefined {
  const names = destinations.map((each) => form.versionOf(each));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `${label} leads to ${twice} twice (${splitInWords(form, destinations)}): make it one destination`;
  const foreign = isCandidate && destinations.find((each) => versions.includes(form.versionOf(each)) && !isCandidate(each));
  return foreign && `${label} leads to ${leadsTo(foreign)}, which bears the name ${form.versionOf(foreign)} and is not ${candidates}: rename one of them`;
}

function otherRollout(owner: RolloutRef | undefined, rollout: RolloutRef): string | undefined {
  if (!owner || (owner.namespace === rollout.namespace && owner.name === rollout.name)) return undefined;
  return `Rollout ${owner.namespace}/${owner.name}`;
}

/** The index of the only list of destinations that leads to two of the versions. */
export function indexLeadingToTwo<Destination extends Weighted>(form: RouteForm<Destination>, lists: readonly (readonly Destination[])[], versions: readonly string[]): number | undefined {
  const splits = [...lists.keys()].filter((index) => new Set(lists[index]!.map((each) => form.versionOf(each)).filter((version) => versions.includes(version))).size > 1);
  return splits.length === 1 ? splits[0] : undefined;
}
