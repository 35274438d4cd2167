/** What the outbox knows by itself, while Redis is away and before it answers: bounded, and gone with the process. */
import type { Notified } from "../rollout/status.ts";
import { fieldOf, isFor, newer, type Mailbox, type Owed, type RunOf } from "./stored-notice.ts";

export interface OutboxMemory {
  owe(mailbox: Mailbox, owed: Owed): void;
  owed(mailbox: Mailbox): readonly (readonly [field: string, owed: Owed])[];
  /** Returns the fields that are owed no more. */
  settle(mailbox: Mailbox, last: Notified): readonly string[];
  last(mailbox: Mailbox): Notified | undefined;
  /** Adds what is known from elsewhere; returns the newest per target. */
  learn(run: RunOf, reports: readonly Notified[]): readonly Notified[];
}

interface Remembered {
  readonly owed: Map<string, Owed>;
  readonly last: Map<string, Notified>;
}

const MOST_RUNS = 1_000;

export function createOutboxMemory(): OutboxMemory {
  const runs = new Map<string, Remembered>();
  const recall = (run: RunOf): Remembered => recalled(runs, `${run.uid}/${run.run}`);
  return {
    owe: (mailbox, owed) => void recall(mailbox).owed.set(fieldOf(mailbox, owed), owed),
    owed: (mailbox) => [...recall(mailbox).owed].filter(([field]) => isFor(mailbox, field)),
    last: (mailbox) => recall(mailbox).last.get(mailbox.target),
    settle(mailbox, last) {
      const { owed, last: newest } = recall(mailbox);
      newest.set(mailbox.target, last);
      const settled = [...owed].filter(([field, { notice }]) => isFor(mailbox, field) && notice.seq <= last.seq).map(([field]) => field);
      for (const field of settled) owed.delete(field);
      return settled;
    },
    learn(run, reports) {
      const { last } = recall(run);
      for (const report of reports) last.set(report.target, newer(report, last.get(report.target)) ?? report);
      return [...last.values()];
    },
  };
}

/** The run's entry, now the one touched last; another one goes where there are too many. */
function recalled(runs: Map<string, Remembered>, key: string): Remembered {
  const remembered = runs.get(key) ?? { owed: new Map(), last: new Map() };
  runs.delete(key);
  if (runs.size >= MOST_RUNS) runs.delete(leastNeeded(runs));
  runs.set(key, remembered);
  return remembered;
}

/** The run touched least recently, of those that owe nothing if there is one. */
function leastNeeded(runs: ReadonlyMap<string, Remembered>): string {
  for (const [key, { owed }] of runs) if (owed.size === 0) return key;
  return [...runs.keys()][0]!;
}
