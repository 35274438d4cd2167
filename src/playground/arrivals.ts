/** An open loop: whoever is due arrives at their own pace, however slowly others are answered. */
import { processClock } from "./process-clock.ts";
import { createRandom, type Random } from "./random.ts";

export interface Pace {
  /** On average; the gaps are drawn from the exponential distribution. 0 < rate <= 5,000. */
  readonly requestsPerSecond: number;
  readonly seed: number;
  /** Requests without an answer, beyond which new ones are dropped and counted (default 1,000). */
  readonly maxInFlight?: number;
  /** How long `close` lets requests under way end (default 2,000). */
  readonly drainMs?: number;
}

export interface LoadCounts {
  readonly sent: number;
  /** Not sent, because too many were without an answer. */
  readonly dropped: number;
  /** `VERSION CODE` (such as `v1 200`; code 0: no answer; version `-`: none said) to number of answers. */
  readonly answers: Readonly<Record<string, number>>;
}

export interface Load {
  counts(): LoadCounts;
  /** Sends no more, lets requests under way end for up to `drainMs`, and cuts off the others. */
  close(): Promise<void>;
}

/** Settles with `VERSION CODE`; never rejects. */
export type Send = () => Promise<string>;

const tickMs = 5;
const usualDrainMs = 2_000;

/** `cutOff` ends what is still under way when time is up. */
export function createArrivals({ requestsPerSecond, seed, maxInFlight = 1_000, drainMs = usualDrainMs }: Pace, send: Send, cutOff: () => void): Load {
  const inFlight = new Set<Promise<void>>();
  const answers: Record<string, number> = {};
  const sums = { sent: 0, dropped: 0 };
  const sendOne = () => {
    if (inFlight.size >= maxInFlight) return void (sums.dropped += 1);
    sums.sent += 1;
    const answer: Promise<void> = send().then((outcome) => {
      answers[outcome] = (answers[outcome] ?? 0) + 1;
      inFlight.delete(answer);
    });
    inFlight.add(answer);
  };
  const stop = startArrivals(requestsPerSecond, createRandom(seed), sendOne);
  return {
    counts: () => ({ ...sums, answers: { ...answers } }),
    close: async () => {
      stop();
      await drained(inFlight, drainMs);
      cutOff();
      await Promise.all(inFlight);
    },
  };
}

/** Calls `arrive` for every arrival that is due. Nobody arrives while this process stands still: no users would come in such a crowd afterwards. */
function startArrivals(perSecond: number, random: Random, arrive: () => void): () => void {
  const gapMs = () => (-Math.log(1 - random()) * 1_000) / perSecond;
  let dueMs = processClock.nowMs() + gapMs();
  const timer = setInterval(() => {
    for (; dueMs <= processClock.nowMs(); dueMs += gapMs()) arrive();
  }, tickMs);
  return () => clearInterval(timer);
}

async function drained(inFlight: ReadonlySet<Promise<void>>, drainMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainMs)));
  await Promise.race([Promise.all(inFlight), limit]);
  clearTimeout(timer);
}
