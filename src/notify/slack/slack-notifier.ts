/** Tells a Slack channel: by bot token one message per run, edited as it moves; by incoming webhook one message per event. */
import type { Notification } from "../../rollout/spec.ts";
import { DeliveryError, type Notifier } from "../notifier.ts";
import type { NotifierOptions } from "../notifier-options.ts";
import { secretValue } from "../secret-value.ts";
import { createBotNotifier } from "./bot-notifier.ts";
import { createIncomingWebhookNotifier } from "./incoming-webhook-notifier.ts";

export function createSlackNotifier({ slack }: Notification, namespace: string, options: NotifierOptions): Notifier {
  const { readSecret, slackToken } = options;
  const { channel, secretRef, webhook } = slack ?? {};
  if (webhook) return createIncomingWebhookNotifier(() => secretValue(readSecret, namespace, webhook.secretRef), options);
  return createBotNotifier(channel ?? "", () => (secretRef ? secretValue(readSecret, namespace, secretRef) : daemonToken(slackToken)), options);
}

async function daemonToken(slackToken: string | undefined): Promise<string> {
  if (slackToken) return slackToken;
  throw new DeliveryError("expected a bot token, got none: write slack.secretRef, or give the daemon WEIR_SLACK_TOKEN", null);
}
