/** An open-loop load: requests leave at their own pace, however slowly they are answered. */
import { Agent, request as sendRequest } from "node:http";
import { processClock } from "./process-clock.ts";
import { createRandom, type Random } from "./random.ts";

export interface LoadOptions {
  /** Where requests are sent: a proxy's address and path. */
  readonly url: string;
  /** The Host header. */
  readonly host: string;
  /** On average; the gaps are drawn from the exponential distribution. 0 < rate <= 5,000. */
  readonly requestsPerSecond: number;
  readonly seed: number;
  readonly headers?: Readonly<Record<string, string>>;
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

const tickMs = 5;
const usualDrainMs = 2_000;

export function createLoad(options: LoadOptions): Load {
  const { maxInFlight = 1_000, drainMs = usualDrainMs } = options;
  const random = createRandom(options.seed);
  const agent = new Agent({ keepAlive: true });
  const inFlight = new Set<Promise<void>>();
  const answers: Record<string, number> = {};
  const sums = { sent: 0, dropped: 0 };
  const sendOne = () => {
    if (inFlight.size >= maxInFlight) return void (sums.dropped += 1);
    sums.sent += 1;
    const answer: Promise<void> = send(options, agent).then((outcome) => {
      answers[outcome] = (answers[outcome] ?? 0) + 1;
      inFlight.delete(answer);
    });
    inFlight.add(answer);
  };
  const stop = startArrivals(options.requestsPerSecond, random, sendOne);
  return {
    counts: () => ({ ...sums, answers: { ...answers } }),
    close: async () => {
      stop();
      await drained(inFlight, drainMs);
      agent.destroy();
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

function send({ url, host, headers }: LoadOptions, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = sendRequest(url, { agent, headers: { ...headers, host } }, (answer) => {
      const version = String(answer.headers["x-version"] ?? "-");
      answer.once("close", () => resolve(answer.complete ? `${version} ${answer.statusCode}` : `${version} 0`)).resume();
    });
    request.once("error", () => resolve("- 0")).end();
  });
}
