/** A process's caches: real stores, fed by watches that lag, each kind by itself. */
import { createObjectStore, type ObjectStore } from "../../../src/kubernetes/object-store.ts";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { createKeptLog } from "../../support/fake-scheduling.ts";
import { kindOf, WATCHED, type ApiServer, type ObjectVersion, type Watched } from "./api-server.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";
import type { WorldClock } from "./world-clock.ts";
import { trimDeployment, trimReplicaSet, type Trim } from "../../../src/kubernetes/trim.ts";

export interface Informers {
  readonly stores: Readonly<Record<Watched, ObjectStore>>;
  /** A version that the server tells everybody who watches. */
  tell(version: ObjectVersion): void;
  /** The answer to a write of this process. */
  remember(plural: string, written: KubernetesObject): void;
  /** The watch of one kind says nothing for so long, and then everything. */
  stall(kind: Watched, forMs: number): void;
}

export interface InformersOptions {
  readonly clock: WorldClock;
  readonly server: ApiServer;
  readonly process: Process;
  readonly dice: Dice;
  readonly mostLagMs: number;
  /** As this daemon understands the object. */
  readonly understood: (object: KubernetesObject) => KubernetesObject;
}

/** As the daemon's own caches keep them. */
const TRIMS: Readonly<Partial<Record<Watched, Trim>>> = { deployments: trimDeployment, replicaSets: trimReplicaSet };

/** Filled with what the server has now. */
export function createInformers({ clock, server, process, dice, mostLagMs, understood }: InformersOptions): Informers {
  const stores = Object.fromEntries(WATCHED.map((kind) => [kind, createObjectStore(createKeptLog())])) as unknown as Record<Watched, ObjectStore>;
  const toldAtMs = new Map<Watched, number>();
  const kept = (kind: Watched, object: KubernetesObject): KubernetesObject => TRIMS[kind]?.(object) ?? object;
  for (const kind of WATCHED) stores[kind].replace(server.all(kind).map((object) => kept(kind, understood(object))), server.version());
  return {
    stores,
    remember(plural, written) {
      const kind = kindOf(plural);
      if (isWatched(kind)) stores[kind].put(kept(kind, written));
    },
    stall: (kind, forMs) => void toldAtMs.set(kind, Math.max(toldAtMs.get(kind) ?? 0, clock.nowMs + forMs)),
    tell({ kind, type, object }) {
      if (!isWatched(kind)) return;
      const atMs = Math.max(toldAtMs.get(kind) ?? 0, clock.nowMs + dice.between(1, mostLagMs));
      toldAtMs.set(kind, atMs);
      const tell = (): void => (type === "deleted" ? stores[kind].remove(object) : stores[kind].upsert(kept(kind, understood(object))));
      clock.after(atMs - clock.nowMs, () => process.enter(tell));
    },
  };
}

function isWatched(kind: ObjectVersion["kind"]): kind is Watched {
  return (WATCHED as readonly string[]).includes(kind);
}
