/** Delivers the oldest notice of a mailbox, once, and says what comes next: nothing, the following notice, or the same again later. */
import { DeliveryError, type Delivered, type Notifier } from "../notify/notifier.ts";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Notification } from "../rollout/spec.ts";
import type { Notified } from "../rollout/status.ts";
import type { Logger } from "../telemetry/logger.ts";
import { backoffMs, type Backoff } from "./backoff.ts";
import type { OutboxRecord } from "./outbox-record.ts";
import { refOf } from "./schedule.ts";
import type { OutboxMetrics } from "./scheduler-metrics.ts";
import { idOf, type Mailbox, type Owed } from "./stored-notice.ts";
import type { TimeSource } from "./time.ts";

export type Turn = { readonly kind: "empty" } | { readonly kind: "settled"; readonly more: boolean } | { readonly kind: "again"; readonly inMs: number };

/** `attempt` counts from 1 for each notice. Never rejects for what a receiver does. */
export type TakeTurn = (mailbox: Mailbox, attempt: number) => Promise<Turn>;

export interface DeliveryOptions {
  readonly record: OutboxRecord;
  readonly notifierFor: (notification: Notification, namespace: string) => Notifier;
  /** Something about this Rollout's deliveries changed that its status should say. */
  readonly onDelivered: (ref: RolloutRef) => void;
  readonly time: TimeSource;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly metrics: OutboxMetrics;
  readonly logger: Logger;
}

export const ATTEMPTS = 8;
/** From this attempt on status says that delivery keeps failing. */
const FAILING_FROM_ATTEMPT = 2;
const DELIVERY_LIMIT_MS = 15_000;
/** Eight attempts in about ten minutes. */
const BETWEEN_ATTEMPTS: Backoff = { firstMs: 1_000, factor: 3, capMs: 300_000 };
/** However long a receiver asks us to wait. */
const LONGEST_WAIT_MS = 900_000;

export function createTakeTurn(options: DeliveryOptions): TakeTurn {
  const { record, onDelivered, random, logger } = options;
  const count = countWith(options.metrics);
  const oneAtATime = createQueues();
  return (mailbox, attempt) => oneAtATime(idOf(mailbox), () => takeTurn(mailbox, attempt));

  async function takeTurn(mailbox: Mailbox, attempt: number): Promise<Turn> {
    const { owed: [head, ...others], last } = await record.read(mailbox);
    if (!head) return { kind: "empty" };
    try {
      const delivered = await deliver(options, mailbox, head, last?.message);
      count(mailbox, head, "delivered");
      await settle(mailbox, stateOf(mailbox, head, delivered.message ?? last?.message));
    } catch (error) {
      const turn = await afterFailure(mailbox, head, last, attempt, error);
      if (turn) return turn;
    }
    return { kind: "settled", more: others.length > 0 };
  }

  /** What to do with a failure; undefined: the notice is given up, and the next one's turn has come. */
  async function afterFailure(mailbox: Mailbox, head: Owed, last: Notified | undefined, attempt: number, error: unknown): Promise<Turn | undefined> {
    const { sentence, retryAfterMs } = troubleOf(error);
    const isGivenUp = retryAfterMs === null || attempt >= ATTEMPTS;
    logger[isGivenUp ? "warn" : "debug"]({ mailbox: idOf(mailbox), seq: head.notice.seq, attempt, error }, "a notification was not delivered");
    count(mailbox, head, isGivenUp ? "givenUp" : "retried");
    if (isGivenUp) {
      await settle(mailbox, { ...stateOf(mailbox, head, last?.message), failing: `${sentence}; given up` });
      return undefined;
    }
    if (attempt >= FAILING_FROM_ATTEMPT) await sayFailing(mailbox, head, last, sentence);
    return { kind: "again", inMs: waitMs(attempt, retryAfterMs, random()) };
  }

  async function sayFailing(mailbox: Mailbox, head: Owed, last: Notified | undefined, failing: string): Promise<void> {
    if (last?.failing === failing) return;
    await settle(mailbox, { seq: 0, event: head.notice.event, ...last, target: mailbox.target, failing });
  }

  async function settle(mailbox: Mailbox, state: Notified): Promise<void> {
    await record.settle(mailbox, state);
    onDelivered(refOf(mailbox));
  }
}

/** `slack` of `slack/#deploys` is the label: channels are not bounded. */
function countWith(metrics: OutboxMetrics): (mailbox: Mailbox, owed: Owed, result: string) => void {
  return ({ target }, { notice }, result) => metrics.notification(target.split("/", 1)[0]!, notice.event, result);
}

function waitMs(attempt: number, retryAfterMs: number | undefined, random: number): number {
  return retryAfterMs === undefined ? backoffMs(BETWEEN_ATTEMPTS, attempt, random) : Math.min(retryAfterMs, LONGEST_WAIT_MS);
}

function stateOf({ target }: Mailbox, { notice: { seq, event } }: Owed, message: string | undefined): Notified {
  return { target, seq, event, ...(message !== undefined && { message }) };
}

async function deliver({ notifierFor, time }: DeliveryOptions, mailbox: Mailbox, { notice, notification }: Owed, message: string | undefined): Promise<Delivered> {
  const controller = new AbortController();
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = time.after(DELIVERY_LIMIT_MS, () => {
      controller.abort();
      reject(new DeliveryError(`no answer within ${DELIVERY_LIMIT_MS / 1_000}s`));
    });
  });
  try {
    return await Promise.race([notifierFor(notification, mailbox.namespace).deliver(notice, message, controller.signal), late]);
  } finally {
    cancel();
  }
}

/** A sentence without anything that a receiver wrote. */
function troubleOf(error: unknown): { readonly sentence: string; readonly retryAfterMs: number | null | undefined } {
  if (error instanceof DeliveryError) return { sentence: error.message, retryAfterMs: error.retryAfterMs };
  return { sentence: "the notifier failed in a way that only the daemon's log tells", retryAfterMs: undefined };
}

/** Runs work under the same key one after the other. */
function createQueues(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const result = (tails.get(key) ?? Promise.resolve()).then(work, work);
    tails.set(key, result);
    const forget = () => void (tails.get(key) === result && tails.delete(key));
    result.then(forget, forget);
    return result;
  };
}
