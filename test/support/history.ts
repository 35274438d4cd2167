/** Every version of every object of one kind, as a watch of its own saw them. */
import { setTimeout as wait } from "node:timers/promises";
import { createApiRequest, watchApi, type ApiAddress, type ApiObject } from "./api-request.ts";

export interface History {
  /** Every version of one object, oldest first. Throws where the watch could not go on: then versions may be missing. */
  of(name: string): readonly ApiObject[];
  /** Every version of every object, in the order in which they came. */
  all(): readonly ApiObject[];
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
  const following = await followVersions(address, path, (version) => versions.push(version));
  const all = (): readonly ApiObject[] => {
    following.check();
    return versions;
  };
  return { all, of: (name) => all().filter(({ metadata: { name: one } }) => one === name), close: following.close };
}

/** The same for whoever keeps no history: `see` gets what is there now, then each version once. */
export async function followVersions(address: ApiAddress, path: string, see: See): Promise<Following> {
  const { metadata, items } = await createApiRequest(address)<ObjectList>("GET", path);
  items.forEach((item) => see(item, "ADDED"));
  const stopping = new AbortController();
  let trouble: unknown;
  const following = follow(address, path, metadata.resourceVersion, stopping.signal, see).catch((error: unknown) => (trouble = error));
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

type Position = { resourceVersion: string };

/** A watch that the server ends, or that breaks, goes on where it was. */
async function follow(address: ApiAddress, path: string, from: string, signal: AbortSignal, see: See): Promise<void> {
  const position: Position = { resourceVersion: from };
  while (!signal.aborted) {
    const isLost = await watchFrom(position, address, path, signal, see).catch(() => false);
    if (isLost) throw new Error(`the server has forgotten what came after ${position.resourceVersion}`);
    if (!signal.aborted) await wait(RETRY_MS);
  }
}

/** True where the watch cannot go on from where it was. */
async function watchFrom(position: Position, address: ApiAddress, path: string, signal: AbortSignal, see: See): Promise<boolean> {
  for await (const { type, object } of watchApi(address, `${path}?resourceVersion=${position.resourceVersion}`, signal)) {
    if (type === "ERROR") return true;
    position.resourceVersion = String(object.metadata["resourceVersion"]);
    see(object, type);
  }
  return false;
}
