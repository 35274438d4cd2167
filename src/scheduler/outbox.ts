/** The outbox: notices of runs on their way to people, at least once, in order per target, with or without Redis. */
import type { Notifier } from "../notify/notifier.ts";
import type { Outbox } from "../reconciler/ports.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Notification } from "../rollout/spec.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createTakeTurn } from "./delivery.ts";
import { createLocalDeliveries } from "./local-deliveries.ts";
import { createNoticeQueue } from "./notice-queue.ts";
import { createOutboxRecord } from "./outbox-record.ts";
import type { RedisLink } from "./redis-link.ts";
import type { OutboxMetrics } from "./scheduler-metrics.ts";
import { systemTime, type TimeSource } from "./time.ts";

export interface OutboxOptions {
  readonly redis: RedisLink;
  readonly notifierFor: (notification: Notification, namespace: string) => Notifier;
  /** Something was delivered, given up, or keeps failing: the Rollout's next tick puts it into status. */
  readonly onDelivered: (ref: RolloutRef) => void;
  readonly metrics: OutboxMetrics;
  readonly logger: Logger;
  readonly time?: TimeSource;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export interface RunningOutbox extends Outbox {
  /** Whether deliveries are shared over Redis just now. */
  isShared(): boolean;
  /** Begins to deliver what is in the queue. */
  start(): void;
  /** Ends within about 3 s; what was not delivered is taken over by others, or at the next start. */
  close(): Promise<void>;
}

const CLOSE_LIMIT_MS = 2_500;

export function createOutbox(options: OutboxOptions): RunningOutbox {
  const { redis: link, logger, time = systemTime, random = Math.random } = options;
  const record = createOutboxRecord(link, time);
  const takeTurn = createTakeTurn({ ...options, record, time, random });
  const queue = createNoticeQueue({ link, time, logger });
  const local = createLocalDeliveries(takeTurn, time, (error) => logger.error({ error }, "the outbox broke an invariant"));
  return {
    async add(notice, target, notification) {
      const mailbox = { ...notice.rollout, run: notice.run, target };
      const known = record.known(mailbox);
      if (known && known.seq >= notice.seq) return;
      const isOwed = await record.owe(mailbox, { notice, notification, ...(known && { known }) });
      if (!isOwed || !(await queue.put(mailbox))) local.begin(mailbox);
    },
    async delivered({ metadata: { uid }, status }, run) {
      return record.delivered({ uid, run }, status?.run?.number === run ? status.run.notified : []);
    },
    isShared: queue.isOpen,
    start: () => queue.start(takeTurn),
    async close() {
      local.stop();
      await queue.close(CLOSE_LIMIT_MS);
    },
  };
}
