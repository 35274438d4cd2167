/** Which request may be sent again, and when: only where repeating it cannot do a thing twice. */
import { backOffMs } from "./back-off.ts";

/** What one attempt came to. */
export type Attempt =
  | { readonly kind: "answered"; readonly status: number; readonly body: string; readonly retryAfter?: string }
  | { readonly kind: "failed"; readonly error: unknown };

const MOST_ATTEMPTS = 5;
const BACK_OFF = { firstMs: 200, mostMs: 5_000 };

/** The server never saw the request: nothing listens there, or its name is not known. */
const NEVER_SENT: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);
const NEVER_CONNECTED: ReadonlySet<string> = new Set(["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"]);
/** The request may have been carried out, the answer is lost. */
const LOST: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", ...NEVER_SENT, ...NEVER_CONNECTED]);
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** Milliseconds until the next attempt; undefined: leave it at this one. `attempts` counts those made so far. */
export function retryPauseMs(
  isRead: boolean,
  attempt: Attempt,
  attempts: number,
  time: { readonly nowMs: number; readonly random: () => number },
): number | undefined {
  if (attempts >= MOST_ATTEMPTS || !mayRepeat(isRead, attempt)) return undefined;
  const pauseMs = backOffMs(BACK_OFF, attempts - 1, time.random);
  return attempt.kind === "answered" ? Math.max(pauseMs, askedPauseMs(attempt.retryAfter, time.nowMs)) : pauseMs;
}

function mayRepeat(isRead: boolean, attempt: Attempt): boolean {
  if (attempt.kind === "answered") return isRead ? TRANSIENT_STATUS.has(attempt.status) : attempt.status === 429;
  return isRead ? LOST.has(codeOf(attempt.error)) : wasNeverSent(attempt.error);
}

function wasNeverSent(error: unknown): boolean {
  const code = codeOf(error);
  return NEVER_SENT.has(code) || (NEVER_CONNECTED.has(code) && fieldOf(error, "syscall") === "connect");
}

/** `Retry-After` in milliseconds: a number of seconds or an HTTP date; 0 where there is none. */
function askedPauseMs(retryAfter: string | undefined, nowMs: number): number {
  if (retryAfter === undefined) return 0;
  const seconds = Number(retryAfter);
  const pauseMs = Number.isNaN(seconds) ? Date.parse(retryAfter) - nowMs : seconds * 1_000;
  return Math.max(0, pauseMs || 0);
}

function codeOf(error: unknown): string {
  return String(fieldOf(error, "code") ?? "");
}

function fieldOf(error: unknown, field: string): unknown {
  return typeof error === "object" && error !== null ? (error as Record<string, unknown>)[field] : undefined;
}
