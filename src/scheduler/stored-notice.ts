/** What the outbox keeps in Redis, parsed again when it is read: another daemon, perhaps of another version, may have written it. */
import { z } from "zod";
import type { Notice } from "../rollout/notice.ts";
import { Notification, NotificationEvent } from "../rollout/spec.ts";
import { Notified, Outcome, Phase, VersionRevision } from "../rollout/status.ts";

const StoredNotice = z.object({
  rollout: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  run: z.int(),
  seq: z.int(),
  event: NotificationEvent,
  at: z.string(),
  phase: Phase,
  from: VersionRevision,
  to: VersionRevision,
  weightPercent: z.number(),
  step: z.string(),
  outcome: Outcome.optional(),
  message: z.string(),
  checks: z.array(z.object({ name: z.string(), verdict: z.string(), value: z.string().optional(), limit: z.string().optional() })),
  links: z.array(z.object({ title: z.string(), url: z.string() })),
  command: z.string(),
}) satisfies z.ZodType<Notice>;

/** A notice that a target has not got yet. */
export interface Owed {
  readonly notice: Notice;
  readonly notification: Notification;
  /** What the daemon that asked knew to be delivered already, for a Redis that has forgotten. */
  readonly known?: Notified;
}
export const Owed: z.ZodType<Owed> = z.object({ notice: StoredNotice, notification: Notification, known: Notified.optional() });

export const Mailbox = z.object({ namespace: z.string(), name: z.string(), uid: z.string(), run: z.int(), target: z.string() });
/** The notices of one run to one target; they are delivered in order. */
export type Mailbox = Readonly<z.infer<typeof Mailbox>>;

export type RunOf = Pick<Mailbox, "uid" | "run">;

/** Under which field of its run a notice is kept. */
export function fieldOf({ target }: Mailbox, { notice }: Owed): string {
  return `${notice.seq}/${target}`;
}

export function isFor({ target }: Mailbox, field: string): boolean {
  return field.slice(field.indexOf("/") + 1) === target;
}

export function idOf({ uid, run, target }: Mailbox): string {
  return `${uid}/${run}/${target}`;
}

/** The value of a JSON text that fits, else undefined. */
export function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Of two reports about one target, the one that knows more; a failure is cleared only by a later notice. */
export function newer(one: Notified | undefined, other: Notified | undefined): Notified | undefined {
  if (!one || !other) return one ?? other;
  if (one.seq !== other.seq) return one.seq > other.seq ? one : other;
  return other.failing ? other : one;
}
