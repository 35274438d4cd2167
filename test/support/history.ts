/** Every version of every object of one kind in a namespace, as a watch of its own saw them. */
import { setTimeout as wait } from "node:timers/promises";
import { createApiRequest, watchApi, type ApiAddress, type ApiObject } from "./api-request.ts";

export interface History {
  /** Every version of one object, oldest first. Throws where the watch could not go on: then versions may be missing. */
  of(name: string): readonly ApiObject[];
  /** Every version of every object, in the order in which they came. */
  all(): readonly ApiObject[];
  close(): Promise<void>;
}

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly ApiObject[];
}

const RETRY_MS = 50;

/** Settles when what is there now is in it; from then on no version is missed. */
export async function followHistory(address: ApiAddress, path: string): Promise<History> {
  const { metadata, items } = await createApiRequest(address)<ObjectList>("GET", path);
  const versions: ApiObject[] = [...items];
  const stopping = new AbortController();
  let trouble: unknown;
  const following = follow(address, path, metadata.resourceVersion, stopping.signal, (version) => versions.push(version)).catch((error: unknown) => (trouble = error));
  const all = (): readonly ApiObject[] => {
    if (trouble) throw new Error(`the watch of ${path} ended`, { cause: trouble });
    return versions;
  };
  return {
    all,
    of: (name) => all().filter(({ metadata: { name: one } }) => one === name),
    close: async () => {
      stopping.abort();
      await following;
    },
  };
}

type Position = { resourceVersion: string };

/** A watch that the server ends, or that breaks, goes on where it was. */
async function follow(address: ApiAddress, path: string, from: string, signal: AbortSignal, see: (version: ApiObject) => void): Promise<void> {
  const position: Position = { resourceVersion: from };
  while (!signal.aborted) {
    const isLost = await watchFrom(position, address, path, signal, see).catch(() => false);
    if (isLost) throw new Error(`the server has forgotten what came after ${position.resourceVersion}`);
    if (!signal.aborted) await wait(RETRY_MS);
  }
}

/** True where the watch cannot go on from where it was. */
async function watchFrom(position: Position, address: ApiAddress, path: string, signal: AbortSignal, see: (version: ApiObject) => void): Promise<boolean> {
  for await (const { type, object } of watchApi(address, `${path}?resourceVersion=${position.resourceVersion}`, signal)) {
    if (type === "ERROR") return true;
    position.resourceVersion = String(object.metadata["resourceVersion"]);
    see(object);
  }
  return false;
}
