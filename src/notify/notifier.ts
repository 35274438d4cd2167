/** Port: tells people about a run. */
import type { NotificationEvent } from "../rollout/spec.ts";
import type { Outcome, Phase, VersionRevision } from "../rollout/status.ts";

/** One notification, complete: a notifier asks nobody for more. */
export interface Notice {
  readonly rollout: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly run: number;
  readonly seq: number;
  readonly event: NotificationEvent;
  /** RFC 3339. */
  readonly at: string;
  readonly phase: Phase;
  readonly from: VersionRevision;
  readonly to: VersionRevision;
  readonly weightPercent: number;
  /** `2/4`. */
  readonly step: string;
  readonly outcome?: Outcome;
  /** One sentence that a person can act on. */
  readonly message: string;
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly value?: string; readonly limit?: string }[];
  /** Links with their variables resolved. */
  readonly links: readonly { readonly title: string; readonly url: string }[];
  /** The exact command to type next, e.g. `weir promote reviews -n bookinfo --run 7`; empty: nothing to do. */
  readonly command: string;
}

export interface Delivered {
  /** The provider's handle on the run's message, for the next notice of the same run to edit. */
  readonly message?: string;
}

export interface Notifier {
  /** Delivers once, or throws: `DeliveryError` says whether and when another try makes sense. */
  deliver(notice: Notice, previousMessage: string | undefined, signal: AbortSignal): Promise<Delivered>;
}

/** Why a delivery failed, in a sentence without secrets. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  constructor(
    message: string,
    /** Milliseconds that the receiver asked to wait; undefined: the outbox's own back-off; null: never again. */
    readonly retryAfterMs?: number | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
