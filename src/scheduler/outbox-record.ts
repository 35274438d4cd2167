/** Which notices are owed and which were delivered: in Redis for other daemons and the next start, in memory for the time without it. */
import { Notified } from "../rollout/status.ts";
import { PREFIX, type RedisLink } from "./redis-link.ts";
import { newer, Owed, parsed, type Mailbox } from "./stored-notice.ts";
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
  delivered(uid: string, run: number, from: readonly Notified[]): Promise<readonly Notified[]>;
}

interface Remembered {
  readonly owed: Map<string, Owed>;
  readonly last: Map<string, Notified>;
}

const ANSWER_LIMIT_MS = 100;
const WRITE_LIMIT_MS = 250;
const KEEP_S = 7 * 24 * 3_600;
/** Runs kept in memory. */
const MOST_RUNS = 1_000;

export function createOutboxRecord(link: RedisLink, time: TimeSource): OutboxRecord {
  const memory = new Map<string, Remembered>();
  const redis = link.commands;
  return { owe, read, settle, delivered, known: (mailbox) => recall(mailbox).last.get(mailbox.target) };

  async function owe(mailbox: Mailbox, owed: Owed): Promise<boolean> {
    recall(mailbox).owed.set(fieldOf(mailbox, owed), owed);
    return write(() => redis.multi().hset(owedKey(mailbox), fieldOf(mailbox, owed), JSON.stringify(owed)).expire(owedKey(mailbox), KEEP_S));
  }

  async function read(mailbox: Mailbox): Promise<{ owed: readonly Owed[]; last?: Notified }> {
    const [stored, lastText] = (await ask(Promise.all([redis.hgetall(owedKey(mailbox)), redis.hget(lastKey(mailbox), mailbox.target)]))) ?? [{}, null];
    const all = new Map([...recall(mailbox).owed, ...Object.entries(stored).flatMap(readOwed)].filter(([field]) => isFor(mailbox, field)));
    const candidates = [lastText ? parsed(Notified, lastText) : undefined, recall(mailbox).last.get(mailbox.target), ...[...all.values()].map(({ known }) => known)];
    const last = candidates.reduce(newer, undefined);
    const owed = [...all.values()].filter(({ notice }) => notice.seq > (last?.seq ?? 0)).sort((one, other) => one.notice.seq - other.notice.seq);
    return { owed, ...(last && { last }) };
  }

  async function settle(mailbox: Mailbox, last: Notified): Promise<void> {
    const remembered = recall(mailbox);
    remembered.last.set(mailbox.target, last);
    const settled = [...remembered.owed].filter(([field, { notice }]) => isFor(mailbox, field) && notice.seq <= last.seq).map(([field]) => field);
    for (const field of settled) remembered.owed.delete(field);
    await write(() =>
      redis.multi()
        .hset(lastKey(mailbox), mailbox.target, JSON.stringify(last)).expire(lastKey(mailbox), KEEP_S)
        .hdel(owedKey(mailbox), `${last.seq}/${mailbox.target}`, ...settled),
    );
  }

  async function delivered(uid: string, run: number, from: readonly Notified[]): Promise<readonly Notified[]> {
    const { last } = recall({ uid, run });
    const stored = Object.values((await ask(redis.hgetall(lastKey({ uid, run })))) ?? {}).flatMap((text) => parsed(Notified, text) ?? []);
    for (const one of [...from, ...stored]) {
      const newest = newer(one, last.get(one.target));
      if (newest) last.set(one.target, newest);
    }
    return [...last.values()];
  }

  function recall({ uid, run }: Pick<Mailbox, "uid" | "run">): Remembered {
    const key = `${uid}/${run}`;
    const remembered = memory.get(key) ?? { owed: new Map(), last: new Map() };
    memory.delete(key);
    memory.set(key, remembered);
    if (memory.size > MOST_RUNS) memory.delete(leastNeeded());
    return remembered;
  }

  /** The run touched least recently, of those that owe nothing if there is one. */
  function leastNeeded(): string {
    for (const [key, { owed }] of memory) if (owed.size === 0) return key;
    return [...memory.keys()][0]!;
  }

  async function ask<T>(answer: Promise<T>): Promise<T | undefined> {
    return within(time, ANSWER_LIMIT_MS, answer);
  }

  async function write(begin: () => { exec(): Promise<unknown> }): Promise<boolean> {
    return link.isReady() && succeedsWithin(time, WRITE_LIMIT_MS, begin().exec());
  }
}

function readOwed([field, text]: [string, string]): [string, Owed][] {
  const owed = parsed(Owed, text);
  return owed ? [[field, owed]] : [];
}

function fieldOf({ target }: Mailbox, { notice }: Owed): string {
  return `${notice.seq}/${target}`;
}

function isFor({ target }: Mailbox, field: string): boolean {
  return field.slice(field.indexOf("/") + 1) === target;
}

function owedKey({ uid, run }: Pick<Mailbox, "uid" | "run">): string {
  return `${PREFIX}:owed:${uid}:${run}`;
}

function lastKey({ uid, run }: Pick<Mailbox, "uid" | "run">): string {
  return `${PREFIX}:notified:${uid}:${run}`;
}
