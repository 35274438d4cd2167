/** Every version of every object of one kind, as a watch of its own saw them. */
import { setTimeout as wait } from "node:timers/promises";
import { createApiRequest, RequestRefused, watchApi, type ApiAddress, type ApiObject, type ApiRequest } from "./api-request.ts";

export interface History {
  /** Every version of one object, oldest first. Throws where the watch could not go on: then versions may be missing. */
  of(name: string): readonly ApiObject[];
  /** Every version of every object, in the order in which they came. */
  all(): readonly ApiObject[];
  /** When a version of it came, milliseconds since the epoch. */
  cameAtMs(version: ApiObject): number;
  close(): Promise<void>;
}

export interface Following {
  /** Throws where the watch could not go on: then versions may be missing. */
  check(): void;
  close(): Promise<void>;
}

/** `DELETED`: the object as it was last. */
export type See = (version: ApiObject, type: string) => void;

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly ApiObject[];
}

const RETRY_MS = 50;

/** Settles when what is there now is in it; from then on no version is missed. */
export async function followHistory(address: ApiAddress, path: string): Promise<History> {
  const versions: ApiObject[] = [];
  const byName = new Map<string, ApiObject[]>(); // tests ask for these again and again
  const versionsOf = (name: string): ApiObject[] => byName.get(name) ?? byName.set(name, []).get(name)!;
  const times = new Map<ApiObject, number>();
  const following = await followVersions(address, path, (version) => {
    versions.push(version);
    versionsOf(version.metadata.name).push(version);
    times.set(version, Date.now());
  });
  const unbroken = (seen: readonly ApiObject[]): readonly ApiObject[] => {
    following.check();
    return seen;
  };
  return { all: () => unbroken(versions), of: (name) => unbroken(versionsOf(name)), cameAtMs: (version) => times.get(version)!, close: following.close };
}

/** The same for whoever keeps no history: `see` gets what is there now, then each version once. */
export async function followVersions(address: ApiAddress, path: string, see: See): Promise<Following> {
  const { metadata, items } = await createApiRequest(address)<ObjectList>("GET", path);
  items.forEach((item) => see(item, "ADDED"));
  const stopping = new AbortController();
  let trouble: unknown;
  const following = follow({ address, path, see, revision: Number(metadata.resourceVersion) }, stopping.signal).catch((error: unknown) => (trouble = error));
  return {
    check() {
      if (trouble) throw new Error(`the watch of ${path} ended`, { cause: trouble });
    },
    close: async () => {
      stopping.abort();
      await following;
    },
  };
}

interface Place {
  readonly address: ApiAddress;
  readonly path: string;
  readonly see: See;
  /** Up to which everything was seen. */
  revision: number;
}

/** A watch that the server ends, or that breaks, goes on where it was. */
async function follow(place: Place, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const isForgotten = await watchOn(place, signal).catch(() => false);
    if (isForgotten) await catchUp(place).catch(unlessLost);
    if (!signal.aborted) await wait(RETRY_MS);
  }
}

/** True where the server cannot tell what came after the place. */
async function watchOn(place: Place, signal: AbortSignal): Promise<boolean> {
  for await (const { type, object } of watchApi(place.address, `${place.path}?resourceVersion=${place.revision}`, signal)) {
    if (type === "ERROR") return true;
    place.see(object, type);
    place.revision = revisionOf(object);
  }
  return false;
}

/**
 * A server that was started anew remembers no changes for watches; etcd still has them. From the newest version back: the
 * state before each one shows the one before. What was deleted meanwhile is not told of.
 */
async function catchUp(place: Place): Promise<void> {
  const request = createApiRequest(place.address);
  let list = await request<ObjectList>("GET", place.path);
  const now = Number(list.metadata.resourceVersion);
  const missed: ApiObject[] = [];
  for (let newest = newestOf(list); newest && revisionOf(newest) > place.revision; newest = newestOf(list)) {
    missed.unshift(newest);
    list = await listedAt(request, place.path, revisionOf(newest) - 1);
  }
  for (const version of missed) place.see(version, "MODIFIED");
  place.revision = now;
}

function newestOf({ items }: ObjectList): ApiObject | undefined {
  return items.reduce<ApiObject | undefined>((newest, one) => (newest && revisionOf(newest) > revisionOf(one) ? newest : one), undefined);
}

async function listedAt(request: ApiRequest, path: string, revision: number): Promise<ObjectList> {
  const list = await request<ObjectList>("GET", `${path}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
  if (list.metadata.resourceVersion !== String(revision)) throw new Lost(`expected ${path} as it was at ${revision}, got it as it is at ${list.metadata.resourceVersion}`);
  return list;
}

/** What was missed cannot be read any more. */
class Lost extends Error {
  override readonly name = "Lost";
}

/** Anything else is a server that is away again: what is left is read later. */
function unlessLost(error: unknown): void {
  if (error instanceof Lost || (error instanceof RequestRefused && error.status === 410)) throw error;
}

function revisionOf({ metadata }: ApiObject): number {
  return Number(metadata["resourceVersion"]);
}
