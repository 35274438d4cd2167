/** The JSON Patch that turns the seen route into the wanted one, and touches nothing else. Pure. */
import type { JsonPatchOperation, ObjectMetadata } from "../kubernetes/client.ts";
import { isEqual } from "../rollout/equal.ts";
import { EPOCH_ANNOTATION } from "../rollout/rollout.ts";
import type { DestinationWanted } from "../rollout/route-write.ts";
import { isWhole, splitInWords, type Beside, type Place, type RouteForm, type Weighted } from "./route-form.ts";
import type { RouteChange } from "./traffic-router.ts";

export interface RouteEdit<Destination extends Weighted> extends Pick<RouteChange, "ours" | "wanted" | "matched" | "stamp"> {
  readonly form: RouteForm<Destination>;
  /** What destinations were called where that is not what they are named: a stranger with the name of one of ours. */
  readonly names?: ReadonlyMap<Destination, string>;
}

type Operations = readonly JsonPatchOperation[];

/** Empty where nothing differs. Throws a RangeError for a change after which the weights would not add up to 100. */
export function operationsFor<Destination extends Weighted>(place: Place<Destination>, edit: RouteEdit<Destination>): Operations {
  const after = destinationsAfter(place.destinations, edit);
  if (!isWhole(edit.form.pointsOf(after))) throw new RangeError(`expected weights that add up to 100 for ${place.label}, got ${splitInWords(edit.form, after)}`);
  // Our own route last: where it comes or goes, the indexes of the others change.
  const changes = [...destinationOperations(place, edit), ...stampOperations(place.object.metadata, edit.stamp), ...ownRouteOperations(place.beside, after, edit)];
  return changes.length === 0 ? [] : [...testOperations(place, edit), ...changes];
}

/** The destinations as they shall be after the edit. */
export function destinationsAfter<Destination extends Weighted>(before: readonly Destination[], edit: RouteEdit<Destination>): readonly Destination[] {
  const weighed = reweighedAll(before, edit);
  return missingIn(before, edit)
    .reduce<readonly Destination[]>((list, wanted) => withInserted(list, wanted, edit), weighed)
    .filter((each) => !isDropped(each, edit));
}

/** Weights first (the indexes still hold), then the additions, then the removals from the last to the first. */
function destinationOperations<Destination extends Weighted>({ destinations, path }: Place<Destination>, edit: RouteEdit<Destination>): Operations {
  const weighed = reweighedAll(destinations, edit);
  const weights = destinations.flatMap((each, index) => weightOperation(`${path}/${index}/weight`, each, weighed[index]!));
  const { grown, additions } = grow(path, destinations, edit);
  const removals = [...grown.keys()]
    .reverse()
    .filter((index) => isDropped(grown[index]!, edit))
    .map((index) => ({ op: "remove" as const, path: `${path}/${index}` }));
  return [...weights, ...additions, ...removals];
}

function grow<Destination extends Weighted>(path: string, destinations: readonly Destination[], edit: RouteEdit<Destination>): { grown: readonly Destination[]; additions: Operations } {
  const additions: JsonPatchOperation[] = [];
  let grown = destinations;
  for (const wanted of missingIn(destinations, edit)) {
    const index = siblingIndex(grown, edit) + 1;
    grown = withInserted(grown, wanted, edit);
    additions.push({ op: "add", path: `${path}/${index}`, value: grown[index] });
  }
  return { grown, additions };
}

function weightOperation(path: string, { weight: from }: Weighted, { weight: to }: Weighted): Operations {
  if (from === to) return [];
  if (to === undefined) return [{ op: "remove", path }];
  return [{ op: from === undefined ? "add" : "replace", path, value: to }];
}

/** The decision rests on this resourceVersion, this route and these destinations. */
function testOperations<Destination extends Weighted>({ object, tests, destinations, path }: Place<Destination>, edit: RouteEdit<Destination>): Operations {
  const ours = destinations.flatMap((each, at) => (isOurs(each, edit) ? [test(`${path}/${at}`, each)] : []));
  return [test("/metadata/resourceVersion", object.metadata.resourceVersion), ...tests, ...ours];
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

/** Where it is there already and picks out what it should, it stays as it is. */
function ownRouteOperations<Destination extends Weighted>({ path, name, present, build, essenceOf }: Beside<Destination>, after: readonly Destination[], edit: RouteEdit<Destination>): Operations {
  const { matched } = edit;
  const isOurs = present ? [test(`${present.path}/name`, name)] : [];
  if (!matched) return present ? [...isOurs, { op: "remove", path: present.path }] : [];
  const destination = after.find((each) => nameIn(edit, each) === matched.version);
  if (!destination) throw new RangeError(`expected the route to lead to ${matched.version}, which matched requests go to; it has ${splitInWords(edit.form, after)}`);
  const value = build(edit.form.alone(destination), matched.alternatives);
  if (!present) return [{ op: "add", path, value }];
  return isEqual(essenceOf(present.route), essenceOf(value)) ? [] : [...isOurs, { op: "replace", path: present.path, value }];
}

function missingIn<Destination extends Weighted>(destinations: readonly Destination[], edit: RouteEdit<Destination>): readonly DestinationWanted[] {
  const present = new Set(destinations.map((each) => nameIn(edit, each)));
  return edit.wanted.filter(({ version }) => !present.has(version));
}

function withInserted<Destination extends Weighted>(list: readonly Destination[], { version, points }: DestinationWanted, edit: RouteEdit<Destination>): readonly Destination[] {
  const index = siblingIndex(list, edit);
  return list.toSpliced(index + 1, 0, withWeight(edit.form.siblingOf(list[index]!, version), points, edit));
}

/** The place of the first destination of ours; throws where the route has none. */
function siblingIndex<Destination extends Weighted>(list: readonly Destination[], edit: RouteEdit<Destination>): number {
  const index = list.findIndex((each) => isOurs(each, edit));
  if (index < 0) throw new RangeError(`expected the route to have ${edit.ours.join(" or ")}, to copy it; it has ${splitInWords(edit.form, list)}`);
  return index;
}

/** What a version gets, its first destination gets; a twin that somebody added gets nothing. */
function reweighedAll<Destination extends Weighted>(before: readonly Destination[], edit: RouteEdit<Destination>): readonly Destination[] {
  const names = before.map((each) => nameIn(edit, each));
  const has = edit.form.pointsOf(before);
  return before.map((each, index) => {
    const wanted = edit.wanted.find(({ version }) => version === names[index]);
    if (!wanted) return each;
    const points = names.indexOf(wanted.version) === index ? wanted.points : 0;
    return before.length > 1 && points === 0 && has[index] === 0 ? each : withWeight(each, points, edit);
  });
}

function withWeight<Destination extends Weighted>(destination: Destination, points: number | null, { form }: RouteEdit<Destination>): Destination {
  if (points === null) return form.alone(destination);
  return destination.weight === points ? destination : { ...destination, weight: points };
}

function isOurs<Destination extends Weighted>(destination: Destination, edit: RouteEdit<Destination>): boolean {
  return edit.ours.includes(nameIn(edit, destination));
}

function isDropped<Destination extends Weighted>(destination: Destination, edit: RouteEdit<Destination>): boolean {
  return isOurs(destination, edit) && !edit.wanted.some(({ version }) => version === nameIn(edit, destination));
}

function nameIn<Destination extends Weighted>({ names, form }: RouteEdit<Destination>, destination: Destination): string {
  return names?.get(destination) ?? form.versionOf(destination);
}

export function test(path: string, value: unknown): JsonPatchOperation {
  return { op: "test", path, value };
}
