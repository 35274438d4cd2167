/** One conditional JSON Patch, whatever kind of route it is for: from what was seen, and checked against what was stored. */
import type { KubernetesClient, KubernetesObject, Resource } from "../kubernetes/client.ts";
import { Conflict } from "../kubernetes/errors.ts";
import { isEqual } from "../rollout/equal.ts";
import { EPOCH_ANNOTATION } from "../rollout/rollout.ts";
import { lastWriteMs } from "./managed-fields.ts";
import { destinationsAfter, editOf, mirrorsAfter, operationsFor, sessionRoutesAfter } from "./route-edit.ts";
import { lanesOf, splitInWords, type Mirror, type Place, type RouteForm, type Trouble, type Weighted } from "./route-form.ts";
import type { RouteChange, RouteWritten } from "./traffic-router.ts";

export interface Writing<Destination extends Weighted> {
  /** One that puts its answers into the caches, so that the next read sees the write. */
  readonly client: Pick<KubernetesClient, "patch">;
  readonly resource: Resource;
  /** For sentences: `VirtualServices`. */
  readonly kinds: string;
  readonly form: RouteForm<Destination>;
  /** Where the caches have the route now. */
  readonly place: Place<Destination> | Trouble;
  /** The same place in what the server answers. */
  readonly placeIn: (object: KubernetesObject) => Place<Destination> | Trouble;
}

export async function writeRoute<Destination extends Weighted>(writing: Writing<Destination>, change: RouteChange): Promise<RouteWritten> {
  const { client, resource, form, place } = writing;
  assertUnmoved(place, change);
  const edit = { ...change, form, names: namesIn(place, change) };
  const operations = operationsFor(place, edit);
  if (operations.length === 0) return writtenOf(place.object, change);
  const { namespace, object } = place;
  const mirrors = mirrorsAfter(place, edit);
  const patch = (dryRun = false): Promise<KubernetesObject> => client.patch(resource, namespace, object.metadata.name, { type: "json", body: operations }, { fieldManager: change.manager, dryRun });
  const sessions = sessionRoutesAfter(place, edit);
  const isNew = { route: change.matched !== null && !place.beside.present, sessions: sessions.length > 0 && place.pinning?.present.length === 0, mirror: mirrors.length > place.mirroring.present.length };
  if (isNew.route || isNew.mirror || isNew.sessions) assertKept(await patch(true), writing, { name: isNew.route ? place.beside.name : undefined, sessions, mirrors });
  const answer = await patch(change.isTrial);
  assertAsSent(answer, writing, { label: place.label, sent: splitsInWords(form, lanesOf(place).map(({ destinations }, lane) => destinationsAfter(destinations, editOf(edit, lane)))), mirrors, ...change, sessions });
  return writtenOf(answer, change);
}

/** As the destinations and mirrors of this very resourceVersion were called when the decision was made. */
function namesIn<Destination extends Weighted>(place: Place<Destination>, { seen }: RouteChange): ReadonlyMap<Destination, string> {
  const lanes = [seen.destinations, ...(seen.along ?? []).map(({ destinations }) => destinations)];
  const named = (all: readonly Destination[], names: readonly { readonly version: string }[] = []): [Destination, string][] => all.flatMap((each, index): [Destination, string][] => (names[index] ? [[each, names[index].version]] : []));
  return new Map([
    ...lanesOf(place).flatMap(({ destinations }, lane) => named(destinations, lanes[lane])),
    ...named(place.mirroring.present.map(({ destination }) => destination), seen.mirrors),
  ]);
}

function splitsInWords<Destination extends Weighted>(form: RouteForm<Destination>, lanes: readonly (readonly Destination[])[]): string {
  return lanes.map((destinations) => splitInWords(form, destinations)).join("; ");
}

function writtenOf({ metadata }: KubernetesObject, { manager }: RouteChange): RouteWritten {
  return { resourceVersion: metadata.resourceVersion ?? "", atMs: lastWriteMs(metadata, manager) };
}

