/** Traffic by the weights of a user's own route, of whatever kind: read from caches, edited in place by one conditional JSON Patch. */
import type { KubernetesClient, KubernetesObject, Resource } from "../kubernetes/client.ts";
import { isEqual } from "../rollout/equal.ts";
import type { Backend, DestinationSeen, MatchedSeen, MirrorSeen, RouteFound, RouteSeen, RouteWriter, SessionsSeen } from "../rollout/observation.ts";
import { EPOCH_ANNOTATION, type RolloutRef } from "../rollout/rollout.ts";
import type { SideNames } from "../rollout/deployment.ts";
import type { RouteName } from "../rollout/route-names.ts";
import type { MatchWanted, OwnRoutesWanted } from "../rollout/route-write.ts";
import type { SessionsWanted } from "../rollout/sessions.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";
import { writersOf } from "./managed-fields.ts";
import { lanesOf, splitInWords, unlikeIn, type Lane, type Place, type RouteForm, type Trouble, type Weighted } from "./route-form.ts";
import { writeRoute } from "./route-writing.ts";
import type { RouteChange, TrafficRouter } from "./traffic-router.ts";

export interface RouteAsked {
  readonly rollout: RolloutRef;
  readonly target: Traffic;
  /** `release` first: what it is says which destinations are candidates. */
  readonly versions: readonly string[];
  /** What of ours should stand beside it. */
  readonly beside: OwnRoutesWanted;
  /** Of a Deployment's route: what its destinations are called. */
  readonly names?: SideNames | undefined;
}

/** Whose route it is, and which. */
export type Named = Pick<RouteAsked, "rollout" | "target">;

/** What one kind of route is, and where its parts are. */
export interface RouteKindOptions<Destination extends Weighted, At extends Place<Destination>> {
  readonly resource: Resource;
  /** For sentences: `VirtualServices`. */
  readonly kinds: string;
  readonly form: RouteForm<Destination>;
  /** Of a Deployment's route, where this kind can tell its two sides apart. */
  readonly sided?: (place: At, names: SideNames, isSplit: boolean, asked: Named) => SidedForm<Destination> | undefined;
  /** `index`: of the route within its object, where it is known already. */
  findPlace(asked: Named, index?: number): At | Trouble;
  /** The place in an object that is already at hand, such as the answer to a write. */
  placeIn(object: KubernetesObject, asked: Named, index?: number): At | Trouble;
  /** Where a route went that bears another name now, or has got company. */
  findStray(asked: RouteAsked): number | undefined;
  /** What the destinations of a place stand for. */
  surroundings(asked: RouteAsked, place: At): Surroundings<Destination> | Trouble;
}

/** How destinations are written that lead to all pods of a Deployment, or to one of its two sides. */
export interface SidedForm<Destination extends Weighted> extends RouteForm<Destination> {
  isSide(destination: Destination): boolean;
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
  /** Of each of the routes that move together. */
  readonly names: readonly RouteName[];
}

export interface WeightedRouterOptions {
  /** One that puts its answers into the caches, so that the next read sees the write. */
  readonly client: Pick<KubernetesClient, "patch">;
  /** The Rollout that this route belongs to, where several name it. */
  readonly ownerOf?: ((route: RouteName) => RolloutRef | undefined) | undefined;
}

export type WeightedRouter = Pick<TrafficRouter, "read" | "write">;

export function createWeightedRouter<Destination extends Weighted, At extends Place<Destination>>(kind: RouteKindOptions<Destination, At>, options: WeightedRouterOptions): WeightedRouter {
  const { client } = options;
  const { resource, kinds } = kind;
  return {
    read: (rollout, target, versions, beside = { matched: null }, names = undefined) => read(kind, options, { rollout, target, versions, beside, names }),
    write: (change) => {
      const place = kind.findPlace(change, change.seen.foundAt);
      const form = (place.kind === "place" && change.sides && kind.sided?.(place, change.sides, change.sides.isSplit, change)) || kind.form;
      const placeIn = (object: KubernetesObject): At | Trouble => kind.placeIn(object, change, indexAfter(place, change));
      return writeRoute({ client, resource, kinds, form, place, placeIn }, change);
    },
  };
}

/** Where a route is found after the write that was found out of its place before: our own ones, which are taken away with it, may have stood before it. */
function indexAfter<Destination extends Weighted>(place: Place<Destination> | Trouble, { seen: { foundAt } }: RouteChange): number | undefined {
  if (foundAt === undefined || place.kind !== "place") return foundAt;
  const { beside, pinning } = place;
  const own = [...(beside.present ? [beside.present] : []), ...(pinning?.present ?? [])];
  return foundAt - own.filter(({ index }) => index < foundAt).length;
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
  const sided = asked.names && kind.sided?.(place, asked.names, false, asked);
  const seen = { ...found({ ...kind, form: sided ?? kind.form }, options, asked, { place, around }), ...(sided ? { isSplit: place.destinations.some(sided.isSide) } : {}) };
  const flaw = flawOf(sided ?? kind.form, place, around, asked.versions);
  return flaw === undefined ? seen : { kind: "unusable", message: flaw, mendable: seen };
}

function flawOf<Destination extends Weighted>(form: RouteForm<Destination>, place: Place<Destination>, around: Surroundings<Destination>, versions: readonly string[]): string | undefined {
  const flaws = lanesOf(place).flatMap((lane) => lane.flaw ?? ambiguityIn(form, lane, around, versions) ?? []);
  return flaws[0] ?? unlikeIn(form, place, (each) => !isMoving(place) || !versions.includes(form.versionOf(each)));
}

