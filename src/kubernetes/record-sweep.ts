/** Takes records away that are too old, or too many of one Rollout: at the daemon's start, and then daily. */
import { RUN_LABELS } from "../rollout/rollout-run.ts";
import { RESOURCES, type KubernetesClient, type ObjectMetadata } from "./client.ts";
import { ApiError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { systemTime, type Time } from "./time.ts";

export interface RecordSweep {
  start(): void;
  stop(): void;
}

export interface RecordSweepOptions {
  readonly client: Pick<KubernetesClient, "list" | "delete">;
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly ttlMs: number;
  /** Records of one Rollout. */
  readonly limit: number;
  readonly logger: Logger;
  readonly time?: Time;
}

const AGAIN_MS = 24 * 3_600_000;
/** A record may have ten kilobytes and more. */
const PAGE = 100;

interface RecordKept {
  readonly namespace: string;
  readonly name: string;
  readonly rollout: string;
  /** By the API server's clock. */
  readonly writtenAtMs: number;
}

/** Several daemons may sweep at once: what another one has deleted is gone, and that is all. */
export function createRecordSweep(options: RecordSweepOptions): RecordSweep {
  const { logger, time = systemTime } = options;
  let isStopped = false;
  let cancel = (): void => undefined;

  async function sweep(): Promise<void> {
    try {
      const overdue = overdueAmong(await recordsFrom(options), time.nowMs(), options);
      for (const record of overdue) if (!isStopped) await deleted(options.client, record);
      if (overdue.length > 0) logger.info({ count: overdue.length }, "old records of runs were deleted");
    } catch (error) {
      logger.warn({ error }, "old records of runs could not be deleted; that is tried again in a day");
    }
    if (!isStopped) cancel = time.after(AGAIN_MS, () => void sweep());
  }

  return {
    start: () => void sweep(),
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** Page by page, and of each record only what is needed here. */
async function recordsFrom({ client, namespace }: RecordSweepOptions): Promise<readonly RecordKept[]> {
  const records: RecordKept[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(RESOURCES.rolloutRuns, namespace, { limit: PAGE, ...(next !== undefined && { continue: next }) });
    records.push(...page.items.map(({ metadata }) => recordKept(metadata)));
    next = page.metadata.continue || undefined;
  } while (next !== undefined);
  return records;
}

function recordKept({ namespace = "", name, labels = {}, creationTimestamp = "" }: ObjectMetadata): RecordKept {
  return { namespace, name, rollout: labels[RUN_LABELS.rollout] ?? name, writtenAtMs: Date.parse(creationTimestamp) };
}

function overdueAmong(records: readonly RecordKept[], nowMs: number, { ttlMs, limit }: Pick<RecordSweepOptions, "ttlMs" | "limit">): readonly RecordKept[] {
  const counts = new Map<string, number>();
  return records.toSorted(newestFirst).filter(({ namespace, rollout, writtenAtMs }) => {
    const count = (counts.get(`${namespace}/${rollout}`) ?? 0) + 1;
    counts.set(`${namespace}/${rollout}`, count);
    return count > limit || nowMs - writtenAtMs > ttlMs;
  });
}

/** Times are whole seconds; of the same one the higher number is the newer. */
function newestFirst(one: RecordKept, other: RecordKept): number {
  return other.writtenAtMs - one.writtenAtMs || numberIn(other) - numberIn(one);
}

/** A record's name ends with it. */
function numberIn({ name }: RecordKept): number {
  return Number(name.slice(name.lastIndexOf("-") + 1)) || 0;
}

async function deleted(client: RecordSweepOptions["client"], { namespace, name }: RecordKept): Promise<void> {
  try {
    await client.delete(RESOURCES.rolloutRuns, namespace, name);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}
