/** What every notifier is given: secrets, the hosts that are admitted, and the daemon's own account. */
import type { SecretKeyRef } from "../rollout/spec.ts";

export interface NotifierOptions {
  /** The value of a key of a Secret; rejects with a sentence where it may not or cannot be read. */
  readonly readSecret: (namespace: string, ref: SecretKeyRef) => Promise<string>;
  /** Whether the daemon may send anything to this URL's host (law 14). */
  readonly isAllowedHost: (url: URL) => boolean;
  /** The daemon's own bot token, for Rollouts that name only a channel. */
  readonly slackToken?: string;
  /** Default: Slack's own. */
  readonly slackApiUrl?: string;
}
