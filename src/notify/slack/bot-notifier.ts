/** Slack by a bot's token: the run's message is posted once and edited from then on; each later event is a reply in its thread. */
import { WebClient } from "@slack/web-api";
import { DeliveryError, type Delivered, type Notifier } from "../notifier.ts";
import type { NotifierOptions } from "../notifier-options.ts";
import { post } from "../http-post.ts";
import { detailsOf, messageOf } from "./message.ts";
import { isLostMessage, troubleOf } from "./slack-trouble.ts";

const SLACK_API_URL = "https://slack.com/api/";

export function createBotNotifier(channel: string, token: () => Promise<string>, options: Pick<NotifierOptions, "isAllowedHost" | "slackApiUrl">): Notifier {
  return {
    async deliver(notice, previousMessage, signal) {
      const client = createClient(await token(), options, signal);
      const previous = previousMessage && parseHandle(previousMessage);
      try {
        if (!previous) return await begin(client, channel, messageOf(notice));
        return await goOn(client, channel, previous, messageOf(notice), detailsOf(notice));
      } catch (error) {
        throw troubleOf(error);
      }
    },
  };
}

type Message = ReturnType<typeof messageOf>;

/** The run's message; a retry can at worst post it twice, so nothing else is done in the same delivery. */
async function begin(client: WebClient, channel: string, message: Message): Promise<Delivered> {
  const { channel: id, ts } = await client.chat.postMessage({ channel, ...message, unfurl_links: false, unfurl_media: false });
  if (!id || !ts) throw new DeliveryError("expected Slack to name the message that it posted, got an answer without channel or ts");
  return { message: `${id}/${ts}` };
}

/** Editing first: it may be repeated; a message that somebody deleted is posted anew. */
async function goOn(client: WebClient, channel: string, previous: Handle, message: Message, details: string): Promise<Delivered> {
  try {
    await client.chat.update({ channel: previous.channel, ts: previous.ts, ...message });
  } catch (error) {
    if (isLostMessage(error)) return begin(client, channel, message);
    throw error;
  }
  await client.chat.postMessage({ channel: previous.channel, thread_ts: previous.ts, text: details, unfurl_links: false, unfurl_media: false });
  return { message: `${previous.channel}/${previous.ts}` };
}

interface Handle {
  readonly channel: string;
  readonly ts: string;
}

function parseHandle(message: string): Handle | undefined {
  const [channel, ts] = message.split("/");
  return channel && ts ? { channel, ts } : undefined;
}

/** The SDK without its retries, which are the outbox's, without its log, and over our bounded POST. */
function createClient(token: string, { isAllowedHost, slackApiUrl = SLACK_API_URL }: Pick<NotifierOptions, "isAllowedHost" | "slackApiUrl">, signal: AbortSignal): WebClient {
  return new WebClient(token, {
    slackApiUrl,
    allowAbsoluteUrls: false,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: silent,
    fetch: async (url, init) => {
      const { status, retryAfter, text } = await post({ url: String(url), headers: init?.headers ?? {}, body: String(init?.body) }, isAllowedHost, signal);
      const headers: Record<string, string> = retryAfter === null ? {} : { "retry-after": retryAfter };
      return new Response(status === 204 || status === 304 ? null : text, { status, headers });
    },
  });
}

const nothing = (): void => {};
type SlackLogger = NonNullable<NonNullable<ConstructorParameters<typeof WebClient>[1]>["logger"]>;
const silent: SlackLogger = { debug: nothing, info: nothing, warn: nothing, error: nothing, setLevel: nothing, setName: nothing, getLevel: () => "error" as ReturnType<SlackLogger["getLevel"]> };
