/** Slack by an incoming webhook: its address is its secret, and a message once sent cannot be edited. */
import { expectSuccess, post } from "../http-post.ts";
import type { Notifier } from "../notifier.ts";
import type { NotifierOptions } from "../notifier-options.ts";
import { messageOf } from "./message.ts";

export function createIncomingWebhookNotifier(url: () => Promise<string>, { isAllowedHost }: Pick<NotifierOptions, "isAllowedHost">): Notifier {
  return {
    async deliver(notice, _previousMessage, signal) {
      const headers = { "content-type": "application/json; charset=utf-8" };
      expectSuccess(await post({ url: await url(), headers, body: JSON.stringify(messageOf(notice)) }, isAllowedHost, signal));
      return {};
    },
  };
}
