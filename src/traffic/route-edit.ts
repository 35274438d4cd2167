/** The JSON Patch that turns the seen route into the wanted one, and touches nothing else. Pure. */
import type { JsonPatchOperation, ObjectMetadata } from "../kubernetes/client.ts";
import { isEqual } from "../rollout/equal.ts";
import { EPOCH_ANNOTATION } from "../rollout/rollout.ts";
import type { DestinationWanted } from "../rollout/route-write.ts";
import { isWhole, lanesOf, splitInWords, type Beside, type Lane, type Mirror, type Pinning, type Place, type RouteForm, type Weighted } from "./route-form.ts";
import type { RouteChange } from "./traffic-router.ts";

export interface RouteEdit<Destination extends Weighted> extends Pick<RouteChange, "ours" | "wanted" | "wantedAlong" | "matched" | "sessions" | "mirrored" | "stamp"> {
  readonly form: RouteForm<Destination>;
  /** What destinations were called where that is not what they are named: a stranger with the name of one of ours. */
  readonly names?: ReadonlyMap<Destination, string>;
}

type Operations = readonly JsonPatchOperation[];

/** Empty where nothing differs. Throws a RangeError for a change after which the weights would not add up to 100. */
export function operationsFor<Destination extends Weighted>(place: Place<Destination>, edit: RouteEdit<Destination>): Operations {
  const after = destinationsAfter(place.destinations, edit);
  // Our own routes last: where they come or go, the indexes of the others change.
  const changes = [...lanesOf(place).flatMap((lane, at) => laneOperations(lane, editOf(edit, at))), ...stampOperations(place.object.metadata, edit.stamp), ...mirrorOperations(place, after, edit), ...ownOperations(place, after, edit)];
  return changes.length === 0 ? [] : [...testOperations(place, edit), ...changes];
}

/** What is wanted of one of the lists that move together. */
export function editOf<Edit extends Pick<RouteChange, "wanted" | "wantedAlong">>(edit: Edit, lane: number): Edit {
  return { ...edit, wanted: wantedOf(edit, lane) };
}

export function wantedOf({ wanted, wantedAlong }: Pick<RouteChange, "wanted" | "wantedAlong">, lane: number): RouteChange["wanted"] {
  return (lane === 0 ? undefined : wantedAlong?.[lane - 1]) ?? wanted;
}

function laneOperations<Destination extends Weighted>(lane: Lane<Destination>, edit: RouteEdit<Destination>): Operations {
  const after = destinationsAfter(lane.destinations, edit);
  if (!isWhole(edit.form.pointsOf(after))) throw new RangeError(`expected weights that add up to 100 for ${lane.label}, got ${splitInWords(edit.form, after)}`);
  return destinationOperations(lane, edit);
}

/** The destinations as they shall be after the edit. */
export function destinationsAfter<Destination extends Weighted>(before: readonly Destination[], edit: RouteEdit<Destination>): readonly Destination[] {
  const weighed = reweighedAll(before, edit);
  return missingIn(before, edit)
    .reduce<readonly Destination[]>((list, wanted) => withInserted(list, wanted, edit), weighed)
    .filter((_, index, list) => !isDropped(list, index, edit));
}

