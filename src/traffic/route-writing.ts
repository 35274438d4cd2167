/** One conditional JSON Patch, whatever kind of route it is for: from what was seen, and checked against what was stored. */
import type { KubernetesClient, KubernetesObject, Resource } from "../kubernetes/client.ts";
import { Conflict } from "../kubernetes/errors.ts";
import { EPOCH_ANNOTATION } from "../rollout/rollout.ts";
import { lastWriteMs } from "./managed-fields.ts";
import { destinationsAfter, operationsFor } from "./route-edit.ts";
import { splitInWords, type Place, type RouteForm, type Trouble, type Weighted } from "./route-form.ts";
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
  const { namespace, object, beside } = place;
  const patch = (dryRun = false): Promise<KubernetesObject> => client.patch(resource, namespace, object.metadata.name, { type: "json", body: operations }, { fieldManager: change.manager, dryRun });
  if (change.matched && !beside.present) assertNamed(await patch(true), writing, beside.name);
  const answer = await patch();
  assertAsSent(answer, writing, { label: place.label, sent: splitInWords(form, destinationsAfter(place.destinations, edit)), ...change });
  return writtenOf(answer, change);
}

/** As the destinations of this very resourceVersion were called when the decision was made. */
function namesIn<Destination extends Weighted>({ destinations }: Place<Destination>, { seen }: RouteChange): ReadonlyMap<Destination, string> {
  return new Map(destinations.flatMap((each, index) => (seen.destinations[index] ? [[each, seen.destinations[index].version]] : [])));
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

/** By its name alone our own route is told from the user's: without it nobody could take it away again, so the server is asked beforehand. */
function assertNamed<Destination extends Weighted>(trial: KubernetesObject, { kinds, placeIn }: Writing<Destination>, name: string): void {
  const place = placeIn(trial);
  if (place.kind === "place" && place.beside.present) return;
  throw new Error(`expected the API server to keep a route named ${name}, by which matched requests are sent; it would drop it or its name: install definitions of ${kinds} that know names (Gateway API v1.4 or later), or take match out of the steps`);
}

interface Sent extends Pick<RouteChange, "matched" | "stamp"> {
  readonly label: string;
  readonly sent: string;
}

/** An admission webhook may change what was sent; then nobody may believe that the weights are as decided. */
function assertAsSent<Destination extends Weighted>(answer: KubernetesObject, { form, kinds, placeIn }: Writing<Destination>, { label, sent, matched, stamp }: Sent): void {
  const place = placeIn(answer);
  const stored = place.kind === "place" ? splitInWords(form, place.destinations) : place.message;
  const advice = `look for an admission webhook that edits ${kinds}`;
  if (stored !== sent) throw new Error(`the API server changed the write to ${label}: sent ${sent}, stored ${stored}; ${advice}`);
  const isBeside = place.kind === "place" && place.beside.present !== undefined;
  if (isBeside !== (matched !== null)) throw new Error(`the API server changed the write to ${label}: the route for matched requests ${isBeside ? "is still there" : "is not there"}; ${advice}`);
  const has = answer.metadata.annotations?.[EPOCH_ANNOTATION] ?? null;
  if (has !== stamp) throw new Error(`the API server changed the write to ${label}: sent ${EPOCH_ANNOTATION}=${stamp}, stored ${has}; ${advice}`);
}
