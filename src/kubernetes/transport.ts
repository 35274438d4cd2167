/** HTTP to the API server: a deadline and a bounded body for every call, and repeats only where they are safe. */
import type { IncomingMessage } from "node:http";
import type { Connection } from "./connection.ts";
import { Unreachable } from "./errors.ts";
import { bodyOf, withDeadline } from "./exchange.ts";
import { retryPauseMs, type Attempt } from "./retry.ts";
import { sleep, systemTime, type Time } from "./time.ts";
import { createWire, type RequestSeen, type TransportRequest, type Wire } from "./wire.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface TransportOptions {
  /** `weir/1.2.3`; the server takes the part before the slash for the field manager of writes that name none. */
  readonly userAgent: string;
  /** Called once for every request sent, repeats included; for a watch when it opens. */
  readonly onRequest?: (seen: RequestSeen) => void;
  /** For one call with all its repeats; default 10 s. */
  readonly deadlineMs?: number;
  /** Default 64 MiB. */
  readonly mostBodyBytes?: number;
  readonly time?: Time;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface Transport {
  /** The answer, whatever its status; throws `Unreachable` where there is none in time. */
  send(request: TransportRequest): Promise<Answer>;
  /** The head of an answer whose body goes on until the signal aborts; throws `Unreachable`. Sent once. */
  open(request: TransportRequest, signal: AbortSignal): Promise<IncomingMessage>;
  /** The whole body of an answer that `open` gave. */
  read(answer: IncomingMessage): Promise<string>;
  /** This clock minus the API server's in milliseconds, 0 below a second; undefined while unknown. */
  skewMs(): number | undefined;
  /** Ends all connections. */
  close(): void;
}

interface Limits {
  readonly deadlineMs: number;
  readonly mostBodyBytes: number;
  readonly time: Time;
  readonly random: () => number;
}

const DEADLINE_MS = 10_000;
const MOST_BODY_BYTES = 64 * 1024 * 1024;

export function createTransport(connection: Connection, options: TransportOptions): Transport {
  const { userAgent, onRequest = () => undefined, time = systemTime, random = Math.random } = options;
  const { deadlineMs = DEADLINE_MS, mostBodyBytes = MOST_BODY_BYTES } = options;
  const wire = createWire(connection, { userAgent, onRequest, time });
  const limits: Limits = { deadlineMs, mostBodyBytes, time, random };
  return {
    send: (request) => send(wire, limits, request).catch((error: unknown) => Promise.reject(unreachable(request, connection.server, error))),
    open: (request, signal) =>
      withDeadline(time, deadlineMs, (late) => wire.open("watch", request, [late, signal])).catch((error: unknown) =>
        Promise.reject(unreachable(request, connection.server, error)),
      ),
    read: (answer) => withDeadline(time, deadlineMs, () => bodyOf(answer, mostBodyBytes)),
    skewMs: () => wire.skewMs(),
    close: () => wire.close(),
  };
}

async function send(wire: Wire, limits: Limits, request: TransportRequest): Promise<Answer> {
  const { time, random } = limits;
  const endsAtMs = time.nowMs() + limits.deadlineMs;
  for (let attempts = 1; ; attempts++) {
    const attempt = await attemptOf(wire, limits, request, Math.max(1, endsAtMs - time.nowMs()));
    const pauseMs = retryPauseMs(request.method === "GET", attempt, attempts, { nowMs: time.nowMs(), random });
    if (pauseMs === undefined || time.nowMs() + pauseMs >= endsAtMs) return answerOf(attempt);
    await sleep(time, pauseMs);
  }
}

/** One try, its failure as a value. */
function attemptOf(wire: Wire, { time, mostBodyBytes }: Limits, request: TransportRequest, leftMs: number): Promise<Attempt> {
  return withDeadline(time, leftMs, async (late): Promise<Attempt> => {
    const answer = await wire.open("call", request, [late]);
    const { statusCode: status = 0, headers } = answer;
    return { kind: "answered", status, body: await bodyOf(answer, mostBodyBytes), retryAfter: headers["retry-after"] };
  }).catch((error: unknown) => ({ kind: "failed", error }));
}

function answerOf(attempt: Attempt): Answer {
  if (attempt.kind === "failed") throw attempt.error;
  return { status: attempt.status, body: attempt.body };
}

function unreachable(request: TransportRequest, server: string, cause: unknown): Unreachable {
  return new Unreachable(`No answer from the API server at ${server} to ${request.verb} ${request.resource}: ${reasonOf(cause)}`, { cause });
}

/** Node's error for several addresses tried in vain has a code and no message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || String((cause as NodeJS.ErrnoException).code);
}