/** While a run goes on the versions' own shares are the core's to compare: somebody may have a hand in one of them. */
function isMoving({ object }: Pick<Place<Weighted>, "object">): boolean {
  return object.metadata.annotations?.[EPOCH_ANNOTATION] !== undefined;
}

interface Sight<Destination extends Weighted> {
  readonly place: Place<Destination>;
  readonly around: Surroundings<Destination>;
}

function found<Destination extends Weighted>({ form }: Pick<RouteKindOptions<Destination, Place<Destination>>, "form">, { ownerOf }: WeightedRouterOptions, { rollout, versions, beside }: RouteAsked, { place, around }: Sight<Destination>): RouteFound {
  const { metadata } = place.object;
  const fields = [...new Set(lanesOf(place).map(({ field }) => field))];
  const writers = writersOf(metadata, fields);
  const matched = matchedSeen(form, place, beside.matched);
  const sessions = sessionsSeen(form, place, beside.sessions);
  return {
    kind: "found",
    name: place.label,
    resourceVersion: metadata.resourceVersion ?? "",
    fields,
    destinations: destinationsSeen(form, place, around, versions),
    ...(place.along.length > 0 ? { along: place.along.map((lane) => ({ name: lane.label, destinations: destinationsSeen(form, lane, around, versions) })) } : {}),
    ...(matched ? { matched } : {}),
    ...(sessions ? { sessions } : {}),
    ...(place.pinning?.obstacle === undefined ? {} : { sessionObstacle: place.pinning.obstacle }),
    mirrors: mirrorsSeen(form, place, around, versions),
    ...(place.mirroring.obstacle === undefined ? {} : { mirrorObstacle: place.mirroring.obstacle }),
    conditions: place.beside.conditions,
    ...(place.callerObstacle === undefined ? {} : { callerObstacle: place.callerObstacle }),
    ...(place.hosts ? { hosts: place.hosts } : {}),
    stamp: metadata.annotations?.[EPOCH_ANNOTATION],
    writers,
    backends: Object.fromEntries(versions.map((version) => [version, around.backendOf(version)])),
    managedBy: around.peerOf(writers) ?? around.names.map((name) => otherRollout(ownerOf?.(name), rollout)).find((other) => other !== undefined),
  };
}

function matchedSeen<Destination extends Weighted>(form: RouteForm<Destination>, { beside, destinations }: Place<Destination>, wanted: MatchWanted | null): MatchedSeen | undefined {
  const { present } = beside;
  if (!present) return undefined;
  const version = present.destinations.map((each) => form.versionOf(each)).join(", ");
  const destination = destinations.find((each) => form.versionOf(each) === wanted?.version);
  const isIntact = wanted !== null && destination !== undefined && isEqual(beside.essenceOf(present.route), beside.essenceOf(beside.build(form.alone(destination), wanted)));
  return { version, isIntact };
}

function sessionsSeen<Destination extends Weighted>(form: RouteForm<Destination>, { pinning, destinations }: Place<Destination>, wanted: SessionsWanted | undefined): SessionsSeen | undefined {
  if (!pinning || pinning.present.length === 0) return undefined;
  const { present, index, essenceOf } = pinning;
  const versions = [...new Set(present.flatMap((own) => own.destinations.map((each) => form.versionOf(each))))];
  const sideOf = (version: string | undefined): Destination | undefined => destinations.find((each) => form.versionOf(each) === version);
  const [stable, canary] = [sideOf(wanted?.stable), sideOf(wanted?.canary)];
  if (!wanted || !stable || !canary) return { versions, isIntact: false, isCurrent: false };
  const routes = pinning.build({ stable: form.alone(stable), canary: form.alone(canary) }, wanted);
  const isIntact = isEqual(present.map(({ route }) => essenceOf(route)), routes.map(essenceOf)) && present.every((own) => own.index < index);
  return { versions, isIntact, isCurrent: isEqual(present.map(({ route }) => route), routes) };
}

function destinationsSeen<Destination extends Weighted>(form: RouteForm<Destination>, { destinations }: Lane<Destination>, around: Surroundings<Destination>, versions: readonly string[]): readonly DestinationSeen[] {
  const points = form.pointsOf(destinations);
  const weighted = !form.isUnweighted(destinations);
  return destinations.map((each, index) => ({ version: nameOf(form, each, around, versions), points: points[index]!, weighted, candidate: around.isCandidate?.(each) ?? false }));
}

/** A stranger that bears the name of a version is called otherwise. */
function nameOf<Destination extends Weighted>(form: RouteForm<Destination>, destination: Destination, { isCandidate, namesakeOf }: Surroundings<Destination>, versions: readonly string[]): string {
  const version = form.versionOf(destination);
  const isNamesake = isCandidate !== undefined && !isCandidate(destination) && versions.includes(version);
  return isNamesake ? namesakeOf(destination) : version;
}

function mirrorsSeen<Destination extends Weighted>(form: RouteForm<Destination>, { mirroring, destinations }: Place<Destination>, around: Surroundings<Destination>, versions: readonly string[]): readonly MirrorSeen[] {
  return mirroring.present.map(({ destination, percent }) => ({
    version: nameOf(form, destination, around, versions),
    percent,
    isAsRouted: destinations.some((each) => isEqual(mirroring.shadowOf(each), destination)),
  }));
}

/** A version must mean one destination, and not somebody else's of the same name. */
function ambiguityIn<Destination extends Weighted>(form: RouteForm<Destination>, { label, destinations }: Lane<Destination>, { isCandidate, candidates, leadsTo }: Surroundings<Destination>, versions: readonly string[]): string | undefined {
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
