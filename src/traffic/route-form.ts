/** How one kind of route writes its weighted destinations: what differs between kinds is here, and how they are edited is in route-edit.ts. */
import type { JsonPatchOperation, KubernetesObject } from "../kubernetes/client.ts";
import type { RouteHosts, RouteSeen } from "../rollout/observation.ts";
import type { Picked } from "../rollout/route-write.ts";
import type { SessionsWanted } from "../rollout/sessions.ts";

export interface Weighted {
  readonly weight?: number | undefined;
}

export interface RouteForm<Destination extends Weighted> {
  versionOf(destination: Destination): string;
  /** What each destination gets, in points of 100; any numbers where the weights are no split of 100. */
  pointsOf(destinations: readonly Destination[]): readonly number[];
  /** An only destination that takes everything without being given a share. */
  isUnweighted(destinations: readonly Destination[]): boolean;
  /** The destination as it is written where it is the only one, without a share. */
  alone(destination: Destination): Destination;
  /** A deep copy that leads to another version. */
  siblingOf(destination: Destination, version: string): Destination;
  /** One of ours as it is to be written, where one version can be written in several ways. Absent: there is one way. */
  spelled?(destination: Destination): Destination;
}

/** Our own route beside a user's: it takes requests that are picked out to one version, and does all else as that one does. */
export interface Beside<Destination extends Weighted> {
  /** JSON Pointer to where it is put where it is not there yet. */
  readonly path: string;
  readonly name: string;
  readonly present: OwnRoute<Destination> | undefined;
  readonly build: (destination: Destination, picked: Picked) => object;
  /** What makes it what it is: which requests it takes, and where to. */
  readonly essenceOf: (route: object) => unknown;
  /** What the user's route asks of requests itself. */
  readonly conditions: readonly string[];
}

/** The destinations of stable and canary, without weights. */
export interface Sides<Destination extends Weighted> {
  readonly stable: Destination;
  readonly canary: Destination;
}

/** Our own routes beside a user's, by which users stay with their version. */
export interface Pinning<Destination extends Weighted> {
  /** JSON Pointer to the list of routes, and where the user's stands in it. */
  readonly list: string;
  readonly index: number;
  readonly present: readonly OwnRoute<Destination>[];
  readonly nameOf: (route: object) => string | undefined;
  /** Why they cannot be put there, as the end of a sentence about the user's route. */
  readonly obstacle: string | undefined;
  /** In the order in which they stand directly before the user's. */
  readonly build: (sides: Sides<Destination>, wanted: SessionsWanted) => readonly object[];
  /** What makes one what it is: whom it takes, and where to. */
  readonly essenceOf: (route: object) => unknown;
}

/** Copies of a user's route's requests that go elsewhere as well, and whose answers are thrown away: its owner's, and ours. */
export interface Mirroring<Destination extends Weighted> {
  readonly present: readonly Mirror<Destination>[];
  /** Why none of ours can be put beside them, as the end of a sentence about the route. */
  readonly obstacle: string | undefined;
  /** A destination as one that copies are sent to is written. */
  readonly shadowOf: (destination: Destination) => Destination;
  /** Takes away those of the present ones, and puts one more there. */
  readonly edit: (dropped: readonly number[], added: Mirror<Destination> | undefined) => readonly JsonPatchOperation[];
}

export interface Mirror<Destination extends Weighted> {
  readonly destination: Destination;
  /** Share of the requests that are copied. */
  readonly percent: number;
}

export interface OwnRoute<Destination extends Weighted> {
  readonly index: number;
  /** JSON Pointer to it. */
  readonly path: string;
  readonly route: object;
  readonly destinations: readonly Destination[];
}

/** A list of destinations, and where it is. */
export interface Lane<Destination extends Weighted> {
  readonly destinations: readonly Destination[];
  /** JSON Pointer to the list. */
  readonly path: string;
  /** Of the object's spec, which holds the routes; it is owned as a whole. */
  readonly field: string;
  /** What must still hold for the path to lead to this route. */
  readonly tests: readonly JsonPatchOperation[];
  /** A sentence about weights that are no split of 100. */
  readonly flaw: string | undefined;
  /** For sentences: `VirtualService bookinfo/reviews, route primary`. */
  readonly label: string;
}

/** The list that a Rollout steers. */
export interface Place<Destination extends Weighted> extends Lane<Destination> {
  readonly kind: "place";
  readonly object: KubernetesObject;
  readonly namespace: string;
  readonly beside: Beside<Destination>;
  readonly mirroring: Mirroring<Destination>;
  /** Absent: this kind of route knows no way to keep users. */
  readonly pinning?: Pinning<Destination>;
  /** Absent: requests cannot be picked out by their host. */
  readonly hosts?: RouteHosts;
  /** Why callers cannot be told apart by their labels, as the end of a sentence about it. */
  readonly callerObstacle?: string;
  /** Other lists of the same object, which move with it. */
  readonly along: readonly Lane<Destination>[];
}

export function lanesOf<Destination extends Weighted>(place: Place<Destination>): readonly Lane<Destination>[] {
  return [place, ...place.along];
}

export type Trouble = Exclude<RouteSeen, { readonly kind: "found" }>;

export function sumOf(points: readonly number[]): number {
  return points.reduce((sum, each) => sum + each, 0);
}

/** Whole points of 100 that add up. */
export function isWhole(points: readonly number[]): boolean {
  return points.every((each) => Number.isInteger(each) && each >= 0) && sumOf(points) === 100;
}

/** For sentences: `v2 90, v3 10`. */
export function splitInWords<Destination extends Weighted>(form: RouteForm<Destination>, destinations: readonly Destination[]): string {
  const isUnweighted = form.isUnweighted(destinations);
  return destinations.map((each) => `${form.versionOf(each)} ${isUnweighted ? "without weight" : (each.weight ?? "without weight")}`).join(", ");
}

/** A sentence about lists that move together and share differently: one set of weights must fit them all. `isMeant`: destinations that have to agree. */
export function unlikeIn<Destination extends Weighted>(form: RouteForm<Destination>, place: Place<Destination>, isMeant: (destination: Destination) => boolean): string | undefined {
  const splitOf = ({ destinations }: Lane<Destination>): string => splitInWords(form, destinations.filter(isMeant));
  const other = place.along.find((lane) => splitOf(lane) !== splitOf(place));
  return other && `expected routes that move together to share alike, got ${splitInWords(form, place.destinations)} in ${place.label} and ${splitInWords(form, other.destinations)} in ${other.label}: make them alike, or name one of them`;
}

/** A sentence about weights that are no split of 100. */
export function flawIn<Destination extends Weighted>(form: RouteForm<Destination>, destinations: readonly Destination[], label: string): string | undefined {
  const points = form.pointsOf(destinations);
  if (isWhole(points)) return undefined;
  const sum = sumOf(points);
  if (sum !== 100) return `the weights of ${label} must add up to 100, and they are ${splitInWords(form, destinations)}: ${sum}`;
  return `the weights of ${label} must be whole numbers from 0 to 100, and they are ${splitInWords(form, destinations)}`;
}
