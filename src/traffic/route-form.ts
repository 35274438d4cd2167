/** How one kind of route writes its weighted destinations: what differs between kinds is here, and how they are edited is in route-edit.ts. */
import type { JsonPatchOperation, KubernetesObject } from "../kubernetes/client.ts";
import type { RouteSeen } from "../rollout/observation.ts";
import type { RouteMatch } from "../rollout/spec-steps.ts";

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
}

/** Our own route beside a user's: it takes requests that are picked out to one version, and does all else as that one does. */
export interface Beside<Destination extends Weighted> {
  /** JSON Pointer to where it is put where it is not there yet. */
  readonly path: string;
  readonly name: string;
  readonly present: OwnRoute<Destination> | undefined;
  readonly build: (destination: Destination, alternatives: readonly RouteMatch[]) => object;
  /** What makes it what it is: which requests it takes, and where to. */
  readonly essenceOf: (route: object) => unknown;
  /** What the user's route asks of requests itself. */
  readonly conditions: readonly string[];
}

export interface OwnRoute<Destination extends Weighted> {
  readonly index: number;
  /** JSON Pointer to it. */
  readonly path: string;
  readonly route: object;
  readonly destinations: readonly Destination[];
}

/** A list of destinations, and where it is. */
export interface Place<Destination extends Weighted> {
  readonly kind: "place";
  readonly object: KubernetesObject;
  readonly namespace: string;
  readonly destinations: readonly Destination[];
  /** JSON Pointer to the list. */
  readonly path: string;
  readonly beside: Beside<Destination>;
  /** What must still hold for the path to lead to this route. */
  readonly tests: readonly JsonPatchOperation[];
  /** A sentence about weights that are no split of 100. */
  readonly flaw: string | undefined;
  /** For sentences: `VirtualService bookinfo/reviews, route primary`. */
  readonly label: string;
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

/** A sentence about weights that are no split of 100. */
export function flawIn<Destination extends Weighted>(form: RouteForm<Destination>, destinations: readonly Destination[], label: string): string | undefined {
  const points = form.pointsOf(destinations);
  if (isWhole(points)) return undefined;
  const sum = sumOf(points);
  if (sum !== 100) return `the weights of ${label} must add up to 100, and they are ${splitInWords(form, destinations)}: ${sum}`;
  return `the weights of ${label} must be whole numbers from 0 to 100, and they are ${splitInWords(form, destinations)}`;
}
