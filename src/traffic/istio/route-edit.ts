/** The JSON Patch that turns the seen route into the wanted one, and touches nothing else. Pure. */
import type { JsonPatchOperation, ObjectMetadata } from "../../kubernetes/client.ts";
import { EPOCH_ANNOTATION } from "../../rollout/rollout.ts";
import type { DestinationWanted } from "../../rollout/route-write.ts";
import type { RouteChange } from "../traffic-router.ts";
import type { RoutePlace } from "./route-place.ts";
import { isWhole, pointsOf, splitInWords, subsetOf, versionOf, type RouteDestination } from "./virtual-service.ts";

export interface RouteEdit extends Pick<RouteChange, "ours" | "wanted" | "stamp"> {
  /** What destinations were called where that is not what they are named: a stranger with the name of one of ours. */
  readonly names?: ReadonlyMap<RouteDestination, string>;
}

type Destinations = readonly RouteDestination[];
type Operations = readonly JsonPatchOperation[];

/** Empty where nothing differs. Throws a RangeError for a change after which the weights would not add up to 100. */
export function operationsFor(place: RoutePlace, edit: RouteEdit): Operations {
  const after = destinationsAfter(place.destinations, edit);
  if (!isWhole(pointsOf(after))) throw new RangeError(`expected weights that add up to 100 for ${place.label}, got ${splitInWords(after)}`);
  const changes = [...destinationOperations(place, edit), ...stampOperations(place.object.metadata, edit.stamp)];
  return changes.length === 0 ? [] : [...testOperations(place, edit), ...changes];
}

/** The destinations as they shall be after the edit. */
export function destinationsAfter(before: Destinations, edit: RouteEdit): Destinations {
  const weighed = reweighedAll(before, edit);
  return missingIn(before, edit)
    .reduce<Destinations>((list, wanted) => withInserted(list, wanted, edit), weighed)
    .filter((each) => !isDropped(each, edit));
}

/** Weights first (the indexes still hold), then the additions, then the removals from the last to the first. */
function destinationOperations(place: RoutePlace, edit: RouteEdit): Operations {
  const { destinations } = place;
  const path = routePath(place);
  const weighed = reweighedAll(destinations, edit);
  const weights = destinations.flatMap((each, index) => weightOperation(`${path}/${index}/weight`, each, weighed[index]!));
  const { grown, additions } = grow(path, destinations, edit);
  const removals = [...grown.keys()]
    .reverse()
    .filter((index) => isDropped(grown[index]!, edit))
    .map((index) => ({ op: "remove" as const, path: `${path}/${index}` }));
  return [...weights, ...additions, ...removals];
}

function grow(path: string, destinations: Destinations, edit: RouteEdit): { grown: Destinations; additions: Operations } {
  const additions: JsonPatchOperation[] = [];
  let grown = destinations;
  for (const wanted of missingIn(destinations, edit)) {
    const index = siblingIndex(grown, edit) + 1;
    grown = withInserted(grown, wanted, edit);
    additions.push({ op: "add", path: `${path}/${index}`, value: grown[index] });
  }
  return { grown, additions };
}

function weightOperation(path: string, { weight: from }: RouteDestination, { weight: to }: RouteDestination): Operations {
  if (from === to) return [];
  if (to === undefined) return [{ op: "remove", path }];
  return [{ op: from === undefined ? "add" : "replace", path, value: to }];
}

/** The decision rests on this resourceVersion, this route and these destinations. */
function testOperations(place: RoutePlace, edit: RouteEdit): Operations {
  const { object, index, routeName, destinations } = place;
  const name = routeName === undefined ? [] : [test(`/spec/http/${index}/name`, routeName)];
  const ours = destinations.flatMap((each, at) => (isOurs(each, edit) ? [test(`${routePath(place)}/${at}`, each)] : []));
  return [test("/metadata/resourceVersion", object.metadata.resourceVersion), ...name, ...ours];
}

/**
 * Only ever the one key: caches leave annotations out, so one that seems alone need not be. The API server stores no
 * empty map, so a map that we began goes with the stamp.
 */
function stampOperations({ annotations }: ObjectMetadata, stamp: string | null): Operations {
  const path = `/metadata/annotations/${EPOCH_ANNOTATION.replaceAll("/", "~1")}`;
  const present = annotations?.[EPOCH_ANNOTATION];
  if (present === (stamp ?? undefined)) return [];
  if (stamp !== null) return [stampWrite(path, annotations, stamp)];
  return [{ op: "remove", path }];
}

function stampWrite(path: string, annotations: ObjectMetadata["annotations"], stamp: string): JsonPatchOperation {
  if (!annotations) return { op: "add", path: "/metadata/annotations", value: { [EPOCH_ANNOTATION]: stamp } };
  return { op: EPOCH_ANNOTATION in annotations ? "replace" : "add", path, value: stamp };
}

function missingIn(destinations: Destinations, edit: RouteEdit): readonly DestinationWanted[] {
  const present = new Set(destinations.map((each) => nameIn(edit, each)));
  return edit.wanted.filter(({ version }) => !present.has(version));
}

function withInserted(list: Destinations, wanted: DestinationWanted, edit: RouteEdit): Destinations {
  const index = siblingIndex(list, edit);
  return list.toSpliced(index + 1, 0, withWeight(siblingOf(list[index]!, wanted.version), wanted.points));
}

/** The place of the first destination of ours; throws where the route has none. */
function siblingIndex(list: Destinations, edit: RouteEdit): number {
  const index = list.findIndex((each) => isOurs(each, edit));
  if (index < 0) throw new RangeError(`expected the route to have ${edit.ours.join(" or ")}, to copy it; it has ${splitInWords(list)}`);
  return index;
}

/** A deep copy that leads to another version: another subset of the same host, or another Service spelled the same way. */
function siblingOf(sibling: RouteDestination, version: string): RouteDestination {
  const copy = structuredClone(sibling);
  if (subsetOf(copy) !== undefined) copy.destination.subset = version;
  else copy.destination.host = copy.destination.host.replace(/^[^.]*/, () => version);
  return copy;
}

/** What a version gets, its first destination gets; a twin that somebody added gets nothing. */
function reweighedAll(before: Destinations, edit: RouteEdit): Destinations {
  const names = before.map((each) => nameIn(edit, each));
  return before.map((each, index) => {
    const wanted = edit.wanted.find(({ version }) => version === names[index]);
    if (!wanted) return each;
    const points = names.indexOf(wanted.version) === index ? wanted.points : 0;
    const isZeroAlready = before.length > 1 && points === 0 && each.weight === undefined;
    return isZeroAlready ? each : withWeight(each, points);
  });
}

function withWeight(destination: RouteDestination, points: number | null): RouteDestination {
  const { weight, ...unweighted } = destination;
  if (points === null) return unweighted;
  return weight === points ? destination : { ...destination, weight: points };
}

function isOurs(destination: RouteDestination, edit: RouteEdit): boolean {
  return edit.ours.includes(nameIn(edit, destination));
}

function isDropped(destination: RouteDestination, edit: RouteEdit): boolean {
  return isOurs(destination, edit) && !edit.wanted.some(({ version }) => version === nameIn(edit, destination));
}

function nameIn({ names }: RouteEdit, destination: RouteDestination): string {
  return names?.get(destination) ?? versionOf(destination);
}

function routePath({ index }: RoutePlace): string {
  return `/spec/http/${index}/route`;
}

function test(path: string, value: unknown): JsonPatchOperation {
  return { op: "test", path, value };
}
