/** What Slack's refusals mean for us: a sentence that says what to do, and whether to try again. */
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";
import { expectSuccess } from "../http-post.ts";
import { DeliveryError } from "../notifier.ts";

const INVITE = "invite the bot to the channel, or write the channel's id";
const TOKEN = "put a valid bot token (xoxb-…) into the Secret, or into the daemon's WEIR_SLACK_TOKEN";

/** Refusals that no retry heals. */
const REFUSALS: Readonly<Record<string, string>> = {
  channel_not_found: `Slack knows no such channel: ${INVITE}`,
  not_in_channel: `the bot is not in the channel: ${INVITE}`,
  is_archived: "the channel is archived: write another one",
  restricted_action: "the workspace does not let the bot post in this channel: ask its admins",
  invalid_auth: `Slack refuses the token: ${TOKEN}`,
  not_authed: `Slack got no token: ${TOKEN}`,
  account_inactive: `the token's account is gone: ${TOKEN}`,
  token_revoked: `the token was revoked: ${TOKEN}`,
  token_expired: `the token has expired: ${TOKEN}`,
  not_allowed_token_type: `Slack refuses this kind of token: ${TOKEN}`,
  missing_scope: "the token lacks the scope chat:write: add it to the app and install it again",
  invalid_blocks: "Slack refuses the message's form; this is a defect of Weir's, please report it",
  msg_too_long: "Slack finds the message too long; this is a defect of Weir's, please report it",
};

const LOST_MESSAGES = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

/** Whether the message to edit is not there any more, or not ours to edit. */
export function isLostMessage(error: unknown): boolean {
  return error instanceof WebAPIPlatformError && LOST_MESSAGES.has(error.data.error);
}

export function troubleOf(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof WebAPIRateLimitedError) return new DeliveryError("Slack asks for fewer messages (429)", error.retryAfter * 1_000);
  if (error instanceof WebAPIHTTPError) return statusTrouble(error.statusCode);
  if (error instanceof WebAPIRequestError && error.original instanceof DeliveryError) return error.original;
  if (error instanceof WebAPIPlatformError && REFUSALS[error.data.error]) return new DeliveryError(REFUSALS[error.data.error]!, null);
  return new DeliveryError("Slack did not take the message, for a reason that is not known here");
}

function statusTrouble(status: number): DeliveryError {
  try {
    expectSuccess({ status, retryAfter: null });
  } catch (error) {
    if (error instanceof DeliveryError) return error;
  }
  return new DeliveryError(`Slack answered with status ${status}, expected 200`);
}
