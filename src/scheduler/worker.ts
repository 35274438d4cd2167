/** Takes ticks from the queue, with other daemons, and has each done here. */
import { Worker, type Job } from "bullmq";
import { z } from "zod";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Logger } from "../telemetry/logger.ts";
import { PREFIX, type RedisLink } from "./redis-link.ts";
import { TICK_QUEUE } from "./tick-queue.ts";
import { succeedsWithin, type TimeSource } from "./time.ts";

export interface TickWorkerOptions {
  readonly link: RedisLink;
  readonly time: TimeSource;
  readonly logger: Logger;
  /** Ticks from the queue at once; BullMQ's cost per add grows with it, so at most about 200. */
  readonly concurrency: number;
  /** Never rejects; must settle before the lock's 30 s are over. */
  readonly work: (ref: RolloutRef, dueAtMs: number) => Promise<void>;
}

export interface ClosableWorker {
  /** Waits up to `limitMs` for what is under way, then cuts the connections. */
  close(limitMs: number): Promise<void>;
}

const TickJob = z.object({ namespace: z.string().min(1), name: z.string().min(1) });

/** A lock longer than the longest tick; stalled jobs are started again without limit, since each tick is a job of its own. */
export const WORKER_LIMITS = { lockDuration: 30_000, stalledInterval: 15_000, maxStalledCount: Number.MAX_SAFE_INTEGER };

export function createTickWorker({ link, time, logger, concurrency, work }: TickWorkerOptions): ClosableWorker {
  return openWorker({ link, time, logger }, () => {
    const connection = link.jobs;
    return new Worker<unknown>(TICK_QUEUE, (job) => workOn(job, work, logger), { connection, prefix: PREFIX, concurrency, ...WORKER_LIMITS });
  });
}

async function workOn(job: Job<unknown>, work: TickWorkerOptions["work"], logger: Logger): Promise<void> {
  const ref = TickJob.safeParse(job.data);
  if (ref.success) await work(ref.data, job.timestamp + job.delay);
  else logger.warn({ problem: z.prettifyError(ref.error) }, "a tick in Redis names no Rollout; dropped");
}

/** Builds a worker when Redis first answers, and closes it within bounds: BullMQ's own close never settles while Redis is away. */
export function openWorker(
  { link, time, logger }: { readonly link: RedisLink; readonly time: TimeSource; readonly logger: Logger },
  build: () => Worker,
): ClosableWorker {
  let worker: Worker | undefined;
  let closing = false;
  link.whenReady(link.jobs, async () => {
    if (closing) return;
    worker = build();
    worker.on("error", (error) => logger.debug({ error }, "a worker reports trouble"));
    try {
      await worker.waitUntilReady();
    } catch (error) {
      await cut(worker, time);
      throw error;
    }
  });
  return {
    async close(limitMs) {
      closing = true;
      if (worker && !(await succeedsWithin(time, limitMs, worker.close()))) await cut(worker, time);
    },
  };
}

/** Ends both connections without waiting for Redis. */
async function cut(worker: Worker, time: TimeSource): Promise<void> {
  await succeedsWithin(time, 500, Promise.resolve(worker.getBackend().close(true)));
}
