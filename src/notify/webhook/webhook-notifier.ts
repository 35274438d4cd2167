/** Sends each notice as a CloudEvent to a URL, signed where a key is given. */
import type { Notification } from "../../rollout/spec.ts";
import { expectSuccess, post } from "../http-post.ts";
import { DeliveryError, type Notifier } from "../notifier.ts";
import type { NotifierOptions } from "../notifier-options.ts";
import { secretValue } from "../secret-value.ts";
import { cloudEventOf } from "./cloud-event.ts";
import { signatureOf } from "./signature.ts";

export function createWebhookNotifier({ webhook }: Notification, namespace: string, { readSecret, isAllowedHost }: NotifierOptions): Notifier {
  return {
    async deliver(notice, _previousMessage, signal) {
      if (!webhook) throw new DeliveryError("expected webhook: {url} in the notification, got neither slack nor webhook", null);
      const body = JSON.stringify(cloudEventOf(notice));
      const key = webhook.secretRef && (await secretValue(readSecret, namespace, webhook.secretRef));
      const headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "weir",
        ...(key && { "weir-signature": signatureOf(body, key, Math.floor(Date.now() / 1_000)) }),
      };
      expectSuccess(await post({ url: webhook.url, headers, body }, isAllowedHost, signal));
      return {};
    },
  };
}