/** Weights first (the indexes still hold), then the additions, then the removals from the last to the first. */
function destinationOperations<Destination extends Weighted>({ destinations, path }: Lane<Destination>, edit: RouteEdit<Destination>): Operations {
  const weighed = reweighedAll(destinations, edit);
  const weights = destinations.flatMap((each, index) => changeOperation(`${path}/${index}`, each, weighed[index]!));
  const { grown, additions } = grow(path, destinations, edit);
  const removals = [...grown.keys()]
    .reverse()
    .filter((index) => isDropped(grown, index, edit))
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

/** The weight alone, but where it is also written in another way. */
function changeOperation<Destination extends Weighted>(path: string, before: Destination, after: Destination): Operations {
  const isRespelled = !isEqual({ ...before, weight: 0 }, { ...after, weight: 0 });
  return isRespelled ? [{ op: "replace", path, value: after }] : weightOperation(`${path}/weight`, before, after);
}

function weightOperation(path: string, { weight: from }: Weighted, { weight: to }: Weighted): Operations {
  if (from === to) return [];
  if (to === undefined) return [{ op: "remove", path }];
  return [{ op: from === undefined ? "add" : "replace", path, value: to }];
}

/** The decision rests on this resourceVersion, these routes and these destinations. */
function testOperations<Destination extends Weighted>(place: Place<Destination>, edit: RouteEdit<Destination>): Operations {
  const lanes = lanesOf(place).flatMap(({ tests, destinations, path }) => [...tests, ...destinations.flatMap((each, at) => (isOurs(each, edit) ? [test(`${path}/${at}`, each)] : []))]);
  return [test("/metadata/resourceVersion", place.object.metadata.resourceVersion), ...lanes];
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

function mirrorOperations<Destination extends Weighted>(place: Place<Destination>, after: readonly Destination[], edit: RouteEdit<Destination>): Operations {
  const { mirroring: { present, obstacle, edit: edited }, label } = place;
  const ours = oursAmong(present, edit);
  const wanted = mirrorWanted(place, after, edit);
  if (isEqual(ours.map((at) => present[at]), wanted ? [wanted] : [])) return [];
  if (wanted && ours.length === 0 && obstacle !== undefined) throw new RangeError(`expected room for a mirror in ${label}, which ${obstacle}`);
  return edited(ours, wanted);
}

/** Where copies shall go after the edit: ours last. */
export function mirrorsAfter<Destination extends Weighted>(place: Place<Destination>, edit: RouteEdit<Destination>): readonly Mirror<Destination>[] {
  const { present } = place.mirroring;
  const ours = oursAmong(present, edit);
  const wanted = mirrorWanted(place, destinationsAfter(place.destinations, edit), edit);
  return [...present.filter((_, at) => !ours.includes(at)), ...(wanted ? [wanted] : [])];
}

/** Whatever leads to the version that the change is about; none, where it is about no mirror. */
function oursAmong<Destination extends Weighted>(present: readonly Mirror<Destination>[], edit: RouteEdit<Destination>): readonly number[] {
  return [...present.keys()].filter((at) => nameIn(edit, present[at]!.destination) === edit.mirrored?.version);
}

function mirrorWanted<Destination extends Weighted>({ mirroring: { shadowOf } }: Place<Destination>, after: readonly Destination[], edit: RouteEdit<Destination>): Mirror<Destination> | undefined {
  const { version, percent } = edit.mirrored ?? { version: "", percent: 0 };
  return percent === 0 ? undefined : { destination: shadowOf(destinationOf(version, after, edit)), percent };
}

function destinationOf<Destination extends Weighted>(version: string, after: readonly Destination[], edit: RouteEdit<Destination>): Destination {
  const destination = after.find((each) => nameIn(edit, each) === version);
  if (!destination) throw new RangeError(`expected the route to lead to ${version}, which matched or mirrored requests go to, or users stay with; it has ${splitInWords(edit.form, after)}`);
  return destination;
}

/** Where those that keep users come, go, or change, all of ours are put there anew. */
function ownOperations<Destination extends Weighted>(place: Place<Destination>, after: readonly Destination[], edit: RouteEdit<Destination>): Operations {
  const { beside, pinning } = place;
  const sessions = sessionRoutesAfter(place, edit);
  if (!pinning || areInPlace(pinning, sessions)) return ownRouteOperations(beside, after, edit);
  const all = [...(beside.present ? [beside.present] : []), ...pinning.present].toSorted((one, other) => other.index - one.index);
  const matched = edit.matched ? [beside.build(edit.form.alone(destinationOf(edit.matched.version, after, edit)), edit.matched)] : [];
  const first = pinning.index - all.filter(({ index }) => index < pinning.index).length;
  return [
    ...all.map(({ path, route }) => test(`${path}/name`, pinning.nameOf(route))),
    ...all.map(({ path }) => ({ op: "remove" as const, path })),
    ...[...matched, ...sessions].map((value, at) => ({ op: "add" as const, path: `${pinning.list}/${first + at}`, value })),
  ];
}

/** Our routes that keep users as they shall be after the edit. */
export function sessionRoutesAfter<Destination extends Weighted>({ pinning, destinations, label }: Place<Destination>, edit: RouteEdit<Destination>): readonly object[] {
  const { sessions, form } = edit;
  if (!sessions) return [];
  if (!pinning || pinning.obstacle !== undefined) throw new RangeError(`expected a route on which users can be kept, got ${label}, which ${pinning?.obstacle ?? "is of a kind that knows no cookies"}`);
  const after = destinationsAfter(destinations, edit);
  const sideOf = (version: string): Destination => form.alone(destinationOf(version, after, edit));
  return pinning.build({ stable: sideOf(sessions.stable), canary: sideOf(sessions.canary) }, sessions);
}

/** There as they should be, before the user's route. */
function areInPlace<Destination extends Weighted>({ present, index }: Pinning<Destination>, sessions: readonly object[]): boolean {
  return isEqual(present.map(({ route }) => route), sessions) && present.every((own) => own.index < index);
}

/** Where it is there already and picks out what it should, it stays as it is. */
function ownRouteOperations<Destination extends Weighted>({ path, name, present, build, essenceOf }: Beside<Destination>, after: readonly Destination[], edit: RouteEdit<Destination>): Operations {
  const { matched } = edit;
  const isOurs = present ? [test(`${present.path}/name`, name)] : [];
  if (!matched) return present ? [...isOurs, { op: "remove", path: present.path }] : [];
  const value = build(edit.form.alone(destinationOf(matched.version, after, edit)), matched);
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
    const spelled = edit.form.spelled?.(each) ?? each;
    return before.length > 1 && points === 0 && has[index] === 0 ? spelled : withWeight(spelled, points, edit);
  });
}

function withWeight<Destination extends Weighted>(destination: Destination, points: number | null, { form }: RouteEdit<Destination>): Destination {
  if (points === null) return form.alone(destination);
  return destination.weight === points ? destination : { ...destination, weight: points };
}

function isOurs<Destination extends Weighted>(destination: Destination, edit: RouteEdit<Destination>): boolean {
  return edit.ours.includes(nameIn(edit, destination));
}

function isDropped<Destination extends Weighted>(list: readonly Destination[], index: number, edit: RouteEdit<Destination>): boolean {
  const destination = list[index]!;
  return isOurs(destination, edit) && (!edit.wanted.some(({ version }) => version === nameIn(edit, destination)) || isRespelledTwin(list, index, edit));
}

/** Where one version can be written in several ways, two of them would now be the same twice. */
function isRespelledTwin<Destination extends Weighted>(list: readonly Destination[], index: number, edit: RouteEdit<Destination>): boolean {
  return edit.form.spelled !== undefined && list.findIndex((each) => nameIn(edit, each) === nameIn(edit, list[index]!)) < index;
}

function nameIn<Destination extends Weighted>({ names, form }: RouteEdit<Destination>, destination: Destination): string {
  return names?.get(destination) ?? form.versionOf(destination);
}

export function test(path: string, value: unknown): JsonPatchOperation {
  return { op: "test", path, value };
}