/** What the cache holds now must be what the decision was made from. */
function assertUnmoved<Destination extends Weighted>(place: Place<Destination> | Trouble, { seen }: RouteChange): asserts place is Place<Destination> {
  if (place.kind !== "place") throw new Conflict(`${seen.name} has changed since it was looked at: ${place.message}`);
  const { resourceVersion } = place.object.metadata;
  if (resourceVersion !== seen.resourceVersion) throw new Conflict(`${seen.name} has changed since it was looked at: resourceVersion was ${seen.resourceVersion} and is ${resourceVersion}`);
}

/**
 * By its name alone our own route is told from the user's: without it nobody could take it away again. And of a mirror that lost its percentage every request
 * would be copied. So the server is asked beforehand. `name`: of our own route, where it is new.
 */
function assertKept<Destination extends Weighted>(trial: KubernetesObject, { kinds, placeIn }: Writing<Destination>, { name, sessions, mirrors }: Kept<Destination>): void {
  const place = placeIn(trial);
  const isThere = place.kind === "place" && place.beside.present !== undefined;
  if (name !== undefined && !isThere) throw new Error(`expected the API server to keep a route named ${name}, by which matched requests are sent; it would drop it or its name: install definitions of ${kinds} that know names (Gateway API v1.4 or later), or take match out of the steps`);
  if (!areKept(place, sessions)) throw new Error(`expected the API server to keep the routes by which users stay with their version; it would drop them, their names, or what they add to answers: look for an admission webhook that edits ${kinds}`);
  const { percent = 100 } = mirrors.at(-1) ?? {};
  if (place.kind !== "place" || !isEqual(place.mirroring.present, mirrors)) throw new Error(`expected the API server to keep a mirror of ${percent}% of the requests; it would drop it or its share: install definitions of ${kinds} that know shares of mirrors (Istio 1.18, Gateway API v1.3, or later), or write mirror: 100`);
}

interface Kept<Destination extends Weighted> {
  readonly name: string | undefined;
  readonly sessions: readonly object[];
  readonly mirrors: readonly Mirror<Destination>[];
}

function areKept<Destination extends Weighted>(place: Place<Destination> | Trouble, sessions: readonly object[]): boolean {
  return place.kind === "place" && isEqual((place.pinning?.present ?? []).map(({ route }) => route), sessions);
}

interface Sent<Destination extends Weighted> extends Pick<RouteChange, "matched" | "stamp"> {
  readonly label: string;
  readonly sent: string;
  readonly mirrors: readonly Mirror<Destination>[];
  readonly sessions: readonly object[];
}

/** An admission webhook may change what was sent; then nobody may believe that the weights are as decided. */
function assertAsSent<Destination extends Weighted>(answer: KubernetesObject, { form, kinds, placeIn }: Writing<Destination>, { label, sent, mirrors, matched, sessions, stamp }: Sent<Destination>): void {
  const place = placeIn(answer);
  const stored = place.kind === "place" ? splitsInWords(form, lanesOf(place).map(({ destinations }) => destinations)) : place.message;
  const advice = `look for an admission webhook that edits ${kinds}`;
  if (stored !== sent) throw new Error(`the API server changed the write to ${label}: sent ${sent}, stored ${stored}; ${advice}`);
  const isBeside = place.kind === "place" && place.beside.present !== undefined;
  if (isBeside !== (matched !== null)) throw new Error(`the API server changed the write to ${label}: the route for matched requests ${isBeside ? "is still there" : "is not there"}; ${advice}`);
  if (place.kind === "place" && !isEqual(place.mirroring.present, mirrors)) throw new Error(`the API server changed the write to ${label}: its mirrors are not as sent; ${advice}`);
  if (!areKept(place, sessions)) throw new Error(`the API server changed the write to ${label}: the routes by which users stay with their version are not as sent; ${advice}`);
  const has = answer.metadata.annotations?.[EPOCH_ANNOTATION] ?? null;
  if (has !== stamp) throw new Error(`the API server changed the write to ${label}: sent ${EPOCH_ANNOTATION}=${stamp}, stored ${has}; ${advice}`);
}
