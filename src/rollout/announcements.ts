/** What people are told of a run: noted in status first, so that no crash loses it. */
import type { Case } from "./case.ts";
import type { Decision } from "./decision.ts";
import { isPauseStep } from "./ladder.ts";
import type { Notification, NotificationEvent } from "./spec.ts";
import type { Announcement, Notified, RolloutStatus } from "./status.ts";
import { timeOf } from "./units.ts";

/** Announcements kept for targets that have not got them: older ones are dropped (law 13). */
const BACKLOG_LIMIT = 20;

/** A notification's name: unique within the Rollout, without secrets. */
export function targetOf(notification: Notification, index: number): string {
  if (notification.slack) return notification.slack.channel ? `slack/${notification.slack.channel}` : `slack/${index + 1}`;
  return `webhook/${index + 1}`;
}

/** The decision's event, noted for whoever wants it. */
export function announced(it: Case, status: RolloutStatus, decision: Decision): RolloutStatus {
  const event = eventOf(it, status, decision);
  const { run } = status;
  if (!event || !run || it.spec.notifications.length === 0) return status;
  const announcement: Announcement = { seq: run.announced + 1, event, at: timeOf(it.nowMs), weight: Math.round(run.weight), message: decision.message };
  return { ...status, run: { ...run, announced: announcement.seq, announcements: [...run.announcements, announcement].slice(-BACKLOG_LIMIT) } };
}

/** Which event a decision is, in the words of `notifications[].events`. */
export function eventOf(it: Case, status: RolloutStatus, decision: Decision): NotificationEvent | undefined {
  switch (decision.kind) {
    case "enter":
      return isPauseStep(status.run?.ladder[decision.step]) ? "Paused" : "StepReached";
    case "end":
      return decision.reason === "NeverReady" ? "Stalled" : decision.outcome;
    case "repair":
      return isFirst(it.status.run?.pausedBy, status.run?.pausedBy, "RouteContested") ? "Paused" : undefined;
    case "split":
    case "keep":
    case "roll":
    case "restore":
      return undefined;
    case "stay":
    case "adopt":
      return isFirst(it.status.reason, decision.reason, "StableUnready") ? "Stalled" : undefined;
    default:
      return PLAIN_EVENTS[decision.kind];
  }
}

function isFirst<T>(before: T, after: T, what: T): boolean {
  return after === what && before !== what;
}

/** Kinds of decision that are one event whatever they say. */
const PLAIN_EVENTS = { begin: "Started", pause: "Paused", yield: "Paused", resume: "Resumed", wouldRollBack: "Stalled", follow: "StepReached" } as const satisfies Partial<Record<Decision["kind"], NotificationEvent>>;

/** Deliveries taken into status; what every target has got is dropped from the backlog. */
export function withFolded(it: Case, status: RolloutStatus): RolloutStatus {
  const { run } = status;
  if (!run) return status;
  const folded = { ...status, run: { ...run, notified: it.seen.delivered.reduce<Notified[]>(newest, run.notified) } };
  const owed = new Set(it.spec.notifications.flatMap((one, index) => owedTo(one, targetOf(one, index), folded).map(({ seq }) => seq)));
  return { ...folded, run: { ...folded.run, announcements: run.announcements.filter(({ seq }) => owed.has(seq)) } };
}

function newest(known: Notified[], one: Notified): Notified[] {
  const before = known.find(({ target }) => target === one.target);
  if (before && before.seq > one.seq) return known;
  return [...known.filter(({ target }) => target !== one.target), one].sort((a, b) => a.target.localeCompare(b.target));
}

/** Announcements that a target wants and has not got yet, oldest first. */
export function owedTo(notification: Notification, target: string, status: RolloutStatus): Announcement[] {
  const { run } = status;
  const got = run?.notified.find((one) => one.target === target)?.seq ?? 0;
  return (run?.announcements ?? []).filter(({ seq, event }) => seq > got && notification.events.includes(event));
}
