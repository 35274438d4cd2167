/** Delivers from memory what Redis does not accept, with the same attempts and waits. */
import type { TakeTurn } from "./delivery.ts";
import { createLimit } from "./limit.ts";
import { idOf, type Mailbox } from "./stored-notice.ts";
import type { Cancel, TimeSource } from "./time.ts";

export interface LocalDeliveries {
  /** Empties the mailbox, unless that is under way. */
  begin(mailbox: Mailbox): void;
  /** Begins nothing more; what is under way is waited for by nobody. */
  stop(): void;
}

const DELIVERIES_AT_ONCE = 8;
const MOST_MAILBOXES = 1_000;

export function createLocalDeliveries(takeTurn: TakeTurn, time: TimeSource, onError: (error: unknown) => void): LocalDeliveries {
  const underWay = new Map<string, Cancel>();
  const limit = createLimit(DELIVERIES_AT_ONCE);
  let stopped = false;
  return {
    begin(mailbox) {
      if (!underWay.has(idOf(mailbox)) && underWay.size < MOST_MAILBOXES) run(mailbox, 1);
    },
    stop() {
      stopped = true;
      for (const cancel of underWay.values()) cancel();
      underWay.clear();
    },
  };

  function run(mailbox: Mailbox, attempt: number): void {
    underWay.set(idOf(mailbox), () => {});
    step(mailbox, attempt).catch((error: unknown) => {
      underWay.delete(idOf(mailbox));
      onError(error);
    });
  }

  async function step(mailbox: Mailbox, attempt: number): Promise<void> {
    const turn = await limit(() => takeTurn(mailbox, attempt));
    if (stopped) return;
    if (turn.kind === "again") underWay.set(idOf(mailbox), time.after(turn.inMs, () => run(mailbox, attempt + 1)));
    else if (turn.kind === "settled" && turn.more) run(mailbox, 1);
    else underWay.delete(idOf(mailbox));
  }
}
