/** Which notifier serves a notification: one line per kind. */
import type { Notification } from "../rollout/spec.ts";
import type { Notifier } from "./notifier.ts";
import type { NotifierOptions } from "./notifier-options.ts";
import { createSlackNotifier } from "./slack/slack-notifier.ts";
import { createWebhookNotifier } from "./webhook/webhook-notifier.ts";

type CreateNotifier = (notification: Notification, namespace: string, options: NotifierOptions) => Notifier;

const NOTIFIERS: Readonly<Record<"slack" | "webhook", CreateNotifier>> = {
  slack: createSlackNotifier,
  webhook: createWebhookNotifier,
};

/** The notifier for a notification of a Rollout in `namespace`; secrets are read when it delivers, so a rotated one counts from then on. */
export function createNotifierFor(options: NotifierOptions): (notification: Notification, namespace: string) => Notifier {
  return (notification, namespace) => NOTIFIERS[notification.slack ? "slack" : "webhook"](notification, namespace, options);
}
