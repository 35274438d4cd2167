/** Test messages, asked for by `weir doctor --send-test`: to every target of a Rollout, past the outbox, so that the answer is known at once. */
import { targetOf } from "../rollout/announcements.ts";
import type { Notice } from "../rollout/notice.ts";
import type { Rollout, RolloutRef, ValidRollout } from "../rollout/rollout.ts";
import type { Notification } from "../rollout/spec.ts";
import { timeOf } from "../rollout/units.ts";
import { isValid } from "../rollout/validity.ts";
import type { Notifier } from "./notifier.ts";

export interface TestMessagesOptions {
  readonly rollouts: { get(ref: RolloutRef): Rollout | undefined };
  readonly notifierFor: (notification: Notification, namespace: string) => Notifier;
}

export interface Sent {
  readonly ok: boolean;
  /** A sentence without secrets. */
  readonly message: string;
}

const TIMEOUT_MS = 10_000;

/** `asked`: `namespace/name`. Never throws: what went wrong is said for each target. */
export function createTestMessages({ rollouts, notifierFor }: TestMessagesOptions): (asked: string) => Promise<readonly Sent[]> {
  return async (asked) => {
    const [namespace = "", name = ""] = asked.split("/", 2);
    const rollout = rollouts.get({ namespace, name });
    if (!rollout || !isValid(rollout)) return [{ ok: false, message: `the daemon knows no Rollout ${asked} that it could read: does it watch that namespace?` }];
    const { notifications } = rollout.spec;
    if (notifications.length === 0) return [{ ok: false, message: `${asked} has no spec.notifications, so there is nobody to tell` }];
    return Promise.all(notifications.map((notification, index) => send(rollout, targetOf(notification, index), notifierFor(notification, namespace))));
  };
}

async function send(rollout: ValidRollout, target: string, notifier: Notifier): Promise<Sent> {
  try {
    await notifier.deliver(noticeOf(rollout), undefined, AbortSignal.timeout(TIMEOUT_MS));
    return { ok: true, message: `delivered to ${target}` };
  } catch (error) {
    return { ok: false, message: `not delivered to ${target}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function noticeOf({ metadata: { namespace, name, uid }, spec, status }: ValidRollout): Notice {
  const to = status?.observedRevision ?? { version: spec.release, revision: "" };
  return {
    rollout: { namespace, name, uid },
    run: 0,
    seq: 0,
    event: "Started",
    at: timeOf(Date.now()),
    phase: status?.phase ?? "Pending",
    from: status?.stable ?? to,
    to,
    weightPercent: 0,
    step: "",
    message: `This is a test of weir doctor: nothing has happened to ${name}.`,
    checks: [],
    links: [],
    command: "",
  };
}
