/** One POST to a receiver whom we do not trust: bounded in time and size, no redirects, and no word of its answer in our errors. */
import { DeliveryError } from "./notifier.ts";

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** At most 64 KiB; what came until the answer ended, broke off or took too long. */
  readonly text: string;
}

const ANSWER_LIMIT_MS = 10_000;
const MOST_BYTES = 65_536;
const LONGEST_RETRY_AFTER_MS = 86_400_000;

/** The answer, whatever its status; throws `DeliveryError` where the host is not admitted or no answer came. */
export async function post({ url, headers, body }: Post, isAllowedHost: (url: URL) => boolean, signal: AbortSignal): Promise<Answer> {
  const address = admitted(url, isAllowedHost);
  const { controller, release } = boundedBy(signal);
  try {
    const response = await fetch(address, { method: "POST", headers, body, redirect: "manual", signal: controller.signal });
    return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await beginningOf(response) };
  } catch (error) {
    throw new DeliveryError(controller.signal.aborted ? `the receiver did not answer within ${ANSWER_LIMIT_MS / 1_000}s` : `no connection to the receiver${codeOf(error)}`);
  } finally {
    release();
  }
}

/** Throws unless the status is a success: `DeliveryError` says whether another try makes sense. */
export function expectSuccess({ status, retryAfter }: Pick<Answer, "status" | "retryAfter">): void {
  if (status >= 200 && status < 300) return;
  if (status >= 300 && status < 400) throw new DeliveryError(`expected success, got a redirect (${status}); none is followed: write the final address`, null);
  if (status === 429) throw new DeliveryError("the receiver asks for fewer requests (429)", retryAfterMs(retryAfter));
  if (status === 408 || status >= 500) throw new DeliveryError(`the receiver is in trouble (${status})`, retryAfterMs(retryAfter));
  throw new DeliveryError(`the receiver refuses the message (${status}); check its address, secret and version`, null);
}

/** Milliseconds of a Retry-After header, in seconds or as a date; undefined where there is none that we understand. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : /GMT$/.test(text) ? Date.parse(text) - nowMs : NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS);
}

/** The URL, if it is one and its host is admitted; its path may be a secret, so errors name the host alone. */
function admitted(url: string, isAllowedHost: (url: URL) => boolean): URL {
  if (!URL.canParse(url)) throw new DeliveryError("expected the receiver's address to be a URL such as https://example.com/hook, got something else", null);
  const address = new URL(url);
  if (!/^https?:$/.test(address.protocol)) throw new DeliveryError(`expected the receiver's address to begin with https:// or http://, got ${address.protocol}`, null);
  if (!isAllowedHost(address)) throw new DeliveryError(`the daemon's --allow-hosts does not admit ${address.hostname}; add it there, or write another address`, null);
  return address;
}

/** A controller that also aborts with `signal`, linked by hand: AbortSignal.any leaks on Node 20. */
function boundedBy(signal: AbortSignal): { readonly controller: AbortController; readonly release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ANSWER_LIMIT_MS);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return {
    controller,
    release() {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    },
  };
}

/** Reads on for the connection's sake, but an answer that never ends changes nothing: its status has come. */
async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes >= MOST_BYTES) break;
    }
  } catch {
    // the status is what counts
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString("utf8");
}

/** ` (ECONNREFUSED)`: only what looks like a code of the system's. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
  return /^[A-Z][A-Z\d_]{2,40}$/.test(code) ? ` (${code})` : "";
}
