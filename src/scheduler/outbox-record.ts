/** Which notices are owed and which were delivered: in Redis for other daemons and the next start, in memory for the time without it. */
import { Notified } from "../rollout/status.ts";
import { createOutboxMemory } from "./outbox-memory.ts";
import { PREFIX, type RedisLink } from "./redis-link.ts";
import { fieldOf, isFor, newer, Owed, parsed, type Mailbox, type RunOf } from "./stored-notice.ts";
import { succeedsWithin, within, type TimeSource } from "./time.ts";

export interface OutboxRecord {
  /** Remembers a notice that is owed; false: Redis did not accept it. */
  owe(mailbox: Mailbox, owed: Owed): Promise<boolean>;
  /** What the target has not got yet, oldest first, and what it got last. */
  read(mailbox: Mailbox): Promise<{ readonly owed: readonly Owed[]; readonly last?: Notified }>;
  /** The target's new state; what it settles is owed no more. */
  settle(mailbox: Mailbox, last: Notified): Promise<void>;
  /** What is known without asking Redis. */
  known(mailbox: Mailbox): Notified | undefined;
  /** Takes over what is known from elsewhere, and adds what Redis says at once. */
  delivered(run: RunOf, from: readonly Notified[]): Promise<readonly Notified[]>;
}

const ANSWER_LIMIT_MS = 100;
const WRITE_LIMIT_MS = 250;
const KEEP_S = 7 * 24 * 3_600;

export function createOutboxRecord(link: RedisLink, time: TimeSource): OutboxRecord {
  const memory = createOutboxMemory();
  const redis = link.commands;
  const ask = <T>(answer: Promise<T>): Promise<T | undefined> => within(time, ANSWER_LIMIT_MS, answer);
  const write = async (transaction: { exec(): Promise<unknown> }): Promise<boolean> => link.isReady() && succeedsWithin(time, WRITE_LIMIT_MS, transaction.exec());
  return {
    known: memory.last,
    async owe(mailbox, owed) {
      memory.owe(mailbox, owed);
      return write(redis.multi().hset(owedKey(mailbox), fieldOf(mailbox, owed), JSON.stringify(owed)).expire(owedKey(mailbox), KEEP_S));
    },
    async read(mailbox) {
      const [stored, lastText] = (await ask(Promise.all([redis.hgetall(owedKey(mailbox)), redis.hget(lastKey(mailbox), mailbox.target)]))) ?? [{}, null];
      const owed = new Map([...memory.owed(mailbox), ...Object.entries(stored).filter(([field]) => isFor(mailbox, field)).flatMap(readOwed)]);
      return notYet([...owed.values()], newer(lastText === null ? undefined : parsed(Notified, lastText), memory.last(mailbox)));
    },
    async settle(mailbox, last) {
      const fields = [`${last.seq}/${mailbox.target}`, ...memory.settle(mailbox, last)];
      await write(redis.multi().hset(lastKey(mailbox), mailbox.target, JSON.stringify(last)).expire(lastKey(mailbox), KEEP_S).hdel(owedKey(mailbox), ...fields));
    },
    async delivered(run, from) {
      const stored = (await ask(redis.hgetall(lastKey(run)))) ?? {};
      return memory.learn(run, [...from, ...Object.values(stored).flatMap((text) => parsed(Notified, text) ?? [])]);
    },
  };
}

function notYet(all: readonly Owed[], ownLast: Notified | undefined): { readonly owed: readonly Owed[]; readonly last?: Notified } {
  const last = all.reduce((newest, { known }) => newer(known, newest), ownLast);
  const owed = all.filter(({ notice }) => notice.seq > (last?.seq ?? 0)).sort((one, other) => one.notice.seq - other.notice.seq);
  return { owed, ...(last && { last }) };
}

function readOwed([field, text]: readonly [string, string]): [string, Owed][] {
  const owed = parsed(Owed, text);
  return owed ? [[field, owed]] : [];
}

function owedKey({ uid, run }: RunOf): string {
  return `${PREFIX}:owed:${uid}:${run}`;
}

function lastKey({ uid, run }: RunOf): string {
  return `${PREFIX}:notified:${uid}:${run}`;
}
