/** Whether the CRD on the server has every field that this daemon writes (law 15). */
import { GROUP, PLURAL } from "../rollout/rollout.ts";
import { SCHEMA_VERSION, SCHEMA_VERSION_ANNOTATION } from "../rollout/crd.ts";
import { RESOURCES, type KubernetesClient } from "./client.ts";
import { ApiError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { Time } from "./time.ts";

export interface CrdCheck {
  /** Reads the CRD; never throws. */
  refresh(): Promise<void>;
  /** False before the first answer. While it is false the CRD is read again, at most every 30 s. */
  isCurrent(): boolean;
  /** What the server left out of a status that it was sent; nothing is learnt about a field that was not in it. */
  sawDropped(paths: readonly string[], isSent: (field: string) => boolean): void;
}

export interface CrdCheckOptions {
  readonly client: Pick<KubernetesClient, "get">;
  readonly logger: Logger;
  readonly time: Time;
  /** Default: this daemon's. */
  readonly schemaVersion?: number;
}

const READ_AGAIN_MS = 30_000;

export function createCrdCheck({ client, logger, time, schemaVersion = SCHEMA_VERSION }: CrdCheckOptions): CrdCheck {
  let isAnnotated = false;
  /** Fields that the server left out when they were last sent. */
  let dropped: readonly string[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;

  async function refresh(): Promise<void> {
    readAtMs = time.nowMs();
    try {
      const { metadata } = await client.get(RESOURCES.customResourceDefinitions, undefined, `${PLURAL}.${GROUP}`);
      const found = metadata.annotations?.[SCHEMA_VERSION_ANNOTATION] ?? "none";
      isAnnotated = Number(found) >= schemaVersion;
      if (isAnnotated) dropped = []; // it may have been applied since; the next status tells
      else logger.warn({ found, needed: schemaVersion }, "the CRD on the server is older than this daemon: no step up until `weir crd` has been applied");
    } catch (error) {
      isAnnotated ||= mayNotBeRead(error);
      logger.warn({ error, takenForCurrent: isAnnotated }, "the CRD could not be read");
    }
  }

  return {
    refresh,
    isCurrent() {
      const isCurrent = isAnnotated && dropped.length === 0;
      if (!isCurrent && time.nowMs() - readAtMs >= READ_AGAIN_MS) void refresh();
      return isCurrent;
    },
    sawDropped(paths, isSent) {
      if (paths.length > 0 && dropped.length === 0) logger.error({ paths: paths.slice(0, 10) }, "the server dropped fields of a status: its CRD is older than this daemon");
      const untold = dropped.filter((field) => !isSent(field));
      dropped = [...new Set([...untold, ...paths.map(withoutPlaces)])];
    },
  };
}

/** `run.checks[0].query` is the field `run.checks.query`: which item it was does not matter. */
function withoutPlaces(path: string): string {
  return path.replaceAll(/\[\d+\]/g, "");
}

/** Without the right to read it, or on a server that keeps it elsewhere, the CRD is taken for current: dropped fields would still tell. */
function mayNotBeRead(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 403 || error.status === 404);
}
