/** The queue of mailboxes in Redis that have something to deliver; one at a time each, over all daemons. */
import { Queue, Worker, type Job } from "bullmq";
import type { Logger } from "../telemetry/logger.ts";
import { ATTEMPTS, type TakeTurn } from "./delivery.ts";
import { PREFIX, type RedisLink } from "./redis-link.ts";
import { idOf, Mailbox } from "./stored-notice.ts";
import { succeedsWithin, type TimeSource } from "./time.ts";
import { openWorker, WORKER_LIMITS, type ClosableWorker } from "./worker.ts";

export interface NoticeQueue {
  /** Whether Redis answers and the queue can be used. */
  isOpen(): boolean;
  /** False: Redis did not accept it in time. */
  put(mailbox: Mailbox): Promise<boolean>;
  /** Begins to deliver. */
  start(takeTurn: TakeTurn): void;
  close(limitMs: number): Promise<void>;
}

const NOTICE_QUEUE = "notify";
const ACCEPT_LIMIT_MS = 250;
const DELIVERIES_AT_ONCE = 8;
const AFTER_OWN_TROUBLE_MS = 5_000;

/** Thrown to have BullMQ run the job again after `inMs`; its attempts count those of the one notice. */
class DeliverAgain extends Error {
  override readonly name = "DeliverAgain";
  constructor(readonly inMs: number) {
    super("the notice will be delivered again");
  }
}

export function createNoticeQueue({ link, time, logger }: { readonly link: RedisLink; readonly time: TimeSource; readonly logger: Logger }): NoticeQueue {
  let open: Queue<Mailbox> | undefined;
  let worker: ClosableWorker | undefined;
  link.whenReady(link.commands, async () => {
    const queue = new Queue<Mailbox>(NOTICE_QUEUE, { connection: link.commands, prefix: PREFIX, streams: { events: { maxLen: 1_000 } } });
    queue.on("error", (error) => logger.debug({ error }, "the notification queue reports trouble"));
    await queue.waitUntilReady();
    open = queue;
  });
  return {
    put,
    isOpen: () => open !== undefined && link.isReady(),
    start(takeTurn) {
      worker = openWorker({ link, time, logger }, () => createNoticeWorker(link, (job) => work(job, takeTurn)));
    },
    close: async (limitMs) => worker?.close(limitMs),
  };

  async function put(mailbox: Mailbox): Promise<boolean> {
    if (!open || !link.isReady()) return false;
    const deduplication = { id: idOf(mailbox), keepLastIfActive: true };
    return succeedsWithin(time, ACCEPT_LIMIT_MS, open.add("mailbox", mailbox, { ...jobOptions, deduplication }));
  }

  /** One notice per job, so that each has its own attempts; what follows is put into the queue before this job ends. */
  async function work(job: Job<unknown>, takeTurn: TakeTurn): Promise<void> {
    const mailbox = Mailbox.safeParse(job.data);
    if (!mailbox.success) return logger.warn({ problem: mailbox.error.message }, "a notification in Redis names no mailbox; dropped");
    const turn = await takeTurn(mailbox.data, job.attemptsMade + 1);
    if (turn.kind === "again") throw new DeliverAgain(turn.inMs);
    if (turn.kind === "settled" && turn.more) await put(mailbox.data);
  }
}

const jobOptions = { attempts: ATTEMPTS, backoff: { type: "custom" }, removeOnComplete: true, removeOnFail: true };

function createNoticeWorker(link: RedisLink, work: (job: Job<unknown>) => Promise<void>): Worker<unknown> {
  return new Worker<unknown>(NOTICE_QUEUE, work, {
    connection: link.jobs,
    prefix: PREFIX,
    concurrency: DELIVERIES_AT_ONCE,
    settings: { backoffStrategy: (_made, _type, error) => (error instanceof DeliverAgain ? error.inMs : AFTER_OWN_TROUBLE_MS) },
    ...WORKER_LIMITS,
  });
}
