/** Port: tells people about a run. */
import type { Notice } from "../rollout/notice.ts";

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
